"""Two stages on tiny corpora with a tiny model; a second run does nothing again."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import coarse
import pytest
import typer

ROOT = Path(__file__).parent.parent.parent
FILES = {
    "wnut17/wnut17train.conll": "Acme\tB-corporation\nleft\tO\nLeeds\tB-location\n\nnothing\tO\n",
    "btc/btc.train": "Essex\tB-LOC\nwon\tO\n\nMrs\tB-PER\nO'Neil\tI-PER\n",
    "wikigold/wikigold.conll.txt": "Acme I-ORG\nwon O\n\nLeeds I-LOC\n",
    "bc5cdr/train.tsv": "aspirin\tB-Chemical\nhelps\tO\n\npain\tB-Disease\n",
    "sec-fin/FIN5.train.txt": "Acme NNP - I-ORG\nlends NN - O\n\nLeeds NNP - I-LOC\n",
    "sec-fin/FIN3.test.txt": "Essex NNP - I-LOC\nlends NN - O\n\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf8")
    (tmp_path / "definitions").mkdir()
    definitions = {"ORG": ["a company", "a firm"], "LOC": "a place"}
    (tmp_path / "definitions" / "conll2003.json").write_text(
        json.dumps(definitions), encoding="utf8"
    )
    return tmp_path


def run(folder: Path, model: str, *options: str) -> str:
    sizes = {"--sentences": 4, "--steps": 2, "--fine-sentences": 2, "--fine-steps": 2, "--test": 2}
    places = {
        "--work": folder / "work",
        "--json": folder / "out.json",
        "--definitions": folder / "definitions",
    }
    settings = sizes | places | {"--model": model, "--device": "cpu"}
    common = [str(word) for option in settings.items() for word in option]
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "coarse.py"),
        str(folder),
        *common,
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout


@pytest.mark.slow
def test_all_stages_and_no_stage_twice(folder: Path, tiny: Callable[..., str]) -> None:
    options = ("--runs", "nothing,half of all,btc", "--targets", "sec-fin")
    first = run(folder, tiny(), *options)
    written = (folder / "out.json").read_text()
    cells = json.loads(written)
    assert [(cell["run"], cell["stage"]) for cell in cells] == [
        (name, stage)
        for name in ("nothing", "half of all", "btc")
        for stage in ("as it is", "fine-tuned")
    ]
    assert all(0 <= cell["f"] <= 1 and cell["scored"] == 1 for cell in cells)
    [work] = [path for path in (folder / "work").iterdir() if path.is_dir()]
    labels = json.loads(
        (work / "half of all, sec-fin" / "model-last" / "generative_ner" / "cfg").read_text()
    )["labels"]
    assert labels == {"LOC": "a place", "ORG": "a company"}
    coarse = json.loads(
        (work / "half of all" / "model-last" / "generative_ner" / "cfg").read_text()
    )["labels"]
    assert set(coarse) == {"corporation", "location", "LOC", "PER", "ORG", "Chemical", "Disease"}
    rmtree(folder / "work")
    again = run(folder, tiny(), *options)
    assert again.splitlines() == first.splitlines()[-len(again.splitlines()) :]
    assert (folder / "out.json").read_text() == written
    assert (
        again.splitlines()[0] == "| trained on before | sec-fin, as it is | sec-fin, fine-tuned |"
    )


@pytest.mark.parametrize("option", [{"runs": "everything"}, {"targets": "wnut17"}])
def test_an_unknown_name_is_refused(folder: Path, option: dict[str, str]) -> None:
    with pytest.raises(typer.BadParameter, match=f"{next(iter(option.values()))}: choose from"):
        coarse.main(folder, **option)
