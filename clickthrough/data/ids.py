"""Ids that a number of 64 bits cannot hold: refused, for two of them would become one."""

import polars as pl

from clickthrough.errors import DataError

_EXACT = 2**53
"""From here on a float no longer tells neighbouring whole numbers apart (IEEE 754 binary64)."""
_LARGEST = 2**63 - 1


def refuse_lost_ids(frame: pl.LazyFrame, ids: list[str], name: str) -> None:
    """Refuse a log in which ids would be lost.

    Args:
        frame: the log; a column that is not in it is not looked at.
        ids: columns that hold ids, which must be whole numbers where they are numbers.
        name: how errors call the log.

    Raises:
        DataError: names the column, the value and the way out.
    """
    types = frame.collect_schema()
    lost = {column: _too_large(pl.col(column), dtype) for column, dtype in types.items()}
    for column in ids:
        if column in types and (types[column].is_float() or types[column].is_decimal()):
            lost[column] = _inexact(pl.col(column))
    for column, condition in lost.items():
        if condition is not None:
            _refuse(frame.select(pl.col(column).filter(condition).first()), column, name)


def _too_large(column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    if dtype in (pl.Int128, pl.UInt64, pl.UInt128):
        return (column > _LARGEST) | (column.cast(pl.Int128, strict=False) < -_LARGEST)
    return None


def _inexact(column: pl.Expr) -> pl.Expr:
    number = column.cast(pl.Float64)
    return (number.abs() >= _EXACT) | (number != number.floor())


def _refuse(found: pl.LazyFrame, column: str, name: str) -> None:
    value = found.collect(engine="streaming").item()
    if value is not None:
        text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
        raise DataError(
            f"{name}: column '{column}' holds {text}, which is no whole number that 64 bits hold "
            f"exactly; read it as text with 'types: {{{column}: str}}', or leave it out with 'drop'"
        )
