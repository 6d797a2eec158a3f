"""What formats that can say nested entities share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nested:
    """A format with a greatest depth.

    Attributes:
        max_depth: How many spans may lie around one another, the innermost counted.
    """

    max_depth: int = 4

    def __post_init__(self) -> None:
        if self.max_depth < 1:
            raise ValueError(f"max_depth = {self.max_depth}: an entity needs a depth of at least 1")
