"""Which columns are the time, the request, the user and the item, each with its reason. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from clickthrough.config.data import OURS
from clickthrough.data.labels import ONE, Click
from clickthrough.errors import DataError
from clickthrough.init.label import Choice, guess_label
from clickthrough.init.names import hint, one_of_many, rank, words
from clickthrough.init.profile import Column, Profile, is_whole
from clickthrough.init.times import Fault, TimeGuess, fault_of, guess_time, nearly_time
from clickthrough.init.vocabulary import IDS, ITEMS, KINDS, REQUESTS, USERS

_KINDS_OF_DEVICES = 20
"""Texts of a device by no more of which they are its kind and no id."""


@dataclass(frozen=True)
class Named:
    """What the log's owner says: columns, which label is a click, and the encoding of texts."""

    label: str | None = None
    time: str | None = None
    request: str | None = None
    user: str | None = None
    item: str | None = None
    at_least: float | None = None
    label_is: tuple[str, ...] = ()
    encoding: str | None = None

    @property
    def click(self) -> Click:
        """What of the label is a click, as far as it is said."""
        return Click(self.at_least, self.label_is)

    @property
    def columns(self) -> dict[str, str]:
        """Flag of the command line -> the column that it names."""
        named = {"label": self.label, "time": self.time, "request": self.request,
                 "user": self.user, "item": self.item}  # fmt: skip
        return {flag: column for flag, column in named.items() if column is not None}


@dataclass(frozen=True)
class Guess:
    """The roles of a log.

    Attributes:
        click: what of the label is a click.
        texts: columns of roles that must be read as texts, with the reason.
    """

    label: Choice
    click: Click = ONE
    time: TimeGuess | None = None
    request: Choice | None = None
    user: Choice | None = None
    item: Choice | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, str]:
        """The name of a role in a configuration -> its column."""
        found = {
            "request_id": self.request,
            "time": self.time,
            "user": self.user,
            "item": self.item,
            "label": self.label,
        }
        return {role: choice.column for role, choice in found.items() if choice is not None}


def guess_roles(profile: Profile, named: Named, source: str) -> Guess:
    """Find the roles.

    Args:
        profile: of the log.
        named: what its owner said.
        source: how errors call the log.

    Raises:
        DataError: a column that was named is not there, or the label cannot be told.
    """
    _refuse_misfits(profile, named, source)
    others = {name for flag, name in named.columns.items() if flag != "label"}
    label, click = guess_label(without(profile, others), named.label, source, named.click)
    taken = {label.column, *(n for n in (named.user, named.item, named.request) if n)}
    free = without(profile, taken)
    time = guess_time(profile if named.time else free, named.time, label.column)
    if named.time is not None and time is None:
        _refuse_time(profile, fault_of(profile, named.time), source)
        raise DataError(
            f"{source}: column '{named.time}' holds no times that could be read; name another "
            "with --time, or say how they are written with 'data.time' in a configuration"
        )
    if time is None:
        _refuse_time(free, nearly_time(free, label.column), source)
    free = without(free, {time.column} if time else set())
    item = _named(named.item) or _by_name(free, ITEMS, USERS + REQUESTS)
    user = _named(named.user) or _by_name(without(free, _of(item)), USERS, ())
    free = without(free, _of(item) | _of(user))
    request = _named(named.request) or _request(profile, free, time)
    texts = {
        column.name: column.force_text
        for column in profile.columns.values()
        if column.force_text and column.name in _of(request) | _of(user) | _of(item)
    }
    return Guess(label, click, time, request, user, item, texts)


def _refuse_misfits(profile: Profile, named: Named, source: str) -> None:
    """Refuse named columns that are not there, have two roles, or hold what can be no id."""
    taken: dict[str, str] = {}
    for flag, name in named.columns.items():
        column = profile.columns.get(name)
        if column is None:
            known = ", ".join(profile.columns)
            raise DataError(f"{source}: there is no column '{name}'; found {known}")
        if name in taken:
            raise DataError(f"{source}: --{taken[name]} and --{flag} both name column '{name}'")
        taken[name] = flag
        if name in OURS:
            raise DataError(f"{source}: clickthrough calls a column of its own '{name}'; rename it")
        if flag in ("request", "time") and column.missing:
            lacking, rows = profile.rows[name].null_count(), len(profile.rows)
            raise DataError(
                f"{source}: column '{name}' lacks a value in {lacking:,} of {rows:,} rows, and "
                f"each row needs its {flag}; name another with --{flag} COLUMN"
            )
        if flag in ("request", "user", "item") and not _can_be_id(profile, column):
            raise DataError(
                f"{source}: column '{name}' holds no ids; name another with --{flag} COLUMN"
            )


