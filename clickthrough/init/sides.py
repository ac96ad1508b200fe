"""A table that joins to a log."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Side:
    """A table with one row a key; ``columns`` are those that no other table has.

    Attributes:
        separator: of its cells, where it is another than the log's.
    """

    path: Path
    key: str
    columns: list[str]
    reason: str
    separator: str | None = None
