from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_genner.cli._pipelines import load, plain_errors


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


def test_a_pipeline_is_loaded_from_its_folder(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    assert load(str(tmp_path / "model")).lang == "en"


def test_a_missing_pipeline_ends_with_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as stop:
        load(str(tmp_path / "nope"))
    assert stop.value.code == 1 and "nope" in "".join(capsys.readouterr())


def test_only_errors_that_the_user_can_mend_are_plain() -> None:
    with pytest.raises(SystemExit), plain_errors():
        raise ValueError("mend it")
    with pytest.raises(ZeroDivisionError), plain_errors():
        _ = 1 / 0
