"""Models and adapters on the hub, where the hub is a small server on this machine that answers or
does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import cast

import pytest
from transformers import AutoModelForCausalLM

from spacy_genner.weights.tuning import LoRA
from tests.weights.test_load import load

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOAD = """
from tests.weights.test_load import load

for name in "someone/tiny", "someone/tinny":
    try:
        print(load(name).fingerprint)
    except ValueError as error:
        print(error)
"""
PLUG = """
from spacy_genner.lm.causal import CausalLM

for lm in CausalLM("someone/adapter"), CausalLM("someone/tiny", adapter="someone/adapter"):
    print(lm.base.fingerprint, lm.model.peft_config["default"].r)
try:
    CausalLM("someone/tiny", adapter="someone/else").model
except ValueError as error:
    print(error)
"""


class Hub(ThreadingHTTPServer):
    """Has a model, someone/tiny, and an adapter for it, someone/adapter.

    asked: The paths of all requests.
    silent: Whether connections are closed without an answer.
    """

    def __init__(self, model: str, adapter: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folders = {"someone/tiny": Path(model), "someone/adapter": adapter}
        self.silent = False
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        hub = cast(Hub, self.server)
        hub.asked.append(self.path)
        if hub.silent:
            return
        place, _, name = self.path.rpartition("/")
        model, _, revision = place.removeprefix("/").partition("/resolve/")
        folder = hub.folders.get(model, Path("nowhere"))
        found = revision in ("main", COMMIT) and (folder / name).is_file()
        data = (folder / name).read_bytes() if found else b""
        self.send_response(200 if found else 404)
        known = any(f"/{name}/" in self.path for name in hub.folders)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
        self.send_header("ETag", f'"{name}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    do_GET = do_HEAD

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Loads:
    """What two loads, of the model and of one that the hub does not have, print, and the files that
    they ask for."""

    printed: str
    asked: list[str]


def write_adapter(base: str, folder: Path) -> None:
    """Write an adapter that names its base on the hub."""
    model = LoRA(r=2).attach(AutoModelForCausalLM.from_pretrained(base))
    LoRA(r=2).save(model, folder)
    settings = json.loads((folder / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = "someone/tiny"
    (folder / "adapter_config.json").write_text(json.dumps(settings))


@pytest.fixture(scope="module")
def ask_hub(
    tiny: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[Loads]]:
    """`ask_hub(program)`: what it does with a hub that answers, and after that with one that does
    not."""
    adapter = tmp_path_factory.mktemp("adapter")
    write_adapter(tiny(), adapter)

    def ask(program: str) -> list[Loads]:
        results = []
        with Hub(tiny(), adapter) as hub:
            address = f"http://127.0.0.1:{hub.server_port}"
            settings = {
                "HF_ENDPOINT": address,
                "HF_HOME": str(tmp_path_factory.mktemp("home")),
                "HF_HUB_OFFLINE": "0",
            }
            environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}
            Thread(target=hub.serve_forever, daemon=True).start()
            for hub.silent in (False, True):
                hub.asked.clear()
                done = subprocess.run(
                    [sys.executable, "-c", program],
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=True,
                )
                files = [path for path in hub.asked if "/resolve/" in path]
                results.append(Loads(done.stdout.replace(address, "ADDRESS"), files))
            hub.shutdown()
        return results

    return ask


@pytest.fixture(scope="module")
def loads(ask_hub: Callable[[str], list[Loads]]) -> list[Loads]:
    return ask_hub(LOAD)


@pytest.fixture(scope="module")
def plugs(ask_hub: Callable[[str], list[Loads]]) -> list[Loads]:
    return ask_hub(PLUG)


def test_a_model_is_fetched(loads: list[Loads], tiny: Callable[..., str]) -> None:
    assert loads[0].printed.startswith(load(tiny()).fingerprint + "\n")
    assert f"/someone/tiny/resolve/{COMMIT}/model.safetensors" in loads[0].asked


def test_all_files_are_of_the_commit_that_the_revision_was_at_first(loads: list[Loads]) -> None:
    of_main = {path for path in loads[0].asked if path.startswith("/someone/tiny/resolve/main/")}
    of_main.discard(
        "/someone/tiny/resolve/main/custom_generate/generate.py"
    )  # transformers 4 asks whether it exists
    assert of_main == {"/someone/tiny/resolve/main/config.json"}


def test_a_name_that_the_hub_does_not_know(loads: list[Loads]) -> None:
    error = "'someone/tinny' cannot be loaded: someone/tinny is not a local folder and is not a valid model identifier"
    assert error in loads[0].printed


def test_without_the_hub_a_model_is_found_in_its_cache(
    loads: list[Loads], tiny: Callable[..., str]
) -> None:
    assert loads[1].printed.startswith(load(tiny()).fingerprint + "\n")


def test_without_the_hub_an_unknown_name_is_an_error(loads: list[Loads]) -> None:
    error = "'someone/tinny' cannot be loaded: We couldn't connect to 'ADDRESS' to load the files, and couldn't"
    assert error in loads[1].printed and "or a model on the Hugging Face hub" in loads[1].printed


def test_a_hub_that_does_not_answer_is_asked_once_for_each_name(loads: list[Loads]) -> None:
    names = ("someone/tiny", "someone/tinny")
    assert loads[1].asked == [f"/{name}/resolve/main/config.json" for name in names]


@pytest.mark.parametrize("reached", [True, False], ids=["with the hub", "from the cache"])
def test_an_adapter_is_fetched(plugs: list[Loads], tiny: Callable[..., str], reached: bool) -> None:
    by_itself, beside_its_base, unknown = plugs[0 if reached else 1].printed.splitlines()
    assert by_itself == beside_its_base == f"{load(tiny()).fingerprint} 2"
    assert "adapter = 'someone/else': there is no such folder with adapter_config.json" in unknown


def test_all_files_of_an_adapter_are_of_one_commit(plugs: list[Loads]) -> None:
    asked = [path for path in plugs[0].asked if path.startswith("/someone/adapter/")]
    assert {path for path in asked if "/main/" in path} == {
        "/someone/adapter/resolve/main/adapter_config.json"
    }
    assert f"/someone/adapter/resolve/{COMMIT}/adapter_model.safetensors" in asked
