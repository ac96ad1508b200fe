"""From the types that files have to the four types that fields have."""

import polars as pl

from clickthrough.errors import DataError
from clickthrough.schema import FieldType


def field_type(name: str, dtype: pl.DataType, source: str) -> FieldType:
    """Return the type of a field that a column of a file becomes.

    Raises:
        DataError: lists, structs, moments: nothing that a field can hold.
    """
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_integer() or dtype == pl.Null:
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "str"
    raise DataError(
        f"{source}: column '{name}' has the type {dtype}, which a field cannot have; "
        "leave it out with 'drop'"
    )


def canonical(column: pl.Expr, kind: FieldType) -> pl.Expr:
    """Cast a column to how its type is held: Int64, Float64 or String; empty texts are null."""
    if kind == "float":
        return column.cast(pl.Float64).fill_nan(None)
    if kind == "str":
        text = column.cast(pl.String)
        return pl.when(text != "").then(text)
    return column.cast(pl.Int64)
