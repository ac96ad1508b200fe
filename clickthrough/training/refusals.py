"""Logs that nothing could be learned or said of: refused before the work."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.config.data import TimeSplit
from clickthrough.data.dataset import Dataset
from clickthrough.data.labels import NOT_CLICKED
from clickthrough.data.split import PARTS, TEST, TRAIN, with_part
from clickthrough.errors import DataError
from clickthrough.schema import FieldType, Schema

_TEXTS: tuple[FieldType, ...] = ("str", "strs")


def refuse_unlearnable(dataset: Dataset, split: TimeSplit) -> None:
    """Refuse a log whose training or validation part has no labels, or trains on one class alone.

    Raises:
        DataError: names the part.
    """
    rows = with_part(dataset, split).filter(pl.col("part") < TEST)
    label = pl.col("label")
    counts = rows.group_by("part").agg(
        rows=pl.len(), known=label.count(), clicks=(label == 1).sum()
    )
    for part, height, known, clicks in counts.sort("part").collect(engine="streaming").iter_rows():
        if not known:
            raise DataError(_unlabelled(dataset, PARTS[part]))
        if part == TRAIN and clicks in (0, known):
            raise DataError(
                f"{dataset.name}: in the train part {_alike(clicks, known, height)}; see "
                "'data.split', 'data.label_at_least' and 'data.label_is'"
            )


def _alike(clicks: int, known: int, height: int) -> str:
    """Say which labels alone a part has, and what that lacks."""
    nothing = "so nothing can be learned of it"
    if not clicks:
        return f"no impression is clicked, {nothing}"
    if known == height:
        return f"every impression is clicked, {nothing}: {NOT_CLICKED}"
    return (
        f"every impression is clicked that has a label, {nothing}: a blank is no label; write 0 "
        "where an impression was shown and not clicked"
    )


def refuse_unlabelled(dataset: Dataset, split: TimeSplit, part: int = TEST) -> None:
    """Refuse a log that has no such part, or one without labels.

    Raises:
        DataError: says which.
    """
    rows = with_part(dataset, split).filter(pl.col("part") == part)
    counts = rows.select(pl.len(), pl.col("label").count()).collect(engine="streaming")
    impressions, known = counts.row(0)
    if not impressions:
        name = PARTS[part]
        raise DataError(f"{dataset.name}: the log has no {name} part; see 'data.split.{name}'")
    if not known:
        raise DataError(_unlabelled(dataset, PARTS[part]))


def refuse_one_sided(dataset: Dataset, labels: NDArray[np.int8]) -> None:
    """Refuse a calibration on clicks alone, or on none.

    Args:
        dataset: the log.
        labels: of the rows that it would rest on, shape (n,).

    Raises:
        DataError: these are all alike.
    """
    clicks = int(np.count_nonzero(labels))
    if clicks in {0, len(labels)}:
        found = "every impression is clicked" if clicks else "no impression is clicked"
        raise DataError(
            f"{dataset.name}: {found} of the {len(labels):,} to calibrate on: no probability can "
            "be told from them; '--method none' leaves the calibration out"
        )


def _unlabelled(dataset: Dataset, part: str) -> str:
    if dataset.part is not None:
        return f"{dataset.name}: no impression has a label"
    return f"{dataset.name}: no impression of the {part} part has a label; see 'data.split'"


def refuse_other_types(dataset: Dataset, known: Schema, fields: list[str], bundle: str) -> None:
    """Refuse a log in which ids are texts that were numbers in a bundle's log, or the other way.

    None of them would be known, and each would stand for an id that was never met.

    Args:
        dataset: the log.
        known: of the bundle.
        fields: our names of what the bundle reads.
        bundle: how errors call it.

    Raises:
        DataError: names the column.
    """
    for name in fields:
        old, new = known.fields.get(name), dataset.schema.fields.get(name)
        if old and new and (old in _TEXTS) != (new in _TEXTS):
            column = dataset.schema.input_name(name)
            raise DataError(
                f"{dataset.name}: column '{column}' is of type {new}, in the log of {bundle} it "
                f"was {old}, so none of its values would be known; write it as it was"
            )
