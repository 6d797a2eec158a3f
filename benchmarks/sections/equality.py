"""The tests that need a GPU: the same results as on a CPU. They compare in float32, without
TF32."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from boxes import Work
from cells import Cell

from .setting import Setting

ROOT = Path(__file__).parent.parent.parent
_SETTINGS = ["-q", "--no-header", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
_SETTINGS += [
    "-p",
    "no:faulthandler",
]  # it would cancel the end that the benchmark has set for itself


class Outcomes:
    """Counts what pytest reports.

    Attributes:
        failures: The last line of each.
    """

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self.failures = list[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended."""
        if report.when == "call" or not report.passed:
            self.counts[report.outcome] += 1
        if report.failed:
            self.failures.append(f"{report.nodeid}: {report.longreprtext.splitlines()[-1]}")


def equality(setting: Setting) -> dict[str, Work]:
    """Each test file that has such tests."""
    files = sorted(ROOT.glob("tests/**/test_*.py"))
    marked = [path for path in files if "pytest.mark.gpu" in path.read_text(encoding="utf8")]
    return {str(path.relative_to(ROOT)): partial(measured, path) for path in marked}


def measured(path: Path) -> Cell:
    """A cell.

    Raises:
        RuntimeError: If pytest cannot run the file.
    """
    outcomes = Outcomes()
    code = pytest.main([*_SETTINGS, "-m", "gpu", str(path)], plugins=[outcomes])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest ended with {code}")
    counts = {outcome: outcomes.counts[outcome] for outcome in ("passed", "failed", "skipped")}
    return {**counts, "failures": "; ".join(outcomes.failures)}
