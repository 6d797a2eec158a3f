from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin, Span
from spacy.training import Example
from spacy.util import registry
from thinc.api import Config

from spacy_genner.corpora.merged import LabelledCorpus, MergedCorpora, proportions
from spacy_genner.pipeline.docs import own_labels

Layer = list[tuple[int, int, str]]
NEWS: list[Layer] = [[(0, 2, "ORG"), (1, 2, "LOC")], [(0, 1, "PER")], []]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


@pytest.fixture
def corpus(tmp_path: Path, nlp: Language) -> Callable[..., Path]:
    """`corpus(name, spans)`: the file of a corpus, a document for each list of spans, with its
    number in the text."""

    def make(name: str, spans: Iterable[Layer], key: str | None = "sc") -> Path:
        docs = []
        for n, layer in enumerate(spans):
            doc = nlp(f"{name} number {n}")
            if key:
                doc.spans[key] = [Span(doc, *span) for span in layer]
            doc.set_ents([Span(doc, *span) for span in layer[:1]])
            docs.append(doc)
        DocBin(docs=docs).to_disk(tmp_path / f"{name}.spacy")
        return tmp_path / f"{name}.spacy"

    return make


def spans(example: Example) -> Layer:
    return [(span.start, span.end, span.label_) for span in example.reference.spans["sc"]]


def ents(example: Example) -> Layer:
    return [(span.start, span.end, span.label_) for span in example.reference.ents]


def texts(examples: Iterable[Example]) -> list[str]:
    return [example.predicted.text for example in examples]


