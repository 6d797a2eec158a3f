"""spaCy imports the module of every registered factory at start-up, so ours must be light."""

import json
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

import pytest

FACTORY = "spacy_genner.pipeline.generative_ner"
HEAVY = '{"transformers", "peft"} & set(sys.modules)'


def run(code: str) -> Any:
    """What the code prints, as JSON, in a fresh interpreter."""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("module", ["spacy_genner", "spacy_genner.cli", FACTORY])
def test_an_import_loads_no_language_model(module: str) -> None:
    assert run(f"import json, sys, {module}; print(json.dumps(sorted({HEAVY})))") == []


def test_the_factory_loads_no_package_that_spacy_has_not_loaded() -> None:
    packages = "{name.partition('.')[0] for name in sys.modules}"
    code = f"import json, sys, spacy; before = {packages}; import {FACTORY}; print(json.dumps([*{packages} - before]))"
    assert run(code) == ["spacy_genner"]


@pytest.mark.skipif(
    bool(find_spec("spacy_transformers")), reason="spacy-transformers itself loads transformers"
)
@pytest.mark.skipif(
    not entry_points(group="spacy_factories", name="generative_ner"),
    reason="the package is not installed: make setup",
)
def test_spacy_starts_without_the_language_model() -> None:
    code = f"import json, sys, spacy; spacy.blank('en'); print(json.dumps(['{FACTORY}' in sys.modules, *{HEAVY}]))"
    assert run(code) == [True]
