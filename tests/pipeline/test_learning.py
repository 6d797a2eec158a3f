"""What is learnt from an example, and what `initialize`, `update` and `rehearse` do with it."""

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Optimizer

from spacy_genner.pipeline import learning
from spacy_genner.types import Entity
from tests.pipeline.scripted import TEXT, add_scripted, marked

Layer = list[tuple[int, int, str]]
DATA: list[tuple[str, Layer]] = [
    ("The University of Edinburgh is old", [(1, 4, "ORG"), (3, 4, "GPE")]),
    ("Acme bought it", [(0, 1, "ORG")]),
    ("nothing here", []),
    ("Leeds", [(0, 1, "GPE")]),
]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def example(
    nlp: Language, text: str, spans: Layer | None, ents: Layer | None = None, key: str = "sc"
) -> Example:
    reference = nlp.make_doc(text)
    if spans is not None:
        reference.spans[key] = [Span(reference, *span) for span in spans]
    if ents is not None:
        reference.set_ents([Span(reference, *ent) for ent in ents])
    return Example(nlp.make_doc(text), reference)


def examples(nlp: Language) -> list[Example]:
    return [example(nlp, *pair) for pair in DATA]


def initialized(nlp: Language) -> Optimizer:
    return nlp.initialize(lambda: examples(nlp))


def learnt(component: Any, *given: Example) -> list[tuple[str, list[Entity]]]:
    """The sources and gold entities that the model is given."""
    component.model.attrs["batches"].clear()
    component.update(given)
    return [
        (" ".join(s.words), gold)
        for batch in component.model.attrs["batches"]
        for s, gold, _ in batch
    ]


def weights(component: Any) -> dict[str, torch.Tensor]:
    return {
        name: w.detach().clone() for name, w in component.model.shims[0].lm.model.named_parameters()
    }


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_group_is_learnt_before_the_entities(nlp: Language) -> None:
    component = add_scripted(nlp)
    both = example(nlp, "a b", [(0, 2, "ORG"), (0, 1, "GPE")], ents=[(1, 2, "ORG")])
    assert learnt(component, both) == [("a b", [Entity(0, 2, "ORG"), Entity(0, 1, "GPE")])]
    assert learnt(component, example(nlp, "a b", None, ents=[(1, 2, "ORG")])) == [
        ("a b", [Entity(1, 2, "ORG")])
    ]
    other = example(nlp, "a b", [(0, 2, "ORG")], ents=[], key="other")
    assert learnt(component, other) == [("a b", [])]


def test_no_entities_are_learnt_and_no_annotation_is_not(nlp: Language) -> None:
    component = add_scripted(nlp)
    assert learnt(component, example(nlp, "a b", None, ents=[])) == [("a b", [])]
    assert learnt(component, example(nlp, "a b", None)) == []


def test_an_example_is_cut_as_a_document_is(nlp: Language) -> None:
    component = add_scripted(nlp, window=4)
    long = example(
        nlp, "a b . c d e f g", [(1, 2, "ORG"), (3, 5, "ORG"), (6, 8, "ORG"), (7, 8, "GPE")]
    )
    assert learnt(component, long) == [
        ("a b .", [Entity(1, 2, "ORG")]),
        ("c d e", [Entity(0, 2, "ORG")]),
        ("f g", [Entity(0, 2, "ORG"), Entity(1, 2, "GPE")]),
    ]


def test_white_space_around_a_span_is_left_out(nlp: Language) -> None:
    component = add_scripted(nlp)
    spaced = example(nlp, "a \n b \n c", [(1, 4, "ORG")])
    assert learnt(component, spaced) == [("a b c", [Entity(1, 2, "ORG")])]


