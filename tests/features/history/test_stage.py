"""The passes over a log: kept, reused, never half written; and the engines that compute them."""

import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

from clickthrough.errors import ConfigError
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.engines import EngineName, FrameEngineName, open_engine
from clickthrough.features.history.log_files import EventFilter
from clickthrough.features.history.neutral import HistorySet
from clickthrough.features.history.oracle import Shown
from clickthrough.features.history.partitioned import PartitionedPasses
from clickthrough.features.history.stage import HistoryStage
from clickthrough.schema import FieldType
from tests.features.history.logs import US, Log, Row, counters_of

ITEM = KeySet(("item",), (60,), (60,))
LAST = SequenceSet(("user",), "item", 2)
KINDS: dict[str, FieldType] = {"user": "int", "item": "int", "context": "int"}
LOG = Log(
    [Row(i, Shown(i * US, {"user": i % 2, "item": i % 3, "context": 0}, i % 2)) for i in range(30)],
    [Shown(-US, {"user": 0, "item": 2}, 1)],
    KINDS,
    0,
)


def stage_of(folder: Path, **settings: object) -> HistoryStage:
    LOG.frame().write_parquet(folder / "impressions.parquet")
    return HistoryStage(
        folder / "history", folder / "impressions.parquet", LOG.counters,
        **settings,  # type: ignore[arg-type]
    )  # fmt: skip


def result(stage: HistoryStage) -> pl.DataFrame:
    return pl.concat(stage.columns((ITEM,), (LAST,)), how="horizontal").collect()


def files_in(stage: HistoryStage) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in stage.folder.rglob("*")}


def breaks(*_: object) -> None:
    raise RuntimeError("stop")


def test_a_result_is_computed_once_and_reused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tmp_path)
    first, files = result(stage), files_in(stage)
    monkeypatch.setattr("clickthrough.features.history.stage.PartitionedPasses", breaks)
    assert result(stage_of(tmp_path)).equals(first)
    assert files_in(stage) == files
    assert len([path for path in files if path.is_file()]) == 2


def test_a_set_that_is_new_is_computed_beside_those_that_are_kept(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    (alone,) = stage.columns((ITEM,), ())
    kept = files_in(stage)
    both = stage.columns((ITEM, KeySet(("user",))), ())
    assert files_in(stage).items() > kept.items()
    assert both[0].collect().equals(alone.collect())


@pytest.mark.parametrize(
    "other",
    [
        {"events": EventFilter("row", 15)},
        {"events": EventFilter("row", 16)},
        {"seeds": "seeds"},
    ],
    ids=str,
)
def test_what_changes_the_outcome_is_another_result(
    tmp_path: Path, other: dict[str, object]
) -> None:
    LOG.seeds_frame().write_parquet(tmp_path / "seeds")
    settings = {k: tmp_path / "seeds" if k == "seeds" else v for k, v in other.items()}
    plain = result(stage_of(tmp_path))
    changed = result(stage_of(tmp_path, **settings))
    assert not changed.equals(plain)
    assert result(stage_of(tmp_path)).equals(plain)


def test_other_ticks_and_delays_are_other_results(tmp_path: Path) -> None:
    plain = result(stage_of(tmp_path))
    for change in ({"tick": 30}, {"label_delay": 180}):
        counters = LOG.counters.model_copy(update=change)
        stage = HistoryStage(tmp_path / "history", tmp_path / "impressions.parquet", counters)
        assert not result(stage).equals(plain)


class FailsWhileWriting(PartitionedPasses):
    def write(self, of: HistorySet, path: Path) -> None:
        path.write_bytes(b"half of a file")
        raise RuntimeError("no space left")


def test_an_engine_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("clickthrough.features.history.stage.PartitionedPasses", FailsWhileWriting)
        with pytest.raises(RuntimeError, match="no space left"):
            result(stage)
    assert files_in(stage) == {}
    assert result(stage).height == len(LOG.rows)


def test_a_result_of_frames_lies_row_for_row_beside_the_log_whatever_their_order(
    tmp_path: Path,
) -> None:
    stage = stage_of(tmp_path, engine="duckdb")
    there = result(stage)
    shutil.rmtree(stage.folder)
    LOG.frame().reverse().write_parquet(stage.impressions)
    again = pl.concat(stage.columns((ITEM,), (LAST,)), how="horizontal").collect()
    assert again.equals(there)
    assert there["item:impressions"].to_list() == [i // 3 for i in range(30)]


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("bound", [0, 10, 30])
def test_frozen_counters_know_only_the_events_before_a_bound(
    tmp_path: Path, engine: EngineName, bound: int
) -> None:
    """Frozen is as if the labels from the bound on were unknown: all rows ask, few count."""
    frozen = result(stage_of(tmp_path, engine=engine, events=EventFilter("row", bound)))
    unlabelled = LOG.frame().with_columns(
        label=pl.when(pl.col("row") < bound).then(pl.col("label"))
    )
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / "impressions.parquet"
    unlabelled.write_parquet(path)
    expected = result(HistoryStage(tmp_path / "other" / "h", path, LOG.counters, engine))
    exact = [name for name in expected.columns if "@" not in name]
    assert frozen.height == len(LOG.rows)
    assert frozen.select(exact).equals(expected.select(exact))
    for _, half_life, names in counters_of(ITEM):
        if half_life:
            for name in names:
                found, wanted = frozen[name].to_list(), expected[name].to_list()
                assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert frozen["item:impressions"].to_list()[-1] == len(range(2, bound, 3)) - (bound > 29)


def test_spark_without_java_is_refused_with_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"engine: spark.*Java.*PATH"):
        open_engine("spark", tmp_path)


@pytest.mark.parametrize(("engine", "package"), [("duckdb", "duckdb"), ("spark", "pyspark")])
def test_an_engine_without_its_package_is_refused_with_how_to_install_it(
    engine: FrameEngineName, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    expected = rf"engine: {engine} needs '{package}'.*pip install '\.\[{engine}\]'"
    with pytest.raises(ConfigError, match=expected):
        open_engine(engine, tmp_path)


def test_a_stage_says_what_its_engine_needs_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(tmp_path, engine="spark")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="Java"):
        result(stage)
    assert files_in(stage) == {}
