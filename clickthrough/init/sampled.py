"""What was looked at of a table."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import polars as pl

from clickthrough.data.form import TableForm
from clickthrough.init.blocks import BLOCKS


@dataclass(frozen=True)
class Sample:
    """Rows of a table.

    Attributes:
        path: the file.
        form: how it is written.
        rows: the sampled rows in the order of the file; the columns of a CSV are all texts.
        total: rows of the file, estimated where ``exact`` is false; None where not known.
        exact: whether ``rows`` are all rows.
        seen: what was looked at, in words.
        notes: what its owner should hear of it.
        typed: whether columns have types of their own.
        reasons: why the form is what it is: a setting and a reason each.
    """

    path: Path
    form: TableForm
    rows: pl.DataFrame
    total: int | None
    exact: bool
    seen: str
    notes: tuple[str, ...] = ()
    typed: bool = False
    reasons: dict[str, str] = field(default_factory=dict)

    def of_blocks(self, blocks: list[bytes], whole: bool, size: int | None) -> Self:
        """Return it with what it is of its file, where that is not all of it.

        Args:
            blocks: of the file, of which all rows are in the sample.
            whole: whether they are all of it.
            size: bytes of the file; None where it was read from its head only.
        """
        rows = len(self.rows)
        if whole:
            return self
        if size is None:
            seen = f"the first {rows:,} rows: such a file is read from its head only"
            return replace(self, total=None, exact=False, seen=seen)
        total = round(size * rows / sum(map(len, blocks)))
        seen = f"{rows:,} rows: the head, and {BLOCKS - 1} places through the file"
        return replace(self, total=total, exact=False, seen=seen)
