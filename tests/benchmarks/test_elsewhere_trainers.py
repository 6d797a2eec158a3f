"""Other trainers take the fields of an exported file, and write adapters that can be plugged in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from spacy_genner.lm.causal import CausalLM

SCRIPT = Path(__file__).parent.parent.parent / "benchmarks" / "elsewhere_trainers.py"
IDS = torch.arange(3, 23)[None]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["trl", "trainer"])
def test_an_adapter_is_trained_and_plugged_in(
    tiny: Callable[..., str], tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("trl")
    tokenizer = AutoTokenizer.from_pretrained(tiny())
    prompt, completion = "Text: in Leeds\n", "in [Leeds | GPE]"
    ids = [tokenizer(text)["input_ids"] for text in (prompt, completion)]
    row = {
        "prompt": prompt,
        "completion": completion,
        "input_ids": ids[0] + ids[1],
        "labels": [-100] * len(ids[0]) + ids[1],
    }
    (tmp_path / "train.jsonl").write_text(f"{json.dumps(row)}\n" * 4)
    adapter = tmp_path / "adapter"
    arguments = [kind, tiny(), tmp_path / "train.jsonl", adapter, "--steps", "12", "--batch", "2"]
    subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], check=True)
    lm = CausalLM(tiny(), adapter=str(adapter), dtype="float32", device="cpu")
    with torch.inference_mode():
        assert not torch.equal(lm.steps.model(IDS).logits, lm.base.model(IDS).logits)
