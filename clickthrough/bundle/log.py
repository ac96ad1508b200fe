"""The log of a bundle: the one that it was trained on, or another of the same columns."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from clickthrough.bundle.load import Bundle
from clickthrough.config.data import DataConfig, TabularData
from clickthrough.config.load import with_data
from clickthrough.data.dataset import Dataset
from clickthrough.data.form import ForcedType
from clickthrough.data.frame import dataset_of_frame
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TEST, with_part
from clickthrough.data.unpack import is_lines
from clickthrough.errors import ConfigError, DataError
from clickthrough.features.history.known import Known
from clickthrough.schema import to_microseconds
from clickthrough.time_range import written


def log_of(bundle: Bundle, path: Path | Sequence[Path] | None = None, part: int = TEST) -> Dataset:
    """Read a bundle's log.

    A log that begins where the bundle's counters end, or later, comes after: all of it is one part,
    whatever ``data.split`` says, and its counters, sequences and ages start from the bundle's, as
    in a service that was started with the bundle. Any other is divided and counted on its own; but
    one without times, which is not the bundle's, is one part too.

    Args:
        bundle: whose columns the log must have.
        path: where the log lies; where it lay in training by default.
        part: what all of a log is that comes after.

    Raises:
        DataError: it cannot be read, or lacks a column that the bundle reads.
    """
    return _after(bundle, with_data(bundle.config, path).data, open_dataset, part)


def log_of_frame(bundle: Bundle, rows: pl.DataFrame, cache: Path, part: int = TEST) -> Dataset:
    """Read a frame as a bundle's log; see :func:`log_of`.

    Args:
        bundle: whose columns it must have.
        rows: an impression a row, with labels.
        cache: a directory that the converted log lies in.
        part: see there.

    Raises:
        ConfigError: the bundle's log is of a reader that reads files alone.
        DataError: the frame lacks a column that the bundle reads, or holds what no log does.
    """
    data = bundle.config.data
    if not isinstance(data, TabularData):
        raise ConfigError(
            f"{bundle.path}: its log is read by '{data.reader}', from files; name their place"
        )

    def read(given: DataConfig) -> Dataset:
        assert isinstance(given, TabularData)  # noqa: S101
        return dataset_of_frame(rows, given)

    return _after(bundle, data.of_frame(cache), read, part)


def _after(
    bundle: Bundle, data: DataConfig, read: Callable[[DataConfig], Dataset], part: int
) -> Dataset:
    """Read a log by a bundle's types; where it comes after the bundle's, it starts from there."""
    dataset = read(data)
    types = _types_untold(bundle, data, dataset)
    if types and isinstance(data, TabularData):
        dataset = read(data.model_copy(update={"types": {**data.types, **types}}))
    _refuse_lacking(bundle, dataset)
    if "time" not in dataset.schema.roles:  # of no log can be said that it comes after
        return dataset if _is_of_training(bundle, dataset) else replace(dataset, part=part)
    until = counters_until(bundle)
    if dataset.report.first < until:
        return dataset
    own, encoder = bundle.snapshots, bundle.encoder
    known = Known.of(bundle.plan, bundle.schema, own, until, encoder.prior, encoder.kin)
    return replace(dataset, known=known, part=part)


def counters_until(bundle: Bundle) -> int:
    """Return the moment (microseconds) before which a bundle's counters hold all events."""
    return to_microseconds(datetime.fromisoformat(bundle.manifest.counters_until))


def how_counted(bundle: Bundle, dataset: Dataset) -> list[str]:
    """Say where the counters of a log start, unless it is the one that the bundle was trained on.

    Args:
        bundle: what the log is read for.
        dataset: as :func:`log_of` returns it.
    """
    until = counters_until(bundle)
    if dataset.known is not None:
        lines = [
            f"the log begins {written(dataset.report.first)}, after the bundle's: all of it is one "
            f"part, and counters start from the bundle's, of events before {written(until)}"
        ]
        if dataset.history() is not None:
            lines.append(
                "the log's own history of its users is not used: the bundle's stands for it"
            )
        return lines
    if _is_of_training(bundle, dataset):
        return []
    if "time" not in dataset.schema.roles:
        return ["the log is another than the bundle's, and knows no times: all of it is one part"]
    return [
        f"the log begins {written(dataset.report.first)}, before the bundle's counters end "
        f"({written(until)}): it is divided by 'data.split' and counted from its own beginning, so "
        "that no event counts twice; a log of later rows alone would start from the bundle's"
    ]


def check_parts(bundle: Bundle, dataset: Dataset) -> None:
    """Refuse a log that the bundle's ``data.split`` cannot divide.

    Raises:
        DataError: a part is empty; of a log that begins before the bundle's counters end it says
            what it was taken for.
    """
    try:
        with_part(dataset, bundle.config.data.split)
    except DataError as error:
        raise DataError("; ".join([str(error), *how_counted(bundle, dataset)])) from None


def _is_of_training(bundle: Bundle, dataset: Dataset) -> bool:
    """Say whether a log has the size of the one that a bundle was trained on."""
    own, report = bundle.metrics.get("log", {}), dataset.report
    names = [name for name in ("impressions", "requests", "clicks", "unlabelled") if name in own]
    return all(own[name] == getattr(report, name) for name in names)


def _types_untold(bundle: Bundle, data: DataConfig, dataset: Dataset) -> dict[str, ForcedType]:
    """Return the types of columns that a shorter log does not tell, by the log's own names.

    Those that hold nothing in it, texts that all look like numbers, and fractions that are whole;
    of JSON lines also those of keys that no line has.
    """
    found: dict[str, ForcedType] = {}
    of_lines = isinstance(data, TabularData) and bool(data.paths) and all(map(is_lines, data.paths))
    for name in bundle.plan.fields:
        kind, column = bundle.schema.fields[name], bundle.schema.input_name(name)
        now = dataset.schema.fields.get(name)
        absent = of_lines or column in dataset.schema.absent
        empty = now is None and absent and kind in _FORCED
        if empty or (kind, now) in _OF_FEW:
            found[column] = _FORCED[kind]
    return found


_OF_FEW = {("str", "int"), ("str", "float"), ("float", "int")}
"""What a column was, and what few of its values are taken for."""
_FORCED: dict[str, ForcedType] = {"int": "int", "bool": "int", "float": "float", "str": "str"}


def _refuse_lacking(bundle: Bundle, dataset: Dataset) -> None:
    lacking = [name for name in bundle.plan.fields if name not in dataset.schema.fields]
    if lacking:
        names = ", ".join(bundle.schema.input_name(name) for name in lacking)
        found = ", ".join(dataset.schema.input_name(name) for name in dataset.schema.fields)
        raise DataError(
            f"{dataset.name}: lacks {names}, which the bundle {bundle.path} reads; found: {found}"
        )
