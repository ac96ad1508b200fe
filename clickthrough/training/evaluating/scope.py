"""What an evaluation covers beside the model: baselines, the truth, slices, and what to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.config.base import format_duration
from clickthrough.config.evaluation import Evaluation
from clickthrough.config.features import Counters
from clickthrough.config.root import Config
from clickthrough.config.training import Calibration
from clickthrough.data.dataset import Dataset
from clickthrough.evaluation.slices import Slice
from clickthrough.training.evaluating.slices import check_slices, read_slices
from clickthrough.training.evaluating.tested import tested_rows
from clickthrough.training.evaluating.truth import read_truth


@dataclass(frozen=True)
class Scope:
    """What an evaluation covers, row for row with the table ``test``.

    Attributes:
        settings: how intervals are made.
        baselines: whether they are fitted and evaluated beside.
        truths: name -> probabilities that are known, shape (n,); see
            :func:`clickthrough.training.evaluating.truth.read_truth`.
        slices: name -> division of the rows.
        calibration: how baselines are calibrated: as the model is.
        notes: what a reader should know of the log.
        live_notes: what a reader should know of live counters on this test part.
    """

    settings: Evaluation = field(default_factory=Evaluation)
    baselines: bool = True
    truths: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    slices: Mapping[str, Slice] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    notes: tuple[str, ...] = ()
    live_notes: tuple[str, ...] = ()


def read_scope(
    dataset: Dataset,
    config: Config,
    baselines: bool = True,
    truth: Path | None = None,
    slices: Sequence[str] = (),
) -> Scope:
    """Read from the log what an evaluation covers; wrong names and files are found here.

    Args:
        dataset: the log.
        config: its split, and the section ``evaluation``.
        baselines: whether they are fitted and evaluated beside.
        truth: a file of true probabilities.
        slices: names of slices beside those configured.

    Raises:
        ConfigError: a slice does not exist.
        DataError: the truth cannot be used.
    """
    names = [*slices, *config.evaluation.slices]
    check_slices(names, dataset.schema)
    return Scope(
        settings=config.evaluation,
        baselines=baselines,
        truths=read_truth(truth, dataset, config) if truth else {},
        slices=read_slices(names, dataset, config),
        calibration=config.calibration,
        live_notes=tuple(_live_notes(dataset, config)),
    )


def _live_notes(dataset: Dataset, config: Config) -> list[str]:
    """Say so if no impression of the test part can see an event of it."""
    counters = config.counters
    tick = pl.col("time") // (counters.tick * 1_000_000)
    rows = tested_rows(dataset, config.data.split)
    first, last = rows.select(first=tick.min(), last=tick.max()).collect().row(0)
    if first is None or "time" not in dataset.schema.roles or last - first > counters.delay_ticks:
        return []
    return [f"live counters cannot learn within the test: it spans less than {_least(counters)}"]


def _least(counters: Counters) -> str:
    """Say how long a test part must be for its events to be seen in it."""
    delay = f" and the label delay of {format_duration(counters.label_delay)}"
    tick = f"a counters tick of {format_duration(counters.tick)}"
    return tick + (delay if counters.label_delay else "")
