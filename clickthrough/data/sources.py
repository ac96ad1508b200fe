"""Where the fields of a log come from: of the candidate, of the user's profile, of the context."""

import polars as pl

from clickthrough.config.explain import FieldSource
from clickthrough.data.dataset import Dataset

_LOOKED_AT = 200_000
"""Rows, the earliest."""
_OFTEN = 0.02
"""Of requests or users: fewer may differ by mistakes of the log."""
_LEAST_USERS = 30
"""Users with several requests, by fewer of which nothing is told."""
_TOLD: dict[str, FieldSource] = {"item": "candidate", "user": "profile", "request_id": "context"}


def field_sources(dataset: Dataset) -> dict[str, FieldSource]:
    """Find out where fields come from, by what they are the same for.

    What differs within requests is of the candidate. Of the rest, what is the same in all requests
    of a user is of the profile; all else, and what cannot be told, is of the context.

    Returns:
        Our names of all fields, each with its source.
    """
    fields = [name for name in dataset.schema.fields if name not in _TOLD]
    read = {*fields, "request_id", *({"user"} & set(dataset.schema.fields))}
    rows = dataset.impressions().head(_LOOKED_AT).select(*sorted(read)).collect()
    rows = rows.with_columns(pl.col(fields).hash() if fields else [])  # lists are not counted
    candidate = _differing(rows, "request_id", fields)
    rest = [name for name in fields if name not in candidate]
    profile = _of_users(rows, rest) if "user" in dataset.schema.fields else []
    of: dict[FieldSource, list[str]] = {"candidate": candidate, "profile": profile}
    found = {name: source for source, names in of.items() for name in names}
    found |= _of_tables(dataset) | _TOLD
    return {name: found.get(name, "context") for name in dataset.schema.fields}


def _of_tables(dataset: Dataset) -> dict[str, FieldSource]:
    """Return what side tables say of items and of users."""
    whose: dict[tuple[str, ...], FieldSource] = {("item",): "candidate", ("user",): "profile"}
    ways = [way for form in dataset.sides for way in form.ways if way.key in whose]
    return {name: whose[way.key] for way in ways for name in way.gives.values()}


def _differing(rows: pl.DataFrame, key: str, fields: list[str]) -> list[str]:
    """Return the fields that differ within more than a few groups of rows."""
    if not fields:
        return []
    groups = rows.group_by(key).agg(pl.col(fields).n_unique(), pl.len().alias("#"))
    several = groups.filter(pl.col("#") > 1)
    if several.is_empty():
        return []
    shares = several.select((pl.col(fields) > 1).mean()).row(0)
    return [name for name, share in zip(fields, shares, strict=True) if share > _OFTEN]


def _of_users(rows: pl.DataFrame, fields: list[str]) -> list[str]:
    """Return the fields that vary among users, and hardly within one."""
    requests = rows.drop_nulls("user").unique("request_id").select("user", *fields)
    again = requests.filter(pl.len().over("user") > 1)
    if not fields or again["user"].n_unique() < _LEAST_USERS:
        return []
    differing = _differing(again, "user", fields)
    counts = again.select(pl.col(fields).n_unique()).row(0)
    varied = {name for name, count in zip(fields, counts, strict=True) if count > 1}
    return [name for name in fields if name in varied and name not in differing]
