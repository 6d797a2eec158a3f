import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from spacy.cli.train import train as spacy_train
from typer.testing import CliRunner

if TYPE_CHECKING:
    from conftest import Training

CODE = Path(__file__).with_name("train_code.py")


def command(training: "Training", output: Path, *, spacy: bool = False) -> list[str]:
    overrides = [f"--{key}={value}" for key, value in training.overrides.items()]
    own = [] if spacy else ["--seconds", "0"]
    name = ["train"] if spacy else ["genner", "train"]
    return [*name, str(training.config), "--output", str(output), "--code", str(CODE), *own, *overrides]


def run(training: "Training", output: Path, kill: str = "", spacy: bool = False) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"GENNER_TEST_KILL": kill, "PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": ""}
    arguments = [sys.executable, "-m", "spacy", *command(training, output, spacy=spacy)]
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_x(training, tmp_path):
    import time
    t=time.time()
    r = run(training, tmp_path/"a", spacy=True)
    print(r.stdout, r.stderr, time.time()-t); t=time.time()
    assert r.returncode==0
    r2 = run(training, tmp_path/"b")
    print(r2.stdout, r2.stderr, time.time()-t)
    a,b=files(tmp_path/"a"),files(tmp_path/"b")
    print(a.keys()^b.keys(), [k for k in a if a[k]!=b.get(k)])
    for k in ["update 6","write 5"]:
        r=run(training, tmp_path/"c",kill=k)
        print(r.stdout, r.stderr, r.returncode)
        print(files(tmp_path/"c").keys())
        r=run(training, tmp_path/"c")
        print(r.stdout, r.stderr, r.returncode)
        c=files(tmp_path/"c")
        print(a.keys()^c.keys(), [k for k in a if a[k]!=c.get(k)])
    assert 0
