"""The workflows of GitHub are valid, and call only what is in the repository."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import srsly

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"(?m)^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf8")))


def jobs(path: Path) -> dict[str, Any]:
    return srsly.read_yaml(path)["jobs"]


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def commands(path: Path) -> list[str]:
    return [line for step in steps(path) for line in step.get("run", "").splitlines()]


def test_there_are_two() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_complete(path: Path) -> None:
    workflow = srsly.read_yaml(path)
    assert workflow["name"] and workflow["permissions"] == {"contents": "read"}
    assert "on" in workflow  # YAML 1.1 would read it as true
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest" and job["steps"]
        assert set(job.get("needs", "").split()) <= set(workflow["jobs"])
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_their_major_version(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", name) for name in used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_all_that_a_workflow_calls_is_there(path: Path) -> None:
    for line in commands(path):
        program, *arguments = line.split()
        if program == "make":
            assert set(arguments) <= TARGETS
        elif program.startswith((".", "scripts/", "tests/")):
            assert os.access(ROOT / program, os.X_OK)


def test_ci_runs_the_whole_check_once_and_the_tests_on_the_oldest_and_newest_python() -> None:
    check, test = jobs(ROOT / ".github" / "workflows" / "ci.yml").values()
    assert check["steps"][-1] == {"run": ".ci/run"}
    assert test["steps"][-1] == {"run": "make test"}
    pythons = [check["steps"][1]["with"]["python-version"], *test["strategy"]["matrix"]["python"]]
    classifiers = (ROOT / "setup.cfg").read_text(encoding="utf8")
    assert pythons == ["3.12", "3.10", "3.13"]
    assert all(f"Python :: {version}\n" in classifiers for version in pythons)


def test_a_release_is_published_by_trust_after_its_wheel_was_checked() -> None:
    build, publish = jobs(ROOT / ".github" / "workflows" / "release.yml").values()
    script = "\n".join(step.get("run", "") for step in build["steps"])
    for check in ("twine check", "spacy genner --help", 'has_factory("generative_ner")'):
        assert check in script
    assert publish["needs"] == "build" and publish["permissions"] == {"id-token": "write"}
    assert not any("run" in step for step in publish["steps"])