class TestLabelledCorpus:
    def test_each_text_asks_for_the_labels_of_the_corpus(
        self, corpus: Callable[..., Path], nlp: Language
    ) -> None:
        examples = list(LabelledCorpus(corpus("news", NEWS))(nlp))
        assert texts(examples) == ["news number 0", "news number 1", "news number 2"]
        assert all(list(own_labels(e.predicted) or ()) == ["LOC", "ORG", "PER"] for e in examples)
        assert [spans(example) for example in examples] == NEWS

    @pytest.mark.parametrize(
        "labels", [["PER", "ORG", "LOC"], {"PER": "a person", "ORG": "", "LOC": ""}]
    )
    def test_or_for_those_that_are_given(
        self, corpus: Callable[..., Path], nlp: Language, labels: Any, tmp_path: Path
    ) -> None:
        srsly.write_json(tmp_path / "labels.json", labels)
        for setting in (labels, tmp_path / "labels.json", str(tmp_path / "labels.json")):
            [first, *_] = LabelledCorpus(corpus("news", NEWS), labels=setting)(nlp)
            expected = labels if isinstance(labels, dict) else dict.fromkeys(labels, "")
            assert list((own_labels(first.predicted) or {}).items()) == list(expected.items())

    def test_labels_are_mapped_and_left_out(
        self, corpus: Callable[..., Path], nlp: Language, tmp_path: Path
    ) -> None:
        mapping = {"LOC": None, "PER": "person"}
        srsly.write_json(tmp_path / "mapping.json", mapping)
        for setting in (mapping, tmp_path / "mapping.json"):
            examples = list(LabelledCorpus(corpus("news", NEWS), mapping=setting)(nlp))
            assert [spans(example) for example in examples] == [
                [(0, 2, "ORG")],
                [(0, 1, "person")],
                [],
            ]
            assert [ents(example) for example in examples] == [
                [(0, 2, "ORG")],
                [(0, 1, "person")],
                [],
            ]
            assert own_labels(examples[0].predicted) == {"ORG": "", "person": ""}
        [first, *_] = LabelledCorpus(corpus("news", NEWS), mapping={"ORG": None})(nlp)
        assert (spans(first), ents(first)) == ([(1, 2, "LOC")], [])

    def test_entities_count_where_there_is_no_group(
        self, corpus: Callable[..., Path], nlp: Language
    ) -> None:
        examples = list(
            LabelledCorpus(corpus("news", NEWS, key=None), mapping={"PER": "person"})(nlp)
        )
        assert own_labels(examples[0].predicted) == {"ORG": "", "person": ""}
        assert ents(examples[1]) == [(0, 1, "person")]

    def test_another_group(self, corpus: Callable[..., Path], nlp: Language) -> None:
        path = corpus("news", NEWS, key="mine")
        [first, *_] = LabelledCorpus(path, spans_key="mine", mapping={"LOC": "place"})(nlp)
        assert own_labels(first.predicted) == {"ORG": "", "PER": "", "place": ""}
        assert [span.label_ for span in first.reference.spans["mine"]] == ["ORG", "place"]

    def test_a_part_has_the_labels_of_the_whole(
        self, corpus: Callable[..., Path], nlp: Language
    ) -> None:
        path = corpus("many", [[(0, 1, f"L{n}")] for n in range(30)])
        drawn = list(LabelledCorpus(path, limit=4, seed=1)(nlp))
        assert len(drawn) == 4
        assert len(own_labels(drawn[0].predicted) or ()) == 30
        assert texts(LabelledCorpus(path, limit=4, seed=1)(nlp)) == texts(drawn)
        assert texts(LabelledCorpus(path, limit=4, seed=2)(nlp)) != texts(drawn)

    def test_it_can_be_read_twice(self, corpus: Callable[..., Path], nlp: Language) -> None:
        reader = LabelledCorpus(corpus("news", NEWS), mapping={"LOC": "ORG", "ORG": "LOC"})
        one, two = list(reader(nlp)), list(reader(nlp))
        assert [spans(example) for example in one] == [spans(example) for example in two]
        assert spans(one[0]) == [(0, 2, "LOC"), (1, 2, "ORG")]

    def test_a_mapping_of_what_is_not_there(
        self, corpus: Callable[..., Path], nlp: Language
    ) -> None:
        with pytest.warns(
            UserWarning,
            match=r"news\.spacy: mapping of GPE, X: the labels of the corpus are LOC, ORG, PER",
        ):
            list(
                LabelledCorpus(corpus("news", NEWS), mapping={"X": "Y", "GPE": None, "ORG": "A"})(
                    nlp
                )
            )

    def test_spans_outside_of_the_label_set(
        self, corpus: Callable[..., Path], nlp: Language
    ) -> None:
        path = corpus("news", NEWS)
        for settings in (
            {"labels": ["PER"]},
            {"labels": ["ORG", "LOC", "PER"], "mapping": {"ORG": "company"}},
        ):
            with pytest.raises(
                ValueError,
                match=r"news\.spacy has spans of .*, which are not in `labels`: add them, or map them to null",
            ):
                list(LabelledCorpus(path, **settings)(nlp))
        [first, *_] = LabelledCorpus(path, labels=["PER"], mapping={"ORG": None, "LOC": None})(nlp)
        assert spans(first) == []

    def test_label_sets_in_the_file_are_mapped_too(self, nlp: Language, tmp_path: Path) -> None:
        doc = nlp("Acme won")
        doc.spans["sc"], doc._.genner_labels = (
            [Span(doc, 0, 1, "ORG")],
            {"ORG": "who trades", "PER": "", "LOC": ""},
        )
        DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "own.spacy")
        [example] = LabelledCorpus(tmp_path / "own.spacy", mapping={"ORG": "company", "LOC": None})(
            nlp
        )
        assert own_labels(example.predicted) == {"PER": "", "company": "who trades"}
        assert spans(example) == [(0, 1, "company")]

    def test_a_text_is_asked_for_what_it_was_annotated_with(
        self, nlp: Language, tmp_path: Path
    ) -> None:
        docs = []
        for text, labels in [("Acme won", ["ORG"]), ("Leeds won", ["LOC"]), ("it rained", None)]:
            docs.append(nlp(text))
            docs[-1].spans["sc"], docs[-1]._.genner_labels = [], labels
        DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "own.spacy")
        examples = LabelledCorpus(tmp_path / "own.spacy", labels={"ORG": "a firm", "PER": ""})(nlp)
        found = {example.predicted.text: own_labels(example.predicted) for example in examples}
        assert found == {"Acme won": {"ORG": "a firm"}, "it rained": {"ORG": "a firm", "PER": ""}}

    def test_partial_annotation_stays_partial(self, nlp: Language, tmp_path: Path) -> None:
        doc = nlp("Acme left Leeds yesterday evening")
        ents = [Span(doc, 0, 1, "ORG", kb_id="Q1"), Span(doc, 2, 3, "LOC")]
        doc.set_ents(ents, missing=[doc[3:4]], blocked=[doc[4:5]])
        DocBin(docs=[doc]).to_disk(tmp_path / "part.spacy")
        for mapping, tags in (
            (None, ["B", "O", "B", "", "B"]),
            ({"LOC": None}, ["B", "O", "O", "", "B"]),
        ):
            [example] = LabelledCorpus(tmp_path / "part.spacy", mapping=mapping)(nlp)
            assert [token.ent_iob_ for token in example.reference] == tags
            assert [ent.start for ent in example.reference.ents] == [0, 2][: 1 if mapping else 2]
            assert example.reference[0].ent_kb_id_ == "Q1"

    def test_nothing_to_read(self, corpus: Callable[..., Path], nlp: Language) -> None:
        with pytest.raises(ValueError, match="there is no document"):
            list(LabelledCorpus(corpus("empty", []))(nlp))
        with pytest.raises(
            ValueError, match="no document has a span, so there are no labels: give `labels`"
        ):
            list(LabelledCorpus(corpus("bare", [[], []]))(nlp))
        assert len(list(LabelledCorpus(corpus("bare", [[], []]), labels=["A"])(nlp))) == 2

    @pytest.mark.parametrize(
        "settings", [{"labels": {"per:son": ""}}, {"mapping": {"per:son": "PER"}}]
    )
    def test_labels_that_a_configuration_cannot_hold(
        self, settings: dict[str, Any], nlp: Language
    ) -> None:
        with pytest.raises(ValueError, match="in a JSON file"):
            LabelledCorpus(Path("a.spacy"), **settings)

    def test_a_file_can(self, corpus: Callable[..., Path], nlp: Language, tmp_path: Path) -> None:
        path = corpus("odd", [[(0, 1, "per:son")]])
        srsly.write_json(tmp_path / "labels.json", {"per:son": "a = b"})
        [only] = LabelledCorpus(path, labels=tmp_path / "labels.json")(nlp)
        assert own_labels(only.predicted) == {"per:son": "a = b"}


