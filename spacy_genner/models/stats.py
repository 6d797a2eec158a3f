"""What a component has done so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..locks import Lock


@dataclass
class Stats:
    """The work of a component since it was made or loaded, in this process.

    Attributes:
        documents: How many documents were read.
        token_ids: How many token ids the language model has read, without padding and without the
            beginning of the prompt that documents share. Like `passes`, it is counted by the engine
            of `CausalLM.v1` and `Seq2SeqLM.v1`, and not when answers are written freely.
        passes: In how many forward passes.
        seconds: The time that all of it took.
    """

    documents: int = 0
    token_ids: int = 0
    passes: int = 0
    seconds: float = 0.0
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def add(
        self, documents: int = 0, token_ids: int = 0, passes: int = 0, seconds: float = 0.0
    ) -> None:
        """Count more work. Threads may do so at the same time."""
        with self._lock:
            self.documents += documents
            self.token_ids += token_ids
            self.passes += passes
            self.seconds += seconds
