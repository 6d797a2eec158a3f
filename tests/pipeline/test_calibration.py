"""Calibrated scores of the component."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.training import Example

from spacy_genner.decoding.calibration import Platt
from tests.pipeline.scripted import TEXT, add_scripted, marked

SCALING = Platt(2.0, 1.0)


@pytest.fixture
def nlp() -> spacy.Language:
    nlp = spacy.blank("xx")
    add_scripted(nlp)
    return nlp


def test_scores_are_scaled_and_spans_stay(nlp: spacy.Language) -> None:
    before = marked(nlp(TEXT))
    nlp.get_pipe("generative_ner").calibrate(SCALING)
    after = marked(nlp(TEXT))
    assert [span[:3] for span in after] == [span[:3] for span in before]
    np.testing.assert_allclose([s[3] for s in after], SCALING([s[3] for s in before]), rtol=1e-6)


def test_none_leaves_them(nlp: spacy.Language) -> None:
    before = marked(nlp(TEXT))
    for scaling in (SCALING, None):
        nlp.get_pipe("generative_ner").calibrate(scaling)
    assert marked(nlp(TEXT)) == before


def test_the_threshold_looks_at_calibrated_scores() -> None:
    nlp = spacy.blank("xx")
    add_scripted(nlp, threshold=0.3).calibrate(SCALING)  # 0.25 becomes 0.145
    doc = nlp(TEXT)
    assert {span.text for span in doc.spans["sc"]} == {"University of Edinburgh", "Edinburgh"}


def test_training_ends_it(nlp: spacy.Language) -> None:
    before = marked(nlp(TEXT))
    pipe = nlp.get_pipe("generative_ner")
    pipe.calibrate(SCALING)
    pipe.update([Example.from_dict(nlp.make_doc(TEXT), {"entities": [(52, 57, "GPE")]})])
    assert marked(nlp(TEXT)) == before


def test_is_saved(add_tiny, tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    add_tiny(nlp).calibrate(SCALING)
    nlp.to_disk(tmp_path)
    assert marked(spacy.load(tmp_path)(TEXT)) == marked(nlp(TEXT))
    other = spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert marked(other(TEXT)) == marked(nlp(TEXT))
