"""Which row made a conversion fail: slower passes over the files, made only after a failure."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from clickthrough.config.data import TabularData
from clickthrough.data.labels import clicked
from clickthrough.data.moments import moment
from clickthrough.data.scan import first_row_of, scan
from clickthrough.data.tabular import click_of, entries_of, logs, table_form
from clickthrough.data.unpack import Plain
from clickthrough.errors import DataError, EmptyTableError


def first_misfit(config: TabularData, plain: Plain) -> str | None:
    """Say where the first value stands that its column's part cannot have; None if nowhere.

    Args:
        config: the data section of a log that could not be converted.
        plain: makes compressed files plain.
    """
    for _, path in logs(config):
        try:
            form = table_form(config)
            frame = scan(path, form, plain)
            conditions = list(_conditions(frame.collect_schema(), config))
        except EmptyTableError:
            continue
        except DataError:  # the failure itself: it has been told
            return None
        for column, misfit in conditions:
            found = _first(frame, column, misfit, path, first_row_of(path, form))
            if found is not None:
                return found
    return None


def _first(frame: pl.LazyFrame, column: str, misfit: pl.Expr, path: Path, first: int) -> str | None:
    rows = (
        frame.with_row_index("__row", offset=first).filter(misfit).select("__row", column).head(1)
    )
    for row, value in rows.collect(engine="streaming").iter_rows():
        return f"first in {path}, row {row}, column '{column}': {value!r}"
    return None


def _conditions(types: pl.Schema, config: TabularData) -> Iterator[tuple[str, pl.Expr]]:
    """Yield columns of the log with what must not hold of their values."""
    request_id, time, label = config.roles.request_id, config.roles.time, config.roles.label
    if request_id is not None and request_id in types:
        yield request_id, pl.col(request_id).is_null()
    if time is not None and time in types:
        yield time, moment(pl.col(time), types[time], config.time).is_null()
    if label in types and not types[label].is_nested():
        yield label, _no_label(pl.col(label), types[label], config)
    kinds = {"int": pl.Int64, "float": pl.Float64}
    for column, form in config.lists.items():
        if column in types and form.of in kinds:
            entry = pl.element()
            odd = entry.cast(kinds[form.of], strict=False).is_null() & entry.is_not_null()
            yield column, entries_of(pl.col(column), form).list.eval(odd).list.any()


def _no_label(label: pl.Expr, dtype: pl.DataType, config: TabularData) -> pl.Expr:
    said = clicked(label, dtype, click_of(config))
    return said.is_not_null() & ~said.is_in([0.0, 1.0])
