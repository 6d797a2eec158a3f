"""Language models that vLLM runs, here or on a server (https://github.com/vllm-project/vllm)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..decoding.interfaces import Engine
from ..weights.place import place_of
from .listed import Reading
from .probe import Probe, probe_of
from .rounds import RoundsEngine
from .served import ServedLM
from .vllm_adapter import check_adapter
from .vllm_server import VLLMServer

_TEXT = "Ann Lee met 23 farmers in Leeds (later: Dr. Obi), naïve façade, 東京!"
"""What the tokenizer of a server is compared by."""


class VLLM(ServedLM):
    """A causal language model that vLLM runs: in processes that it starts on this machine, or on a
    server (`vllm serve`). It can decode, but not be trained.

    Args:
        name: The model: a folder such as `spacy genner merge` writes, a name that `spacy genner
            download` has installed, or a model on the hub. With a `url`, only its tokenizer is read
            from there.
        revision: A branch, tag or commit on the hub.
        trust_remote_code: Whether code that comes with the model may run; see `consent`.
        url: The address of a server, such as "http://localhost:8000"; None: no server. If it asks
            for a key, set VLLM_API_KEY in the environment.
        model: The name of the model at the server, or that of a LoRA module there; None: its first
            model.
        adapter: Without a server, a LoRA adapter for the model: a folder that PEFT has written, or
            a name on the hub.
        dtype: Without a server, "auto", "bfloat16" or "float32": the type of the weights and of
            the computation.
        settings: Without a server, more arguments of `vllm.LLM`, such as max_model_len and
            gpu_memory_utilization.
        top: How many log-probabilities vLLM lists for a place. Where they do not suffice, it is
            asked once more. A server lists at most 20, unless it was started with --max-logprobs.
        timeout: After how many seconds a request to the server counts as not answered.
        patience: How many seconds to wait for a server that does not answer, before an error is
            raised. After that, each request is tried once until it answers again.
        concurrency: At most how many requests to the server are under way at the same time.

    Raises:
        ValueError: If a setting is out of its range, or does not go with the others.
    """

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        trust_remote_code: bool = False,
        url: str | None = None,
        model: str | None = None,
        adapter: str | None = None,
        dtype: str = "auto",
        settings: Mapping[str, Any] | None = None,
        top: int = 20,
        timeout: float = 120.0,
        patience: float = 120.0,
        concurrency: int = 32,
    ) -> None:
        super().__init__(name, revision=revision, trust_remote_code=trust_remote_code)
        if top < 1 or timeout <= 0 or patience < 0 or concurrency < 1:
            raise ValueError(
                f"top = {top}, timeout = {timeout}, patience = {patience}, concurrency = "
                f"{concurrency}: top and concurrency must be at least 1, timeout more than 0, and "
                "patience at least 0"
            )
        if url and (adapter or settings or dtype != "auto"):
            raise ValueError(
                "url: adapter, dtype and settings are for a vLLM without a server: give them to "
                "`vllm serve`, and the name of a LoRA module as `model`"
            )
        if model and not url:
            raise ValueError("model: there are names of models only at a server: give its `url`")
        self.url, self.model, self.adapter = url, model, adapter
        self._dtype, self._settings = dtype, dict(settings or {})
        self._top, self._timeout, self._patience = int(top), timeout, patience
        self._concurrency = int(concurrency)

    def __deepcopy__(self, memo: dict[int, Any]) -> VLLM:
        return self  # There is nothing to train, and a second vLLM would take as much memory again

    @property
    def positions(self) -> float:
        """How many token ids of a prompt and its answer vLLM reads: its `max_model_len` less one,
        which it writes.

        Raises:
            ValueError: If vLLM cannot be started or asked; see `engine`.
        """
        return float(self._rounds.reader.positions)

    def probe(self) -> Probe:
        """Return what the model answers to a fixed question."""
        return probe_of(self._rounds.exactly(), self.pieces)

    @property
    def _rounds(self) -> RoundsEngine:
        engine = self.engine
        assert isinstance(engine, RoundsEngine)
        return engine

    def _start(self) -> Engine:
        """Start vLLM, or ask a server whether it has the model.

        Raises:
            ImportError: If vLLM is to be started, and is not installed.
            ConnectionError: If the server does not answer.
            ValueError: If the model or the adapter cannot be used, the server has another model or
                tokenizer, or it lists fewer log-probabilities.
        """
        reader = self._server(self.url) if self.url else self._process()
        return RoundsEngine(reader, self._top)

    def _process(self) -> Any:
        _ = self.tokenizer  # says what is wrong if there is no such model
        place = place_of(self.name, self.revision)
        settings = {"dtype": self._dtype, "revision": place.revision, **self._settings}
        adapter = None
        if self.adapter:
            adapter, needed = check_adapter(self.adapter)
            settings = {**needed, **settings}
        try:
            from .vllm_process import VLLMProcess
        except ImportError as error:
            raise ImportError(
                "spacy_genner.VLLM.v1 without a `url` needs vLLM: run `pip install "
                "'spacy-genner[vllm]'`"
            ) from error
        settings["trust_remote_code"] = self._trust
        return VLLMProcess(place.name, settings, adapter, self._top)

    def _server(self, url: str) -> VLLMServer:
        server = VLLMServer(
            url,
            self.model,
            top=self._top,
            timeout=self._timeout,
            patience=self._patience,
            concurrency=self._concurrency,
        )
        ids = self.tokenizer(_TEXT, add_special_tokens=False)["input_ids"]
        if server.tokenize(_TEXT) != ids:
            raise ValueError(
                f"{url} has a model {server.model!r} with another tokenizer than {self.name!r}: "
                "give the folder or the name of the same model as `name`, or another `model`"
            )
        try:
            server.read([Reading(ids, ids[:2], [1])])
        except ValueError as error:
            if "max allowed" not in str(error):
                raise
            raise ValueError(
                f"top = {self._top}: the server lists fewer log-probabilities ({error}): set a "
                f"smaller `top`, or start the server with --max-logprobs {self._top}"
            ) from error
        return server
