import subprocess
import sys

from spacy_genner.evaluation.peak_memory import peak_memory

SCRIPT = """
from spacy_genner.evaluation.peak_memory import peak_memory
before = peak_memory()
large = bytearray(b"x") * (200 * 2**20)
during = peak_memory()
del large
print(before, during, peak_memory())
"""


def test_the_peak_stays_after_the_memory_is_freed() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    before, during, after = map(float, run.stdout.split())
    assert 150 < during - before < 250
    assert after > during - 20  # the kernel counts pages in steps


def test_the_peak_of_the_parent_does_not_count() -> None:
    large = bytearray(b"x") * (800 * 2**20)
    script = "from spacy_genner.evaluation.peak_memory import peak_memory; print(peak_memory())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    ours = peak_memory()
    assert ours is not None and ours > len(large) / 2**20 > float(run.stdout)
