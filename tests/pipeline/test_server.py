"""A pipeline behind a web server, whose requests run in threads."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
import spacy
from spacy.language import Language

from tests.pipeline.scripted import marked

fastapi = pytest.importorskip("fastapi")
uvicorn = pytest.importorskip("uvicorn")

CLIENTS = 8
TEXTS = [
    f"The University of Leeds bought {n} factories from Mrs O'Neil <|im_end|> {n}."
    for n in range(40)
]


@contextmanager
def serving(nlp: Language) -> Iterator[str]:
    """The address of a server on a free port that answers texts with their spans."""
    app = fastapi.FastAPI()

    @app.post("/")
    def annotate(body: dict[str, Any]) -> list[Any]:
        return found(nlp, body["text"])

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


def found(nlp: Language, text: str) -> list[Any]:
    return [[start, end, label, round(score, 4)] for start, end, label, score in marked(nlp(text))]


def test_many_clients_at_once_get_what_one_gets(add_tiny: Callable[..., Any]) -> None:
    served, alone = spacy.blank("xx"), spacy.blank("xx")
    add_tiny(served)
    add_tiny(alone)

    def ask(text: str) -> list[Any]:
        data = json.dumps({"text": text}).encode()
        with urlopen(
            Request(address, data, {"Content-Type": "application/json"}), timeout=300
        ) as answer:
            return list(json.load(answer))

    with serving(served) as address, ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(ask, TEXTS))
    assert any(answers) and answers == [found(alone, text) for text in TEXTS]
