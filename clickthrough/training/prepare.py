"""From a dataset to encoded tables: history, the fitted encoder, the three parts."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from clickthrough.config.base import unknown_name
from clickthrough.config.root import Config
from clickthrough.data.caller import iso_time
from clickthrough.data.dataset import HISTORY, IMPRESSIONS, VIEWS, Dataset
from clickthrough.data.split import PARTS, TEST, TRAIN, VALIDATION, before_test, with_part
from clickthrough.errors import ConfigError, DataError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.fit import fit_encoder
from clickthrough.features.history.build import build_snapshots
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.stage import EventFilter, HistoryStage
from clickthrough.features.plan import Plan, make_plan
from clickthrough.schema import Schema
from clickthrough.steps import step
from clickthrough.training.rows.chunks import Chunks
from clickthrough.training.rows.mapped import TableWriter
from clickthrough.training.rows.table import ITEM, Table, encode_table

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


def prepare(
    dataset: Dataset,
    config: Config,
    mode: CountersMode,
    encoder: Encoder | None = None,
    parts: Collection[int] = (TRAIN, VALIDATION, TEST),
    start: "Start | None" = None,
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

    Raises:
        DataError: nothing of the training period is new.
        ConfigError: the bundle was trained with another declaration.
    """
    schema = dataset.schema
    plan = plan_of(config, schema)
    _check_weight(config.training.weight, schema)
    rows = with_part(dataset, config.data.split)
    if start is not None:
        start.check(config, plan)
        rows = _since(rows, start.since, dataset)
    index = rows.select("request_id", "part").collect(engine="streaming")
    with step("computing history"):
        history = history_columns(dataset, config, plan, mode)
    chunks = Chunks.of(_side_by_side(dataset.impressions(), history), index)
    if encoder is None:
        train = rows.filter(pl.col("part") == TRAIN)
        with step("fitting vocabularies and scales"):
            sample, before = chunks.sample(TRAIN), dataset.history()
            encoder = fit_encoder(plan, schema, train, sample, before)
        encoder = encoder if start is None else start.encoder(encoder)
    with step("encoding"):
        tables, seen = _encoded(chunks, dataset, config, encoder, parts)
    return Prepared(encoder, schema, tables, seen)


def _encoded(
    chunks: Chunks, dataset: Dataset, config: Config, encoder: Encoder, parts: Collection[int]
) -> tuple[dict[str, Table], Table | None]:
    """Return the table of each part, and the validation part as training sees it."""
    writers: dict[int, TableWriter] = {}
    schema, weight = dataset.schema, config.training.weight
    sees_places = any(measure.kind == "position" for measure in encoder.plan.measures)
    seen = TableWriter(dataset.path) if sees_places and VALIDATION in parts else None
    for chunk in chunks.of_parts(set(parts)):
        part = chunk["part"][0]
        writer = writers.setdefault(part, TableWriter(dataset.path))
        writer.add(encode_table(chunk, encoder, schema, part == TRAIN, weight))
        if seen is not None and part == VALIDATION:
            seen.add(encode_table(chunk, encoder, schema, to_train=True))
    tables = {PARTS[part]: writers[part].table() for part in sorted(writers)}
    return tables, seen.table() if seen else None


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
    key_sets = plan.key_sets
    counts_items = {"item", "time"} <= set(dataset.schema.roles)
    if counts_items and ITEM.name not in {key_set.name for key_set in key_sets}:
        key_sets = (*key_sets, ITEM)
    return list(history_stage(dataset, config, mode).columns(key_sets, plan.sequence_sets))


def _side_by_side(rows: pl.LazyFrame, history: list[pl.LazyFrame]) -> pl.LazyFrame:
    return pl.concat([rows, *history], how="horizontal")


def history_stage(dataset: Dataset, config: Config, mode: CountersMode) -> HistoryStage:
    """Return what computes history columns of a log."""
    frozen = EventFilter(*before_test(dataset, config.data.split)) if mode == "frozen" else None
    seeds, views = dataset.path / HISTORY, dataset.path / VIEWS
    return HistoryStage(
        folder=dataset.path / "history",
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
    until = int(events.select(pl.col("time").max()).collect().item()) + 1
    views = dataset.views()
    if views is not None:
        views = views.filter(pl.col("time") < until)
    return build_snapshots(events, dataset.history(), plan, dataset.schema, views), until
