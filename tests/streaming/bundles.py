"""As much of several bundles as events and histories need, made of one log."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from clickthrough.config.load import parse_config
from clickthrough.data.caller import raw_events, raw_rows
from clickthrough.features.history.base import History
from clickthrough.features.history.build import build_snapshots
from clickthrough.features.history.online import Histories, online_histories
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.ticks import tick_of
from clickthrough.features.plan import Plan, make_plan
from clickthrough.features.rows import RowParser
from clickthrough.schema import Columns, FieldType, Schema
from clickthrough.store import Store
from clickthrough.streaming.recorder import Source

Change = Callable[[dict[str, Any]], None]
Raw = list[dict[str, Any]]


@dataclass(frozen=True)
class Bundle:
    """As much of a bundle as events and histories need."""

    plan: Plan
    schema: Schema
    snapshots: dict[str, Snapshot]
    until: int

    @cached_property
    def parser(self) -> RowParser:
        return RowParser(self.schema, [*self.plan.fields, "item"])

    @cached_property
    def histories(self) -> list[History]:
        return online_histories(self.plan, self.schema, self.snapshots)

    @property
    def source(self) -> Source:
        return Source(self.parser, self.histories, self.until)

    def answers(self, store: Store, rows: Raw) -> Columns:
        """Return the history columns of rows, as of a day after the last of them."""
        parsed = self.parser.parse([{**row, "request_id": None} for row in rows], now=0)
        ticks = tick_of(parsed.time.max(keepdims=True), self.plan.counters.tick) + 144
        return Histories(self.histories).read(store, parsed.values, ticks)


@dataclass(frozen=True)
class Log:
    """A log in two parts: what snapshots hold, and what comes afterwards."""

    config: dict[str, Any]
    schema: Schema
    frame: pl.DataFrame
    until: int

    @cached_property
    def rows(self) -> Raw:
        return list(raw_rows(self.frame.filter(pl.col("time") >= self.until), self.schema))

    @cached_property
    def events(self) -> Raw:
        labels = self.frame.filter(pl.col("time") >= self.until)["label"].to_list()
        return list(raw_events(self.rows, labels))

    def bundle(self, change: Change, until: int | None = None, **types: FieldType) -> Bundle:
        """Return a bundle of another declaration, or of fields of other types."""
        values = {**self.config, "features": [dict(f) for f in self.config["features"]]}
        change(values)
        config, until = parse_config(values, "test"), self.until if until is None else until
        schema = self.schema.model_copy(update={"fields": self.schema.fields | types})
        plan = make_plan(config.features, config.counters, schema, config.data.timezone)
        past = self.frame.filter(pl.col("time") < until)
        if types:
            past = past.with_columns(pl.col("item").cast(pl.String))
        return Bundle(plan, schema, build_snapshots(past.lazy(), None, plan, schema), until)
