"""A vLLM server, by its completions API (https://docs.vllm.ai, "OpenAI-compatible server")."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter

from .listed import Found, Reading
from .patience import Patience
from .rounds import without

_AWAY = (429, 502, 503, 504)
"""The statuses with which a server, or a proxy before it, says that it cannot answer now."""

_BROKEN = 500
"""The status of a failure in the server."""

_HEALTH = 5.0
"""How many seconds to wait for the server to say that it is well."""

_SHOWN = 300
"""How many characters of an answer are shown in an error."""

_REMEDY = (
    "start the server, or check `url` in [model.lm]; to wait longer, set `patience`, or `timeout` "
    "if it needs more time for an answer"
)

_T = TypeVar("_T")

_GREEDY: dict[str, Any] = {"temperature": 0.0, "ignore_eos": True, "return_token_ids": True}
# What the model's own generation_config.json may set, and the server would apply.
_GREEDY |= {"repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}


class VLLMServer:
    """A reader that asks a server. It tries requests again that are not answered, as they change
    nothing there.

    Args:
        url: The address of the server.
        model: The name of the model or of a LoRA module there; None: the first model.
        top: The number of the most probable token ids in each list.
        timeout: After how many seconds a request counts as not answered.
        patience: How many seconds to wait for a server that does not answer.
        concurrency: At most how many requests are under way at the same time.

    Raises:
        ConnectionError: If the server does not answer.
        ValueError: If it does not have the model.
    """

    def __init__(
        self,
        url: str,
        model: str | None,
        *,
        top: int,
        timeout: float,
        patience: float,
        concurrency: int,
    ) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._top = top
        self._timeout = timeout
        self._patience = Patience(patience)
        self._concurrency = concurrency
        self._process = 0
        self._session = requests.Session()
        self.model, self.positions = self._find(model)

    def tokenize(self, text: str) -> list[int]:
        """Return the token ids of a text as the server has them, without control tokens around
        it."""
        asked = {"model": self.model, "prompt": text, "add_special_tokens": False}
        ids: list[int] = self._ask("/tokenize", asked, lambda answer: list(answer["tokens"]))
        return ids

    def read(self, readings: Sequence[Reading]) -> list[Found]:
        """Return the answer to each reading; see `Reader`.

        Raises:
            ConnectionError: If the server does not answer.
            ValueError: If it refuses a request, or answers with something else.
        """
        return self._all(self._read, readings)

    def write(
        self, prompts: Sequence[Sequence[int]], most: Sequence[int], ends: Sequence[int]
    ) -> list[list[int]]:
        """Return what the model writes after each prompt; see `Reader`.

        Raises:
            ConnectionError: If the server does not answer.
            ValueError: If it refuses a request, or answers with something else.
        """
        return self._all(self._write, prompts, most, ends)

    def _all(self, ask: Callable[..., Any], *arguments: Sequence[Any]) -> list[Any]:
        """Return what a function returns for each element of some sequences. If it raises an
        exception, nothing that has not begun yet is asked."""
        with ThreadPoolExecutor(self._concurrency) as pool:
            futures = [pool.submit(ask, *each) for each in zip(*arguments, strict=True)]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _read(self, reading: Reading) -> Found:
        asked = {
            "prompt": reading.ids,
            "max_tokens": 1,
            "logprobs": 1,  # required, though `logprob_token_ids` takes its place
            "logprob_token_ids": reading.choices,
            "return_tokens_as_token_ids": True,
        }
        if reading.listed:
            asked["prompt_logprobs"] = self._top

        def found(answer: Any) -> Found:
            [choice] = answer["choices"]
            [after] = choice["logprobs"]["top_logprobs"]
            log_probs = [float(after[f"token_id:{id}"]) for id in reading.choices]
            lists = [choice["prompt_logprobs"][place] for place in reading.listed]
            return Found(log_probs, [_log_probs_of(each) for each in lists])

        return self._complete(asked, found)

    def _write(self, prompt: Sequence[int], most: int, end: int) -> list[int]:
        asked = {"prompt": list(prompt), "max_tokens": most, "stop_token_ids": [end]}

        def written(answer: Any) -> list[int]:
            [choice] = answer["choices"]
            return without(end, list(choice["token_ids"]))

        return self._complete(asked, written)

    def _complete(self, asked: Mapping[str, Any], read: Callable[[Any], _T]) -> _T:
        return self._ask("/v1/completions", {"model": self.model, **_GREEDY, **asked}, read)

    def _find(self, name: str | None) -> tuple[str, int]:
        """Return the name of the model, and how many token ids fit into a reading."""

        def models(answer: Any) -> tuple[list[str], int]:
            cards = answer["data"]
            # That of a LoRA module is only in the card of its base. One token id is written.
            longest = max(card["max_model_len"] or 0 for card in cards)
            return [str(card["id"]) for card in cards], int(longest) - 1

        names, positions = self._ask("/v1/models", None, models)
        if name is None:
            return names[0], positions
        if name not in names:
            raise ValueError(
                f"{self._url} has no model {name!r}, only {', '.join(names)}: give one of them as "
                "`model`, or start the server with --lora-modules NAME=FOLDER"
            )
        return name, positions

    def _ask(self, path: str, asked: Mapping[str, Any] | None, read: Callable[[Any], _T]) -> _T:
        """Return what a function reads from the answer to a request, which is tried again as long
        as the server does not answer.

        Args:
            asked: What is posted; None to get what is there.

        Raises:
            ConnectionError: If the server does not answer.
            ValueError: If it refuses the request, or the function fails.
        """
        url = self._url + path
        for tries in count(1):
            if not self._patience.allows():
                raise ConnectionError(f"{url} has not answered in time before: {_REMEDY}")
            began, timed_out = time.monotonic(), False
            try:
                answer = self._send(url, asked)
                if answer.status_code < _BROKEN and answer.status_code not in _AWAY:
                    self._patience.answered()
                    return _read(answer, read)
                problem = f"status {answer.status_code}: {answer.text[:_SHOWN]}"
                there = answer.status_code == _BROKEN and self._is_there()
            except requests.RequestException as error:
                problem, timed_out = str(error), isinstance(error, requests.Timeout)
                there = self._is_there()
            pause = self._patience.failed(tries, began, there=there, timed_out=timed_out)
            if pause is None:
                raise ConnectionError(f"{url} does not answer ({problem}): {_REMEDY}")
            time.sleep(pause)
        raise AssertionError("there is always another try")

    def _is_there(self) -> bool:
        """Return whether the server says that it is well."""
        try:
            answer = self._send(f"{self._url}/health", None, min(self._timeout, _HEALTH))
        except requests.RequestException:
            return False
        return answer.status_code < _BROKEN

    def _send(
        self, url: str, asked: Mapping[str, Any] | None, timeout: float | None = None
    ) -> requests.Response:
        if self._process != os.getpid():  # A forked process must not use the sockets of its parent.
            self._session = requests.Session()
            adapter = HTTPAdapter(pool_maxsize=self._concurrency)
            self._session.mount("http://", adapter)
            self._session.mount("https://", adapter)
            if key := os.environ.get("VLLM_API_KEY"):
                self._session.headers["Authorization"] = f"Bearer {key}"
            self._process = os.getpid()
        method = "GET" if asked is None else "POST"
        return self._session.request(method, url, json=asked, timeout=timeout or self._timeout)


def _read(answer: requests.Response, read: Callable[[Any], _T]) -> _T:
    """Return what a function reads from an answer.

    Raises:
        ValueError: If the server has refused the request.
        ValueError: If the answer is not that of a vLLM server.
    """
    if not answer.ok:
        raise ValueError(
            f"{answer.url} refuses a request (status {answer.status_code}): {answer.text[:_SHOWN]}"
        )
    try:
        return read(answer.json())
    # A missing key, a wrong type or number, no JSON: whatever another kind of server may answer.
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{answer.url} does not answer as vLLM does ({error!r}): {answer.text[:_SHOWN]!r}: "
            "check `url`, and that the server is vLLM 0.32 or newer"
        ) from error


def _log_probs_of(listed: Mapping[str, Mapping[str, Any]]) -> dict[int, float]:
    """Return the log-probability of each token id in a list."""
    return {int(id): float(one["logprob"]) for id, one in listed.items()}