def test_gold_spans_follow_the_text_to_other_tokens(nlp: Language) -> None:
    component = add_scripted(nlp)
    reference = Doc(
        nlp.vocab, words=["O", "'", "Neil", "sold", "it"], spaces=[False, False, True, True, False]
    )
    reference.spans["sc"] = [Span(reference, 0, 3, "ORG"), Span(reference, 2, 3, "GPE")]
    predicted = Doc(nlp.vocab, words=["O'Neil", "sold", "it"], spaces=[True, True, False])
    assert learnt(component, Example(predicted, reference)) == [
        ("O'Neil sold it", [Entity(0, 1, "ORG")])
    ]


UNLEARNABLE = [
    ("crossing", [(0, 3, "ORG"), (2, 4, "ORG")], [Entity(0, 3, "ORG")]),
    ("duplicate", [(0, 2, "ORG"), (0, 2, "ORG")], [Entity(0, 2, "ORG")]),
    (
        "too deep",
        [(0, 5 - i, "ORG") for i in range(5)],
        [Entity(0, 5 - i, "ORG") for i in range(4)],
    ),
    ("empty", [(5, 6, "ORG")], []),
    ("with an unknown label", [(0, 4, "PER"), (0, 2, "ORG"), (1, 2, "PER")], [Entity(0, 2, "ORG")]),
    ("across windows", [(4, 7, "ORG"), (6, 7, "ORG")], [Entity(0, 1, "ORG")]),
]


@pytest.mark.parametrize(
    ("reason", "spans", "kept"), UNLEARNABLE, ids=[reason for reason, _, _ in UNLEARNABLE]
)
def test_what_cannot_be_learnt_is_counted_and_left_out(
    nlp: Language, reason: str, spans: Layer, kept: list[Entity]
) -> None:
    component = add_scripted(nlp, labels=["ORG"], window=5)
    given = example(nlp, "a b c d e \n f g", spans)
    count = 2 if reason == "with an unknown label" else 1
    with pytest.warns(
        UserWarning,
        match=(
            rf"^\[generative_ner\] gold spans that cannot be learnt as they are: {count} "
            rf"{reason}$"
        ),
    ):
        component.initialize(lambda: [given])
    assert [entity for _, gold in learnt(component, given) for entity in gold] == kept


def test_a_span_across_tokens_is_counted(nlp: Language) -> None:
    component = add_scripted(nlp)
    reference = Doc(nlp.vocab, words=["New", "York-based"], spaces=[True, False])
    reference.spans["sc"] = [Span(reference, 0, 1, "GPE")]
    predicted = Doc(nlp.vocab, words=["New York", "-based"], spaces=[False, False])
    given = Example(predicted, reference)
    with pytest.warns(UserWarning, match="cannot be learnt as they are: 1 across tokens"):
        component.initialize(lambda: [given])
    assert learnt(component, given) == [("New York -based", [])]


def test_all_that_cannot_be_learnt_is_one_warning(nlp: Language) -> None:
    component = add_scripted(nlp, labels=["ORG"], window=5)
    given = [example(nlp, "a b c d e \n f g", spans) for _, spans, _ in UNLEARNABLE]
    with pytest.warns(UserWarning) as caught:
        component.initialize(lambda: given)
    assert len(caught) == 1
    message = (
        "2 with an unknown label, 1 crossing, 1 duplicate, 1 too deep, 1 empty, 1 across windows"
    )
    assert (
        str(caught[0].message)
        == f"[generative_ner] gold spans that cannot be learnt as they are: {message}"
    )


def test_data_without_losses_initialise_without_warning(nlp: Language) -> None:
    component = add_scripted(nlp)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        component.initialize(lambda: examples(nlp))


def test_labels_come_from_the_data_in_alphabetical_order(nlp: Language) -> None:
    component = add_scripted(nlp, labels=None)
    given = [
        example(nlp, "a b", [(0, 1, "Z"), (1, 2, "B")]),
        example(nlp, "a b", None, ents=[(0, 1, "A")]),
    ]
    component.initialize(lambda: given)
    assert component.labels == ("A", "B", "Z") == tuple(component.model.attrs["labels"])


