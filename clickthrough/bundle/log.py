"""The log of a bundle: the one that it was trained on, or another of the same columns."""

from pathlib import Path

from clickthrough.bundle.load import Bundle
from clickthrough.config.load import with_data
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError


def log_of(bundle: Bundle, path: Path | None = None) -> Dataset:
    """Read a bundle's log.

    Args:
        bundle: whose columns the log must have.
        path: where the log lies; where it lay in training by default.

    Raises:
        DataError: it cannot be read, or lacks a column that the bundle reads.
    """
    dataset = open_dataset(with_data(bundle.config, path).data)
    lacking = [name for name in bundle.plan.fields if name not in dataset.schema.fields]
    if lacking:
        names = ", ".join(bundle.schema.input_name(name) for name in lacking)
        found = ", ".join(dataset.schema.input_name(name) for name in dataset.schema.fields)
        raise DataError(
            f"{dataset.name}: lacks {names}, which the bundle {bundle.path} reads; found: {found}"
        )
    return dataset
