"""Models on the hub, where the hub is a small server on this machine that answers or does not."""

from __future__ import annotations

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


class Hub(ThreadingHTTPServer):
    """Has one model, someone/tiny.

    asked: The paths of all requests.
    silent: Whether connections are closed without an answer.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.silent = Path(folder), False
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        hub = cast(Hub, self.server)
        hub.asked.append(self.path)
        if hub.silent:
            return
        place, _, name = self.path.rpartition("/")
        places = [f"/someone/tiny/resolve/{revision}" for revision in ("main", COMMIT)]
        found = place in places and (hub.folder / name).is_file()
        data = (hub.folder / name).read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header(
            "X-Error-Code", "EntryNotFound" if "/someone/tiny" in self.path else "RepoNotFound"
        )
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


@pytest.fixture(scope="module")
def loads(tiny: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> list[Loads]:
    """With a hub that answers, and after that with one that does not."""
    results = []
    with Hub(tiny()) as hub:
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
            process = [sys.executable, "-c", LOAD]
            done = subprocess.run(
                process, env=environment, capture_output=True, text=True, timeout=120, check=True
            )
            files = [path for path in hub.asked if "/resolve/" in path]
            results.append(Loads(done.stdout.replace(address, "ADDRESS"), files))
        hub.shutdown()
    return results


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
