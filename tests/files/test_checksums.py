import hashlib
from pathlib import Path

from spacy_genner.files.checksums import sha256


def test_sha256_is_that_of_hashlib(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8193  # longer than two blocks
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
