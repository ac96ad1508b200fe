"""One impression, in batch and online side by side."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config import Config
from clickthrough.config.load import parse_config
from clickthrough.data.dataset import HISTORY
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError
from clickthrough.inspection import trace_tables
from clickthrough.trace import Event, Feature, Trace, trace
from tests.logs import make_values


@pytest.fixture(scope="module")
def traced_config(log_folder: Path) -> Config:
    """The features of the synthetic log, and every other kind of history."""
    values = make_values(log_folder)
    values["counters"] = {"tick": "1h", "label_delay": "2h"}
    values["features"] += [
        {"kind": "counter", "key": "platform", "windows": ["6h"], "all_time": False},
        {"kind": "sequence", "key": "user", "field": "item", "length": 3},
        {"kind": "match", "key": "user", "fields": ["advertiser"], "length": 5},
    ]
    return parse_config(values, "test")


def traced(config: Config, row: int) -> Trace:
    return trace(config, open_dataset(config.data), str(row))


@pytest.mark.parametrize("row", [0, 1_234, 3_000, 5_999])
def test_both_sides_say_the_same_of_every_feature(traced_config: Config, row: int) -> None:
    found = traced(traced_config, row)
    assert len(found.features) > 30
    assert [feature.name for feature in found.features if not feature.agrees] == []


def test_the_events_of_a_key_explain_its_counter(traced_config: Config) -> None:
    found = traced(traced_config, 5_000)
    said = {feature.name: feature.batch for feature in found.features}
    known = [event for event in found.events["item"] if event.known]
    assert said["item:impressions"] == len(known) > 0
    assert said["item:clicks"] == sum(event.label == 1 for event in known)
    hidden = [event for event in found.events["item"] if not event.known]
    assert all(event.time >= max(e.time for e in known) for event in hidden)


def test_a_sequence_is_the_newest_known_clicks(traced_config: Config) -> None:
    rows = open_dataset(traced_config.data).impressions().collect()
    found = traced(traced_config, 5_500)
    said = {feature.name: feature.batch for feature in found.features}
    clicks = [event.row for event in found.events["user:last:item"] if event.known]
    items = rows.filter(pl.col("row").is_in(clicks)).sort("row", descending=True)["item"]
    assert said["user:last:item"] == items.to_list()[:3]


def test_an_impression_can_be_named_by_its_request_and_item(traced_config: Config) -> None:
    by_row = traced(traced_config, 2_000)
    name = f"{by_row.fields['request_id']}:{by_row.fields['ad']}"
    dataset = open_dataset(traced_config.data)
    assert trace(traced_config, dataset, name).fields == by_row.fields


@pytest.mark.parametrize("row", ["999999", "no-row", "1:2"])
def test_an_impression_that_is_not_there_is_named(traced_config: Config, row: str) -> None:
    with pytest.raises(DataError, match=f"--row {row}: "):
        trace(traced_config, open_dataset(traced_config.data), row)


def test_whoever_may_only_read_the_cache_may_look(
    traced_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = traced(traced_config, 4_000)
    monkeypatch.delattr("clickthrough.mapped_array.tempfile")  # so that no file can be made
    assert traced(traced_config, 4_000) == before


def test_a_given_history_stands_before_the_log(traced_config: Config, tmp_path: Path) -> None:
    """Of the request's own user, and of nobody else."""
    whole = open_dataset(traced_config.data)
    dataset = replace(whole, path=shutil.copytree(whole.path, tmp_path / "log"))
    shutil.rmtree(dataset.path / "history")
    rows = dataset.impressions().collect()
    first, other = rows.row(0, named=True), rows.filter(pl.col("user") != rows["user"][0])
    given = rows.select("user", "time", "item").filter(pl.col("user") == first["user"]).head(1)
    before = pl.col("time") - 10**12
    strange = other.select("user", "time", "item")
    pl.concat([strange, given]).with_columns(before).write_parquet(dataset.path / HISTORY)
    found = trace(traced_config, dataset, "0")
    said = {feature.name: feature.batch for feature in found.features}
    assert said["user:last:item"] == given["item"].to_list()
    assert [feature.name for feature in found.features if not feature.agrees] == []


def test_a_difference_is_marked() -> None:
    same, other = Feature("a", 1.0, 1.0 + 1e-12), Feature("b", 1.0, 1.001)
    assert (same.agrees, other.agrees) == (True, False)
    assert not Feature("c", None, 0.0).agrees
    found = Trace({"ad": 1}, [same, other], {"item": [Event(1, "t", None, known=False)] * 3})
    tables = list(trace_tables(found, most_events=2))
    marks = list(tables[1].columns[3].cells)
    assert marks == ["", "DIFFERS"]
    assert "the newest 2" in str(tables[2].title)