def test_labels_of_the_configuration_are_kept(nlp: Language) -> None:
    component = add_scripted(nlp, labels={"ORG": "a company"})
    with pytest.warns(UserWarning, match="2 with an unknown label"):
        component.initialize(lambda: examples(nlp))
    assert component.label_data == {"ORG": "a company"}


@pytest.mark.parametrize(
    "labels", [["GPE", "ORG", "PER"], {"GPE": "a city", "ORG": "", "PER": "somebody"}]
)
def test_labels_given_to_initialize_win(nlp: Language, labels: Any) -> None:
    component = add_scripted(nlp, labels=["OTHER"])
    component.initialize(lambda: examples(nlp), labels=labels)
    assert component.labels == ("GPE", "ORG", "PER")
    component.initialize(lambda: examples(nlp), labels=component.label_data)
    assert component.label_data == (
        labels if isinstance(labels, dict) else dict.fromkeys(labels, "")
    )


def test_labels_added_before_are_kept(nlp: Language) -> None:
    component = add_scripted(nlp, labels=None)
    component.add_label("PER", "somebody")
    component.initialize(lambda: examples(nlp))
    assert component.label_data == {"PER": "somebody", "GPE": "", "ORG": ""}


def test_spacy_passes_settings_of_the_initialize_section_on(nlp: Language) -> None:
    add_scripted(nlp, labels=None)
    nlp.config["initialize"]["components"]["generative_ner"] = {
        "labels": {"GPE": "a city", "ORG": ""}
    }
    initialized(nlp)
    assert nlp.get_pipe("generative_ner").label_data == {"GPE": "a city", "ORG": ""}


@pytest.mark.parametrize("spans", [None, [], [(0, 1, "")]])
def test_no_labels_at_all_are_an_error(nlp: Language, spans: Layer | None) -> None:
    component = add_scripted(nlp, labels=None)
    with pytest.raises(
        ValueError, match=r"has no labels: give `labels` .* doc.spans\['sc'\] or doc.ents"
    ):
        component.initialize(lambda: [example(nlp, "a b", spans)])
    with pytest.raises(ValueError, match="has no labels"):
        component.update([example(nlp, "a b", [(0, 1, "ORG")])])


def test_a_label_that_the_tokenizer_cannot_write_is_refused_at_once(
    nlp: Language, add_tiny: Callable[..., Any], tiny: Callable[..., str]
) -> None:
    component = add_tiny(nlp, labels=["🏢"], lm={"name": tiny("llama", "spm")})
    with pytest.raises(ValueError, match=r"cannot write .*🏢.*: choose other labels"):
        component.initialize(lambda: examples(nlp))


@pytest.mark.parametrize("given", [[], ["text"], [Doc(spacy.blank("xx").vocab, words=["a"])]])
def test_what_is_no_example_is_refused(nlp: Language, given: Any) -> None:
    component = add_scripted(nlp)
    if given:
        with pytest.raises(TypeError):
            component.update(given)
        with pytest.raises(TypeError):
            component.rehearse(given)
    with pytest.raises((TypeError, ValueError)):
        component.initialize(lambda: given)


def test_losses_are_added_up_under_the_name_of_the_component(nlp: Language) -> None:
    component = add_scripted(nlp, "mine")
    losses = {"mine": 1.0, "other": 7.0}
    assert component.update(examples(nlp), losses=losses) is losses
    assert losses == {"mine": 3.0, "other": 7.0}
    assert component.update([]) == {"mine": 0.0}


def test_the_loss_is_the_sum_and_each_counts_alike(nlp: Language) -> None:
    component = add_scripted(nlp)
    loss, gradient = component.get_loss([], np.array([0.5, 2.0], dtype="float32"))
    assert (loss, gradient.tolist(), gradient.dtype) == (2.5, [1.0, 1.0], np.dtype("float32"))
    component.update(examples(nlp))
    assert [gradient.tolist() for gradient in component.model.attrs["gradients"]] == [[1.0] * 4]