def numbered(name: str, count: int) -> Callable[[Language], Iterable[Example]]:
    """The reader of a corpus of texts `name 0`, `name 1`, …"""

    def read(nlp: Language) -> Iterable[Example]:
        return [
            Example(nlp.make_doc(f"{name} {n}"), nlp.make_doc(f"{name} {n}")) for n in range(count)
        ]

    return read


def endless(nlp: Language, **settings: Any) -> Iterable[str]:
    nlp.config["training"]["max_epochs"] = -1
    reader = MergedCorpora(
        {"a": numbered("a", 40), "b": numbered("b", 10)}, endless=True, **settings
    )
    return (example.predicted.text for example in reader(nlp))


class TestMergedCorpora:
    def test_every_example_comes_once(self, nlp: Language) -> None:
        found = texts(MergedCorpora({"a": numbered("a", 40), "b": numbered("b", 10)})(nlp))
        ordered = [f"a {n}" for n in range(40)] + [f"b {n}" for n in range(10)]
        assert sorted(found) == sorted(ordered)
        assert found != ordered and len({text[0] for text in found[:20]}) == 2

    def test_every_reading_gives_the_same(self, nlp: Language) -> None:
        readers = {"a": numbered("a", 40), "b": numbered("b", 10)}
        one = MergedCorpora(readers, size=20, temperature=2.0, seed=1)
        assert texts(one(nlp)) == texts(one(nlp))
        assert texts(MergedCorpora(readers, size=20, temperature=2.0, seed=2)(nlp)) != texts(
            one(nlp)
        )

    @pytest.mark.parametrize(
        ("temperature", "size", "expected"),
        [
            (1.0, 25, (20, 5)),
            (2.0, 30, (20, 10)),
            (1e9, 30, (15, 15)),
            (2.0, 0, (33, 17)),
            (1e-3, 10, (10, 0)),
        ],
    )
    def test_the_temperature_evens_the_sizes(
        self, nlp: Language, temperature: float, size: int, expected: tuple[int, int]
    ) -> None:
        reader = MergedCorpora({"a": numbered("a", 40), "b": numbered("b", 10)}, temperature, size)
        found = Counter(texts(reader(nlp)))
        by_corpus = Counter(text[0] for text in found.elements())
        assert (by_corpus["a"], by_corpus["b"]) == expected
        again = [count for text, count in found.items() if text[0] == "b"]
        assert not again or max(again) - min(again) <= 1

    def test_a_stream_gives_all_before_it_repeats(self, nlp: Language) -> None:
        found = list(islice(endless(nlp, temperature=2.0, size=30), 600))
        by_text = Counter(found)
        assert {by_text[f"a {n}"] for n in range(40)} == {10}
        assert {by_text[f"b {n}"] for n in range(10)} == {20}
        assert found[:30] != found[30:60]
        assert found == list(islice(endless(nlp, temperature=2.0, size=30), 600))

    def test_a_stream_that_spacy_would_read_to_its_end(self, nlp: Language) -> None:
        with pytest.raises(ValueError, match=r"unless \[training\] max_epochs = -1"):
            next(iter(MergedCorpora({"a": numbered("a", 1)}, endless=True)(nlp)))

    def test_a_corpus_without_examples(self, nlp: Language) -> None:
        with pytest.raises(ValueError, match="corpora b: there is no example"):
            list(MergedCorpora({"a": numbered("a", 1), "b": numbered("b", 0)})(nlp))

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"corpora": {}}, "corpora is empty"),
            ({"corpora": {"a": {"path": "x.spacy"}}}, "corpora a: give each a reader"),
            ({"temperature": 0.0}, "temperature = 0.0: give a number above 0"),
            ({"temperature": float("nan")}, "temperature = nan"),
            ({"size": -1}, "size = -1"),
        ],
    )
    def test_settings_without_sense(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            MergedCorpora(**{"corpora": {"a": numbered("a", 1)}, **settings})

    def test_a_configuration(self, corpus: Callable[..., Path], nlp: Language) -> None:
        text = f"""
            [corpora]
            [corpora.train]
            @readers = "spacy_genner.MergedCorpora.v1"
            temperature = 2.0
            [corpora.train.corpora]
            [corpora.train.corpora.news]
            @readers = "spacy_genner.LabelledCorpus.v1"
            path = "{corpus("news", NEWS)}"
            mapping = {{"LOC": null}}
            [corpora.train.corpora.bio]
            @readers = "spacy_genner.LabelledCorpus.v1"
            path = "{corpus("bio", [[(0, 1, "DNA")]] * 3)}"
            labels = {{"DNA": "a gene"}}
            limit = 2
            """
        config = Config().from_str(Config().from_str(text).to_str())
        examples = list(registry.resolve(config["corpora"])["train"](nlp))
        assert len(examples) == 5
        own = {
            example.predicted.text.split()[0]: own_labels(example.predicted) for example in examples
        }
        assert own == {"news": {"ORG": "", "PER": ""}, "bio": {"DNA": "a gene"}}


@given(
    sizes=st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
    temperature=st.floats(0.01, 1e6),
    total=st.integers(0, 10**6),
)
def test_shares(sizes: list[int], temperature: float, total: int) -> None:
    found = proportions(sizes, temperature, total)
    assert sum(found) == (total or sum(sizes))
    assert all(count >= 0 for count in found)
    pairs = sorted(zip(sizes, found, strict=True))
    assert all(two - one >= -1 for (_, one), (_, two) in pairwise(pairs)), "the larger, the more"
    assert proportions(sizes, 1.0) == sizes
