from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from spacy_genner.weights.manifest import MANIFEST, WeightsError, seal, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "tiny"
    (root / "pooling").mkdir(parents=True)
    (root / "config.json").write_text("{}")
    (root / "pooling" / "config.json").write_text("[]")
    seal(root, "tiny==1", "MIT")
    return root


def test_the_manifest_names_every_file_with_source_and_licence(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    assert set(manifest["sha256"]) == {"config.json", "pooling/config.json"}
    assert manifest["sha256"]["config.json"] == hashlib.sha256(b"{}").hexdigest()
    assert (manifest["source"], manifest["licence"]) == ("tiny==1", "MIT")


def test_a_whole_folder_passes(folder: Path) -> None:
    verify(folder)


def test_files_that_others_add_do_not_matter(folder: Path) -> None:
    (folder / "note.txt").write_text("mine")
    verify(folder)


def test_a_changed_file_is_named_with_the_repair(folder: Path) -> None:
    (folder / "pooling" / "config.json").write_text("[1]")
    with pytest.raises(
        WeightsError, match=r"\(pooling/config.json missing or changed\).* download tiny --force"
    ):
        verify(folder)


def test_all_broken_files_are_named(folder: Path) -> None:
    (folder / "config.json").write_text("{ }")
    (folder / "pooling" / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"config.json, pooling/config.json missing or changed"):
        verify(folder)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"sha256": [1]}', '{"sha256": null}', "3", "\udcff"]
)
def test_a_broken_manifest_is_named(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_bytes(content.encode("utf8", "surrogateescape"))
    with pytest.raises(WeightsError, match=rf"{MANIFEST} missing or changed.*--force"):
        verify(folder)


def test_a_folder_without_manifest_is_corrupt(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(WeightsError, match=rf"{MANIFEST} missing.*--force"):
        verify(folder)
