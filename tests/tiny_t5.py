"""Tiny random encoder–decoder models with a SentencePiece tokenizer, as the hub has them for T5."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sentencepiece
import torch

SIZES: dict[str, Any] = {
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 2,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 20,
    "dropout_rate": 0.0,
    "decoder_start_token_id": 0,
}
FLAN = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "t5": ("t5", {}),
    "flan": ("t5", {**FLAN, "num_decoder_layers": 3}),
    "mt5": ("mt5", FLAN),
    "umt5": ("umt5", {"feed_forward_proj": "gated-gelu"}),
}
"""Name → model type and what its configuration adds to SIZES."""
_UNKNOWN = re.compile(r"[^ -ÿ]|[\\{}<>~^`]")
"""What T5 cannot write, but for a few letters."""


def save_tokenizer(folder: Path, texts: Iterable[str], size: int = 300) -> int:
    """Train T5's kind of tokenizer: its own space before a text, Unicode's compatibility forms,
    some of the texts' characters. Returns: the size of its vocabulary."""
    from transformers import AutoTokenizer

    written = io.BytesIO()
    special = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    options = {
        "vocab_size": size,
        "hard_vocab_limit": False,
        "character_coverage": 1.0,
        "minloglevel": 2,
        **special,
    }
    known = (_UNKNOWN.sub("", text) for text in texts)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=known, model_writer=written, **options
    )
    (folder / "spiece.model").write_bytes(written.getvalue())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer"}))
    (folder / "config.json").write_text(json.dumps({"model_type": "t5"}))
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def save_model(folder: Path, model_type: str, vocab_size: int, **settings: Any) -> None:
    """Write a random model, with a configuration that says what is asked for, as on the hub."""
    from transformers import AutoConfig, AutoModelForSeq2SeqLM

    asked = {**SIZES, "vocab_size": vocab_size, **settings}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(model_type, **asked))
        if not asked.get("tie_word_embeddings", True):
            model.config.tie_word_embeddings = False
            model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) / 4)
    model.save_pretrained(folder)
    saved = json.loads((folder / "config.json").read_text())
    saved.pop("scale_decoder_outputs", None)
    saved["tie_word_embeddings"] = asked.get("tie_word_embeddings", True)
    (folder / "config.json").write_text(json.dumps(saved))
