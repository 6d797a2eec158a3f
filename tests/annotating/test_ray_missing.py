"""What makes workers, as far as no cluster is needed."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from spacy_genner.annotating.outputs import Output
from spacy_genner.annotating.part import Done, PartWriter
from spacy_genner.annotating.ray_workers import RayWorkers, Written, put
from tests.annotating.folders import annotated, write_texts


def test_without_ray_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    path = write_texts(tmp_path / "in.jsonl", ["Leith"])
    with pytest.raises(ImportError, match=r'pip install "spacy-genner\[ray\]"'):
        annotated(path, tmp_path / "out", crew=partial(RayWorkers, size=1))


def test_files_are_put_in_place_and_old_failures_removed(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, Output())
    put(Written(Done(0, "", 1, 1, ""), b"part", b"failed"), writer)
    assert writer.path(0).read_bytes() == b"part"
    assert writer.failures_path(0).read_bytes() == b"failed"
    put(Written(Done(0, "", 2, 0, ""), b"whole", None), writer)
    assert writer.path(0).read_bytes() == b"whole" and not writer.failures_path(0).exists()
