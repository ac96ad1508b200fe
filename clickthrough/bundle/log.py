"""The log of a bundle: the one that it was trained on, or another of the same columns."""

from pathlib import Path

import polars as pl

from clickthrough.bundle.load import Bundle
from clickthrough.config.data import FRAME, TabularData
from clickthrough.config.load import with_data
from clickthrough.data.dataset import Dataset
from clickthrough.data.frame import dataset_of_frame
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError, DataError


def log_of(bundle: Bundle, path: Path | None = None) -> Dataset:
    """Read a bundle's log.

    Args:
        bundle: whose columns the log must have.
        path: where the log lies; where it lay in training by default.

    Raises:
        DataError: it cannot be read, or lacks a column that the bundle reads.
    """
    return _with_columns(bundle, open_dataset(with_data(bundle.config, path).data))


def log_of_frame(bundle: Bundle, rows: pl.DataFrame, cache: Path) -> Dataset:
    """Read a frame as a bundle's log.

    Args:
        bundle: whose columns it must have.
        rows: an impression a row, with labels.
        cache: a directory that the converted log lies in.

    Raises:
        ConfigError: the bundle's log is of a reader that reads files alone.
        DataError: the frame lacks a column that the bundle reads, or holds what no log does.
    """
    data = bundle.config.data
    if not isinstance(data, TabularData):
        raise ConfigError(
            f"{bundle.path}: its log is read by '{data.reader}', from files; name their place"
        )
    own = {"path": FRAME, "files": None, "columns": None, "cache": cache}
    return _with_columns(bundle, dataset_of_frame(rows, data.model_copy(update=own)))


def _with_columns(bundle: Bundle, dataset: Dataset) -> Dataset:
    """Refuse a log that lacks a column which a bundle reads."""
    lacking = [name for name in bundle.plan.fields if name not in dataset.schema.fields]
    if lacking:
        names = ", ".join(bundle.schema.input_name(name) for name in lacking)
        found = ", ".join(dataset.schema.input_name(name) for name in dataset.schema.fields)
        raise DataError(
            f"{dataset.name}: lacks {names}, which the bundle {bundle.path} reads; found: {found}"
        )
    return dataset
