"""What is exported for other trainers is what our own training learns from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from spacy_genner.labels.label_sampling import LabelSampling
from spacy_genner.models.generative import speller_of
from spacy_genner.models.losses import token_loss
from spacy_genner.pipeline.examples import GoldWindow
from spacy_genner.pipeline.extension import set_doc_labels
from spacy_genner.training.exporting import IGNORED, Exported, Row, export, initialize
from tests.conftest import FAMILIES, TOKENIZERS

TEXTS = [
    "The University of Edinburgh bought the old factory in Leeds.",
    "c-fos RNA [sic] | protein: naïve café 東京\n\nText: 👍🏽 in <|im_end|> Leeds",
    " No entity. ",
]
LABELS = {"GPE": "a place", "ORG": ""}
PARTS = ("lm", "prompt", "format", "loss", "label_words")
LOAD = {"dtype": "float32", "device": "cpu"}


def pipeline(folder: str, **config: Any) -> Language:
    """A pipeline whose language model is in a folder; `lm` and others are parts of its model."""
    nlp = spacy.blank("en")
    model = {part: config.pop(part) for part in PARTS if part in config}
    model["lm"] = {"name": folder, **LOAD, **model.get("lm", {})}
    nlp.add_pipe("generative_ner", config={"labels": LABELS, "model": model, **config})
    return nlp


def example(nlp: Language, text: str) -> Example:
    """A text in which what is known of it is annotated."""
    doc = nlp.make_doc(text)
    known = {"The University of Edinburgh": "ORG", "Edinburgh": "GPE", "Leeds": "GPE"}
    spans = []
    for name, label in known.items():
        if (start := text.find(name)) >= 0:
            spans.append(doc.char_span(start, start + len(name), label=label))
    doc.spans["sc"] = spans
    return Example(nlp.make_doc(text), doc)


def exported(
    nlp: Language, path: Path, examples: Sequence[Example] | None = None
) -> tuple[list[Row], Exported]:
    examples = [example(nlp, text) for text in TEXTS] if examples is None else examples
    done = export(nlp.get_pipe("generative_ner"), examples, path)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()], done


def lm_of(nlp: Language) -> Any:
    return nlp.get_pipe("generative_ner").model.shims[0].lm


def assert_same_loss(nlp: Language, row: Row, gold: GoldWindow) -> None:
    """For a window, our loss is that which transformers computes for what was exported."""
    lm, (source, entities, labels) = lm_of(nlp), gold
    model = nlp.get_pipe("generative_ner").model
    target = speller_of(model, labels).target(source, entities)
    with torch.no_grad():
        [hidden] = lm.hidden([target.prefix], [target.prompt + target.answer])
        ours, count = token_loss(lm.head, hidden, target)
        ids, wanted = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        theirs = lm.base.model(input_ids=ids, labels=wanted).loss
    assert float(ours) / count == pytest.approx(float(theirs), abs=1e-4)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_text_and_ids_say_the_same(
    tiny: Callable[..., str], tmp_path: Path, tokenizer: str
) -> None:
    nlp = pipeline(tiny("llama", tokenizer))
    rows, done = exported(nlp, tmp_path / "out.jsonl")
    tok = lm_of(nlp).base.tokenizer
    pieces = lm_of(nlp).pieces
    for row in rows:
        start = row["labels"].count(IGNORED)
        assert row["labels"][start:] == row["input_ids"][start:]
        assert row["input_ids"][-1] == tok.eos_token_id
        opening = len(pieces.opening)
        assert tuple(row["input_ids"][:opening]) == pieces.opening
        ids = row["input_ids"][opening:-1]
        assert row["prompt"] + row["completion"] == tok.decode(
            ids, clean_up_tokenization_spaces=False
        )
        assert row["prompt"].endswith("\nAnswer:\n")
    assert rows[0]["completion"] == (
        "[The University of [Edinburgh | GPE] | ORG] bought the old factory in [Leeds | GPE]."
    )
    assert rows[2]["completion"].strip() == "No entity."
    longest = max(len(row["input_ids"]) for row in rows)
    assert done == Exported(prompts=3, spans=4, longest=longest)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_the_tokenizer_reads_the_prompt_as_we_do(
    tiny: Callable[..., str], tmp_path: Path, tokenizer: str
) -> None:
    """Other trainers tokenise the text with the control tokens of the tokenizer."""
    nlp = pipeline(tiny("llama", tokenizer))
    (row, *_), _ = exported(nlp, tmp_path / "out.jsonl")
    tok, own = lm_of(nlp).base.tokenizer, row["input_ids"]
    read = tok(row["prompt"])["input_ids"]
    assert tok.decode(read) == tok.decode(own[: row["labels"].count(IGNORED)])
    first = len(lm_of(nlp).pieces.opening)
    assert read[: first + 3] == own[: first + 3]  # no second token of the beginning


def test_a_token_that_the_tokenizer_adds_is_not_in_the_text(
    tiny: Callable[..., str], tmp_path: Path
) -> None:
    """Other trainers would have it twice, even if a chat template brings it."""
    folder = shutil.copytree(tiny("llama", "spm"), tmp_path / "model")
    tok = AutoTokenizer.from_pretrained(folder)
    tok.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tok.bos_token_id)]
    )
    tok.chat_template = "<s>{{ messages[-1].content }}</s>"
    tok.save_pretrained(folder)
    for chat in (False, True):
        nlp = pipeline(str(folder), prompt={"chat": chat})
        rows, _ = exported(nlp, tmp_path / "out.jsonl")
        for row in rows:
            assert row["prompt"].startswith("Copy the text")
            assert row["prompt"].endswith("</s>" if chat else "\n")
            for ids in (row["input_ids"], tok(row["prompt"])["input_ids"]):
                assert ids[0] == tok.bos_token_id and ids.count(tok.bos_token_id) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_computes_our_loss(
    tiny: Callable[..., str], tmp_path: Path, family: str
) -> None:
    nlp = pipeline(tiny(family), loss="tokens")
    examples = [example(nlp, text) for text in TEXTS]
    rows, _ = exported(nlp, tmp_path / "out.jsonl", examples)
    golds, _ = nlp.get_pipe("generative_ner").golds(examples)
    for row, gold in zip(rows, golds, strict=True):
        assert_same_loss(nlp, row, gold)


@pytest.mark.parametrize("kind", ["t5", "flan"])
def test_an_encoder_reads_the_prompt(
    tiny_t5: Callable[..., str], tmp_path: Path, kind: str
) -> None:
    lm_config = {"@misc": "spacy_genner.Seq2SeqLM.v1"}
    nlp = pipeline(tiny_t5(kind), lm=lm_config, loss="tokens")
    pipe, lm = nlp.get_pipe("generative_ner"), lm_of(nlp)
    examples = [example(nlp, text) for text in TEXTS]
    rows, _ = exported(nlp, tmp_path / "out.jsonl", examples)
    tok = lm.base.tokenizer
    for row, gold in zip(rows, pipe.golds(examples)[0], strict=True):
        assert IGNORED not in row["labels"] and row["labels"][-1] == tok.eos_token_id
        assert row["input_ids"][-1] == tok.eos_token_id
        assert tok.decode(row["input_ids"][:-1]) == row["prompt"]
        assert_same_loss(nlp, row, gold)


def test_windows_and_spans_that_are_lost(tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp = pipeline(tiny(), window=8, labels=["ORG"])
    rows, done = exported(nlp, tmp_path / "out.jsonl", [example(nlp, TEXTS[0])])
    assert done.prompts == len(rows) > 1
    assert done.spans == sum(row["completion"].count("| ORG]") for row in rows) > 0
    assert done.lost == {"with an unknown label": 2}


def test_the_label_set_of_a_document(tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp = pipeline(tiny())
    own = example(nlp, TEXTS[0])
    set_doc_labels(own.reference, {"GPE": "a town"})
    (row,), _ = exported(nlp, tmp_path / "out.jsonl", [own])
    assert "Labels: GPE (a town)\n" in row["prompt"]
    assert row["completion"] == (
        "The University of [Edinburgh | GPE] bought the old factory in [Leeds | GPE]."
    )


def test_a_prompt_for_each_label_and_the_words_of_the_model(
    tiny: Callable[..., str], tmp_path: Path
) -> None:
    form = {"@misc": "spacy_genner.InlineBracketed.v1", "opening": "@@", "closing": "##"}
    form |= {"names_labels": False}
    words = {"place": "GPE", "firm": "ORG"}
    nlp = pipeline(tiny(), format=form, label_words=words)
    rows, done = exported(nlp, tmp_path / "out.jsonl", [example(nlp, TEXTS[0])])
    assert [row["completion"] for row in rows] == [
        "The University of @@Edinburgh## bought the old factory in @@Leeds##.",
        "@@The University of Edinburgh## bought the old factory in Leeds.",
    ]
    assert "Labels: place (a place)\n" in rows[0]["prompt"]
    assert done.prompts == 2 and done.spans == 3


def test_the_label_sets_are_sampled_as_in_training(
    tiny: Callable[..., str], tmp_path: Path
) -> None:
    nlp = pipeline(tiny())
    nlp.get_pipe("generative_ner")._sampling = LabelSampling(drop=0.5)
    rows, _ = exported(nlp, tmp_path / "out.jsonl", [example(nlp, TEXTS[0]) for _ in range(12)])
    asked = {row["prompt"].split("Labels: ")[1].split("\n")[0] for row in rows}
    assert asked == {"GPE (a place), ORG", "GPE (a place)", "ORG"}


def test_nothing_is_annotated(tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp = pipeline(tiny())
    path = tmp_path / "out.jsonl"
    path.write_text("before")
    doc = nlp.make_doc("a")
    with pytest.raises(ValueError, match="nothing to export"):
        exported(nlp, path, [Example(doc, Doc(nlp.vocab, ["a"]))])
    assert path.read_text() == "before"


def test_a_component_is_initialized_alone(tiny: Callable[..., str]) -> None:
    nlp = pipeline(tiny(), labels=None)
    nlp.add_pipe("tagger")  # its labels are not in the examples, so it could not be initialized
    initialize(nlp, Config(), "generative_ner", [example(nlp, text) for text in TEXTS])
    assert nlp.get_pipe("generative_ner").label_data == {"GPE": "", "ORG": ""}
