"""From a dataset to encoded tables: history, the fitted encoder, the three parts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from clickthrough.cleanup import clear_left
from clickthrough.config.base import unknown_name
from clickthrough.config.root import Config
from clickthrough.data.caller import iso_time
from clickthrough.data.dataset import HISTORY, IMPRESSIONS, VIEWS, Dataset
from clickthrough.data.split import PARTS, TEST, TRAIN, VALIDATION, before_test, with_part
from clickthrough.dealt import DEALT
from clickthrough.errors import ConfigError, DataError
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.fit import fit_encoder
from clickthrough.features.history.build import build_snapshots
from clickthrough.features.history.log_files import EventFilter
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.stage import COMPUTING, HistoryStage
from clickthrough.features.plan import Plan, make_plan
from clickthrough.room import Need, see_to_room
from clickthrough.schema import Schema
from clickthrough.steps import step
from clickthrough.training.room import REMEDY, preparing
from clickthrough.training.rows.chunks import Chunks
from clickthrough.training.rows.encoding import SEEN, Encoding, encode_here
from clickthrough.training.rows.mapped import TableWriters
from clickthrough.training.rows.spark import ENCODING, encode_by_spark
from clickthrough.training.rows.table import ITEM, Table

if TYPE_CHECKING:  # it loads torch, which only training needs
    from clickthrough.training.continued import Start

KNOWN = -1
"""Rows that a bundle was trained on: in none of the parts."""

CountersMode = Literal["live", "frozen"]


@dataclass(frozen=True)
class Prepared:
    """A log, ready to train and evaluate on.

    Attributes:
        tables: part name -> encoded impressions; no ``test`` where the log has none.
        seen: the validation part as training sees it, where that differs: with the places of
            candidates.
    """

    encoder: Encoder
    schema: Schema
    tables: dict[str, Table]
    seen: Table | None = None

    @property
    def watched(self) -> Table:
        """The validation part for early stopping and calibration.

        It holds places where training does: without them a model would be preferred, or bent by
        its calibration, for the very bias that places are to take away.
        """
        return self.seen or self.tables["validation"]


def prepare(  # noqa: PLR0913, PLR0917
    dataset: Dataset,
    config: Config,
    mode: CountersMode,
    encoder: Encoder | None = None,
    parts: Collection[int] = (TRAIN, VALIDATION, TEST),
    start: "Start | None" = None,
    beside: Sequence[Need] = (),
) -> Prepared:
    """Compute and encode features, in memory that does not grow with the log.

    Args:
        dataset: the log.
        config: features, counters and split.
        mode: ``live``: every impression sees all earlier events; ``frozen``: none of the test
            period, as if the counters had stayed as the bundle left them.
        encoder: a fitted one; without it, one is fitted on the training period.
        parts: which to encode.
        start: where training goes on from: its encoder is grown, and the training period begins
            where the bundle's knowledge ends.
        beside: the disk that is needed later on, as long as the rows are there.

    Raises:
        DataError: nothing of the training period is new, or a disk has too little room.
        ConfigError: the bundle was trained with another declaration.
    """
    schema = dataset.schema
    plan = plan_of(config, schema)
    _check_weight(config.training.weight, schema)
    with step("dividing the log"):
        rows = with_part(dataset, config.data.split)
        if start is not None:
            start.check(config, plan)
            rows = _since(rows, start.since, dataset)
        index = rows.select("request_id", "part").collect(engine="streaming")
    _clear_left(dataset)
    encoded = int(index["part"].is_in(list(parts)).sum())
    see_to_room([*needs_of(dataset, config, mode, encoded), *beside], REMEDY)
    with step("computing history"):
        history = history_columns(dataset, config, plan, mode)
    read = dataset.impressions().select(_read(plan, config.training.weight))
    chunks = Chunks.of(_side_by_side(read, history), index)
    if encoder is None:
        train = rows.filter(pl.col("part") == TRAIN)
        with step("fitting vocabularies and scales"):
            sample, before = chunks.sample(TRAIN), dataset.history()
            encoder = fit_encoder(plan, schema, train, sample, before)
        encoder = encoder if start is None else start.encoder(encoder)
    encoding = Encoding(encoder, schema, frozenset(parts), config.training.weight)
    with step("encoding"):
        made = _encoded(chunks, dataset, config, encoding)
    tables = {name: made[name] for name in PARTS if name in made}
    return Prepared(encoder, schema, tables, made.get(SEEN))


def _read(plan: Plan, weight: str | None) -> list[str]:
    """Return the columns of impressions that encoding reads: a log may have many more."""
    read = ["row", "request_id", "time", "label", *plan.fields, *([weight] if weight else [])]
    return list(dict.fromkeys(read))


def _clear_left(dataset: Dataset) -> None:
    """Remove what killed runs left beside a log."""
    clear_left(history_folder(dataset), COMPUTING)
    for prefix in (DEALT, ENCODING):
        clear_left(dataset.path, prefix)


def needs_of(dataset: Dataset, config: Config, mode: CountersMode, rows: int) -> list[Need]:
    """Return the disk that it takes to prepare so many rows of a log."""
    plan, stage = plan_of(config, dataset.schema), history_stage(dataset, config, mode)
    sets: list[KeySet | SequenceSet] = [*_counted(dataset, plan), *plan.sequence_sets]
    lacking = [one for one in sets if stage.lacks(one)]
    return preparing(dataset, plan, lacking, rows, weighted=config.training.weight is not None)


def _encoded(
    chunks: Chunks, dataset: Dataset, config: Config, encoding: Encoding
) -> dict[str, Table]:
    """Return the encoded tables by name, made where the configuration says."""
    writers = TableWriters(dataset.path)
    if config.engine == "spark":
        encode_by_spark(chunks, dataset.path, encoding, writers.add)
    else:
        encode_here(chunks, encoding, writers.add)
    return writers.tables()


def _check_weight(name: str | None, schema: Schema) -> None:
    numbers = [field for field, kind in schema.fields.items() if kind in {"int", "float", "bool"}]
    if name is not None and name not in numbers:
        raise ConfigError(f"training.weight: {unknown_name(name, 'field of numbers', numbers)}")


def _since(rows: pl.LazyFrame, since: int, dataset: Dataset) -> pl.LazyFrame:
    """Leave out what an earlier run has trained on; it still counts as history."""
    known = (pl.col("part") == TRAIN) & (pl.col("time") < since)
    if "time" not in dataset.schema.roles:
        return rows
    part = pl.when(known).then(pl.lit(KNOWN, pl.Int8)).otherwise("part")
    rows = rows.with_columns(part.alias("part"))
    new = (pl.col("part") == TRAIN) & pl.col("label").is_not_null()
    if not rows.filter(new).head(1).collect().height:
        raise DataError(
            f"{dataset.name}: the training period holds no labelled impression after "
            f"{iso_time(since)}, where the bundle's knowledge ends"
        )
    return rows


def feature_rows(dataset: Dataset, config: Config, plan: Plan, mode: CountersMode) -> pl.LazyFrame:
    """Return the impressions with their part and history columns, in order of ``row``."""
    history = history_columns(dataset, config, plan, mode)
    return _side_by_side(with_part(dataset, config.data.split), history)


def history_columns(
    dataset: Dataset, config: Config, plan: Plan, mode: CountersMode
) -> list[pl.LazyFrame]:
    """Return the history columns of a log, a frame for each key, row for row with it."""
    stage = history_stage(dataset, config, mode)
    return list(stage.columns(_counted(dataset, plan), plan.sequence_sets))


def _counted(dataset: Dataset, plan: Plan) -> tuple[KeySet, ...]:
    """Return the keys that are counted: the plan's, and that of items for a baseline."""
    counts_items = {"item", "time"} <= set(dataset.schema.roles)
    if counts_items and ITEM.name not in {key_set.name for key_set in plan.key_sets}:
        return (*plan.key_sets, ITEM)
    return plan.key_sets


