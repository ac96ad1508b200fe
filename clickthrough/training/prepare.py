"""From a dataset to encoded tables: history, the fitted encoder, the three parts."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import PARTS, TEST, TRAIN, with_part
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.fit import fit_encoder
from clickthrough.features.history.build import build_snapshot
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan, make_plan
from clickthrough.features.table import feature_rows
from clickthrough.schema import Schema
from clickthrough.training.table import ITEM, Table, encode_table

CountersMode = Literal["live", "frozen"]


@dataclass(frozen=True)
class Prepared:
    """A log, ready to train and evaluate on.

    Attributes:
        tables: part name -> encoded impressions; no ``test`` where the log has none.
    """

    encoder: Encoder
    schema: Schema
    tables: dict[str, Table]


def prepare(
    dataset: Dataset, config: Config, mode: CountersMode, encoder: Encoder | None = None
) -> Prepared:
    """Compute and encode features.

    Args:
        dataset: the log.
        config: features, counters and split.
        mode: ``live``: every impression sees all earlier events; ``frozen``: none of the test
            period, as if the counters had stayed as the bundle left them.
        encoder: a fitted one; without it, one is fitted on the training period.
    """
    schema = dataset.schema
    plan = plan_of(config, schema)
    rows = with_part(dataset, config.data.split)
    events = rows if mode == "live" else rows.filter(pl.col("part") < TEST)
    also = [ITEM] if {"item", "time"} <= set(schema.roles) else []
    frame = feature_rows(rows, events, plan, also).collect(engine="streaming")
    parts = frame.partition_by("part", as_dict=True, maintain_order=True)
    if encoder is None:
        encoder = fit_encoder(plan, schema, parts[(TRAIN,)])
    tables = {
        name: encode_table(parts[(part,)], encoder, schema)
        for part, name in enumerate(PARTS)
        if (part,) in parts
    }
    return Prepared(encoder, schema, tables)


def plan_of(config: Config, schema: Schema) -> Plan:
    """Expand a configuration's features for a log."""
    return make_plan(config.features, config.counters, schema, config.data.timezone)


def snapshots_before_test(dataset: Dataset, config: Config) -> tuple[dict[str, Snapshot], int]:
    """Return the counters of everything before the test period, and when that begins."""
    rows = with_part(dataset, config.data.split)
    events = rows.filter(pl.col("part") < TEST)
    plan = plan_of(config, dataset.schema)
    made = {k.name: build_snapshot(events, k, config.counters) for k in plan.key_sets}
    last = events.select(pl.col("time").max()).collect().item()
    return made, int(last) + 1
