"""One table file, CSV, Parquet or JSON lines, plain or compressed, as a lazy frame."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import polars as pl

from clickthrough import parquet
from clickthrough.config.base import unknown_name
from clickthrough.data.csv_shape import check_csv, divided_by, first_row
from clickthrough.data.encoding import encoding_of_file
from clickthrough.data.form import ForcedType, TableForm
from clickthrough.data.header import column_names
from clickthrough.data.lines import table_of_lines
from clickthrough.data.rewriting import lines_above
from clickthrough.data.unpack import PLAIN, Plain, has_types, is_lines, is_parquet, opened_plain
from clickthrough.data.written_numbers import read_as_texts, typed_texts
from clickthrough.errors import DataError
from clickthrough.schema import Role


def as_it_is(path: Path, form: TableForm = PLAIN, /) -> Path:
    """Take a file for plain: what opens files that are not compressed or of odd lines."""
    return path


def scan(path: Path, form: TableForm, plain: Plain = as_it_is) -> pl.LazyFrame:
    """Open a CSV or Parquet file or JSON lines, told apart by the suffix.

    Args:
        path: the file.
        form: how it is written.
        plain: makes compressed files plain.

    Raises:
        DataError: the file is unreadable or empty, has rows of another number of fields, or a
            value that is not of its column's given type.
    """
    try:
        if has_types(path):
            frame = typed_texts(_scan_typed(path, plain), form, str(path), 1)
        else:
            frame = _scan_csv(plain(path, form), path, form)
        known = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(
            f"{path}: not readable as {'Parquet' if is_parquet(path) else 'CSV'}: {reason}"
        ) from None
    types = {name: form.types[name] for name in known if name in form.types}
    return typed(frame, types, str(path), first_row_of(path, form))


def first_row_of(path: Path, form: TableForm) -> int:
    """Return the number of the first row of values, as the user's editor counts rows."""
    if has_types(path):
        return 1
    return 1 + above_of(path, form) + (form.columns is None)


def above_of(path: Path, form: TableForm) -> int:
    """Return how many lines stand above a table."""
    if not form.skip and form.comment is None:
        return 0
    with opened_plain(path) as file:
        encoding = encoding_of_file(file, form.encoding)
    with opened_plain(path) as file:
        return lines_above(file, encoding, form, str(path))


def _scan_typed(path: Path, plain: Plain) -> pl.LazyFrame:
    if not is_lines(path):
        return parquet.scan(path)
    made = plain(path)
    if made != path:
        return parquet.scan(made)
    with opened_plain(path) as file:  # without a place for it, as beside a frame
        return table_of_lines(file, str(path))[0].lazy()


def need(frame: pl.LazyFrame, columns: list[str], name: str) -> None:
    """Refuse a table that lacks a column, naming the nearest.

    Raises:
        DataError: it does.
    """
    known = frame.collect_schema().names()
    for column in columns:
        if column not in known:
            hint = divided_by(known[0]) if column in known[0] else ""
            raise DataError(f"{name}: {unknown_name(column, 'column', known)}{hint}")


def need_roles(frame: pl.LazyFrame, roles: Mapping[Role, str], name: str) -> None:
    """Refuse a log that lacks the column of a role, naming the nearest.

    Args:
        frame: the log.
        roles: role -> column.
        name: how errors call it.

    Raises:
        DataError: it does.
    """
    known = frame.collect_schema().names()
    for role, column in roles.items():
        if column not in known:
            known_as = unknown_name(column, "column", known)
            near = known_as.removeprefix(f"unknown column '{column}'")
            hint = divided_by(known[0]) if column in known[0] else ""
            raise DataError(
                f"{name}: lacks column '{column}', the {role} by 'data.roles'{near}{hint}"
            )


def _scan_csv(plain: Path, path: Path, form: TableForm) -> pl.LazyFrame:
    rows = check_csv(plain, str(path), form.separator, form.columns, above_of(path, form))
    names = form.columns or column_names(first_row(plain, str(path), form.separator))
    texts = [name for name, kind in form.types.items() if kind == "str"]
    own = read_as_texts(form, names)
    scan_rows = partial(
        pl.scan_csv,
        plain,
        separator=form.separator,
        has_header=False,
        skip_lines=int(form.columns is None),
        glob=False,  # a name may hold brackets
        # where numbers are quoted, the missing ones are quoted blanks
        null_values=["", *form.missing],
        n_rows=rows,
    )
    given = dict.fromkeys([*texts, *own], pl.String)
    found = scan_rows(new_columns=names, schema_overrides=given, infer_schema_length=None)
    frame = scan_rows(schema=found.collect_schema())  # what looks for types holds the whole file
    return typed_texts(frame, form, str(path), first_row_of(path, form)) if own else frame


def check_types(
    frame: pl.LazyFrame, types: Mapping[str, ForcedType], name: str, first: int
) -> None:
    """Look whether all values of columns have their given types.

    Args:
        frame: the table.
        types: of some of its columns.
        name: how errors call it.
        first: the number of its first row.

    Raises:
        DataError: one has not; names its row.
    """
    found = frame.collect_schema()
    for column, kind in types.items():
        if not _has_type(found[column], kind):
            _refuse_misfit(frame, column, kind, name, first)


def typed(
    frame: pl.LazyFrame, types: Mapping[str, ForcedType], name: str, first: int
) -> pl.LazyFrame:
    """Cast columns to their given types; all their values must have them.

    See :func:`check_types`.
    """
    check_types(frame, types, name, first)
    held = frame.collect_schema()
    casts = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}
    return frame.with_columns(
        _value(column, held[column], kind).cast(casts[kind]) for column, kind in types.items()
    )


def _value(column: str, dtype: pl.DataType, kind: ForcedType) -> pl.Expr:
    """Return a column; of texts that are numbers, an empty one is a missing number."""
    own = pl.col(column)
    return pl.when(own != "").then(own) if dtype == pl.String and kind != "str" else own


def _has_type(dtype: pl.DataType, kind: ForcedType) -> bool:
    """Tell whether every value of a type is one of a given type."""
    if kind == "str":
        return dtype in (pl.String, pl.Categorical, pl.Enum) or dtype.is_integer()
    if kind == "float":
        return dtype.is_numeric()
    return dtype.is_signed_integer() and dtype != pl.Int128


def _refuse_misfit(frame: pl.LazyFrame, own: str, kind: ForcedType, name: str, first: int) -> None:
    """Name the first value that is not of a given type, if there is one."""
    column = _value(own, frame.collect_schema()[own], kind)
    if kind == "str":
        misfit = column.is_not_null()  # a fraction or a moment: its text is not what was written
    else:
        target = column.cast(pl.Float64 if kind == "float" else pl.Int64, strict=False)
        misfit = column.is_not_null() & target.is_null()
        if kind == "int" and frame.collect_schema()[own].is_float():
            misfit = (target != column) | (column.abs() >= 2**53)
    rows = frame.select(own).with_row_index("__row", offset=first).filter(misfit).head(1)
    for row, value in rows.collect(engine="streaming").iter_rows():
        raise DataError(
            f"{name}: row {row}, column '{own}': expected {_EXPECTED[kind]}, as 'types' says, "
            f"found {value!r}{_HINTS.get(kind, '') if isinstance(value, str) else ''}"
        )


_HINTS = dict.fromkeys(("int", "float"), "; see 'missing', 'missing_in' and 'numbers'")
_EXPECTED = {"int": "a whole number of 64 bits", "float": "a number", "str": "text"}
