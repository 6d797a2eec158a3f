"""The sections of the benchmark on a GPU, one file each, the most telling first."""

from collections.abc import Callable
from typing import NamedTuple

from boxes import Work

from .decoding import decoding
from .equality import equality
from .memory import memory
from .passes import passes
from .setting import Setting
from .training import training


class Section(NamedTuple):
    """Cells of work.

    Attributes:
        end: After which share of all time no cell may go on.
        about: For those who read the results.
    """

    cells: Callable[[Setting], dict[str, Work]]
    end: float
    about: str


SECTIONS = {
    "equality": Section(
        equality,
        0.2,
        "Tests that compare what a GPU finds with what a CPU finds, in float32 without TF32, and "
        "of a model that is "
        "trained in bfloat16.",
    ),
    "decoding": Section(
        decoding,
        0.65,
        "Our decoder and `generate` write what was recorded; the floor reads it in one pass. "
        "Medians of three runs. "
        "The GPU waits while no kernel runs, in a batch of the longest sentences. MiB are the "
        "peak of its tensors; "
        "the rise is how far that is above what was held before. Where memory runs out, our "
        "decoder would go on with "
        "smaller batches, but the recording does not know these.",
    ),
    "training": Section(
        training,
        0.8,
        "A step of the default LoRA adapter on the loss of decisions. MiB are the peak; the rise "
        "is above base and "
        "adapter.",
    ),
    "memory": Section(
        memory,
        0.88,
        "Memory runs out on purpose: the budget of a pass, in ids, shrinks, and the answers of a "
        "random network in "
        "float32 stay what they are with a small budget.",
    ),
    "passes": Section(
        passes,
        0.98,
        "Seconds of a pass = a + b × ids, over batches of many sizes: what a pass costs beside "
        "its ids is `_PASS` in "
        "`spacy_genner/lm/batches.py`, the figure of a CPU.",
    ),
}
