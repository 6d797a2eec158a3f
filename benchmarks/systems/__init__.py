"""The systems that the benchmark of decoding compares, one file each, behind one Protocol."""

from collections.abc import Callable
from functools import partial

from .aggressive import Aggressive
from .base import Subject, System
from .floor import Floor
from .generate import Generate, GenerateAllowed
from .llamacpp import LlamaCpp
from .llguidance_grammar import LLGuidance
from .ours import greedy, speculative

SYSTEMS: dict[str, Callable[[Subject], System]] = {
    "speculative": speculative,
    "greedy": greedy,
    "generate": Generate,
    "generate-allowed": GenerateAllowed,
    "llguidance": LLGuidance,
    "aggressive": Aggressive,
    "llamacpp-q4": partial(LlamaCpp, quantisation="Q4_0"),
    "llamacpp-q8": partial(LlamaCpp, quantisation="Q8_0"),
    "floor": Floor,
}
ALONE = {"llamacpp-q4", "llamacpp-q8"}
"""They work on one sentence at a time."""
