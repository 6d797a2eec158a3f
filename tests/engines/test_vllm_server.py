"""Questions to a server: its answers, its failures, and the time without it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from threading import Barrier, Thread
from typing import Any

import pytest

from spacy_genner.decoding.free import FreeDecoder
from spacy_genner.decoding.interfaces import Decoder, Job
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.engines.listed import Reading
from spacy_genner.engines.rounds import RoundsEngine
from spacy_genner.engines.vllm_server import VLLMServer
from tests.decoding.scripted import encode
from tests.decoding.scripted_engine import ScriptedEngine
from tests.decoding.test_decoders import TEXTS, every_decoder, job_of, words
from tests.decoding.test_free import readable, wanting_gold
from tests.engines.fake_server import LENGTH, FakeServer, hang, hang_up, status, text
from tests.engines.scripted_reader import ScriptedReader, uneven
from tests.engines.test_listed import agree

TOP = 20
ONE = Reading(encode("abc"), encode("xy"))


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(ScriptedReader(uneven, TOP)) as server:
        yield server


def client(server: FakeServer, model: str | None = None, **changed: Any) -> VLLMServer:
    settings: dict[str, Any] = {"top": TOP, "timeout": 5.0, "patience": 5.0, "concurrency": 4}
    return VLLMServer(server.url, model, **settings | changed)


def texts() -> list[Job]:
    return [job_of(words(each)) for each in TEXTS]


@every_decoder
def test_decoders_find_what_they_find_elsewhere(
    decoder: Callable[..., Decoder], server: FakeServer
) -> None:
    jobs = texts()
    engine = RoundsEngine(client(server), TOP)
    found = decoder()(engine, jobs)
    assert all(map(agree, jobs, found, decoder()(ScriptedEngine(uneven), jobs)))
    assert engine.requests == len(server.asked)


def test_free_answers_are_those_of_elsewhere(server: FakeServer) -> None:
    jobs = list(map(readable, TEXTS))
    server.reader = ScriptedReader(wanting_gold(jobs), TOP)
    found = FreeDecoder()(RoundsEngine(client(server), TOP), jobs)
    expected = FreeDecoder()(ScriptedEngine(wanting_gold(jobs)), jobs)
    assert all(map(agree, jobs, found, expected))


def test_what_the_model_may_be_configured_to_is_overridden(server: FakeServer) -> None:
    client(server).read([ONE])
    [asked] = server.asked
    assert asked["temperature"] == 0 and asked["repetition_penalty"] == 1


@pytest.mark.parametrize("model, asked", [(None, "base"), ("adapter", "adapter")])
def test_the_model_is_the_first_or_the_one_with_the_name(
    server: FakeServer, model: str | None, asked: str
) -> None:
    client(server, model).read([ONE])
    assert server.asked[0]["model"] == asked


def test_another_model_is_refused(server: FakeServer) -> None:
    with pytest.raises(ValueError, match="has no model 'other', only base, adapter: give one"):
        client(server, "other")


def test_the_length_is_that_of_the_base(server: FakeServer) -> None:
    positions = client(server, "adapter").positions
    assert positions == LENGTH - 1
    client(server).read([Reading([97] * positions, encode("xy"))])
    with pytest.raises(ValueError, match=r"refuses a request.*maximum context length"):
        client(server).read([Reading([97] * LENGTH, encode("xy"))])


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_an_address_may_be_that_of_the_interface(server: FakeServer, suffix: str) -> None:
    reader = VLLMServer(server.url + suffix, None, top=TOP, timeout=5, patience=0, concurrency=1)
    assert reader.tokenize("a[b") == encode("a[b")


@pytest.mark.parametrize("failure", [status(503), status(429), status(500), hang_up, hang(1.0)])
def test_a_request_is_tried_again(server: FakeServer, failure: Any) -> None:
    reader = client(server, timeout=0.5)
    expected = reader.read([ONE])
    server.failures += [failure, failure]
    assert reader.read([ONE]) == expected
    assert len(server.asked) == 4


@pytest.mark.parametrize("failure", [status(500, "CUDA error"), hang_up])
def test_what_breaks_the_server_again_and_again_does_not_harm_others(
    server: FakeServer, failure: Any
) -> None:
    reader = client(server, patience=60)
    server.failures += [failure] * 3
    with pytest.raises(ConnectionError, match=r"does not answer \((status 500|.*broken)"):
        reader.read([ONE])
    assert len(reader.read([ONE])) == 1


def test_a_server_that_is_not_well_is_waited_for(server: FakeServer) -> None:
    reader = client(server)
    server.well = False
    server.failures += [status(500)] * 4
    assert len(reader.read([ONE])) == 1


@pytest.mark.parametrize(
    "answer",
    [
        *(b"<html>", b"", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"logprobs": null}]}'),
        b'{"choices": [{"logprobs": {"top_logprobs": [{"token_id:1": -1.0}]}}]}',
    ],
)
def test_garbage_is_an_error_at_once(server: FakeServer, answer: bytes) -> None:
    reader = client(server)
    server.failures.append(text(answer))
    with pytest.raises(ValueError, match="does not answer as vLLM does"):
        reader.read([ONE])
    assert len(server.asked) == 1


def test_no_list_for_a_place_is_an_error(server: FakeServer) -> None:
    reader = client(server)
    server.failures.append(
        text(
            b'{"choices": [{"logprobs": {"top_logprobs": [{"token_id:120": -1, "token_id:121":'
            b' -2}]}, "prompt_logprobs": [null, null]}]}'
        )
    )
    with pytest.raises(ValueError, match="does not answer as vLLM does"):
        reader.read([Reading(ONE.ids, ONE.choices, [1, 2])])


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectionError, match=f":{port}/v1/models does not answer .*start the"):
        VLLMServer(
            f"http://127.0.0.1:{port}", None, top=TOP, timeout=5, patience=0.5, concurrency=1
        )


def test_it_waits_for_a_server_that_is_away_for_a_while(server: FakeServer) -> None:
    jobs = texts()
    reader = client(server, patience=20)
    expected = SpeculativeDecoder()(RoundsEngine(reader, TOP), jobs)
    server.__exit__()

    def come_back() -> None:
        time.sleep(1.5)
        server.__enter__()

    thread = Thread(target=come_back)
    thread.start()
    found = SpeculativeDecoder()(RoundsEngine(reader, TOP), jobs)
    thread.join()
    assert all(map(agree, jobs, found, expected))


def test_a_server_that_is_gone_costs_the_patience_only_once(server: FakeServer) -> None:
    reader = client(server, patience=1.0)
    server.__exit__()
    start = time.monotonic()
    for _ in range(50):
        with pytest.raises(ConnectionError):
            reader.read([ONE] * 8)
    assert time.monotonic() - start < 40, "less than a second each time"
    server.__enter__()
    assert len(reader.read([ONE] * 8)) == 8


@pytest.mark.parametrize("well", [True, False])
def test_a_server_that_hangs_costs_few_time_outs(server: FakeServer, well: bool) -> None:
    reader = client(server, timeout=0.5, patience=0.7)
    server.well = well
    server.failures += [hang(1.0)] * 100
    start = time.monotonic()
    for _ in range(50):
        with pytest.raises(ConnectionError):
            reader.read([ONE])
    assert time.monotonic() - start < 20


def test_a_key_comes_from_the_environment(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "secret")
    headers: list[Any] = []

    def note(handler: Any) -> None:
        headers.append(handler.headers["Authorization"])
        status(400)(handler)

    reader = client(server)
    server.failures.append(note)
    with pytest.raises(ValueError, match="refuses"):
        reader.read([ONE])
    assert headers == ["Bearer secret"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_connections_of_its_own(server: FakeServer) -> None:
    reader = client(server)
    expected = reader.read([ONE])
    session = reader._session
    process = os.fork()
    if process == 0:
        right = reader.read([ONE]) == expected and reader._session is not session
        os._exit(0 if right else 1)
    assert os.waitpid(process, 0)[1] == 0
    assert reader.read([ONE]) == expected and reader._session is session


def test_requests_are_under_way_at_the_same_time(server: FakeServer) -> None:
    reader = client(server, concurrency=16, timeout=60.0)
    meeting = Barrier(16, timeout=30)

    def wait_for_the_others(handler: Any) -> None:
        meeting.wait()
        handler.send(200, handler.owner.complete(handler.owner.asked[0]))

    server.failures += [wait_for_the_others] * 16
    assert len(reader.read([ONE] * 16)) == 16
    assert not meeting.broken
