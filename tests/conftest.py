"""Tiny random language models, made once a session: real architectures and real tokenizers, no
weights to fetch."""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings
from spacy.util import fix_random_seed
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from spacy_genner.lm.pieces import Pieces
from tests.formats.table import CHARACTERS

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("quick")

SENTENCES = [
    "The University of Edinburgh bought the old factory in Leeds, and Mrs O'Neil sold it for "
    "$1,234.50.",
    "c-fos RNA [sic] | protein: binds to the promoter (in T-cells) \\ of IL-2.",
    "Essex County Council said: “no comment”. Copy the text and mark each entity as [entity | "
    "LABEL].",
    "Labels: ORG, GPE, PER. Text: Answer: naïve café 東京 القاهرة 👍🏽 עברית\n",
]
"""What all tiny tokenizers are trained on. T5's knows no more, and so it lacks the marks of some
formats, as the real one does."""
TEXTS = [*SENTENCES, '[{"text": "x", "occurrence_index": 0}] <b>3 6 7 8 9</b>; & #']
"""What the other tiny tokenizers are trained on."""
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 2048,
    "initializer_range": 0.4,
    "tie_word_embeddings": True,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen3": {},
    "gemma3_text": {
        "num_hidden_layers": 4,
        "sliding_window": 8,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "query_pre_attn_scalar": 8,
    },
    "granite": {"logits_scaling": 4.0, "embedding_multiplier": 3.0, "residual_multiplier": 0.5},
}
"""Model type → what its configuration adds to SIZES."""


def byte_level_bpe() -> Tokenizer:
    """As GPT-2, SmolLM2 or Qwen: every text can be written."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    options = {"special_tokens": special, "initial_alphabet": alphabet, "show_progress": False}
    trainer = trainers.BpeTrainer(vocab_size=400, **options)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def sentencepiece() -> Tokenizer:
    """As Llama 2 or T5: a space of its own before the text, and characters that cannot be
    written; but it writes the marks of every format."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Metaspace()
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    unseen = [character for character in CHARACTERS if character not in "".join(TEXTS)]
    tokenizer.train_from_iterator([*TEXTS, " ".join(unseen)], trainer)
    return tokenizer


TOKENIZERS: dict[str, tuple[Callable[[], Tokenizer], dict[str, str]]] = {
    "bpe": (byte_level_bpe, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}),
    "spm": (sentencepiece, {"eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}),
}


def pytest_configure(config: pytest.Config) -> None:
    """One thread for each of the processes among which pytest-xdist shares the tests, and for those
    that they start."""
    if hasattr(config, "workerinput"):
        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a GPU")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Random weights do not depend on the tests that ran before."""
    fix_random_seed(0)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`tiny(family, tokenizer)`: the folder of a tiny random model, the same at every call."""
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    from spacy_genner.lm.causal import CausalLM

    made: dict[tuple[str, str], str] = {}
    kept = []

    def make(family: str = "llama", tokenizer: str = "bpe") -> str:
        if (family, tokenizer) not in made:
            folder = tmp_path_factory.mktemp(f"{family}-{tokenizer}")
            build, special = TOKENIZERS[tokenizer]
            fast = PreTrainedTokenizerFast(tokenizer_object=build(), **special)
            fast.save_pretrained(folder)
            config = AutoConfig.for_model(
                family, vocab_size=len(fast), **{**SIZES, **FAMILIES[family]}
            )
            # so that the random numbers of a test do not depend on which test asked first
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                AutoModelForCausalLM.from_config(config).save_pretrained(folder)
                made[family, tokenizer] = str(folder)
                kept.append(
                    CausalLM(str(folder), dtype="float32", device="cpu").base
                )  # is not loaded again by each test
        return made[family, tokenizer]

    return make


@pytest.fixture
def tiny_lm(tiny: Callable[..., str]) -> Callable[..., Any]:
    """`tiny_lm(family, tokenizer, **settings)`: a `CausalLM` on a tiny model, float32 on the
    CPU."""
    from spacy_genner.lm.causal import CausalLM

    def make(family: str = "llama", tokenizer: str = "bpe", **settings: Any) -> CausalLM:
        return CausalLM(
            tiny(family, tokenizer), **{"dtype": "float32", "device": "cpu", **settings}
        )

    return make


@pytest.fixture(scope="session")
def pieces(tiny: Callable[..., str]) -> Callable[[str], Pieces]:
    """`pieces(tokenizer)`: a tiny tokenizer as the package uses it."""
    from transformers import AutoTokenizer

    return cache(lambda tokenizer: Pieces(AutoTokenizer.from_pretrained(tiny("llama", tokenizer))))


@pytest.fixture(scope="session")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`tiny_t5(kind)`: the folder of a tiny random encoder–decoder model, the same at every
    call."""
    from tests.tiny_t5 import KINDS, save_model, save_tokenizer

    @cache
    def make(kind: str = "t5") -> str:
        folder = tmp_path_factory.mktemp(kind)
        model_type, settings = KINDS[kind]
        save_model(folder, model_type, save_tokenizer(folder, SENTENCES), **settings)
        return str(folder)

    return make


@pytest.fixture
def tiny_seq2seq(tiny_t5: Callable[..., str]) -> Callable[..., Any]:
    """`tiny_seq2seq(kind, **settings)`: a `Seq2SeqLM` on a tiny model, float32 on the CPU."""
    from spacy_genner.lm.seq2seq import Seq2SeqLM

    def make(kind: str = "t5", **settings: Any) -> Seq2SeqLM:
        return Seq2SeqLM(tiny_t5(kind), **{"dtype": "float32", "device": "cpu", **settings})

    return make


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tiny random BERT."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*special, "the", "university", "of", "edinburgh", "bought", "acme", "."]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(words), encoding="utf8")
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def folder(tiny: Callable[..., str], tmp_path: Path) -> Path:
    """A copy of a tiny model that may be damaged."""
    return Path(shutil.copytree(tiny("llama"), tmp_path / "model"))


@pytest.fixture
def gguf_file(tmp_path: Path) -> Path:
    """A tiny model as GGUF."""
    from tests.tiny_gguf import tiny_llama, vocabulary, write_gguf

    write_gguf(tmp_path / "tiny.gguf", tiny_llama(len(vocabulary()[0])))
    return tmp_path / "tiny.gguf"


@pytest.fixture(scope="session")
def training(tiny: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A training of a tiny language model on six sentences, a `Training`."""
    from tests.training.tiny_training import make_training

    return make_training(tmp_path_factory.mktemp("training"), tiny())
