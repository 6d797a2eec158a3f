"""Stored predictions in the layouts of GNER and LLMs4NER."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.evaluation.predictions import evaluate_predictions, read_predictions
from tests.evaluation.stored import gner, llms4ner, write


def metrics(path: Path) -> dict[str, Any]:
    return evaluate_predictions(read_predictions(path))["overall"]


def counts(path: Path) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Correct, predicted and gold: by position, and as published."""
    found = metrics(path)
    return tuple(
        tuple(found[kind][name] for name in ("correct", "predicted", "gold"))
        for kind in ("position", "published")
    )


def test_positions_and_texts_are_counted_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", gner("Bonn(O) or(O) Bonn(B-city)"))
    assert counts(path) == ((0, 1, 1), (1, 1, 1))


def test_what_gner_repairs_is_reported(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        gner("Sure(O) Bonn(B-city) or(O) Bon(B-river) .(B-town)"),
        gner("Bonn(B-city)"),
    )
    assert counts(path) == ((2, 3, 2), (2, 2, 2))
    repairs = {name: count for name, count in metrics(path)["repairs"].items() if count}
    assert repairs == {"additions": 2, "substitutions": 1, "omissions": 2, "unknown": 1}


@pytest.mark.parametrize(
    ("predict", "label", "expected"),
    [
        (
            "[Essex | GPE] or Essex Police",
            "Essex or [[Essex | GPE] Police | ORG]",
            ((0, 1, 2), (0, 1, 2)),
        ),
        (
            "[Essex | GPE] for Essex Police",
            "Essex or [[Essex | GPE] Police | ORG]",
            ((0, 1, 2), (1, 1, 2)),
        ),
        (
            "Essex or <ORG>Essex Police</ORG>",
            "<GPE>Essex</GPE> or <ORG>Essex Police</ORG>",
            ((1, 1, 2), (1, 1, 2)),
        ),
        (
            '{"GPE": ["Essex", "Essex"]}',
            '{"GPE": ["Essex"], "ORG": ["Essex Police"]}',
            ((1, 2, 2), (1, 2, 2)),
        ),
        ({"GPE": ["Essex"]}, {"GPE": ["Essex"], "ORG": []}, ((1, 1, 1), (1, 1, 1))),
        (
            '[{"text": "Essex", "label": "GPE", "occurrence_index": 1}, '
            '{"text": "Essex Police", "label": "ORG", "occ',
            '[{"text": "Essex", "label": "GPE", "occurrence_index": 2}]',
            ((0, 2, 1), (0, 0, 1)),
        ),
        (
            '[{"text": "Essex Police", "label": "ORG", "start": 1, "end": 2}]',
            '[{"text": "Essex Police", "label": "ORG", "start": 9, "end": 21}]',
            ((1, 1, 1), (0, 1, 1)),
        ),
    ],
)
def test_the_formats_of_llms4ner(predict: Any, label: Any, expected: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "genia.jsonl", llms4ner(predict, label))
    assert counts(path) == expected
    assert not any(metrics(path)["gold_repairs"].values())


def test_the_first_answer_with_an_entity_tells_the_format(tmp_path: Path) -> None:
    lines = (
        llms4ner("[]", "[]"),
        llms4ner("[]", '[{"text": "Essex", "label": "GPE", "occurrence_index": 2}]'),
    )
    assert counts(write(tmp_path / "a.jsonl", *lines)) == ((0, 0, 1), (0, 0, 1))


def test_what_the_text_holds_does_not_tell_the_format(tmp_path: Path) -> None:
    label = 'He said "start" and "occurrence_index" in [Leeds | GPE]'
    assert counts(write(tmp_path / "a.jsonl", llms4ner(label, label))) == ((1, 1, 1), (1, 1, 1))
    label = "{ [Leeds | GPE] }"
    assert counts(write(tmp_path / "b.jsonl", llms4ner(label, label))) == ((1, 1, 1), (1, 1, 1))


