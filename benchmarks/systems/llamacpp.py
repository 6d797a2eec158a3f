"""llama.cpp on a CPU with a GBNF grammar for each sentence, the merged weights quantised."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from .base import Output, Reading, Subject, Task, parse
from .gguf_file import write_gguf
from .grammar import rules

_CONTEXT = 4096


class LlamaCpp:
    """One sentence after another, as the package's `generate` works; it keeps what it has read of a prefix.

    quantisation: "Q4_0" or "Q8_0".
    Raises: ImportError without the package, ValueError if the model cannot be converted.
    """

    def __init__(self, subject: Subject, quantisation: str) -> None:
        import llama_cpp

        self._subject, self._package = subject, llama_cpp
        self._ends = set(subject.lm.base.tokenizer.all_special_ids)
        self._silence = llama_cpp.llama_log_callback(lambda *_: None)  # a line for each weight
        llama_cpp.llama_log_set(self._silence, None)
        with tempfile.TemporaryDirectory() as folder:
            full, quantised = Path(folder, "full.gguf"), Path(folder, "quantised.gguf")
            write_gguf(subject.lm.steps.model, subject.lm.base.tokenizer, full)
            settings = llama_cpp.llama_model_quantize_default_params()
            settings.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{quantisation}")
            if llama_cpp.llama_model_quantize(str(full).encode(), str(quantised).encode(), settings):
                raise ValueError(f"llama.cpp cannot quantise the model to {quantisation}")
            self._model = llama_cpp.Llama(
                str(quantised), n_ctx=_CONTEXT, n_threads=torch.get_num_threads(), use_mmap=False, verbose=False
            )

    def __call__(self, tasks: Sequence[Task]) -> Output:
        """Write the answers."""
        reading = Reading()
        return Output([parse(self._write(task, reading), task.job.grammar) for task in tasks], reading)

    def _write(self, task: Task, reading: Reading) -> str:
        text = rules(task.read.source, self._subject.labels, self._subject.format, "::=", "root")
        grammar = self._package.LlamaGrammar.from_string(text, verbose=False)
        written: list[int] = []
        for id in self._model.generate([*task.job.prefix, *task.job.body], temp=0.0, grammar=grammar):
            reading.add([1] if written else [len(task.job.body)])
            if id in self._ends:
                break
            written.append(id)
        return str(self._subject.lm.base.tokenizer.decode(written, skip_special_tokens=True))
