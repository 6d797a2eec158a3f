"""What a model that was trained outside, on the tokenizer's own spelling of an answer, loses when
it is decoded in ours.

python benchmarks/spelling.py genia=corpus/genia wnut17=corpus/wnut17

Each corpus is a folder with train.spacy and test.spacy. Adapters are trained by plain transformers
and PEFT on the canonical spelling, which is that of the tokenizer for the whole text, and on ours,
in which each token of the source and each mark is spelt on its own. Those that are finished are not
trained again.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise, product
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import spacy
import typer
from canonical import Canonical, write_canonically
from cells import Cell, Cells
from outside import Pair, merge, train
from paired import counted, counts_of, table
from spacy.tokens import DocBin

from spacy_genner.answers import Repairs
from spacy_genner.corpora.sampling import sample
from spacy_genner.decoding.free import longest
from spacy_genner.decoding.interfaces import Job
from spacy_genner.decoding.scores import scored_entities
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.evaluation.significance import f1
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.lm.batches import batches
from spacy_genner.lm.causal import CausalLM
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.lm.steps import Steps
from spacy_genner.lm.writing import write_freely
from spacy_genner.models.losses import Target
from spacy_genner.models.speller import Speller
from spacy_genner.pipeline.docs import Reading, gold_spans
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.prompts.shots import Shots
from spacy_genner.types import Entity, Source
from spacy_genner.weights.packages import installed

FORMAT = InlineBracketed()
SPELLINGS = {"canonical": ["free", "masked", "ours", "ours after their prompt"]}
SPELLINGS |= {"segments": ["free", "ours"]}
"""What a model is trained on → how it is decoded: freely and masked after the prompt as it was
trained on."""
_CLINGS = re.compile(r"[.,;:!?%)\]}…]+|['\u2019](s|m|d|ll|re|ve)?|n['\u2019]t|[-/]", re.IGNORECASE)
_HOLDS = re.compile(r"[(\[{$/-]")
"""Tokens before and after which English has no space."""
_LONGEST = 200
"""The greatest number of token ids of a prompt and its answer that a model is trained on."""
_BATCH_IDS = 1024


class Sentence(NamedTuple):
    """A text with its gold entities."""

    source: Source
    entities: frozenset[Entity]


Answers: TypeAlias = list[tuple[list[Entity], Repairs]]
"""The entities of each answer, and what was wrong with it."""


def read(path: Path, written: bool = True) -> list[Sentence]:
    """Read annotated documents.

    Args:
        written: Whether to leave out the spaces that English does not write, as the corpora have
            one between any two tokens.
    """
    sentences = []
    for doc in DocBin().from_disk(path).get_docs(spacy.blank("en").vocab):
        seen = Reading()(doc)
        entities = frozenset(map(seen.entity, gold_spans(doc, "sc") or ()))
        sentences.append(Sentence(as_written(seen.source) if written else seen.source, entities))
    return sentences


def as_written(source: Source) -> Source:
    """Leave out the spaces between tokens that English does not write."""
    spaces = [0]
    for before, word in pairwise(source.words):
        together = _HOLDS.fullmatch(before) or _CLINGS.fullmatch(word)
        spaces.append(0 if together else 1)
    return replace(source, spaces=tuple(spaces))


class Respeller:
    """A language model that is asked in our prompt, and the two spellings of what it reads."""

    def __init__(self, name: str, labels: Mapping[str, str]) -> None:
        self.lm, self._labels = CausalLM(name), dict(labels)
        pieces = self.lm.pieces
        self._speller = Speller(pieces, FORMAT, Instruction(), self._labels, Shots())
        self.canonical = Canonical(self.lm.base.tokenizer)

    def pair(self, sentence: Sentence, spelling: str) -> Pair:
        """Return the prompt and the gold answer in one of the `SPELLINGS`."""
        target = self._target(sentence)
        prompt, answer = [*target.prefix, *target.prompt], target.answer
        if spelling == "canonical":
            respelled = self.canonical.respelled
            prompt, answer = respelled(prompt), [*respelled(answer[:-1]), answer[-1]]
        return Pair(prompt, answer)

    def job(self, source: Source, spelling: str) -> Job:
        """Return the job of a text with its prompt in one of the `SPELLINGS`."""
        job = self._speller.job(source)
        if spelling != "canonical":
            return job
        ids = self.canonical.respelled([*job.prefix, *job.body])
        shared = len(job.prefix) - 1  # its last id may be spelt together with the text after it
        return replace(job, prefix=tuple(ids[:shared]), body=ids[shared:], words=[])

    def shares(self, sentences: Sequence[Sentence]) -> dict[str, float]:
        """Return the share of gold answers that have two spellings, and that of the token ids in
        ours that are not in the canonical one at the same place."""
        answers = [self._target(sentence).answer[:-1] for sentence in sentences]
        differing = [
            len(self._places(answer) - self._places(self.canonical.respelled(answer)))
            for answer in answers
        ]
        return {
            "answers": sum(map(bool, differing)) / len(answers),
            "ids": sum(differing) / sum(map(len, answers)),
        }

    def _target(self, sentence: Sentence) -> Target:
        grammar = FORMAT.grammar(sentence.source, self._labels)
        expressible, _ = grammar.expressible(sentence.entities)
        return self._speller.target(sentence.source, expressible)

    def _places(self, ids: Sequence[int]) -> set[tuple[int, int]]:
        """Return the token ids, each with the number of bytes up to its end."""
        lengths = map(len, self.lm.base.tokenizer.convert_ids_to_tokens(ids))
        return set(zip(accumulate(lengths), ids, strict=True))


Write: TypeAlias = Callable[[Steps, Sequence[Job]], list[list[int]]]
"""A function that returns the token ids of the answers to a batch of jobs."""


def freely(model: Steps, jobs: Sequence[Job]) -> list[list[int]]:
    """Return the token ids that a model writes without constraints."""
    return write_freely(model, jobs, list(map(longest, jobs)))


def in_writing(write: Write, model: Steps, jobs: Sequence[Job]) -> Answers:
    """Read what a model writes."""
    written: dict[int, list[int]] = {}
    for batch in batches(model, jobs, [len(job.body) for job in jobs], _BATCH_IDS):
        written |= zip(batch, write(model, [jobs[i] for i in batch]), strict=True)
    return [job.read(written[i]) for i, job in enumerate(jobs)]


def in_ours(model: Steps, jobs: Sequence[Job]) -> Answers:
    """Decode as the component does."""
    traces = SpeculativeDecoder(_BATCH_IDS)(SessionEngine(model), jobs)
    return [
        (scored_entities(job.grammar, trace or ()), Repairs())
        for job, trace in zip(jobs, traces, strict=True)
    ]


def decode(model: Respeller, way: str, trained: str, sources: Sequence[Source]) -> Answers:
    """Decode texts in a way of `SPELLINGS` with a model that was trained on a spelling."""
    prompt = "segments" if way == "ours" else trained
    jobs = [model.job(source, prompt) for source in sources]
    if way.startswith("ours"):
        return in_ours(model.lm.steps, jobs)
    masked = partial(write_canonically, spelling=model.canonical)
    return in_writing(masked if way == "masked" else freely, model.lm.steps, jobs)


def joined(sentence: Sentence) -> frozenset[Entity]:
    """Return the entities whose opening mark has no space before it, as after a parenthesis or
    another opening mark: "([" and "[[" may be one token id in the canonical spelling."""
    found = set()
    for entity in sentence.entities:
        outer = [e for e in sentence.entities if e.start == entity.start and e.end > entity.end]
        if outer or (entity.start and not sentence.source.spaces[entity.start]):
            found.add(entity)
    return frozenset(found)


def result(sentences: Sequence[Sentence], answers: Answers) -> dict[str, Any]:
    """Return the F1 of answers, the recall of `joined` entities, the share of answers that had to
    be repaired, and the counts of each sentence."""
    found = [frozenset(entities) for entities, _ in answers]
    line = counted(found, [sentence.entities for sentence in sentences])
    wanted = list(map(joined, sentences))
    hits = sum(len(some & all_found) for some, all_found in zip(wanted, found, strict=True))
    return {
        "f": float(f1(counts_of(line).sum(axis=0))),
        "joined": [hits, sum(map(len, wanted))],
        "illegal": sum(repairs != Repairs() for _, repairs in answers) / len(answers),
        "counts": line,
    }


class Trainings:
    """The adapters of a corpus, and what their models find in its test sentences.

    Args:
        folder: Where adapters are kept.
        base: The folder of the base weights.
    """

    def __init__(self, corpus: str, data: Path, folder: Path, base: str, test: int) -> None:
        self._name, self._data, self._folder, self._base = corpus, data, folder, base
        self._train = read(data / "train.spacy")
        self._test = sample(read(data / "test.spacy"), test, seed=0)
        labels = {entity.label for sentence in self._train for entity in sentence.entities}
        self._labels = dict.fromkeys(sorted(labels), "")

    def shares(self) -> dict[str, dict[str, float]]:
        """Return how much of the gold answers differs between the spellings, as English is written
        and with a space between any two tokens."""
        model = Respeller(self._base, self._labels)
        spaced = read(self._data / "train.spacy", written=False)
        return {"written": model.shares(self._train), "spaced": model.shares(spaced)}

    def adapter(self, spelling: str, steps: int, seed: int) -> Path:
        """Return the adapter that was trained on a spelling, after training it if it is not there
        yet."""
        path = self._folder / f"{self._name}-{spelling}-{steps}-{seed}"
        if not path.exists():
            model = Respeller(self._base, self._labels)
            pairs = [model.pair(sentence, spelling) for sentence in self._train]
            short = [pair for pair in pairs if len(pair.prompt) + len(pair.answer) <= _LONGEST]
            unfinished = path.with_name(f"{path.name}.new")
            train(self._base, short, unfinished, steps, seed)
            unfinished.replace(path)
        return path

    def results(
        self, adapter: Path, spelling: str, ways: Sequence[str]
    ) -> Iterator[tuple[str, Any]]:
        """Yield the result of each way to decode the merged model."""
        with tempfile.TemporaryDirectory() as folder:
            merge(self._base, adapter, Path(folder))
            model = Respeller(folder, self._labels)
            sources = [sentence.source for sentence in self._test]
            for way in ways:
                yield way, result(self._test, decode(model, way, spelling, sources))


def main(
    corpora: Annotated[list[str], typer.Argument(help="NAME=FOLDER")],
    output: Annotated[
        Path, typer.Option("--json", help="Results; what is there already is not measured again")
    ] = Path("benchmarks/out/spelling.json"),
    adapters: Annotated[Path, typer.Option(help="Where trained adapters are kept")] = Path(
        "benchmarks/out/spelling"
    ),
    spellings: Annotated[
        str, typer.Option(help="What to train on, with a comma between them")
    ] = ",".join(SPELLINGS),
    seeds: Annotated[str, typer.Option(help="With commas between them")] = "0,1,2",
    steps: Annotated[int, typer.Option(help="Training steps, of 8 sentences")] = 50,
    test: Annotated[int, typer.Option(help="Test sentences")] = 150,
    model: Annotated[str, typer.Option(help="The base: a name or a folder")] = "smollm2-135m",
) -> None:
    """Train and decode all models that are not done yet, and print a Markdown table."""
    if unknown := set(spellings.split(",")) - SPELLINGS.keys():
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: choose from {', '.join(SPELLINGS)}"
        )
    cells, done, base = Cells(output), list[Cell](), str(installed(model) or model)
    trainings = {}
    for name, data in (item.split("=", 1) for item in corpora):
        trainings[name] = Trainings(name, Path(data), adapters, base, test)
    for spelling, seed, name in product(spellings.split(","), seeds.split(","), trainings):
        budget = {"model": model, "steps": steps, "test": test}
        cell = cells.cell(corpus=name, spelling=spelling, seed=int(seed), **budget)
        done.append(cell)
        if ways := [way for way in SPELLINGS[spelling] if way not in cell]:
            adapter = trainings[name].adapter(spelling, steps, int(seed))
            for way, found in trainings[name].results(adapter, spelling, ways):
                cell[way] = found
                cells.save()
                typer.echo(f"{name}, {spelling}, seed {seed}, {way}: {found['f']:.3f}")
    for name in trainings:
        cell = cells.cell(corpus=name, model=model, shares="of gold answers")
        if "written" not in cell:
            cell |= trainings[name].shares()
            cells.save()
        for text in ("written", "spaced"):
            shares = ", ".join(f"{share:.1%} of {of}" for of, share in cell[text].items())
            typer.echo(f"{name}, {text}: {shares} differ")
    typer.echo(table(done))


if __name__ == "__main__":
    typer.run(main)