def test_labels_come_from_the_prompt_and_from_the_gold_answers(tmp_path: Path) -> None:
    lines = (
        llms4ner("[a | ORG] [b | XX] [c | YY]", "[a | GPE] b [c | XX]"),
        llms4ner("d", "[d | ZZ]", "no label set"),
    )
    found = metrics(write(tmp_path / "a.jsonl", *lines))
    assert found["position"]["predicted"] == 2 and found["repairs"]["unknown"] == 1
    assert found["published"]["predicted"] == 3
    bare = llms4ner(
        "[a | ORG] b", "a [b | GPE]", "Label Set:\nGPE\nORG\nNow process the input sentence:\na b"
    )
    assert metrics(write(tmp_path / "b.jsonl", bare))["position"]["predicted"] == 1


@pytest.mark.parametrize("end", ["", "\n", "<|im_end|>\n", "<end_of_turn>\n", " [/INST]", "</s>"])
def test_the_sentence_ends_where_the_chat_template_goes_on(end: str, tmp_path: Path) -> None:
    prompt = f"Now process the input sentence:\nsee below\nNow process the input sentence:\nEssex is{end}"
    label = '[{"text": "Essex", "label": "GPE", "start": 0, "end": 5}]'
    (prediction,) = read_predictions(write(tmp_path / "a.jsonl", llms4ner(label, label, prompt)))
    assert prediction.document.text == "Essex is"


WRONG = "is not in GNER's layout: expected strings"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "a.jsonl is empty: expected JSON lines, each with a prediction"),
        (["{"], "a.jsonl:1 is not JSON"),
        (["[" * 100_000], "a.jsonl:1 is not JSON"),
        (["9" * 5_000], "a.jsonl:1 is not JSON"),
        (
            [json.dumps(gner("Bonn(O)")), json.dumps(gner("Bonn\ud83d(O)"))],
            r"a.jsonl:2 has half a character, '\ud83d'",
        ),
        (["3"], "a.jsonl:1 is of type int: expected a JSON object"),
        (
            ["{}"],
            "a.jsonl:1 has neither `prediction` (GNER) nor `predict` (LLMs4NER), only nothing",
        ),
        ([json.dumps(gner("x")), "", '{"prediction": "x"}'], f"a.jsonl:3 {WRONG}"),
        ([json.dumps(gner("x", labels=["O"]))], f"a.jsonl:1 {WRONG}"),
        ([json.dumps(gner("x", words=["a", "b", 3]))], f"a.jsonl:1 {WRONG}"),
        (
            [json.dumps(gner("x", labels=["O", "O", "city"]))],
            "a.jsonl:1: 'city' is not a tag: expected O",
        ),
        ([json.dumps(gner("x", words=["a", " ", "b"]))], "a.jsonl:1: a word of a Source is empty"),
        (
            ['{"predict": "x"}'],
            "a.jsonl:1 is not in LLMs4NER's layout: expected `predict` and `label`",
        ),
        (
            [json.dumps(llms4ner("x", "x"))],
            "a.jsonl:1 and the lines after it: no gold answer (`label`) has an entity that tells",
        ),
        (
            [json.dumps(llms4ner("{}", '{"A": ["x"]}', "x"))],
            'a.jsonl:1: expected "Now process the input sentence:" in `prompt`',
        ),
    ],
)
def test_a_broken_line_is_named(lines: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError) as error:
        read_predictions(path)
    assert message in str(error.value)


def test_faults_of_the_gold_answers_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", llms4ner('{"GPE": []}', '{"GPE": ["Essex", "York"]}'))
    assert metrics(path)["gold_repairs"]["missing"] == 1


def test_datasets_are_scored_one_by_one_and_averaged(tmp_path: Path) -> None:
    right, wrong = "Bonn(B-city) or(O) Bonn(O)", "Bonn(O) or(O) Bonn(O)"
    path = write(tmp_path / "a.jsonl", gner(right), gner(wrong, "rivers"), gner(wrong, "rivers"))
    found = evaluate_predictions(read_predictions(path))
    assert found["mean_f"] == {"position": 0.5, "published": 0.5}
    assert found["datasets"].keys() == {"towns", "rivers"}
    assert found["datasets"]["rivers"]["documents"] == 2
