"""Tables that grow a block at a time, as CSV, and the truth as Parquet."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import polars as pl

from clickthrough import parquet

_PARTS, _LAST = "parts", "last"
TRUTH = Path("truth") / "truth.parquet"


class Files:
    """The files of one log, open until they are whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, BinaryIO] = {}
        self._parts = 0
        (folder / TRUTH.parent / _PARTS).mkdir(parents=True)

    def add(self, name: str, table: pl.DataFrame, *, last: bool = False) -> None:
        """Append rows to ``NAME.csv``; those marked last follow all others."""
        place = f"{name}.{_LAST}" if last else f"{name}.csv"
        new = place not in self._open
        if new:
            self._open[place] = (self._folder / place).open("wb")
        table.write_csv(self._open[place], include_header=new and not last)

    def truth(self, table: pl.DataFrame) -> None:
        """Append rows to the truth."""
        table.write_parquet(self._folder / TRUTH.parent / _PARTS / f"{self._parts:06d}.parquet")
        self._parts += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._open.values():
            file.close()
        if error is None:
            self._join()

    def _join(self) -> None:
        for last in self._folder.glob(f"*.{_LAST}"):
            with last.with_suffix(".csv").open("ab") as whole, last.open("rb") as rest:
                shutil.copyfileobj(rest, whole, 1 << 20)
            last.unlink()
        parts = self._folder / TRUTH.parent / _PARTS
        parquet.scan(parts).sink_parquet(self._folder / TRUTH)
        shutil.rmtree(parts)
