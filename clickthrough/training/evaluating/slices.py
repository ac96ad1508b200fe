"""Divisions of the test rows: by what was known before, by day, by place, by a field."""

from collections.abc import Iterable

import polars as pl

from clickthrough.config.base import unknown_name
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TEST, with_part
from clickthrough.errors import ConfigError
from clickthrough.evaluation.slices import Slice
from clickthrough.features.history.known import Known
from clickthrough.schema import Schema
from clickthrough.training.evaluating.tested import POSITION, tested_rows

_NEEDS = {"item_seen": "item", "user_seen": "user", "day": "time", "position": "request_id"}
"""Slices of every log, with the role that each needs."""
_ASKED_FOR = {"hour": "time"}
"""Slices that are too long to stand in every report, with the role that each needs."""
_MOST = 24
_FORMATS = {"day": "%Y-%m-%d", "hour": "%H"}
_SEEN = "_seen"
_OTHER, _MISSING = "(other)", "(missing)"


def own_slices(schema: Schema, known: Known | None = None) -> list[str]:
    """Return the slices that every log with these roles has.

    Args:
        schema: of the log.
        known: what the log begins with, where it comes after a bundle's; of what that does not
            count, nobody knows whether it is new.
    """
    names = _allowed(_NEEDS, schema)
    return names if known is None else [n for n in names if _told(n, known)]


def _told(name: str, known: Known) -> bool:
    return not name.endswith(_SEEN) or _NEEDS[name] in known.counted


def _allowed(needs: dict[str, str], schema: Schema) -> list[str]:
    return [name for name, role in needs.items() if role in schema.roles]


def check_slices(names: Iterable[str], schema: Schema) -> None:
    """Refuse a slice that cannot be made.

    Raises:
        ConfigError: it is no field, or one of a type that has no few values.
    """
    for name in names:
        kind = schema.fields.get(name)
        own = _allowed(_NEEDS | _ASKED_FOR, schema)
        if kind is None and name not in own:
            known = [*own, *schema.fields]
            raise ConfigError(f"evaluation.slices: {unknown_name(name, 'slice', known)}")
        if kind not in (None, "int", "str", "bool"):
            raise ConfigError(
                f"evaluation.slices: field '{name}' is of type {kind}; a slice needs one of "
                "int, str, bool"
            )


def read_slices(names: Iterable[str], dataset: Dataset, config: Config) -> dict[str, Slice]:
    """Return divisions of the rows that are evaluated.

    Args:
        names: fields, or the slices of every log (a field of that name comes first):

            - ``item_seen``: ``new`` where the log holds no impression of the item before the test
              part begins, ``known`` otherwise. So the same rows are new whether counters are live
              or frozen; live ones learn of a new item during the test. Of a log that comes after a
              bundle's, what the bundle counts is known.
            - ``user_seen``: the same of the user, who is known too if a given history names them.
            - ``day``: in ``data.timezone``; ``hour``: of the day, 00 to 23 (where asked for).
            - ``position``: the place within the request as logged, from 1.
        dataset: the log.
        config: its split and time zone.

    Returns:
        Name -> division. Beyond the 24 most frequent, values are ``(other)``; those that are
        null are ``(missing)``.
    """
    rows = tested_rows(dataset, config.data.split)
    return {
        name: _division(
            rows.select("row", value=_value(name, dataset, config))
            .sort("row")
            .collect(engine="streaming")["value"]
        )
        for name in dict.fromkeys(names)
    }


def _value(name: str, dataset: Dataset, config: Config) -> pl.Expr:
    """Return the value of each row, a text or a whole number."""
    if name in dataset.schema.fields:
        return pl.col(name)
    if name == "position":
        return pl.col(POSITION)
    if name in _FORMATS:
        moment = pl.from_epoch("time", "us").dt.replace_time_zone("UTC")
        return moment.dt.convert_time_zone(config.data.timezone).dt.strftime(_FORMATS[name])
    role = _NEEDS[name]
    seen = _seen(role, dataset, config)
    if seen is None:
        return pl.lit(None, pl.String)
    known = pl.col(role).is_in(seen.implode())
    return pl.when(known).then(pl.lit("known")).when(~known).then(pl.lit("new"))


def _seen(role: str, dataset: Dataset, config: Config) -> pl.Series | None:
    """Return the users or items of before the test part; None where nobody knows."""
    if dataset.known is not None:
        own = dataset.impressions().select(role).unique().collect(engine="streaming")
        return dataset.known.holds(role, own[role])
    before = with_part(dataset, config.data.split).filter(pl.col("part") < TEST).select(role)
    history = dataset.history()
    if role == "user" and history is not None:
        before = pl.concat([before, history.select(role)])
    return before.unique().drop_nulls().collect(engine="streaming")[role]


def _division(values: pl.Series) -> Slice:
    """Number the most frequent values in their own order, then the others, then the missing."""
    counts = values.drop_nulls().value_counts(sort=True, name="__n")
    frequent = counts.sort("__n", "value", descending=[True, False])["value"].head(_MOST).sort()
    codes = frequent.to_frame().with_row_index("code")
    joined = values.to_frame().join(codes, on="value", how="left", maintain_order="left")
    rest = pl.when(pl.col("value").is_null()).then(len(frequent) + 1).otherwise(len(frequent))
    code = joined.select(pl.col("code").cast(pl.Int64).fill_null(rest)).to_series()
    return Slice((*map(str, frequent), _OTHER, _MISSING), code.to_numpy())
