"""The first read: from a reader's raw frame to a checked dataset in the cache.

The log is written once as it comes, checked, and then sorted a slice of time at a time, so memory
does not grow with it.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from clickthrough import parquet
from clickthrough.cleanup import clear_left, scratch_directory
from clickthrough.data.checks import Counts, check, quantities
from clickthrough.data.columns import finite
from clickthrough.data.dataset import (
    ABOUT,
    HISTORY,
    IMPRESSIONS,
    SIDES,
    VIEWS,
    About,
    Dataset,
    Report,
    load_dataset,
    side_path,
)
from clickthrough.data.order import Repairs, ordered, with_moments
from clickthrough.data.raw import RawLog
from clickthrough.data.slices import height, in_slices
from clickthrough.errors import DataError
from clickthrough.full_disk import full_disk_told, is_full
from clickthrough.room import Need, see_to_room
from clickthrough.steps import advance, counted, step

_log = logging.getLogger(__name__)
_FORMAT = 6
"""Raised when the layout of the cache changes, so that old conversions are not reused."""
_ROW_GROUP = 100_000

Read = Callable[[Path], RawLog]
"""Opens a log; may leave files in the given folder until the log is converted."""
Room = Callable[[], int]


def convert(
    cache: Path, settings: str, files: Iterable[Path], read: Read, room: Room = lambda: 0
) -> Dataset:
    """Return the dataset of some files, converting them unless the cache has them.

    Args:
        cache: the cache directory.
        settings: every setting that changes the outcome, as text.
        files: the files that are read; the cache is keyed by their names, sizes and times.
        read: opens the log, called only on a first read.
        room: tells about how many bytes the conversion takes at most.

    Raises:
        DataError: a file is missing, the log fails a check, or the cache cannot be written, or has
            less room.
    """
    files = list(files)
    return convert_to(cache / fingerprint(settings, files), str(files[0].parent), read, room)


def convert_to(target: Path, name: str, read: Read, room: Room = lambda: 0) -> Dataset:
    """Return the dataset at a place in a cache, converting a log unless it is there.

    Args:
        target: named by all that the outcome depends on.
        name: how errors call the log until it is open.
        read: see :func:`convert`, and so is the other.
        room: see there.

    Raises:
        DataError: the log fails a check, or the cache cannot be written, or has less room.
    """
    cache = target.parent
    clear_left(cache, "converting-")
    if target.exists():
        _log.debug("%s: was read before, into %s", name, target)
        return load_dataset(target)
    see_to_room([Need("reading the log", room(), cache)], "name another place by data.cache")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with scratch_directory(cache, "converting-") as beside:
            _make(read, name, beside, target)
    except OSError as error:
        if not target.exists():  # else another process converted the same log meanwhile
            raise DataError(f"{target}: cannot be written: {error}") from None
    return load_dataset(target)


def fingerprint(settings: str, files: Iterable[Path]) -> str:
    """Name a conversion by what it depends on."""
    stats = []
    for path in files:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        stat = path.stat()
        stats.append([str(path.resolve()), stat.st_size, stat.st_mtime_ns])
    return digest_of(settings, stats)


def digest_of(*parts: object) -> str:
    """Name a conversion by what JSON can hold of all that it depends on."""
    text = json.dumps([_FORMAT, *parts])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _make(read: Read, name: str, beside: Path, target: Path) -> None:
    _write(read, name, beside, target)
    beside.replace(target)


def _write(read: Read, name: str, folder: Path, target: Path) -> None:
    """Convert a log into a folder; until it is open, errors call it by a name."""
    scratch = folder / "scratch"
    scratch.mkdir()
    with full_disk_told(folder, target):
        try:
            with step("opening the log"):
                raw = read(scratch)
            name = raw.name
            about = _converted(raw, folder, scratch)
        except pl.exceptions.PolarsError as error:
            if is_full(error, folder):
                raise
            reason = str(error).split("\n", 1)[0]
            raise DataError(f"{name}: cannot be read: {reason}") from None
    (folder / ABOUT).write_text(about.model_dump_json(indent=2))
    shutil.rmtree(scratch)


def _converted(raw: RawLog, folder: Path, scratch: Path) -> About:
    with step("reading the log"):
        rows = _spilled(raw, scratch)
        counts, told = check(rows, raw)
    rows = rows.with_columns(finite(quantities(raw.schema)))
    repairs = Repairs()
    rows = with_moments(rows, raw, repairs)
    # a log without a time keeps the order of its files
    along = "time" if "time" in raw.schema.roles else "row"
    parts = (ordered(part, raw, repairs) for part in in_slices(rows, along, scratch))
    with step("ordering the log"):
        total = height(rows)
        counts["impressions"] = _in_parts(parts, folder / IMPRESSIONS, number=True, total=total)
    if raw.history is not None:
        raw.history.sort("user", "time").sink_parquet(folder / HISTORY)
    if raw.views is not None:
        with step("ordering page views"):
            _views(raw, folder, scratch, repairs)
    for place, side in enumerate(raw.sides):
        (folder / SIDES).mkdir(exist_ok=True)
        side.rows.sink_parquet(side_path(folder, place))
    if repairs.united or repairs.moved:
        counts |= _recounted(folder)
    notes = [*raw.notes, *told, *repairs.notes()]
    report = Report(**counts, requests=repairs.requests, notes=notes)
    schema = raw.schema
    if "time" in schema.roles:
        schema = schema.model_copy(update={"first": report.first, "last": report.last})
    return About(
        log_schema=schema,
        report=report,
        divided=raw.divided,
        name=raw.name,
        sides=[side.form for side in raw.sides],
    )


def _spilled(raw: RawLog, scratch: Path) -> pl.LazyFrame:
    """Write the impressions as they come, numbered in ``row``; return a scan of them."""
    folder = scratch / "impressions"
    folder.mkdir()
    done = 0
    for number, piece in enumerate(counted(raw.pieces, len(raw.pieces))):
        path = folder / f"{number:05d}.parquet"
        numbered = piece.with_row_index("row").cast({"row": pl.Int64})
        numbered.with_columns(pl.col("row") + done).sink_parquet(path, row_group_size=_ROW_GROUP)
        done += height(parquet.scan(path))
    return parquet.scan(folder)


def _views(raw: RawLog, folder: Path, scratch: Path, repairs: Repairs) -> None:
    """Sort page views; one that repeats another's moment and fields is one with it, as online."""
    assert raw.views is not None  # noqa: S101
    spilled = scratch / "views.parquet"
    raw.views.sink_parquet(spilled, row_group_size=_ROW_GROUP)
    rows = parquet.scan(spilled)
    columns = ["time", *raw.schema.views]
    slices = in_slices(rows.select(columns), "time", scratch)
    once = (part.unique().sort(columns) for part in slices)
    given = height(rows)
    kept = _in_parts(once, folder / VIEWS, number=False, total=given)
    repairs.views_found, repairs.views_apart = raw.views_found, raw.views_found - given
    repairs.views_united = given - kept


def _in_parts(parts: Iterable[pl.DataFrame], folder: Path, number: bool, total: int) -> int:
    """Write frames of ``total`` rows, numbered in ``row`` if wanted; return the rows written."""
    folder.mkdir()
    done = 0
    for place, part in enumerate(parts):
        made = part
        if number:
            row = pl.int_range(done, done + part.height, dtype=pl.Int64).alias("row")
            made = part.with_columns(row).select("row", pl.exclude("row"))
        made.write_parquet(folder / f"{place:05d}.parquet", row_group_size=_ROW_GROUP)
        done += part.height
        advance(done, total)
    return done


def _recounted(folder: Path) -> Counts:
    """Count again what repairs change."""
    label, time = pl.col("label"), pl.col("time")
    counts = parquet.scan(folder / IMPRESSIONS).select(
        clicks=(label == 1).sum(),
        unlabelled=label.is_null().sum(),
        first=time.min(),
        last=time.max(),
    )
    return counts.collect(engine="streaming").row(0, named=True)
