"""Several files of a directory that are one log: part files, days, weeks."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from clickthrough.data.log_files import divided, files_of
from clickthrough.data.name_order import in_order
from clickthrough.data.unpack import inner_name, is_compressed, is_lines, is_parquet
from clickthrough.errors import DataError
from clickthrough.init.forms import of_all, why_otherwise
from clickthrough.init.sampled import Sample

_MOST = 8
"""Files of a series that are looked at."""
_VARIES = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+", re.IGNORECASE)


def series(path: Path) -> str:
    """Return what the names of part files, or of days, have in common.

    >>> series(Path("dt=2024-03-04/part-00001.parquet"))
    'dt=#-#-#/part-#.parquet'
    """
    return _VARIES.sub("#", str(path))


def looked_at(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are read to guess: of a long series some, from end to end."""
    of: dict[str, list[Path]] = {}
    for path in paths:
        of.setdefault(series(path), []).append(path)
    found: list[Path] = []
    for own in of.values():
        last, most = len(own) - 1, min(len(own), _MOST)
        places = {place * last // max(most - 1, 1) for place in range(most)}
        found += [own[place] for place in sorted(places)]
    return in_order(found)


def why_apart(sample: Sample, log: Sample) -> str | None:
    """Say why a table is not of one log with another; None where it is."""
    if set(sample.rows.columns) != set(log.rows.columns):
        return "has other columns than the log"
    if _kind(sample.path) != _kind(log.path):
        return f"is {_kind(sample.path)}, and the log {_kind(log.path)}"
    if sample.form.separator != log.form.separator:
        return "has another separator than the log"
    if why := why_otherwise(sample.form, log.form):
        return why
    if (sample.form.columns is None) != (log.form.columns is None):
        return "has no header, and the log has one" if sample.form.columns else "has a header"
    for name, dtype in log.rows.schema.items():
        own = sample.rows.schema[name]
        numbers = own.is_numeric() and dtype.is_numeric()
        if own != dtype and not numbers and pl.Null not in (own, dtype):
            return f"has column '{name}' of type {own}, and the log of {dtype}"
    return None


def _kind(path: Path) -> str:
    return "Parquet" if is_parquet(path) else "JSON lines" if is_lines(path) else "CSV"


def copied(path: Path, samples: Mapping[Path, Sample]) -> Path | None:
    """Return the first file whose rows another one holds once more, where all were looked at."""
    own = samples[path]
    for other, sample in samples.items():
        if other == path:
            return None
        if sample.exact and sample.rows.equals(own.rows):
            return other
    return None


def as_one(samples: Sequence[Sample], files: int, data: Path) -> Sample:
    """Return the sample of a log of several files.

    Args:
        samples: of those that were looked at.
        files: how many it has.
        data: where they lie.
    """
    if files == 1:
        return samples[0]
    first = samples[0]
    rows = pl.concat(
        [sample.rows.select(first.rows.columns) for sample in samples], how="vertical_relaxed"
    )
    totals = [sample.total for sample in samples if sample.total is not None]
    counted = len(totals) == len(samples)
    exact = len(samples) == files and all(sample.exact for sample in samples)
    form, reasons = of_all([s.form for s in samples], [s.reasons for s in samples])
    return replace(
        first,
        path=data,
        form=form,
        reasons=reasons,
        rows=rows,
        total=round(sum(totals) * files / len(samples)) if counted else None,
        exact=exact,
        seen="all rows" if exact else f"{len(rows):,} rows of {len(samples)} of {files} files",
        notes=tuple(dict.fromkeys(note for sample in samples for note in sample.notes)),
    )


def told(paths: Sequence[Path], data: Path) -> list[str]:
    """Return what the owner of a log of several files should hear."""
    if len(paths) == 1:
        return []
    lines = [
        f"{len(paths)} files of the same columns are taken for one log: name one if one holds the "
        "rows of another"
    ]
    root = data if data.is_dir() else divided(data)[0]
    named = [part for path in paths for part in path.relative_to(root).parts[:-1] if "=" in part]
    if named:
        lines.append(
            f"what the names of folders say, such as {named[0]}, is not read: write it into a "
            "column if it tells something of the impressions"
        )
    return lines


def places(paths: Sequence[Path], data: Path) -> list[Path]:
    """Return the pattern that takes just these files, or themselves where there is none."""
    if len(paths) == 1:
        return [*paths]
    root = data if data.is_dir() else divided(data)[0]
    patterns = [data] if root != data else []
    parents = {path.parent for path in paths}
    for place in [*(parents if len(parents) == 1 else ()), root]:
        patterns += [place / pattern for pattern in _patterns(paths, place)]
    return next(([p] for p in patterns if _takes(p, paths)), [*paths])


def _patterns(paths: Sequence[Path], root: Path) -> list[str]:
    """Return patterns that may take some files, the plainest first."""
    suffixes = {Path(inner_name(path)).suffix for path in paths}
    packed = {path.suffix if is_compressed(path) else "" for path in paths}
    ends = "".join(suffixes) if len(suffixes) == 1 else ""
    ends += "".join(packed) if len(packed) == 1 else "*"
    same = os.path.commonprefix([path.name for path in paths])  # noqa: RUF071 - sign by sign
    begins = re.sub(r"\d+$", "", same)
    below = "" if all(path.parent == root for path in paths) else "**/"
    made = [f"{below}*{ends}", f"{below}{begins}*{ends}", f"{below}*"]
    return [re.sub(r"\*{2,}$", "*", pattern) for pattern in made]


def _takes(pattern: Path, paths: Sequence[Path]) -> bool:
    try:
        return files_of(pattern) == in_order(paths)
    except DataError:
        return False
