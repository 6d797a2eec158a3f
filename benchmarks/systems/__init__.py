"""The systems that the benchmark of decoding compares, one file each, behind one Protocol."""

from collections.abc import Callable

from .base import InBatches, Subject, System
from .floor import Floor
from .generate import Generate, GenerateAllowed, GenerateScripted
from .llamacpp import LlamaCpp
from .llguidance_grammar import LLGuidance
from .ours import aggressive, greedy, replaying, speculative

SYSTEMS: dict[str, Callable[[Subject], System]] = {
    "speculative": speculative,
    "greedy": greedy,
    "generate": lambda subject: InBatches(Generate(subject)),
    "generate-allowed": lambda subject: InBatches(GenerateAllowed(subject)),
    "llguidance": lambda subject: InBatches(LLGuidance(subject)),
    "aggressive": aggressive,
    "llamacpp-q4": lambda subject: InBatches(LlamaCpp(subject, "Q4_0")),
    "llamacpp-q8": lambda subject: InBatches(LlamaCpp(subject, "Q8_0")),
    "floor": lambda subject: InBatches(Floor(subject)),
}
SCRIPTED: dict[str, Callable[[Subject], System]] = {
    "speculative": replaying,
    "generate": lambda subject: InBatches(GenerateScripted(subject)),
    "floor": SYSTEMS["floor"],
}
"""With a model that decides what another one did."""
ALONE = {"llamacpp-q4", "llamacpp-q8"}
"""They work on one sentence at a time."""
