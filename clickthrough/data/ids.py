"""Ids that a number of 64 bits cannot hold: refused, for two of them would become one."""

import polars as pl

from clickthrough.errors import DataError

_EXACT = 2**53
"""From here on a float no longer tells neighbouring whole numbers apart (IEEE 754 binary64)."""
_LARGEST = 2**63 - 1
_WIDE = (pl.Int128, pl.UInt64, pl.UInt128)
_AS_TEXT = "read it as text with 'types: {{{}: str}}', or "


def refuse_lost_ids(frame: pl.LazyFrame, ids: list[str], name: str) -> None:
    """Refuse a log in which ids would be lost.

    Args:
        frame: the log; a column that is not in it is not looked at.
        ids: columns that hold ids, which must be whole numbers where they are numbers.
        name: how errors call the log.

    Raises:
        DataError: names the column, the value and the way out.
    """
    for column, dtype in frame.collect_schema().items():
        listed = isinstance(dtype, pl.List)
        cell = pl.col(column).explode() if listed else pl.col(column)
        condition = None
        if (dtype.inner if isinstance(dtype, pl.List) else dtype) in _WIDE:
            condition = _too_large(cell)
        elif column in ids and (dtype.is_float() or dtype.is_decimal()):
            condition = _inexact(cell)
        if condition is not None:
            found = frame.select(cell.filter(condition).first())
            _refuse(found, column, name, "" if listed else _AS_TEXT.format(column))


def _too_large(column: pl.Expr) -> pl.Expr:
    return (column > _LARGEST) | (column.cast(pl.Int128, strict=False) < -_LARGEST)


def _inexact(column: pl.Expr) -> pl.Expr:
    number = column.cast(pl.Float64)
    return (number.abs() >= _EXACT) | (number != number.floor())


def _refuse(found: pl.LazyFrame, column: str, name: str, other_way: str) -> None:
    value = found.collect(engine="streaming").item()
    if value is not None:
        text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
        raise DataError(
            f"{name}: column '{column}' holds {text}, which is no whole number that 64 bits hold "
            f"exactly; {other_way}leave it out with 'drop'"
        )
