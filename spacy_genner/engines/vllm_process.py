"""vLLM in processes that this one starts (https://github.com/vllm-project/vllm)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from vllm import LLM, SamplingParams
from vllm.exceptions import VLLMValidationError
from vllm.lora.request import LoRARequest
from vllm.v1.engine.exceptions import EngineDeadError

from ..locks import Lock
from .listed import Found, Reading
from .rounds import without

_GREEDY: dict[str, Any] = {"temperature": 0.0, "detokenize": False, "ignore_eos": True}
_FLAT: dict[str, Any] = {**_GREEDY, "max_tokens": 1, "flat_logprobs": True}


class VLLMProcess:
    """A reader that runs vLLM.

    Args:
        name: What vLLM loads the model from: a folder, or a model on the hub.
        settings: More arguments of `vllm.LLM`.
        adapter: The folder of a LoRA adapter that PEFT has written.
        top: The number of the most probable token ids in each list.

    Raises:
        ValueError: If vLLM cannot run the model.
    """

    def __init__(
        self, name: str, settings: Mapping[str, Any], adapter: str | None, top: int
    ) -> None:
        self._top = top
        self._process = os.getpid()
        self._lock = Lock()
        self._adapter = LoRARequest("adapter", 1, adapter) if adapter else None
        try:
            self._llm = LLM(
                model=name,
                skip_tokenizer_init=True,
                max_logprobs=top,
                enable_lora=adapter is not None,
                **settings,
            )
        except Exception as error:  # vLLM raises many kinds, mostly those of its processes.
            raise ValueError(
                f"vLLM cannot run {name!r} ({error}): see what it has printed, and "
                "`settings` in [model.lm]"
            ) from error

    @property
    def positions(self) -> int:
        """The number of token ids that fit into a reading; one is written after them."""
        return int(self._llm.llm_engine.model_config.max_model_len) - 1

    def read(self, readings: Sequence[Reading]) -> list[Found]:
        """Return the answer to each reading; see `Reader`.

        Raises:
            ConnectionError: If vLLM's processes have died.
        """
        outputs = self._outputs(readings, cached=True)
        again = [n for n, one in enumerate(readings) if _hidden(one, outputs[n])]
        complete = self._outputs([readings[n] for n in again], cached=False)
        for n, output in zip(again, complete, strict=True):
            outputs[n] = output
        return [
            Found(
                _log_probs_of(reading.choices, output),
                [_list_of(output, place) for place in reading.listed],
            )
            for reading, output in zip(readings, outputs, strict=True)
        ]

    def _outputs(self, readings: Sequence[Reading], cached: bool) -> list[Any]:
        """Return what vLLM makes of readings.

        Args:
            cached: Whether what is in the cache need not be read, which leaves out its lists.
        """
        params = [
            SamplingParams(
                logprob_token_ids=reading.choices,
                prompt_logprobs=self._top if reading.listed else None,
                skip_reading_prefix_cache=not cached,
                **_FLAT,
            )
            for reading in readings
        ]
        return self._generate([reading.ids for reading in readings], params)

    def write(
        self, prompts: Sequence[Sequence[int]], most: Sequence[int], ends: Sequence[int]
    ) -> list[list[int]]:
        """Return what the model writes after each prompt; see `Reader`.

        Raises:
            ConnectionError: If vLLM's processes have died.
        """
        params = [
            SamplingParams(max_tokens=length, stop_token_ids=[end], **_GREEDY)
            for length, end in zip(most, ends, strict=True)
        ]
        outputs = self._generate(prompts, params)
        written = [list(output.outputs[0].token_ids) for output in outputs]
        return [without(end, ids) for end, ids in zip(ends, written, strict=True)]

    def _generate(self, prompts: Sequence[Sequence[int]], params: Sequence[Any]) -> list[Any]:
        if self._process != os.getpid():
            raise RuntimeError(
                "vLLM cannot be used in a process that was forked: leave out n_process, as vLLM "
                "reads many texts at once anyway, or give the `url` of a server in [model.lm]"
            )
        if not prompts:
            return []
        texts = [{"prompt_token_ids": list(ids)} for ids in prompts]
        try:
            with self._lock:
                return list(
                    self._llm.generate(texts, params, lora_request=self._adapter, use_tqdm=False)
                )
        except VLLMValidationError as error:
            raise ValueError(f"vLLM refuses a text: {error}") from error
        except EngineDeadError as error:
            raise ConnectionError(
                "vLLM's processes have died: see what they have printed, and load the pipeline "
                "again; if the memory did not suffice, set max_model_len, max_num_seqs or "
                "gpu_memory_utilization in `settings` of [model.lm]"
            ) from error


def _hidden(reading: Reading, output: Any) -> bool:
    """Return whether a place for which a list was asked for was in the cache. That is where a text
    was read before, such as that of another document."""
    return bool(reading.listed) and output.num_cached_tokens >= reading.listed[0]


def _log_probs_of(choices: Sequence[int], output: Any) -> list[float]:
    """Return the log-probabilities of choices after the last token id that was read."""
    [listed] = output.outputs[0].logprobs
    return [listed[id].logprob for id in choices]


def _list_of(output: Any, place: int) -> dict[int, float]:
    """Return the log-probabilities that are listed for the place after this many token ids."""
    flat = output.prompt_logprobs
    # Counted from the end, as there may be no lists for what was in the cache.
    at = place - len(output.prompt_token_ids)
    part = slice(flat.start_indices[at], flat.end_indices[at])
    return dict(zip(flat.token_ids[part], flat.logprobs[part], strict=True))
