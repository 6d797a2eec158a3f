"""A model that is written as GGUF is the same model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.systems.gguf_file import write_gguf
from spacy_genner.lm.causal import CausalLM


def test_it_reads_back_to_the_same_logits(tiny_lm: Callable[..., CausalLM], tmp_path: Path) -> None:
    lm, path = tiny_lm(), tmp_path / "model.gguf"
    write_gguf(lm.base.model, lm.base.tokenizer, path)
    again = CausalLM(str(path), dtype="float32", device="cpu")
    ids = torch.tensor([list(lm.pieces.encode("The University of Edinburgh bought it."))])
    with torch.inference_mode():
        expected, found = (model.base.model(ids).logits for model in (lm, again))
    torch.testing.assert_close(found, expected)
    assert again.pieces.encode("Edinburgh [x]") == lm.pieces.encode("Edinburgh [x]")


def test_another_family_is_refused(tiny_lm: Callable[..., Any], tmp_path: Path) -> None:
    lm = tiny_lm("granite")
    with pytest.raises(ValueError, match="granite"):
        write_gguf(lm.base.model, lm.base.tokenizer, tmp_path / "model.gguf")
