"""From words and their entities to a Doc."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    """Return a Doc of words, and their entities over its tokens.

    Empty words and words of white space are left out, and white space around a word is cut off.
    Both are reported.

    Args:
        vocab: The vocabulary of the Doc.
        words: The words.
        spaces: Whether white space follows each word.
        entities: The entities over the words.
        place: The place of the words in the input, for the report.
        report: Counts the changes.
    """
    tokens, token_spaces = list[str](), list[bool]()
    before = [0]  # the number of tokens before each word, and before the end
    for word, space in zip(words, spaces, strict=True):
        token = word.strip()
        if not token:
            report.change("empty word left out", place)
        else:
            if token != word:
                report.change("white space cut off a word", f"{place} {word!r}")
            tokens.append(token)
            token_spaces.append(space)
        before.append(len(tokens))
    doc = Doc(vocab, words=tokens, spaces=token_spaces)
    moved = [Entity(before[entity.start], before[entity.end], entity.label) for entity in entities]
    return doc, moved


def sentence_doc(
    sentence: Sentence, scheme: Scheme, vocab: Vocab, report: Report
) -> tuple[Doc, list[Entity]]:
    """Return the Doc of a tagged sentence, and its entities of all levels.

    A tag sequence that the scheme forbids is read all the same (see `tags.chunks`), and reported.

    Args:
        sentence: The sentence.
        scheme: The scheme of its tags.
        vocab: The vocabulary of the Doc.
        report: Counts the entities and the changes.
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
