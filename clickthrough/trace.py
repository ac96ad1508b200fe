"""One impression's features, in batch and online side by side, with the events behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from clickthrough.config.features import EventSource
from clickthrough.config.root import Config
from clickthrough.data.caller import iso_time, raw_events, raw_rows, raw_views
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TRAIN
from clickthrough.errors import DataError
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.encoding.kin import Kin
from clickthrough.features.encoding.numeric import numeric_values
from clickthrough.features.fit import fit_prior, kin_of
from clickthrough.features.history.build import build_sequences
from clickthrough.features.history.online import online_histories
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.ticks import tick_of
from clickthrough.features.plan import Plan
from clickthrough.features.rows import RowParser, TextLimits
from clickthrough.features.table import encoder_columns
from clickthrough.schema import Columns
from clickthrough.store import MemoryStore
from clickthrough.streaming.key_sets import BEFORE_ALL
from clickthrough.streaming.recorder import Recorder, Source
from clickthrough.training.prepare import feature_rows, plan_of

Streams = dict[EventSource, pl.LazyFrame]


@dataclass(frozen=True)
class Feature:
    """A feature of the impression; sequences as their values, the latest first."""

    name: str
    batch: object
    online: object

    @property
    def agrees(self) -> bool:
        """Whether both sides say the same: exactly, or within 1e-9 relative for decays."""
        if isinstance(self.batch, float) and isinstance(self.online, float):
            return bool(np.isclose(self.batch, self.online, rtol=1e-9, atol=1e-12))
        return self.batch == self.online


@dataclass(frozen=True)
class Event:
    """What shares a key with the traced impression; hidden ones are not yet known.

    Attributes:
        row: of an impression; None of a page view.
        time: ISO 8601.
        label: of an impression.
        known: whether it was known as of the traced one.
    """

    row: int | None
    time: str
    label: int | None
    known: bool


@dataclass(frozen=True)
class Trace:
    """What is known as of one impression.

    Attributes:
        fields: raw fields, in the log's column names.
        features: every history column, then every numeric column before scaling.
        events: set name -> the events with the impression's key up to its time, newest first.
    """

    fields: dict[str, object]
    features: list[Feature]
    events: dict[str, list[Event]]


def trace(config: Config, dataset: Dataset, row: str) -> Trace:
    """Trace one impression.

    Args:
        config: features and counters.
        dataset: the log.
        row: its number in the sorted log, or ``REQUEST:ITEM``.

    Raises:
        DataError: there is no such impression.
    """
    plan = plan_of(config, dataset.schema)
    rows = feature_rows(dataset, config, plan, "live")
    chosen = _find(rows, row)
    request = rows.filter(pl.col("request_id") == chosen["request_id"][0]).collect()
    place = request["row"].to_list().index(chosen["row"][0])
    earlier = _earlier(dataset, chosen["time"][0])
    prior, kin = _prior(dataset, rows), _kin(dataset, plan)
    batch = encoder_columns(request, plan, dataset.schema)
    online = _online(plan, dataset, request, earlier, config)
    return Trace(
        fields=next(raw_rows(chosen, dataset.schema)),
        features=list(_features(plan, batch, online, prior, kin, place)),
        events=_events(plan, chosen, earlier),
    )


def _prior(dataset: Dataset, rows: pl.LazyFrame) -> float:
    """Return the click rate of what nothing is known of."""
    if dataset.known is not None:
        return dataset.known.prior
    return fit_prior(rows.filter(pl.col("part") == TRAIN).select("label").collect()["label"])


def _kin(dataset: Dataset, plan: Plan) -> Kin | None:
    """Return what makes users alike."""
    if dataset.known is not None:
        return dataset.known.kin
    return kin_of(plan, dataset.history(), dataset.schema)


def _earlier(dataset: Dataset, time: int) -> Streams:
    """Return all events up to a moment; a page view counts as clicked and has no row."""
    streams: Streams = {"impressions": dataset.impressions()}
    views = dataset.views()
    if views is not None:
        plain = {"row": pl.lit(None, pl.Int64), "label": pl.lit(1, pl.Int8)}
        streams["views"] = views.with_columns(**plain)
    return {of: events.filter(pl.col("time") <= time) for of, events in streams.items()}


def _find(rows: pl.LazyFrame, row: str) -> pl.DataFrame:
    request, colon, item = row.rpartition(":")
    if colon:
        same = (pl.col("request_id").cast(pl.String) == request) & (
            pl.col("item").cast(pl.String) == item
        )
    elif row.isdigit():
        same = pl.col("row") == int(row)
    else:
        raise DataError(f"--row {row}: expected a row number, or REQUEST:ITEM")
    found = rows.filter(same).collect()
    if found.is_empty():
        raise DataError(f"--row {row}: no such impression in the log")
    return found.head(1)


def _features(
    plan: Plan, batch: Columns, online: Columns, prior: float, kin: Kin | None, place: int
) -> Iterator[Feature]:
    for key_set in plan.key_sets:
        for name in key_set.columns():
            yield Feature(name, _number(batch[name][place]), _number(online[name][place]))
    for sequence in plan.sequence_sets:
        yield Feature(sequence.name, *(_values(side, sequence, place) for side in (batch, online)))
    offsets = np.array([0, len(batch["time"])], np.int64)
    sides = (numeric_values(plan, prior, side, offsets, kin) for side in (batch, online))
    values = [side[place] for side in sides]
    for column, said, heard in zip(plan.numeric, *values, strict=True):
        yield Feature(column.name, _number(said), _number(heard))


def _number(value: np.generic) -> float | None:
    number = float(value)
    return None if np.isnan(number) else number


def _values(side: Columns, sequence: SequenceSet, place: int) -> list[object] | None:
    size = _number(side[sequence.size][place])
    if size is None:
        return None
    values = side[sequence.name][place][: int(size)].tolist()
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def _online(
    plan: Plan, dataset: Dataset, request: pl.DataFrame, earlier: Streams, config: Config
) -> Columns:
    """Push the events that share a key through the online side, then read as of the request."""
    schema = dataset.schema
    limits = TextLimits(config.serving.max_id_bytes, config.serving.max_text_bytes)
    parser = RowParser(schema, [*plan.fields, *({"item"} & set(schema.fields))], limits)
    histories = online_histories(plan, schema, _seeds(plan, dataset, request))
    store = MemoryStore()
    events = {of: _sharing(plan, request, stream, of) for of, stream in earlier.items()}
    shown = events["impressions"]
    raw = list(raw_events(list(raw_rows(shown, schema)), shown["label"].to_list()))
    if "views" in events:
        raw += raw_views(events["views"], schema)
    until = dataset.known.until if dataset.known else BEFORE_ALL
    Recorder([Source(parser, histories, until)], store, config.serving).record(raw)
    now = max(request["time"].to_list())
    rows = parser.parse(list(raw_rows(request, schema)), now)
    columns = rows.columns(schema, plan.list_lengths)
    for history in histories:
        columns.update(history.read(store, rows.values, tick_of(rows.time, plan.counters.tick)))
    return columns


def _seeds(plan: Plan, dataset: Dataset, request: pl.DataFrame) -> dict[str, Snapshot]:
    """Return what is known before the log begins: given histories, for sequences only.

    Of a log that comes after a bundle's, what that knows; else of the request's own keys.
    """
    if dataset.known is not None:
        return dataset.known.snapshots
    nothing = dataset.impressions().head(0)
    seeds = {
        s.name: build_sequences(
            nothing, _given(dataset, s, request), s, dataset.schema, plan.counters
        )
        for s in plan.sequence_sets
    }
    return seeds | {key_set.name: Snapshot.of({}) for key_set in plan.key_sets}


def _given(dataset: Dataset, sequence: SequenceSet, request: pl.DataFrame) -> pl.LazyFrame | None:
    """Return what is given of the keys of a request, where it is given by these."""
    history, keys = dataset.history(), [*sequence.key]
    if history is None or not {*keys} <= {"user", "item"}:
        return None
    return history.join(request.lazy().select(keys).unique(), on=keys, how="semi")


def _sharing(
    plan: Plan, request: pl.DataFrame, earlier: pl.LazyFrame, of: EventSource
) -> pl.DataFrame:
    """Return the events that share a key with any candidate, in order of the log."""
    keys = [k.fields for k in plan.key_sets if k.of == of]
    keys += [s.key for s in plan.sequence_sets if s.of == of]
    parts = [
        earlier.join(request.lazy().select(fields).unique(), on=list(fields), how="semi")
        for fields in keys
    ]
    united = pl.concat([earlier.head(0), *parts])
    one = ["row"] if of == "impressions" else None
    return united.unique(one).sort("time", "row").collect()


def _events(plan: Plan, shown: pl.DataFrame, earlier: Streams) -> dict[str, list[Event]]:
    sets: Sequence[KeySet | SequenceSet] = [*plan.key_sets, *plan.sequence_sets]
    tick = plan.counters.tick * 1_000_000
    horizon = (shown["time"][0] // tick - plan.counters.delay_ticks) * tick
    found = {}
    for history in sets:
        clicked = isinstance(history, SequenceSet)
        fields = history.key if isinstance(history, SequenceSet) else history.fields
        itself = pl.col("row").eq_missing(shown["row"][0])
        same = earlier[history.of].filter(_same_key(shown, fields), ~itself)
        if clicked:
            same = same.filter(pl.col("label") == 1)
        newest = same.sort("time", "row", descending=True).select("row", "time", "label").collect()
        found[history.name] = [
            Event(row, iso_time(time), label, known=time < horizon and label is not None)
            for row, time, label in newest.iter_rows()
        ]
    return found


def _same_key(shown: pl.DataFrame, fields: Sequence[str]) -> pl.Expr:
    """Match the rows that have the impression's key; none where a part of it is null."""
    return pl.all_horizontal(
        *(pl.col(field) == pl.lit(shown[field][0], shown[field].dtype) for field in fields)
    ).fill_null(value=False)


def config_and_dataset_of(source: str, data: Sequence[Path] | None) -> tuple[Config, Dataset]:
    """Return the configuration of a bundle, a file or a preset, and its log."""
    from clickthrough.bundle import load_bundle
    from clickthrough.bundle.log import log_of
    from clickthrough.config.load import load_config
    from clickthrough.data.open import open_dataset

    if (Path(source) / "manifest.json").is_file():
        bundle = load_bundle(source)
        return bundle.config, log_of(bundle, data)
    config = load_config(source, data)
    return config, open_dataset(config.data)
