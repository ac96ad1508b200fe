"""The tables of a directory: which is the log, which are its parts, which stand beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from clickthrough.config.json_schema import NAME
from clickthrough.data.scan import TableForm, scan
from clickthrough.data.unpack import Plain, has_types, inner_name, is_compressed
from clickthrough.errors import DataError
from clickthrough.init.label import label_candidates
from clickthrough.init.names import hint, words
from clickthrough.init.profile import profile
from clickthrough.init.sample import Sample, read_sample
from clickthrough.init.vocabulary import LABELS

_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson", ".json", ".inter", ".user",
             ".item")  # fmt: skip
_PARTS = {"train": ("train", "training"), "validation": ("validation", "valid", "val", "dev"),
          "test": ("test", "holdout")}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """A table with one row a key; ``columns`` are those that no other table has."""

    path: Path
    key: str
    columns: list[str]
    reason: str


@dataclass(frozen=True)
class Tables:
    """What a file or directory holds.

    Attributes:
        main: the log, or its training part.
        files: part -> file, where the log comes divided.
        sides: tables that join to it.
        left: tables that are not used, with the reason.
    """

    main: Sample
    files: dict[str, Path] = field(default_factory=dict)
    sides: list[Side] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)


def find_tables(data: Path, plain: Plain, label: str | None = None) -> Tables:
    """Find the log in a file or directory, and what belongs to it.

    Args:
        data: a table file, or a directory of some.
        plain: makes compressed files plain.
        label: the label's column, if its owner names it.

    Raises:
        DataError: there is no table, or none that looks like a log.
    """
    paths = table_files(data)
    if len(paths) == 1:
        return Tables(read_sample(paths[0]))
    samples, left = _samples(paths, data)
    files = _divided(samples)
    main = samples[files["train"]] if files else _log(samples.values(), data, label)
    sides: list[Side] = []
    for path in samples:
        if path == main.path or path in files.values():
            continue
        held = {*main.rows.columns, *(name for side in sides for name in side.columns)}
        side = _side(samples[path], main, held, plain)
        if isinstance(side, Side):
            sides.append(side)
        else:
            left.append((path, side))
    return Tables(main, files, sides, left)


def _samples(paths: list[Path], data: Path) -> tuple[dict[Path, Sample], list[tuple[Path, str]]]:
    """Read a sample of each file, and tell of those that are no tables.

    Raises:
        DataError: none is a table, or one that is not is called a part of the log.
    """
    samples: dict[Path, Sample] = {}
    left: list[tuple[Path, str]] = []
    for path in paths:
        try:
            samples[path] = read_sample(path)
        except DataError as error:
            if _part(path) is not None:
                raise
            left.append((path, f"is no table: {str(error).removeprefix(f'{path}: ')}"))
    if not samples:
        why = "; ".join(f"{path.name} {why}" for path, why in left)
        raise DataError(f"{data}: holds no table that can be read: {why}")
    return samples, left


def table_files(data: Path) -> list[Path]:
    """Return the table files of a directory, or a file itself.

    Raises:
        DataError: there is none.
    """
    if data.is_file():
        return [data]
    if not data.is_dir():
        raise DataError(f"{data}: no such file or directory")
    found = sorted(path for path in data.iterdir() if path.is_file() and _is_table(path))
    if not found:
        raise DataError(f"{data}: holds no table: expected {', '.join(_SUFFIXES)}, or .gz or .zip")
    return found


def with_sides(sample: Sample, sides: list[Side], plain: Plain) -> pl.DataFrame:
    """Return a sample with the columns of its side tables, read only where it needs them."""
    rows = sample.rows
    for side in sides:
        keys = rows[side.key].cast(pl.String).alias("__key").unique()
        table = _scan(side.path, plain).select(
            pl.col(side.key).cast(pl.String).alias("__key"), *side.columns
        )
        needed = table.join(keys.to_frame().lazy(), on="__key", how="semi")
        rows = rows.with_columns(pl.col(side.key).cast(pl.String).alias("__key")).join(
            needed.collect(engine="streaming"), on="__key", how="left", maintain_order="left"
        )
        rows = rows.drop("__key")
    return rows


def _is_table(path: Path) -> bool:
    inner = Path(inner_name(path).lower())
    named = inner.suffix in _SUFFIXES or (is_compressed(path) and not inner.suffix)
    return named and not path.name.startswith((".", "_")) and path.name != NAME


def _divided(samples: dict[Path, Sample]) -> dict[str, Path]:
    """Return the parts of a log whose files name them and have the same columns."""
    files: dict[str, Path] = {}
    for path in samples:
        part = _part(path)
        if part is not None:
            files.setdefault(part, path)
    alike = {tuple(samples[path].rows.columns) for path in files.values()}
    return files if {"train", "validation"} <= set(files) and len(alike) == 1 else {}


def _part(path: Path) -> str | None:
    """Return the part of a log that a file's name says it is, if any."""
    held = set(words(path.name))
    return next((part for part, known in _PARTS.items() if held & set(known)), None)


def _log(samples: Iterable[Sample], data: Path, label: str | None) -> Sample:
    """Return the table that holds the label; the largest where several do."""

    def holds_label(sample: Sample) -> bool:
        if label is not None:
            return label in sample.rows.columns
        found = label_candidates(profile(sample.rows.head(10_000)))
        return any(hint(name, level) for name in found for level in LABELS)

    able = [s for s in samples if "submission" not in words(s.path.name) and holds_label(s)]
    if not able:
        names = ", ".join(sample.path.name for sample in samples)
        raise DataError(f"{data}: none of {names} has a column that looks like a label; "
                        "name the file, or the label with --label COLUMN")  # fmt: skip
    trained = [s for s in able if "train" in words(s.path.name)] or able
    return max(trained, key=lambda sample: sample.path.stat().st_size)


def _side(sample: Sample, main: Sample, held: set[str], plain: Plain) -> Side | str:
    """Return how a table joins to the log, or why it does not; columns already held are left."""
    shared = [name for name in sample.rows.columns if name in main.rows.columns]
    new = [name for name in sample.rows.columns if name not in held]
    if set(main.rows.columns) <= set(sample.rows.columns):
        return "has the columns of the log, but one file is the log: name both as data.path"
    if not new:
        return "adds no column"
    if sample.form.columns is not None:
        return "has no header"
    if sample.form.separator != main.form.separator and not sample.typed:
        return "has another separator than the log"
    for key in shared:
        table = _scan(sample.path, plain)
        counts = table.select(pl.len(), pl.col(key).n_unique().alias("n")).collect().row(0)
        if counts[0] == counts[1]:
            return Side(sample.path, key, new, _reason(key, sample, new))
    return f"several rows for one {' or '.join(shared)}" if shared else "shares no column"


def _reason(key: str, sample: Sample, new: list[str]) -> str:
    left = [name for name in sample.rows.columns if name not in (*new, key)]
    more = f"; {', '.join(left)} left out, another table has it" if left else ""
    return f"one row for each {key}{more}"


def _scan(path: Path, plain: Plain) -> pl.LazyFrame:
    """Open a side table as it is sampled: the columns of a CSV are texts."""
    if has_types(path):
        return scan(path, TableForm(), plain)
    sample = read_sample(path)
    texts = dict.fromkeys(sample.rows.columns, "str")
    return scan(path, TableForm(sample.form.separator, None, texts), plain)  # type: ignore[arg-type]
