"""`nlp.pipe(n_process=2)`: the spans of one process, and never a hang."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import multiprocessing, sys, threading
import spacy, torch

TEXTS = ["The University of Edinburgh bought it in Leeds. " * times for times in (1, 6, 1, 2)]
OWN = {0: ["SHIP", "LAW"], 2: {"DNA": "a molecule"}}

def documents(nlp):
    docs = list(map(nlp.make_doc, TEXTS))
    for i, labels in OWN.items():
        docs[i]._.genner_labels = labels
    return docs

def found(docs):
    docs = list(docs)
    spans = [[(span.start, span.end, span.label_) for span in doc.spans["sc"]] for doc in docs]
    assert all(labels >= {label for *_, label in spans[i]} for i, labels in enumerate(map(set, LABELS)))
    assert [doc._.genner_labels for doc in docs] == [OWN.get(i) for i in range(len(docs))]
    return spans, [float(score) for doc in docs for score in doc.spans["sc"].attrs["scores"]]

LABELS = [OWN.get(i, ["ORG"]) for i in range(len(TEXTS))]

if __name__ == "__main__":
    torch.set_num_threads(2)  # threads of the parent are what a fork does not survive
    multiprocessing.set_start_method(sys.argv[1])
    nlp = spacy.blank("xx")
    model = {"lm": {"name": sys.argv[2], "dtype": "float32", "device": sys.argv[3]}, "format": {"max_depth": 1}}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG"], "model": model})
    spans, scores = found(nlp.pipe(documents(nlp), batch_size=2))
    assert any(spans) and any(spans[i] for i in OWN)
    done = threading.Event()
    other = threading.Thread(target=lambda: [nlp(TEXTS[0]) for _ in iter(done.is_set, True)])
    other.start()  # it reads with the model while processes are forked
    again, scores_again = found(nlp.pipe(documents(nlp), n_process=2, batch_size=2))
    done.set()
    other.join()
    assert again == spans
    assert max(abs(a - b) for a, b in zip(scores, scores_again, strict=True)) < 1e-4
"""
"""Texts long enough for torch to share the work among threads, some with labels of their own."""


@pytest.fixture
def run(
    tiny: Callable[..., str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run(method, device)`: the script, with a way to start processes."""

    def run(method: str, device: str = "cpu") -> subprocess.CompletedProcess[str]:
        script = tmp_path / "script.py"
        script.write_text(SCRIPT)
        command = [sys.executable, str(script), method, tiny(), device]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    return run


@pytest.mark.parametrize(
    "method", ["fork", *[pytest.param(m, marks=pytest.mark.slow) for m in ("spawn", "forkserver")]]
)
def test_two_processes_find_what_one_does(
    method: str, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    if method == "fork" and sys.platform != "linux":
        pytest.skip("a fork with threads is safe on Linux only")
    if method == "forkserver" and sys.platform == "win32":
        pytest.skip("Windows has no fork")
    result = run(method)
    assert result.returncode == 0, result.stderr


@pytest.mark.gpu
def test_a_gpu_is_not_shared_with_forked_processes(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    result = run("fork", "cuda:0")
    assert result.returncode == 1
    assert "a GPU cannot be shared with worker processes: use n_process=1" in result.stderr
