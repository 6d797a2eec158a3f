"""llama.cpp on a CPU with a GBNF grammar for each sentence, the merged weights quantised."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .base import Output, Reading, Subject, Task
from .gguf_file import write_gguf
from .grammar import rules

_CONTEXT = 4096


class LlamaCpp:
    """One sentence after another; the prefix is read once.

    Ids are chosen as llama.cpp's own programs do: the grammar looks at the best one, and only if it
    refuses that, at the whole vocabulary, which takes long.

    Args:
        quantisation: "Q4_0" or "Q8_0".

    Raises:
        ImportError: Without the package.
        ValueError: If the model cannot be converted.
    """

    def __init__(self, subject: Subject, quantisation: str) -> None:
        import llama_cpp
        from quantise import quantise

        self._subject, self._package = subject, llama_cpp
        self._ends = set(subject.lm.base.tokenizer.all_special_ids)
        self._prefix: tuple[int, ...] = ()
        self._silence = llama_cpp.llama_log_callback(lambda *_: None)  # a line for each weight
        llama_cpp.llama_log_set(self._silence, None)
        with tempfile.TemporaryDirectory() as folder:
            full, quantised = Path(folder, "full.gguf"), Path(folder, "quantised.gguf")
            write_gguf(subject.lm.steps.model, subject.lm.base.tokenizer, full)
            quantise(full, quantised, quantisation)
            threads = {
                "n_threads": torch.get_num_threads(),
                "n_threads_batch": torch.get_num_threads(),
            }
            self._model = llama_cpp.Llama(
                str(quantised), n_ctx=_CONTEXT, use_mmap=False, verbose=False, **threads
            )

    def __call__(self, tasks: Sequence[Task]) -> Output:
        """Write the answers."""
        reading = Reading()
        return Output.written(tasks, [self._write(task, reading) for task in tasks], reading)

    def _write(self, task: Task, reading: Reading) -> list[int]:
        text = rules(
            task.job.grammar.source, self._subject.labels, self._subject.format, "::=", "root"
        )
        vocabulary = self._package.llama_model_get_vocab(self._model.model)
        grammar = self._package.llama_sampler_init_grammar(vocabulary, text.encode(), b"root")
        if self._prefix != task.job.prefix:
            self._model.reset()
            self._model.eval(task.job.prefix)
            self._prefix = task.job.prefix
        self._model.n_tokens = len(self._prefix)  # what is after it is forgotten
        written, chunk = list[int](), task.job.body
        while True:
            reading.add([len(chunk)])
            self._model.eval(chunk)
            id = self._best(grammar)
            if id in self._ends:
                break
            self._package.llama_sampler_accept(grammar, id)
            written.append(id)
            chunk = [id]
        self._package.llama_sampler_free(grammar)
        return written

    def _best(self, grammar: Any) -> int:
        pointer = self._package.llama_get_logits_ith(self._model.ctx, -1)
        logits = np.ctypeslib.as_array(pointer, shape=(self._model.n_vocab(),))
        best = int(logits.argmax())
        if self._allowed(grammar, np.array([best]), logits)[0] == -np.inf:
            best = int(self._allowed(grammar, np.arange(len(logits)), logits).argmax())
        return best

    def _allowed(self, grammar: Any, ids: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits of ids, minus infinity where the grammar refuses them."""
        candidates = np.zeros(
            len(ids), dtype=np.dtype([("id", np.intc), ("logit", np.single), ("p", np.single)])
        )
        candidates["id"], candidates["logit"] = ids, logits[ids]
        data = candidates.ctypes.data_as(ctypes.POINTER(self._package.llama_token_data))
        array = self._package.llama_token_data_array(data, len(ids), -1, False)
        self._package.llama_sampler_apply(grammar, ctypes.byref(array))
        result: np.ndarray = candidates["logit"]
        return result
