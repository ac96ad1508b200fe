"""A bundle on the log of the days after it: as if its service had gone on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.bundle.log import how_counted, log_of
from clickthrough.config.load import parse_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TEST, VALIDATION, with_part
from clickthrough.errors import DataError
from clickthrough.evaluation.tables import tables
from clickthrough.export.homes import HOMES
from clickthrough.export.sample import log_example
from clickthrough.replay import InProcess, batch_probabilities, replay
from clickthrough.scoring import score_file
from clickthrough.serving.predictor import Predictor
from clickthrough.trace import trace
from clickthrough.training.evaluating.evaluate import Scorer, evaluate_bundle
from clickthrough.training.prepare import CountersMode, prepare
from clickthrough.training.recalibrate import asked_for, recalibrate
from clickthrough.training.run import train
from tests.logs import write_log
from tests.serving.rich import Trained

Floats = NDArray[np.float64]
Bent = Callable[[pl.DataFrame], pl.DataFrame]
MODES: tuple[CountersMode, ...] = ("live", "frozen")


@pytest.fixture(scope="module")
def begins(trained: Trained) -> str:
    """The first moment of the test part, as the log writes it."""
    rows = with_part(trained.dataset, trained.bundle.config.data.split)
    first = rows.filter(pl.col("part") == TEST).select("request_id").head(1).collect().item()
    return str(trained.log.filter(pl.col("display_id") == first)["ts"][0])


@pytest.fixture(scope="module")
def later(trained: Trained, begins: str) -> pl.DataFrame:
    """The rows of the test part."""
    return trained.log.filter(pl.col("ts") >= begins)


@pytest.fixture(scope="module")
def after(trained: Trained, later: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """They alone, in a file."""
    return write_log(tmp_path_factory.mktemp("after"), later)


def probabilities(bundle: Bundle, dataset: Dataset, mode: CountersMode) -> Floats:
    table = prepare(dataset, bundle.config, mode, bundle.encoder, {TEST}).tables["test"]
    return Scorer("it", bundle.model, bundle.calibrator).probabilities(table.inputs)


def read(trained: Trained, folder: Path, log: pl.DataFrame) -> Dataset:
    """Write a log, and read it as the bundle's."""
    return log_of(trained.bundle, write_log(folder, log))


def evaluated(trained: Trained, dataset: Dataset) -> dict[str, Any]:
    record = evaluate_bundle(trained.bundle, dataset, "live")
    json.dumps(record, allow_nan=False)
    assert all(table.row_count for table in tables(record, reliability=True))
    return record


@pytest.mark.parametrize("mode", MODES)
def test_the_days_after_are_scored_as_in_the_whole_log(
    trained: Trained, after: Path, mode: CountersMode
) -> None:
    whole = probabilities(trained.bundle, trained.dataset, mode)
    alone = probabilities(trained.bundle, log_of(trained.bundle, after), mode)
    np.testing.assert_array_equal(alone, whole)


def test_live_counters_go_on_and_frozen_ones_do_not(trained: Trained, after: Path) -> None:
    live, frozen = (probabilities(trained.bundle, log_of(trained.bundle, after), m) for m in MODES)
    assert np.mean(live != frozen) > 0.5


def test_a_bundle_that_saw_the_days_before_alone_scores_the_days_after_alike(
    trained: Trained, after: Path, begins: str, tmp_path: Path
) -> None:
    before = trained.log.filter(pl.col("ts") < begins)
    rows = with_part(trained.dataset, trained.bundle.config.data.split)
    moment = rows.filter(pl.col("part") == VALIDATION).select(pl.col("time").min())
    values = json.loads(trained.bundle.config.model_dump_json())
    values["data"]["path"] = str(write_log(tmp_path, before))
    values["data"]["cache"] = str(tmp_path / "cache")
    start = moment.select(pl.from_epoch("time", "us")).collect().item()
    values["data"]["split"] = {"validation": start.isoformat() + "Z", "test": None}
    train(parse_config(values, "test"), tmp_path / "bundle", baselines=False)
    first = load_bundle(tmp_path / "bundle")
    whole = probabilities(trained.bundle, trained.dataset, "live")
    np.testing.assert_array_equal(probabilities(first, log_of(first, after), "live"), whole)


def test_the_live_path_agrees_to_the_last_bit(trained: Trained, after: Path) -> None:
    predictor = Predictor.load(trained.bundle.path, "memory")
    dataset = log_of(trained.bundle, after)
    record = replay(trained.bundle, dataset, InProcess(predictor))
    assert record["largest_difference"] == 0
    assert record["impressions"] == dataset.report.impressions
    assert any("counters start from the bundle's" in note for note in record["notes"])


def test_what_needs_no_row_of_training_stands_beside(trained: Trained, after: Path) -> None:
    record = evaluated(trained, log_of(trained.bundle, after))
    whole = evaluate_bundle(trained.bundle, trained.dataset, "live", baselines=False)
    names = list(record["results"])
    model = names[0]
    assert names == [model, "constant", "smoothed item rate", "sum of rates"]
    assert record["results"][model] == whole["results"][model]
    for name in names[2:]:
        assert record["results"][name]["auc"] > 0.5
        assert 0.8 < record["results"][name]["calibration_ratio"] < 1.25
    notes = " ".join(record["notes"])
    for told in ("after the bundle's", "LightGBM are left out", "rates are not calibrated"):
        assert told in notes


def test_an_item_is_known_where_the_bundle_counts_it(trained: Trained, after: Path) -> None:
    record = evaluated(trained, log_of(trained.bundle, after))
    whole = evaluate_bundle(trained.bundle, trained.dataset, "live", baselines=False)
    model = next(iter(whole["results"]))
    for name in ("item_seen", "user_seen"):
        found, expected = (
            {value: part["results"][model] for value, part in each["slices"][name].items()}
            for each in (record, whole)
        )
        assert found == expected