@pytest.mark.parametrize("texts", [[""], [" \n"], ["", " "]])
def test_documents_without_words_teach_nothing(
    nlp: Language, add_tiny: Callable[..., Any], texts: list[str]
) -> None:
    component = add_tiny(nlp)
    given = [example(nlp, text, []) for text in texts]
    optimizer = initialized(nlp)
    before = weights(component)
    assert component.update(given, sgd=optimizer) == {"generative_ner": 0.0}
    assert same(weights(component), before)
    assert component.update([*given, *examples(nlp)], sgd=optimizer)["generative_ner"] > 0


def test_without_annotation_nothing_changes(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    component = add_tiny(nlp)
    optimizer = initialized(nlp)
    before = weights(component)
    component.update([example(nlp, "a b", None)], sgd=optimizer)
    assert same(weights(component), before)
    component.update([example(nlp, "a b", [])], sgd=optimizer)
    assert not same(weights(component), before)


def test_without_an_optimizer_gradients_wait(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    component = add_tiny(nlp)
    optimizer = initialized(nlp)
    before, found = weights(component), marked(nlp("Leeds is old"))
    assert component.update(examples(nlp), sgd=None)["generative_ner"] > 0
    assert component.update(examples(nlp))["generative_ner"] > 0
    assert same(weights(component), before)
    assert marked(nlp("Leeds is old")) == found
    component.finish_update(optimizer)
    assert not same(weights(component), before)


def test_parts_of_a_batch_teach_what_the_batch_does(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    results, losses = [], []
    for parts in ([slice(0, 4)], [slice(0, 1), slice(1, 4)]):
        fix_random_seed(0)
        nlp = spacy.blank("xx")
        component = add_tiny(nlp)
        optimizer = initialized(nlp)
        losses.append(0.0)
        for part in parts:
            losses[-1] += component.update(examples(nlp)[part])["generative_ner"]
        component.finish_update(optimizer)
        results.append(weights(component))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for name in results[0]:
        torch.testing.assert_close(results[0][name], results[1][name], rtol=1e-3, atol=1e-4)


def test_a_batch_of_many_words_is_read_in_parts(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that memory does not grow with it. What the parts teach, see the test above."""
    component = add_scripted(nlp)
    batches = component.model.attrs["batches"]
    losses = []
    for words in (1000, 4):
        monkeypatch.setattr(learning, "_WORDS", words)
        losses.append(component.update(examples(nlp))["generative_ner"])
    assert [[len(s.words) for s, _, _ in batch] for batch in batches] == [
        [6, 3, 2, 1],
        [6],
        [3, 2],
        [1],
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("tuning", ["LoRA", "FullTuning"])
@pytest.mark.parametrize("loss", ["tokens", "decisions"])
def test_a_few_examples_are_learnt_by_heart(
    nlp: Language, add_tiny: Callable[..., Any], tuning: str, loss: str
) -> None:
    component = add_tiny(
        nlp,
        labels=None,
        lm={"tuning": {"@misc": f"spacy_genner.{tuning}.v1"}},
        model={"loss": loss},
    )
    fix_random_seed(0)
    optimizer = initialized(nlp)
    optimizer.learn_rate = 0.01
    losses = [component.update(examples(nlp), sgd=optimizer)["generative_ner"] for _ in range(40)]
    assert losses[-1] < losses[0] / 10
    scores = nlp.evaluate(examples(nlp))
    assert scores["spans_sc_f"] == scores["spans_sc_nested_f"] == 1.0
    assert [[span[:3] for span in marked(nlp(text))] for text, _ in DATA] == [
        sorted(spans) for _, spans in DATA
    ]


def test_the_same_seed_gives_the_same_twice(add_tiny: Callable[..., Any]) -> None:
    runs = []
    for _ in range(2):
        fix_random_seed(3)
        nlp = spacy.blank("xx")
        component = add_tiny(
            nlp, lm={"tuning": {"@misc": "spacy_genner.LoRA.v1", "lora_dropout": 0.2}}
        )
        optimizer, data = initialized(nlp), examples(nlp)
        losses = []
        for _ in range(4):
            random.shuffle(data)
            losses.append(component.update(data[:2], sgd=optimizer)["generative_ner"])
        runs.append((losses, weights(component)))
    assert runs[0][0] == runs[1][0]
    assert same(runs[0][1], runs[1][1])


def test_another_seed_gives_another_adapter(add_tiny: Callable[..., Any]) -> None:
    found = []
    for seed in (0, 1):
        fix_random_seed(seed)
        nlp = spacy.blank("xx")
        component = add_tiny(nlp)
        initialized(nlp)
        found.append(weights(component))
    assert not same(*found)


def test_a_component_left_out_of_an_update_stays_as_it_is(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    one, two = (add_tiny(nlp, name) for name in ("one", "two"))
    optimizer = initialized(nlp)
    before = weights(one), weights(two)
    losses = nlp.update(examples(nlp), sgd=optimizer, exclude=["one"])
    assert set(losses) == {"two"}
    assert same(weights(one), before[0])
    assert not same(weights(two), before[1])


def test_examples_that_are_not_annotated_need_no_labels(nlp: Language) -> None:
    component = add_scripted(nlp, labels=None)
    assert learnt(component, Example(nlp.make_doc("Leeds"), nlp.make_doc("Leeds"))) == []


def test_it_can_annotate_while_it_learns(nlp: Language) -> None:
    component = add_scripted(nlp)
    nlp.update(examples(nlp), annotates=["generative_ner"])
    learning, annotating = component.model.attrs["batches"]
    assert [(source, labels) for source, _, labels in learning] == annotating


def test_it_takes_part_in_averaging_of_parameters(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    component = add_tiny(nlp)
    initialized(nlp)
    before = weights(component)
    with nlp.use_params({(0, "W"): np.zeros(1)}):
        found = marked(nlp("Leeds is old"))
    assert found == marked(nlp("Leeds is old"))
    assert same(weights(component), before)


def test_rehearsal_teaches_what_the_model_knew(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    component = add_tiny(nlp)
    optimizer = initialized(nlp)
    optimizer.learn_rate = 0.01
    for _ in range(25):
        component.update(examples(nlp), sgd=optimizer)
    nlp.resume_training().learn_rate = 0.01
    assert component._rehearsal_model is not component.model
    forgetting = [example(nlp, text, []) for text, _ in DATA]
    for _ in range(5):
        component.update(forgetting, sgd=optimizer)
    assert nlp.evaluate(examples(nlp))["spans_sc_f"] < 1
    texts = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text, _ in DATA]
    losses = [nlp.rehearse(texts)["generative_ner"] for _ in range(25)]
    assert losses[-1] < losses[0] / 2
    assert nlp.evaluate(examples(nlp))["spans_sc_f"] == 1.0


def test_rehearsal_without_a_memory_teaches_nothing(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    component = add_tiny(nlp)
    optimizer = initialized(nlp)
    before = weights(component)
    assert component.rehearse(examples(nlp), sgd=optimizer) == {"generative_ner": 0.0}
    assert same(weights(component), before)


def test_rehearsal_asks_for_the_labels_of_its_time(nlp: Language) -> None:
    component = add_scripted(nlp, labels=["ORG"])
    nlp.resume_training()
    component.add_label("GPE")
    nlp.rehearse([Example(nlp.make_doc(TEXT), nlp.make_doc(TEXT))])
    [[(_, _, labels)]] = component.model.attrs["batches"]
    assert tuple(labels) == ("ORG",)
