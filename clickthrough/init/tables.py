"""The tables of a directory: which is the log, which are its parts, which stand beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from clickthrough.data.form import ForcedType
from clickthrough.data.log_files import found_at, tables_below
from clickthrough.data.scan import scan
from clickthrough.data.twins import twins
from clickthrough.data.unpack import Plain
from clickthrough.data.written_numbers import plain_texts
from clickthrough.errors import DataError, EmptyTableError
from clickthrough.init.forms import of_all, why_otherwise
from clickthrough.init.label import columns_that_hold, label_candidates
from clickthrough.init.label_values import is_rating
from clickthrough.init.names import hint, words
from clickthrough.init.one_log import (
    as_one,
    copied,
    looked_at,
    places,
    series,
    told,
    why_apart,
)
from clickthrough.init.profile import profile
from clickthrough.init.roles import Named
from clickthrough.init.sample import read_sample
from clickthrough.init.sampled import Sample
from clickthrough.init.sides import Side
from clickthrough.init.vocabulary import LABELS

_PARTS = {"train": ("train", "training"), "validation": ("validation", "valid", "val", "dev"),
          "test": ("test", "holdout")}  # fmt: skip


_ROWS = 10_000
"""Rows of a table by which is told whether it holds a label."""


@dataclass(frozen=True)
class Tables:
    """What a file or directory holds.

    Attributes:
        main: the log, or its training part.
        paths: what takes the files of the log: a file, a pattern, or several.
        files: part -> the same of it, where the log comes divided.
        sides: tables that join to it.
        left: tables that are not used, with the reason.
        notes: what its owner should hear of what was taken for one log.
    """

    main: Sample
    paths: list[Path] = field(default_factory=list)
    files: dict[str, list[Path]] = field(default_factory=dict)
    sides: list[Side] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_tables(data: Path, plain: Plain, named: Named | None = None) -> Tables:
    """Find the log in a file or directory, and what belongs to it.

    Args:
        data: a table file, a directory of some, or a pattern that takes some.
        plain: makes compressed files plain.
        named: what the log's owner says.

    Raises:
        DataError: there is no table, or none that looks like a log.
    """
    paths, encoding = table_files(data), (named or Named()).encoding
    if len(paths) == 1:
        return Tables(read_sample(paths[0], encoding), paths)
    again = dict(twins(paths))
    paths = [path for path in paths if path not in again]
    samples, left, empty = _samples(looked_at(paths), data, encoding)
    able = [path for path in paths if path not in dict(left)]
    left += [(path, f"is {other.name} again") for path, other in again.items()]
    files = _divided(samples, able, data)
    if files:
        log, notes = files["train"], []
        main = next(samples[path] for path in log if path in samples)
    else:
        main = _log([*samples.values()], data, named or Named())
        log = _of_one_log(main, samples, able, data)
        notes = told(log, data)
    taken = {*log, *(path for own in files.values() for path in own)}
    left += [(path, _no_table(why, path)) for path, why in empty.items() if path not in taken]
    sides, apart = _sides(
        main, {p: s for p, s in samples.items() if p not in taken}, samples, plain
    )
    files_with_rows = sum(path not in empty for path in log)
    united = as_one([samples[path] for path in log if path in samples], files_with_rows, data)
    every = [united, *(samples[side.path] for side in sides)]
    form, reasons = of_all([s.form for s in every], [s.reasons for s in every])
    united = replace(united, form=form, reasons=reasons)
    parts = {part: places(own, data) for part, own in files.items()}
    return Tables(united, places(log, data), parts, sides, [*left, *apart], notes)


def _sides(
    main: Sample, others: Mapping[Path, Sample], samples: Mapping[Path, Sample], plain: Plain
) -> tuple[list[Side], list[tuple[Path, str]]]:
    """Return the tables that join to the log, and why others do not."""
    sides: list[Side] = []
    left: list[tuple[Path, str]] = []
    for path, sample in others.items():
        held = {*main.rows.columns, *(name for side in sides for name in side.columns)}
        same = copied(path, samples)
        side = f"is {same.name} again" if same else _side(sample, main, held, plain)
        if isinstance(side, Side):
            sides.append(side)
        else:
            left.append((path, side))
    return sides, left


def _of_one_log(
    main: Sample, samples: Mapping[Path, Sample], paths: Sequence[Path], data: Path
) -> list[Path]:
    """Return the files that are one log with a table: of its columns, form and part."""
    alike = {
        path
        for path, sample in samples.items()
        if why_apart(sample, main) is None
        and _part(path, data) == _part(main.path, data)
        and copied(path, samples) is None
    }
    named = {series(path) for path in alike}
    return [p for p in paths if p in alike or (p not in samples and series(p) in named)]


def _samples(
    paths: list[Path], data: Path, encoding: str | None
) -> tuple[dict[Path, Sample], list[tuple[Path, str]], dict[Path, DataError]]:
    """Read a sample of each file, and tell of those that are no tables, and of empty ones.

    Raises:
        DataError: none is a table, or one that is not is called a part of the log.
    """
    samples: dict[Path, Sample] = {}
    left: list[tuple[Path, str]] = []
    empty: dict[Path, DataError] = {}
    for path in paths:
        try:
            samples[path] = read_sample(path, encoding)
        except EmptyTableError as error:  # as Spark leaves some
            empty[path] = error
        except DataError as error:
            if _part(path, data) is not None:
                raise
            left.append((path, _no_table(error, path)))
    held = {None, *(_part(path, data) for path in samples)}
    for path, why in empty.items():
        if _part(path, data) not in held:
            raise why
    if not samples:
        whys = [*left, *((path, _no_table(why, path)) for path, why in empty.items())]
        said = "; ".join(f"{path.name} {why}" for path, why in whys)
        raise DataError(f"{data}: holds no table that can be read: {said}")
    return samples, left, empty


def _no_table(error: DataError, path: Path) -> str:
    return f"is no table: {str(error).removeprefix(f'{path}: ')}"


def table_files(data: Path) -> list[Path]:
    """Return the table files of a directory or a pattern, or a file itself.

    Raises:
        DataError: there is none.
    """
    if data.is_dir():
        below = tables_below(data)
        return [path for path in below if path.parent == data] or below or found_at(data)
    found = found_at(data)
    if found == [data] and not data.is_file():
        raise DataError(f"{data}: no such file or directory")
    return found


def with_sides(
    sample: Sample, sides: list[Side], plain: Plain, encoding: str | None = None
) -> pl.DataFrame:
    """Return a sample with the columns of its side tables, read only where it needs them."""
    rows = sample.rows
    for side in sides:
        keys = rows[side.key].cast(pl.String).alias("__key").unique()
        table = _scan(read_sample(side.path, encoding), plain).select(
            pl.col(side.key).cast(pl.String).alias("__key"), *side.columns
        )
        needed = table.join(keys.to_frame().lazy(), on="__key", how="semi")
        rows = rows.with_columns(pl.col(side.key).cast(pl.String).alias("__key")).join(
            needed.collect(engine="streaming"), on="__key", how="left", maintain_order="left"
        )
        rows = rows.drop("__key")
    return rows


def _divided(
    samples: Mapping[Path, Sample], paths: Sequence[Path], data: Path
) -> dict[str, list[Path]]:
    """Return the parts of a log whose files name them and have the same columns."""
    files: dict[str, list[Path]] = {}
    for path in paths:
        part = _part(path, data)
        if part is not None:
            files.setdefault(part, []).append(path)
    held = [samples[path] for own in files.values() for path in own if path in samples]
    alike = {frozenset(sample.rows.columns) for sample in held}
    return files if {"train", "validation"} <= set(files) and len(alike) == 1 else {}


def _part(path: Path, data: Path) -> str | None:
    """Return the part of a log that the name of a file, or of its directory, says it is, if any."""
    below = path.is_relative_to(data)
    held = set(words(str(path.relative_to(data)) if below else path.name))
    return next((part for part, known in _PARTS.items() if held & set(known)), None)


def _log(samples: Sequence[Sample], data: Path, named: Named) -> Sample:
    """Return the table that holds the label, or else ratings; the largest where several do.

    Where all are of the same columns, they are the log, whatever these are.
    """
    whole = [s for s in samples if "submission" not in words(s.path.name)]
    columns = {frozenset(sample.rows.columns) for sample in whole}
    ways = (_holds_label, _holds_ratings, lambda *_: len(columns) == 1)
    for way in ways:
        able = [sample for sample in whole if way(sample, named)]
        if able:
            trained = [s for s in able if "train" in words(s.path.name)] or able
            return max(trained, key=lambda sample: _size(sample, trained))
    names = ", ".join(sample.path.name for sample in samples)
    raise DataError(f"{data}: none of {names} has a column that looks like a label; "
                    "name the file, or the label with --label COLUMN")  # fmt: skip


def _size(sample: Sample, others: Sequence[Sample]) -> tuple[int, int]:
    """Return the bytes of all that would be one log with a table, and its own."""
    alike = [other for other in others if why_apart(other, sample) is None]
    return sum(other.path.stat().st_size for other in alike), sample.path.stat().st_size


def _holds_label(sample: Sample, named: Named) -> bool:
    if named.label is not None:
        return named.label in sample.rows.columns
    looked = profile(sample.rows.head(_ROWS))
    if named.label_is:
        return bool(columns_that_hold(looked, named.label_is))
    found = label_candidates(looked)
    return any(hint(name, level) for name in found for level in LABELS)


def _holds_ratings(sample: Sample, named: Named) -> bool:
    looked = profile(sample.rows.head(_ROWS))
    rated = [c.name for c in looked.columns.values() if is_rating(c, looked.rows[c.name])]
    return named.label is None and not named.label_is and bool(rated)


def _side(sample: Sample, main: Sample, held: set[str], plain: Plain) -> Side | str:
    """Return how a table joins to the log, or why it does not; columns already held are left."""
    shared = [name for name in sample.rows.columns if name in main.rows.columns]
    new = [name for name in sample.rows.columns if name not in held]
    if set(main.rows.columns) == set(sample.rows.columns) and (why := why_apart(sample, main)):
        return why
    if set(main.rows.columns) <= set(sample.rows.columns):
        return "has the columns of the log, but one file is the log: name both as data.path"
    lacks = [name for name in main.rows.columns if name not in sample.rows.columns]
    if not new and len(lacks) < len(shared):
        return f"lacks {', '.join(lacks[:3])}, which the log has: one log needs the same columns"
    if not new:
        return "adds no column"
    if sample.form.columns is not None:
        return "has no header"
    if why := why_otherwise(sample.form, main.form):
        return why
    for key in shared:
        table = _scan(sample, plain)
        counts = table.select(pl.len(), pl.col(key).n_unique().alias("n")).collect().row(0)
        if counts[0] == counts[1]:
            return Side(sample.path, key, new, _reason(key, sample, new), _separator(sample, main))
    return f"several rows for one {' or '.join(shared)}" if shared else "shares no column"


def _separator(sample: Sample, main: Sample) -> str | None:
    """Return how the cells of a side table are divided, where they are not as the log's."""
    own = sample.form.separator
    return None if sample.typed or own == main.form.separator else own


def _reason(key: str, sample: Sample, new: list[str]) -> str:
    left = [name for name in sample.rows.columns if name not in (*new, key)]
    more = f"; {', '.join(left)} left out, another table has it" if left else ""
    return f"one row for each {key}{more}"


def _scan(sample: Sample, plain: Plain) -> pl.LazyFrame:
    """Open a side table as it was sampled: the columns of a CSV are texts."""
    form = sample.form
    if sample.typed:
        return scan(sample.path, form, plain)
    texts: dict[str, ForcedType] = dict.fromkeys(sample.rows.columns, "str")
    read = scan(sample.path, replace(form, types=texts), plain)
    return plain_texts(read, replace(form, types={}))
