"""The canonical spelling and its masked decoder, training outside, and the benchmark as a whole, on
tiny models."""

import json
import random
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import spacy
import spelling
import torch
from canonical import Canonical, CanonicalWalk, write_canonically
from outside import Pair, answer_loss, batches, merge, train
from paired import counted, counts_of, lead, table
from spacy.tokens import Doc, DocBin, Span
from spelling import Respeller, Sentence, as_written, joined, main, read, result
from transformers import AutoModelForCausalLM, AutoTokenizer

from spacy_genner.answers import Repairs
from spacy_genner.decoding.interfaces import Job
from spacy_genner.formats.base import Grammar, parse
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.lm.steps import Steps
from spacy_genner.types import Entity, Source

LABELS = {"ORG": "", "s": ""}
TEXTS = [
    Source(("I", "'re", "(", "é", ")."), (0, 0, 1, 0, 0)),
    Source(("x", "'", "re", "d"), (0, 0, 0, 0)),
    Source(("東", "12", "!", "—"), (0, 1, 0, 0)),
    Source(("Leeds", ".", "s"), (0, 0, 2)),
]


@pytest.fixture
def canonical(tiny: Callable[..., str]) -> Canonical:
    return Canonical(AutoTokenizer.from_pretrained(tiny()))


def grammar(source: Source, max_depth: int = 1) -> Grammar:
    return InlineBracketed(max_depth).grammar(source, LABELS)


def answers(grammar: Grammar, state: Any, text: str = "") -> Iterator[str]:
    """Every legal answer."""
    moves = list(grammar.moves(state))
    if not moves:
        yield text
    for move in moves:
        yield from answers(grammar, grammar.advance(state, move), text + move.text)


def walks(
    grammar: Grammar, canonical: Canonical, ids: tuple[int, ...] = ()
) -> Iterator[tuple[int, ...]]:
    """Every sequence of token ids that a walk can write."""
    walk = CanonicalWalk(grammar, canonical)
    for id in ids:
        walk.choose(id)
    if not walk.choices:
        yield ids
    for choice in walk.choices:
        yield from walks(grammar, canonical, (*ids, choice))


@pytest.mark.parametrize("depth, words", [(1, 5), (2, 3)])
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: " ".join(text.words))
def test_a_walk_writes_exactly_the_canonical_spellings_of_the_legal_answers(
    text: Source, depth: int, words: int, canonical: Canonical
) -> None:
    legal = grammar(text[:words], depth)
    expected = sorted(canonical.encode(answer) for answer in answers(legal, legal.start))
    assert sorted(walks(legal, canonical)) == expected


def test_the_spelling_of_the_whole_text_is_another_one(canonical: Canonical) -> None:
    segments = [*canonical.encode("]"), *canonical.encode(".")]
    assert canonical.respelled(segments) == list(canonical.encode("]."))
    assert len(segments) == 2 and len(canonical.encode("].")) == 1


@pytest.mark.parametrize("text, end", [(" [[x", 3), ("'re d", 3), ("'rd", 1), ("]. [", 2)])
def test_the_first_pretoken(text: str, end: int, canonical: Canonical) -> None:
    assert canonical.first(text) == end


def best_by_hand(model: Steps, job: Job, canonical: Canonical) -> list[int]:
    """What the model writes if, at each step, all legal answers are looked through and everything
    is read again."""
    start = job.grammar.start
    legal = {canonical.encode(text) for text in answers(job.grammar, start)}
    written: tuple[int, ...] = ()
    while written not in legal:
        size = len(written)
        choices = sorted({ids[size] for ids in legal if ids[:size] == written and ids[size:]})
        hidden = model.session(job.prefix, 1).extend([[*job.body, *written]])
        place = len(job.body) + size - 1
        best = model.log_probs(hidden[:, place], [choices])[0].argmax()
        written = (*written, choices[best])
    return list(written)


def test_masked_decoding_takes_the_best_canonical_id_at_each_step(
    tiny: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spelling, "FORMAT", InlineBracketed(max_depth=1))
    model = Respeller(tiny(), LABELS)
    steps = model.lm.steps
    steps.model.float()
    jobs = [model.job(source, "canonical") for source in TEXTS]
    for job in jobs:
        prompt = [*job.prefix, *job.body]
        assert prompt == model.canonical.respelled(prompt)
    assert len({job.prefix for job in jobs}) == 1
    written = write_canonically(steps, jobs, model.canonical)
    for job, ids in zip(jobs, written, strict=True):
        assert ids == best_by_hand(steps, job, model.canonical)
        assert parse(job.grammar, model.lm.pieces.decode(ids)) is not None
        assert ids == model.canonical.respelled(ids)
    assert any(len(job.read(ids)[0]) for job, ids in zip(jobs, written, strict=True))


def test_pairs_have_the_same_text_in_both_spellings(tiny: Callable[..., str]) -> None:
    model = Respeller(tiny(), LABELS)
    source = Source(("The", "University", "(", "Leeds", ")", "."), (0, 1, 1, 0, 0, 0))
    sentence = Sentence(source, frozenset({Entity(0, 5, "ORG"), Entity(3, 4, "ORG")}))
    ours, theirs = (model.pair(sentence, name) for name in ("segments", "canonical"))
    for ids, others in zip(ours, theirs, strict=True):
        assert model.lm.pieces.decode(ids) == model.lm.pieces.decode(others)
    assert model.lm.pieces.decode(ours.answer) == "[The University ([Leeds | ORG]) | ORG]."
    assert ours.answer[-1] == theirs.answer[-1] == model.lm.pieces.end
    whole = model.canonical.respelled([*ours.prompt, *ours.answer[:-1]])
    assert [*theirs.prompt, *theirs.answer[:-1]] == whole
    merged = model.canonical.encode("].")  # "]" and "." in ours
    assert len(merged) == 1 and merged[0] in theirs.answer
    assert model.shares([sentence]) == {"answers": 1, "ids": 2 / (len(ours.answer) - 1)}


