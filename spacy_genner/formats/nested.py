"""What the formats that can express nested entities share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nested:
    """A format that can express nested entities.

    Attributes:
        max_depth: The greatest depth of nesting: 1 allows flat entities only.

    Raises:
        ValueError: If the depth is below 1.
    """

    max_depth: int = 4

    def __post_init__(self) -> None:
        if self.max_depth < 1:
            raise ValueError(
                f"max_depth = {self.max_depth} would allow no entity at all: set it to 1 or more"
            )

    @property
    def names_labels(self) -> bool:
        """Whether an answer says which label each entity has."""
        return True
