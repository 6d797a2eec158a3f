"""A pipeline that is carried in a function."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import spacy

from spacy_genner.annotating.carried import Carried
from tests.annotating.pipelines import rules


def load_text(path: str) -> str:
    """What a file holds, in the place of the pipeline that it describes."""
    return Path(path).read_text()


def test_a_folder_is_not_needed_any_more(tmp_path: Path) -> None:
    rules().to_disk(tmp_path / "model")
    carried = pickle.dumps(Carried.of(tmp_path / "model", spacy.load))
    shutil.rmtree(tmp_path / "model")
    assert [ent.text for ent in pickle.loads(carried)()("She left Leith.").ents] == ["Leith"]


def test_a_config_file(tmp_path: Path) -> None:
    (tmp_path / "own.cfg").write_text("[nlp]")
    carried = Carried.of(tmp_path / "own.cfg", load_text)  # type: ignore[arg-type]
    assert carried.name == "own.cfg" and carried() == "[nlp]"  # type: ignore[comparison-overlap]
