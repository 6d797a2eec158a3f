"""Ready-made tokens → Doc."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..types import Entity
from .columns import Sentence
from .conversion_report import Report
from .tags import Scheme, is_valid


def words_doc(
    vocab: Vocab,
    words: Sequence[str],
    spaces: Sequence[bool],
    entities: Iterable[Entity],
    place: str,
    report: Report,
) -> tuple[Doc, list[Entity]]:
    """A Doc of these words, and the entities over its tokens.

    Empty words and words of white space are left out, and white space around a word is cut off:
    both are reported.

    Args:
        spaces: Whether white space follows each word.
    """
    stripped = [word.strip() for word in words]
    for word, core in zip(words, stripped, strict=True):
        if not core:
            report.change("empty word left out", place)
        elif core != word:
            report.change("white space cut off a word", f"{place} {word!r}")
    before = list(accumulate((bool(core) for core in stripped), initial=0))
    kept = [(core, space) for core, space in zip(stripped, spaces, strict=True) if core]
    doc = Doc(vocab, words=[core for core, _ in kept], spaces=[space for _, space in kept])
    return doc, [
        Entity(before[entity.start], before[entity.end], entity.label) for entity in entities
    ]


def sentence_doc(
    sentence: Sentence, scheme: Scheme, vocab: Vocab, report: Report
) -> tuple[Doc, list[Entity]]:
    """The Doc of a tagged sentence, and its entities of all levels.

    A tag sequence that the scheme forbids is read all the same (see `tags.chunks`), and reported.
    """
    entities = []
    for level in sentence.levels:
        for chunk in level.chunks:
            entity, prefixes = chunk
            entities.append(entity)
            if not is_valid(chunk, scheme):
                place = f"{level.place}:{level.lines[entity.start]}"
                report.change(
                    f"tags not valid in {scheme.value}", f"{place} {prefixes} {entity.label}"
                )
    report.read += len(entities)
    return words_doc(vocab, sentence.words, sentence.spaces, entities, sentence.place, report)
