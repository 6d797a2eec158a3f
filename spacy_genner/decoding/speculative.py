"""Speculative decoding: an answer is a copy of the source with marks, so that a draft of all of it
can be verified in one pass.

Each pass reads the rest of the answer as drafted, and asks for all decisions on its way.
Related methods:

- Aggressive decoding (arXiv 2106.04970, 2205.10350) begins in the same way, but goes on token by
  token after a difference.
- Sidetrack decoding ("Don't Rewrite My Text", OpenReview MtyXaOjlUa) inserts marks into a verbatim
  copy of the text.
- Just Pass Twice (arXiv 2604.05158) reads the text twice and classifies its tokens, instead of
  writing an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Trace
from .draft import Draft
from .interfaces import Decoding, Engine, Job


@dataclass(frozen=True, slots=True)
class SpeculativeDecoder:
    """A decoder that finds in a few passes what the greedy decoder finds token by token.

    Attributes:
        batch_tokens: At most how many token ids a pass reads, including padding. A job that is
            larger than that is read in a batch of its own. If a GPU runs out of memory, the
            remaining jobs of that call are read with half as many.
    """

    batch_tokens: int = 1024

    def __call__(self, engine: Engine, jobs: Sequence[Job]) -> list[Trace | None]:
        """Return the derivation with the most probable child at each branching node, for each job,
        in the order of the jobs; None where it would exceed the job's limit. Of equally probable
        children, the first is taken."""
        decodings = [speculate(Draft(job), engine.copies_first) for job in jobs]
        return engine.run(jobs, decodings, self.batch_tokens)


def speculate(draft: Draft, copies_first: bool) -> Decoding:
    """Verify a draft, and those that follow from it, until the answer is complete.

    Args:
        copies_first: See `Engine`.
    """
    if draft.open:
        reply = yield draft.first_question(copies_first)
        draft.verify(reply)
    while draft.open:
        reply = yield draft.question()
        draft.verify(reply)
    return None if draft.walk.outgrown else draft.walk.trace(draft.log_probs)
