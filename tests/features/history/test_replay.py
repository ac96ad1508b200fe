"""The whole real log through the live path: what events leave is what batch computes.

Each of the impressions is asked for as of its own moment, then told as an event with its click,
in order of time. The live side begins empty but for what the given history seeds.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.config import Config, load_config
from clickthrough.config.features import Counter, Match, Sequence
from clickthrough.config.serving import Serving
from clickthrough.data.dataset import HISTORY, IMPRESSIONS
from clickthrough.data.open import open_dataset
from clickthrough.features.history.build import build_sequences
from clickthrough.features.history.online import online_histories
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.stage import HistoryStage
from clickthrough.features.plan import Plan
from clickthrough.features.rows import RowParser
from clickthrough.features.table import encoder_columns, request_offsets
from clickthrough.schema import Columns
from clickthrough.store import MemoryStore
from clickthrough.streaming.recorder import Receipt, Recorder, Source
from clickthrough.training.prepare import plan_of
from tests.features.history.logs import joined

IMPRESSIONS_OF_THE_LOG = 278_139
MORE = [
    Counter(kind="counter", key=["item"], values=["rate"], all_time=False, windows=[3_600, 86_400]),
    Sequence(kind="sequence", key=["user"], field="item", length=10),
    Match(kind="match", key=["user"], fields=["item"], length=50),
]


@pytest.fixture(scope="module")
def config(ebnerd: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The preset, with a window, a sequence and a match besides."""
    preset = load_config("ebnerd", data=ebnerd)
    data = preset.data.model_copy(update={"cache": tmp_path_factory.mktemp("cache")})
    return preset.model_copy(update={"data": data, "features": [*preset.features, *MORE]})


def replayed(frame: pl.DataFrame, seeds: pl.LazyFrame, plan: Plan, config: Config) -> Columns:
    """Return the history columns that the live side reads, request by request."""
    schema = open_dataset(config.data).schema
    empty = {key_set.name: Snapshot.of({}) for key_set in plan.key_sets}
    nothing = frame.head(0).lazy()
    given = {
        s.name: build_sequences(nothing, seeds, s, schema, plan.counters)
        for s in plan.sequence_sets
    }
    store = MemoryStore()
    histories = online_histories(plan, schema, empty | given)
    keys = {field for history in histories for field in history.fields}
    recorder = Recorder([Source(RowParser(schema, sorted(keys)), histories)], store, Serving())
    moments = frame.select(pl.from_epoch("time", "us").dt.to_string("iso")).to_series().to_list()
    requests, items, labels = (frame[name].to_list() for name in ("request_id", "item", "label"))
    said = {name: frame[name].to_list() for name in sorted(keys)}
    ticks = frame["time"].to_numpy() // (plan.counters.tick * 1_000_000)
    read: list[Columns] = []
    told = Receipt()
    for start, end in pairwise(request_offsets(frame).tolist()):
        columns: Columns = {}
        values = {name: own[start:end] for name, own in said.items()}
        for history in histories:
            columns.update(history.read(store, values, ticks[start:end]))
        read.append(columns)
        events = []
        for i in range(start, end):
            event = {"request_id": requests[i], "time": moments[i], "item": items[i]}
            shown = {name: own[i] for name, own in said.items()}
            events.append({"type": "impression", **shown, **event})
            if labels[i] == 1:
                events.append({"type": "click", **event})
        receipt = recorder.record(events)
        told.impressions += receipt.impressions
        told.clicks += receipt.clicks
    assert told == Receipt(impressions=frame.height, clicks=int(frame["label"].sum()))
    return joined(read)


@pytest.mark.slow
def test_every_history_column_of_the_real_log_is_the_same_live_and_in_batch(
    config: Config,
) -> None:
    dataset = open_dataset(config.data)
    seeds = dataset.history()
    assert seeds is not None
    frame = dataset.impressions().collect()
    assert frame.height == IMPRESSIONS_OF_THE_LOG
    plan = plan_of(config, dataset.schema)
    stage = HistoryStage(
        dataset.path / "history",
        dataset.path / IMPRESSIONS,
        config.counters,
        seeds=dataset.path / HISTORY,
    )
    made = pl.concat(
        [frame.lazy(), *stage.columns(plan.key_sets, plan.sequence_sets)], how="horizontal"
    )
    batch = encoder_columns(made.collect(), plan, dataset.schema)

    live = replayed(frame, seeds, plan, config)

    assert set(live) == set(plan.history_columns)
    for name, found in live.items():
        wanted = batch[name]
        if "@" in name:
            one, other = found.astype(np.float64), wanted.astype(np.float64)
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=name)
        else:
            np.testing.assert_array_equal(found, wanted, err_msg=name)
        assert len(np.unique(found)) > 3, f"{name}: hardly anything to compare"
