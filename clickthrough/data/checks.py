"""What every log must satisfy, and the counts that its user is shown."""

import time

import polars as pl

from clickthrough.data.labels import listed, said_of_odd
from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError
from clickthrough.schema import MISSING_INT, Schema
from clickthrough.time_range import AHEAD, written

Counts = dict[str, int]
_INFINITE, _UNHELD = "infinite:", "unheld:"


def check(rows: pl.LazyFrame, raw: RawLog) -> tuple[Counts, list[str]]:
    """Check the rows of a raw log and count them.

    Returns:
        ``impressions``, ``clicks``, ``unlabelled``, ``first`` and ``last`` (microseconds); and a
        line for each quantity that is infinite somewhere.

    Raises:
        DataError: no rows, a time or request id that is missing, a time after now, a label that is
            not 0 or 1, or a whole number that stands for a missing one.
    """
    label, moment = pl.col("label"), pl.col("time")
    odd = (label != 0) & (label != 1)
    requests = {}
    if "request_id" in raw.schema.roles:
        requests = {"no_request": pl.col("request_id").is_null().sum()}
    fractions = quantities(raw.schema)
    whole = [name for name, kind in raw.schema.fields.items() if kind == "int"]
    least = {f"{_UNHELD}{name}": (pl.col(name) == MISSING_INT).sum() for name in whole}
    infinite = {f"{_INFINITE}{name}": pl.col(name).is_infinite().sum() for name in fractions}
    counts = rows.select(
        impressions=pl.len(),
        clicks=(label == 1).sum(),
        unlabelled=label.is_null().sum(),
        odd_labels=odd.sum(),
        odd_label=label.filter(odd).first(),
        no_time=moment.is_null().sum(),
        first=moment.min(),
        last=moment.max(),
        **requests,
        **infinite,
        **least,
    ).collect(engine="streaming")
    found: Counts = counts.to_dicts()[0]
    _refuse(found, raw)
    names = raw.schema.input_name
    notes = [
        f"{count:,} infinite values of '{names(name)}' are taken as missing"
        for name in fractions
        if (count := found[f"{_INFINITE}{name}"])
    ]
    if raw.click.texts and found["unlabelled"] < found["impressions"] and not found["clicks"]:
        notes.append(f"no label is {listed(raw.click.texts)}, as 'data.label_is' says clicks are")
    kept = ("impressions", "clicks", "unlabelled", "first", "last")
    return {name: found[name] for name in kept}, notes


def quantities(schema: Schema) -> list[str]:
    """Return the fields that hold fractions, and so may hold what is not finite."""
    return [name for name, kind in schema.fields.items() if kind == "float"]


def _refuse(found: Counts, raw: RawLog) -> None:
    names = raw.schema.input_name
    if found["impressions"] == 0:
        raise DataError(f"{raw.name}: holds no impressions")
    if found["odd_labels"]:
        raise DataError(f"{raw.name}: column '{names('label')}': {_odd(found, raw)}")
    for key in found:
        if key.startswith(_UNHELD) and found[key]:
            column = names(key.removeprefix(_UNHELD))
            raise DataError(
                f"{raw.name}: column '{column}' holds {MISSING_INT}, which stands for a missing "
                f"value; write null, or leave the column out with 'drop'"
            )
    for what, column in (("no_time", "time"), ("no_request", "request_id")):
        if found.get(what):
            raise DataError(
                f"{raw.name}: column '{names(column)}': missing or unreadable in "
                f"{found[what]} of {found['impressions']} rows"
            )
    if "time" in raw.schema.roles and found["last"] > time.time_ns() // 1_000 + AHEAD:
        raise DataError(
            f"{raw.name}: column '{names('time')}': the last is {written(found['last'])}, which is "
            f"after now; {_asked(raw.schema)}"
        )


def _odd(found: Counts, raw: RawLog) -> str:
    """Say what a label holds that is neither 0 nor 1."""
    first, rows = found["odd_label"], found["odd_labels"]
    if raw.labels is None:
        return f"expected 0 or 1, found {first!r} ({rows} rows)"
    return said_of_odd(raw.labels, raw.click, first, rows)


def _asked(schema: Schema) -> str:
    """Return what to look at where moments come out wrong."""
    if schema.time.unit != "iso":
        return "what do its numbers count? time: {unit: s | ms | us | ns}"
    if schema.time.format is not None:
        return f"is {schema.time.format!r} how it is written? time: {{format: ...}}"
    return "texts of another form than ISO 8601, year first, need time: {format: ...}"