def test_english_is_written_with_fewer_spaces() -> None:
    separate = "IL - 2 ( a protein ) , is n't it ? He said : it 's $ 5 ."
    words = separate.split()
    source = as_written(Source(tuple(words), (0, *[1] * (len(words) - 1))))
    gaps = ("", " ")
    text = "".join(gaps[s] + w for w, s in zip(source.words, source.spaces, strict=True))
    assert text == "IL-2 (a protein), isn't it? He said: it's $5."


def test_the_loss_is_that_of_the_answers_only(tiny: Callable[..., str]) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny(), attn_implementation="eager").float()
    pairs = [Pair([5, 6, 7], [8, 9]), Pair([9, 8], [7, 6, 5, 4])]
    losses = []
    for prompt, answer in pairs:
        labels = torch.tensor([[-100] * len(prompt) + answer])
        losses.append(model(torch.tensor([prompt + answer]), labels=labels).loss.item())
    expected = (2 * losses[0] + 4 * losses[1]) / 6
    assert answer_loss(model, pairs).item() == pytest.approx(expected, rel=1e-5)


def test_training_learns_and_its_adapter_can_be_merged(
    tiny: Callable[..., str], tmp_path: Path
) -> None:
    pairs = [Pair([5, 6, id], [id, 8, 9]) for id in range(10, 14)]
    train(tiny(), pairs, tmp_path / "adapter", steps=10, seed=0)
    merge(tiny(), tmp_path / "adapter", tmp_path / "merged")
    before, after = (
        answer_loss(AutoModelForCausalLM.from_pretrained(path).float(), pairs).item()
        for path in (tiny(), tmp_path / "merged")
    )
    assert after < before - 1
    assert len(AutoTokenizer.from_pretrained(tmp_path / "merged")) > 300


def test_batches_are_of_similar_length_and_the_same_for_a_seed() -> None:
    pairs = [Pair([1] * size, [2]) for size in range(100)]
    drawn = [[*islice(batches(pairs, random.Random(0)), 20)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    lengths = [[len(pair.prompt) for pair in batch] for batch in drawn[0]]
    assert all(max(each) - min(each) < 50 for each in lengths)
    assert len({size for each in lengths for size in each}) > 80


def test_counts_as_text() -> None:
    one, two, three = (Entity(start, start + 1, "ORG") for start in range(3))
    line = counted([{one, two}, set()], [{two, three}, {one}])
    assert line == "2/1/2 0/0/1"
    assert counts_of(line).tolist() == [[2, 1, 2], [0, 0, 1]]


def test_a_lead_is_in_points_with_its_interval() -> None:
    worse, better = (counts_of(f"2/{n}/2 1/1/1 " * 50) for n in (1, 2))
    assert re.fullmatch(r"\+33\.3 \(\+2\d\.\d to \+3\d\.\d\)", lead(better, worse))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    docs = []
    for town in ("Leeds", "Essex", "Edinburgh"):
        doc = Doc(nlp.vocab, ["The", "factory", "(", town, ")", "."])
        doc.spans["sc"] = [Span(doc, 0, 5, "ORG"), Span(doc, 3, 4, "GPE")]
        docs.append(doc)
    (tmp_path / "corpus").mkdir()
    for part in ("train", "test"):
        DocBin(docs=docs).to_disk(tmp_path / "corpus" / f"{part}.spacy")
    return tmp_path / "corpus"


def test_documents_are_read_as_written(corpus: Path) -> None:
    as_is, written = (read(corpus / "train.spacy", written)[0] for written in (False, True))
    assert as_is.source.spaces == (0, 1, 1, 1, 1, 1)
    assert written.source.spaces == (0, 1, 1, 0, 0, 0)
    assert as_is.entities == written.entities == {Entity(0, 5, "ORG"), Entity(3, 4, "GPE")}


def test_joined_entities_open_without_a_space() -> None:
    source = Source(("Leeds", "town", "(", "Essex", ")"), (0, 1, 1, 0, 0))
    outer, first, last = Entity(0, 2, "ORG"), Entity(0, 1, "GPE"), Entity(3, 4, "GPE")
    sentence = Sentence(source, frozenset({outer, first, last, Entity(1, 2, "s")}))
    assert joined(sentence) == {first, last}
    found = result([sentence], [([outer, last], Repairs(missing=1))])
    assert found == {"f": 2 * 2 / 6, "joined": [1, 2], "illegal": 1, "counts": "2/2/4"}


def test_the_benchmark_and_nothing_twice(
    corpus: Path, tiny: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.json"

    def run() -> str:
        main([f"towns={corpus}"], output, tmp_path, seeds="0", steps=2, test=2, model=tiny())
        return capsys.readouterr().out

    first, written = run(), output.read_text()
    cells = json.loads(written)
    assert [cell.get("spelling") for cell in cells] == ["canonical", "segments", None]
    for cell in cells[:2]:
        ways = spelling.SPELLINGS[cell["spelling"]]
        assert all(len(cell[way]["counts"].split()) == 2 for way in ways)
    assert cells[0]["masked"]["illegal"] == 0
    again = run()
    assert output.read_text() == written
    assert first.endswith(again)
    assert again.splitlines()[2:] == table(cells[:2]).splitlines()
    assert "| towns | canonical | ours |" in again and "| +0.0 (+0.0 to +0.0) |" in again
