"""From the types that files have to the four types that fields have."""

from collections.abc import Iterable

import polars as pl
from polars.datatypes import DataTypeClass

from clickthrough.data.kinds import why_unfit
from clickthrough.errors import DataError
from clickthrough.features.rows import LISTS
from clickthrough.schema import FieldType

_LIST_OF: dict[FieldType, FieldType] = {entry: listed for listed, entry in LISTS.items()}


def field_type(name: str, dtype: pl.DataType, source: str) -> FieldType:
    """Return the type of a field that a column of a file becomes.

    Raises:
        DataError: structs, moments, lists of lists: nothing that a field can hold.
    """
    if isinstance(dtype, pl.List) and dtype.inner is not None:
        of_entries = field_type(name, _instance(dtype.inner), source)
        if of_entries in _LIST_OF:
            return _LIST_OF[of_entries]
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_integer() or dtype == pl.Null:
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "str"
    raise DataError(
        f"{source}: column '{name}' {holds(dtype)}, which a field cannot have; "
        "leave it out with 'drop'"
    )


def holds(dtype: pl.DataType) -> str:
    """Say what a column holds that no field can."""
    said = why_unfit(dtype)
    return f"has the type {dtype}" if said is None else f"holds {said}"


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def canonical(column: pl.Expr, kind: FieldType, strict: bool = True) -> pl.Expr:
    """Cast a column to how its type is held: Int64, Float64, String or a list of these.

    Empty texts are null.

    Args:
        column: of a file.
        kind: the type of the field that it becomes.
        strict: whether a number that 64 bits do not hold is an error; null otherwise.
    """
    if kind in LISTS:
        return column.list.eval(canonical(pl.element(), LISTS[kind], strict))
    if kind == "float":
        return column.cast(pl.Float64).fill_nan(None)
    if kind == "str":
        text = column.cast(pl.String)
        return pl.when(text != "").then(text)
    return column.cast(pl.Int64, strict=strict)


def finite(names: Iterable[str]) -> list[pl.Expr]:
    """Return columns of numbers without infinities, which are missing values, as online."""
    return [pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in names]
