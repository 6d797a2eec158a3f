from __future__ import annotations

from typing import Any

import pytest

from spacy_genner.formats.nested import Nested
from tests.formats.table import TYPES


@pytest.mark.parametrize("format", [each for each in TYPES if issubclass(each, Nested)])
@pytest.mark.parametrize("max_depth", [0, -1])
def test_a_depth_below_one_is_refused(format: Any, max_depth: int) -> None:
    with pytest.raises(ValueError, match=f"max_depth = {max_depth}"):
        format(max_depth)