@pytest.mark.parametrize(
    ("bent", "empty"),
    [
        pytest.param(lambda log: log.head(1), {"auc", "map_at_12"}, id="one row"),
        pytest.param(lambda log: log.with_columns(clicked=0), {"auc", "map_at_12"}, id="no click"),
        pytest.param(lambda log: log.with_columns(clicked=1), {"auc"}, id="nothing but clicks"),
        pytest.param(
            lambda log: log.with_columns(clicked=pl.when(pl.col("ad") % 3 == 0).then("clicked")),
            set(),
            id="labels are missing",
        ),
        pytest.param(
            lambda log: log.with_columns(pl.col("ad") + 10_000, uuid=pl.lit("nobody")),
            set(),
            id="nothing was ever seen",
        ),
        pytest.param(lambda log: log.with_columns(more=pl.lit("x"), less=1.5), set(), id="columns"),
        pytest.param(
            lambda log: log.with_columns(
                pl.lit(None).alias(name) for name in ("platform", "price")
            ),
            set(),
            id="columns that hold nothing",
        ),
        pytest.param(
            lambda log: log.with_columns(uuid=pl.lit("12"), price=pl.lit(3)),
            set(),
            id="texts like numbers, whole fractions",
        ),
    ],
)
def test_any_log_after_goes_to_its_end(
    trained: Trained, later: pl.DataFrame, tmp_path: Path, bent: Bent, empty: set[str]
) -> None:
    dataset = read(trained, tmp_path, bent(later))
    record = evaluated(trained, dataset)
    results = next(iter(record["results"].values()))
    assert {n for n in ("auc", "map_at_12") if results[n] is None} == empty
    predictor = Predictor.load(trained.bundle.path, "memory")
    assert replay(trained.bundle, dataset, InProcess(predictor))["largest_difference"] == 0


@pytest.mark.parametrize(
    ("bent", "says"),
    [
        (lambda log: log.drop("platform"), "log.csv: lacks platform, which the bundle .* reads"),
        (lambda log: log.with_columns(clicked=None), "log.csv: no impression has a label$"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_a_line(
    trained: Trained, later: pl.DataFrame, tmp_path: Path, bent: Bent, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        evaluated(trained, read(trained, tmp_path, bent(later)))


def test_a_log_that_begins_before_is_counted_on_its_own_and_says_so(
    trained: Trained, tmp_path: Path
) -> None:
    tail = trained.log.tail(trained.log.height // 2)
    dataset = read(trained, tmp_path, tail)
    assert dataset.known is None
    record = evaluated(trained, dataset)
    assert sum("so that no event counts twice" in note for note in record["notes"]) == 1
    assert "LightGBM" in record["results"]
    assert how_counted(trained.bundle, log_of(trained.bundle)) == []
    live = InProcess(Predictor.load(trained.bundle.path))
    with pytest.raises(DataError, match=r"cannot be replayed: the log begins .* before"):
        replay(trained.bundle, dataset, live)


def test_a_log_that_begins_before_and_cannot_be_divided_is_refused_with_the_reason(
    trained: Trained, begins: str, tmp_path: Path
) -> None:
    dataset = read(trained, tmp_path, trained.log.filter(pl.col("ts") < begins).tail(5))
    says = "log.csv: the train part is empty: .*; the log begins .*, before the bundle's counters"
    with pytest.raises(DataError, match=says):
        evaluated(trained, dataset)


def test_a_calibrator_is_fitted_to_all_rows_of_the_days_after(
    trained: Trained, after: Path, tmp_path: Path
) -> None:
    dataset = log_of(trained.bundle, after, VALIDATION)
    wanted = asked_for(trained.bundle, "platt", None)
    recalibrate(trained.bundle, dataset, wanted, tmp_path / "bundle")
    anew = load_bundle(tmp_path / "bundle")
    labels = dataset.impressions().collect()["label"].to_numpy()
    found = batch_probabilities(anew, log_of(anew, after))
    assert found.sum() / labels.sum() == pytest.approx(1, abs=0.01)


def test_a_row_of_the_days_after_is_the_same_online(trained: Trained, after: Path) -> None:
    dataset = log_of(trained.bundle, after)
    made = trace(trained.bundle.config, dataset, str(dataset.report.impressions - 1))
    assert all(feature.agrees for feature in made.features)
    whole = trace(trained.bundle.config, trained.dataset, str(trained.log.height - 1))
    shown, expected = (
        {f.name: f.batch for f in each.features if not isinstance(f.batch, float)}
        for each in (made, whole)
    )
    assert shown == expected


def test_the_days_after_are_an_example_for_other_homes(trained: Trained, after: Path) -> None:
    dataset = log_of(trained.bundle, after)
    for name in ("classic", "onnx"):
        made = log_example(trained.bundle, dataset, HOMES[name], 50)
        assert np.all((made.probabilities > 0) & (made.probabilities < 1))


def test_the_days_after_are_scored_as_a_file(trained: Trained, after: Path, tmp_path: Path) -> None:
    predictor = Predictor.load(trained.bundle.path, "memory")
    made = score_file(predictor, after, tmp_path / "scores.parquet")
    frozen = probabilities(trained.bundle, log_of(trained.bundle, after), "frozen")
    assert made.rows == len(frozen)
    scores = pl.read_parquet(tmp_path / "scores.parquet")["probability"].to_numpy()
    np.testing.assert_allclose(np.sort(scores), np.sort(frozen), rtol=1e-9)