def _refuse_time(profile: Profile, fault: Fault | None, source: str) -> None:
    """Refuse a log whose only time is one but for a few rows."""
    if fault is not None:
        raise DataError(
            f"{source}: column '{fault.column}' is a time, but {fault.text(profile)}; mend them "
            "or leave these rows out, or name another column with --time"
        )


def _can_be_id(profile: Profile, column: Column) -> bool:
    return column.missing < 1 and _holds_ids(profile, column)


def without(profile: Profile, names: set[str]) -> Profile:
    """Return a profile without some columns."""
    kept = {name: column for name, column in profile.columns.items() if name not in names}
    return replace(profile, columns=kept)


def _by_name(profile: Profile, hints: tuple[str, ...], against: tuple[str, ...]) -> Choice | None:
    """Return the column whose name hints at a role and whose values come back."""
    known = [
        c
        for c in profile.columns.values()
        if hint(c.name, hints) and _holds_ids(profile, c) and c.distinct > 1 and not c.unique
    ]
    known = [c for c in known if _is_key(c) and not hint(c.name, against)] or known
    known = [c for c in known if not hint(c.name, KINDS) and one_of_many(c.name) is not False]
    known = [c for c in known if not _is_kind_of_device(c)]
    known.sort(key=lambda c: (not _is_key(c), rank(c.name, hints), -c.distinct))
    if not known:
        return None
    rows = len(profile.rows)
    return Choice(known[0].name, f"by its name; {known[0].distinct:,} values in {rows:,} rows")


def _is_kind_of_device(column: Column) -> bool:
    """Tell phone, tablet and desktop from the devices of users."""
    named = bool({"device", "client"} & set(words(column.name))) and column.type == "str"
    return named and column.distinct <= _KINDS_OF_DEVICES


def _holds_ids(profile: Profile, column: Column) -> bool:
    """Tell ids; where some are missing, whole numbers may have been written as fractions."""
    if column.type == "float":
        return column.missing < 1 and is_whole(profile.rows[column.name])
    return column.type in ("int", "str")


def _is_key(column: Column) -> bool:
    """Tell a key by its name: it says id, or nothing but what it is."""
    held = words(column.name)
    return bool({"id", "uuid", "uid", "ip", "cookie"} & set(held)) or len(held) == 1


def _request(profile: Profile, free: Profile, time: TimeGuess | None) -> Choice | None:
    """Return the column whose rows lie side by side, several a value, at one moment."""
    columns: Iterable[Column] = free.columns.values()
    able = [c for c in columns if c.type in ("int", "str") and c.missing == 0 and not c.unique]
    good = [c for c in able if _side_by_side(profile.rows[c.name], time, profile)]
    hinted = [c for c in good if hint(c.name, REQUESTS)]
    alike = [c for c in good if hint(c.name, IDS) and not hint(c.name, USERS)]
    for found, why in ((hinted, "by its name"), (alike, "by its shape")):
        if found:
            best = max(found, key=lambda c: c.distinct)
            mean = len(profile.rows) / best.distinct
            return Choice(best.name, f"{why}; {mean:.1f} rows a value, side by side")
    return None


def _side_by_side(values: pl.Series, time: TimeGuess | None, profile: Profile) -> bool:
    distinct = values.n_unique()
    if not 1.2 <= len(values) / distinct <= 1_000:
        return False
    if values.rle_id().n_unique() > 1.05 * distinct:
        return False
    if time is None:
        return True
    moments = profile.rows.group_by(values.name).agg(pl.col(time.column).n_unique())
    return _number((moments[time.column] == 1).mean()) > 0.95


def _named(column: str | None) -> Choice | None:
    return None if column is None else Choice(column, "as you said")


def _of(choice: Choice | None) -> set[str]:
    return set() if choice is None else {choice.column}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
