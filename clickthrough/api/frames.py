"""Frames of any library: read as Polars holds them, and answered in the library they came from.

pandas needs no pyarrow for it. An index with a name is a column too; answers have the same index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import narwhals.dependencies as held
import numpy as np
import polars as pl

from clickthrough.errors import DataError

AnyFrame = Any
"""A frame of pandas, Polars or Arrow, or of whatever else gives its columns as Arrow does."""
Columns = Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Frame:
    """A frame as Polars holds it, and where it came from.

    Attributes:
        rows: its columns, under the names that they have there.
        given: the frame itself; None stands for Polars.
    """

    rows: pl.DataFrame
    given: AnyFrame = None

    def column(self, name: str, values: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
        """Return a value a row as a column of the frame's library, aligned with its index."""
        if held.is_pandas_dataframe(self.given):
            import pandas as pd

            return pd.Series(values, index=self.given.index, name=name)
        if held.is_pyarrow_table(self.given):
            return pl.Series(name, values).to_arrow()
        return pl.Series(name, values)

    def emptied(self) -> "Frame":
        """Return a frame of the same library without its rows."""
        if held.is_pandas_dataframe(self.given):
            return Frame(self.rows.clear(), self.given.iloc[:0, :0])
        given = self.given.slice(0, 0) if held.is_pyarrow_table(self.given) else None
        return Frame(self.rows.clear(), given)

    def table(self, columns: Columns, aligned: bool = False) -> AnyFrame:
        """Return columns as a frame of the same library.

        Args:
            columns: by their names.
            aligned: whether their rows are those of the frame: then they have its index.
        """
        made = pl.DataFrame(columns, strict=False)
        if held.is_pandas_dataframe(self.given):
            import pandas as pd

            index = self.given.index if aligned else None
            return pd.DataFrame({name: made[name].to_list() for name in made.columns}, index=index)
        return made.to_arrow() if held.is_pyarrow_table(self.given) else made


def row_of(given: Any) -> Any:  # noqa: ANN401
    """Return a row of pandas, whose index names its values, as a dictionary; all else as it is."""
    return given.to_dict() if held.is_pandas_series(given) else given


def is_frame(given: object) -> bool:
    """Tell a frame from rows and paths."""
    return (
        held.is_into_dataframe(given)
        or isinstance(given, pl.LazyFrame)
        or hasattr(given, "__arrow_c_stream__")
    )


def read_frame(given: AnyFrame, name: str = "the frame") -> Frame:
    """Read a frame.

    Args:
        given: the frame.
        name: how errors call it.

    Raises:
        DataError: it is no frame, has a name twice, or a column of values of several types.
    """
    if held.is_pandas_dataframe(given):
        return Frame(_of_pandas(given, name), given)
    if isinstance(given, pl.DataFrame):
        return Frame(given)
    if not is_frame(given):
        raise DataError(
            f"{name}: expected a frame of pandas, Polars or Arrow, or the path of a log, "
            f"found {type(given).__name__}"
        )
    try:
        if isinstance(given, pl.LazyFrame):
            return Frame(given.collect())
        if hasattr(given, "__arrow_c_stream__"):
            return Frame(pl.DataFrame(given), given)
        return Frame(nw.from_native(given, eager_only=True).to_polars(), given)
    except BaseException as error:
        # what Polars cannot convert at all it reports by an exception that is none of Python's
        panics = type(error).__name__ == "PanicException"
        if not panics and not isinstance(error, pl.exceptions.PolarsError | ValueError | TypeError):
            raise
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{name}: cannot be read as a frame: {reason}") from None


def _of_pandas(given: AnyFrame, name: str) -> pl.DataFrame:
    named = [level for level in given.index.names if level is not None]
    if named and not {*named} & {*given.columns}:  # a column that somebody made the index of
        given = given.reset_index(level=named)
    names = [str(column) for column in given.columns]
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise DataError(f"{name}: has several columns '{twice[0]}'")
    if not names:
        raise DataError(f"{name}: has no columns")
    columns = [_of_column(given.iloc[:, place], own, name) for place, own in enumerate(names)]
    return pl.DataFrame(columns)


def _of_column(column: Any, name: str, frame: str) -> pl.Series:  # noqa: ANN401
    """Read a column of pandas; what it holds as missing is null."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        values = column.to_numpy()
        if dtype.kind == "f" and dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        made = pl.Series(name, np.ascontiguousarray(values))
        return made.fill_nan(None) if dtype.kind == "f" else made
    if getattr(dtype, "kind", "") == "M" and type(dtype).__name__ != "ArrowDtype":
        zone = getattr(dtype, "tz", None)
        plain = column if zone is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
        moments = pl.Series(name, plain.to_numpy().astype("datetime64[us]"))
        return moments if zone is None else moments.dt.replace_time_zone("UTC")
    values = column.astype(object)
    known = [None if lacks else value for value, lacks in zip(values, column.isna(), strict=True)]
    return _of_objects(known, name, frame)


def _of_objects(values: list[Any], name: str, frame: str) -> pl.Series:
    """Read Python objects; those of a column must be of one type."""
    plain = [v.tolist() if isinstance(v, np.ndarray | np.generic) else v for v in values]
    try:
        made = pl.Series(name, plain, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        made = pl.Series(name, dtype=pl.Object)
    if made.dtype == pl.Object:
        kinds = sorted({type(value).__name__ for value in plain if value is not None})
        raise DataError(
            f"{frame}: column '{name}' holds values of {' and '.join(kinds)}, which is no type "
            "that a column can have; convert it, such as to texts"
        )
    return made
