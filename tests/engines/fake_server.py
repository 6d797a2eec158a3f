"""A server that answers as vLLM does, without a language model, and fails when it is told to."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from threading import Lock, Thread
from typing import Any

from spacy_genner.engines.listed import Reading
from tests.decoding.scripted import encode
from tests.engines.scripted_reader import ScriptedReader

Failure = Callable[["Handler"], None]
"""What is done to a request instead of an answer."""

MOST_LISTED = 20
LENGTH = 4096
"""The limits of the server."""


def status(code: int, text: str = "Something is wrong.") -> Failure:
    """Answer with a status."""
    return lambda handler: handler.send(code, {"error": {"message": text, "code": code}})


def text(body: bytes) -> Failure:
    """Answer with something that is not expected."""
    return lambda handler: handler.send_bytes(200, body)


def hang(seconds: float) -> Failure:
    """Answer too late."""

    def wait(handler: Handler) -> None:
        time.sleep(seconds)
        handler.send(200, {})

    return wait


def hang_up(handler: Handler) -> None:
    """Close the connection in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.close_connection = True


class FakeServer:
    """models: The names of its models.
    failures: What is done to the next requests for completions instead of an answer.
    asked: The bodies of all requests for completions.
    well: Whether it says that it is well.
    tokens: What /tokenize answers to a text.
    port: Where it listens; it can be started there again.
    """

    def __init__(
        self, reader: ScriptedReader, models: tuple[str, ...] = ("base", "adapter")
    ) -> None:
        self.reader, self.models = reader, models
        self.failures: deque[Failure] = deque()
        self.asked: list[dict[str, Any]] = []
        self.tokens: Callable[[str], list[int]] = encode
        self.well = True
        self.lock = Lock()
        self.port = 0
        self.connections: list[socket] = []

    def __enter__(self) -> FakeServer:
        handler = type("Bound", (Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in self.connections:
            with suppress(OSError):  # closed already
                connection.shutdown(SHUT_RDWR)
        self.connections.clear()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def complete(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is answered to a request for a completion."""
        ids, choices = asked["prompt"], asked.get("logprob_token_ids")
        if choices is None:
            written = self.reader.written(ids, asked["max_tokens"], asked["stop_token_ids"][0])
            if len(written) < asked["max_tokens"]:
                written.append(asked["stop_token_ids"][0])  # as vLLM does
            return {"choices": [{"token_ids": written}]}
        lists = range(1, len(ids)) if asked.get("prompt_logprobs") else ()
        found = self.reader.found(Reading(ids, choices, lists))
        best = max(self.reader.log_probs(ids).items(), key=lambda item: item[1])
        after = dict([best, *zip(choices, found.log_probs, strict=True)])
        listed = [{str(id): {"logprob": each[id]} for id in each} for each in found.lists]
        choice = {
            "logprobs": {"top_logprobs": [{f"token_id:{id}": after[id] for id in after}]},
            "prompt_logprobs": [None, *listed] if lists else None,
        }
        return {"choices": [choice]}


class Handler(BaseHTTPRequestHandler):
    owner: FakeServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.owner.connections.append(self.connection)

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/health":
            return self.send(200 if self.owner.well else 503, {})
        if self.path != "/v1/models":
            return self.send(404, {})
        cards: list[dict[str, Any]] = [
            {"id": name, "max_model_len": None if n else LENGTH}
            for n, name in enumerate(self.owner.models)
        ]
        self.send(200, {"data": cards})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["model"] not in self.owner.models:
            return self.send(404, {"error": {"message": f"no model {asked['model']!r}"}})
        if self.path == "/tokenize":
            return self.send(200, {"tokens": self.owner.tokens(asked["prompt"])})
        with self.owner.lock:
            self.owner.asked.append(asked)
            failure = self.owner.failures.popleft() if self.owner.failures else None
        if failure:
            return failure(self)
        if asked.get("prompt_logprobs", 0) > MOST_LISTED:
            message = "Requested prompt logprobs, which is greater than max allowed: 20"
            return self.send(400, {"error": {"message": message}})
        if len(asked["prompt"]) + asked["max_tokens"] > LENGTH:
            return self.send(400, {"error": {"message": "maximum context length"}})
        self.send(200, self.owner.complete(asked))

    def send(self, code: int, answer: Any) -> None:
        self.send_bytes(code, json.dumps(answer).encode())

    def send_bytes(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