def _side_by_side(rows: pl.LazyFrame, history: list[pl.LazyFrame]) -> pl.LazyFrame:
    return pl.concat([rows, *history], how="horizontal")


def history_folder(dataset: Dataset) -> Path:
    """Return where the history of a log is kept."""
    return dataset.path / "history"


def history_stage(dataset: Dataset, config: Config, mode: CountersMode) -> HistoryStage:
    """Return what computes history columns of a log."""
    frozen = EventFilter(*before_test(dataset, config.data.split)) if mode == "frozen" else None
    seeds, views = dataset.path / HISTORY, dataset.path / VIEWS
    return HistoryStage(
        folder=history_folder(dataset),
        impressions=dataset.path / IMPRESSIONS,
        counters=config.counters,
        engine=config.engine,
        seeds=seeds if seeds.exists() else None,
        views=views if views.exists() else None,
        events=frozen,
        known=dataset.known,
    )


def plan_of(config: Config, schema: Schema) -> Plan:
    """Expand a configuration's features for a log."""
    return make_plan(config.declared, config.counters, schema, config.data.timezone)


def snapshots_before_test(dataset: Dataset, config: Config) -> tuple[dict[str, Snapshot], int]:
    """Return what a bundle knows of each key: all before the test part, and until when."""
    rows = with_part(dataset, config.data.split)
    events = rows.filter(pl.col("part") < TEST)
    plan = plan_of(config, dataset.schema)
    latest = events.select(pl.col("time").max()).collect(engine="streaming")
    until = int(latest.item()) + 1
    views = dataset.views()
    if views is not None:
        views = views.filter(pl.col("time") < until)
    seeds, schema = dataset.history(), dataset.schema
    return build_snapshots(events, seeds, plan, schema, views, dataset.path), until
