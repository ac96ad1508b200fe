"""A bundle with every kind of feature: bags, sequences, matches, hashes and windows."""

import csv
import itertools
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from clickthrough.bundle import layout
from clickthrough.errors import DataError, RequestError
from clickthrough.features.slots import table_sizes
from clickthrough.inspection import bundle_tables
from clickthrough.replay import InProcess, replay
from clickthrough.scoring import score_file
from clickthrough.serving.predictor import Prediction, Predictor
from tests.logs import START, make_advertisers
from tests.serving.rich import Trained, as_divided

LATER = (START + timedelta(days=10)).isoformat()


@pytest.fixture
def predictor(trained: Trained) -> Iterator[Predictor]:
    made = Predictor.load(trained.folder / "bundle")
    yield made
    made.close()


@pytest.fixture(scope="module")
def row(trained: Trained) -> dict[str, Any]:
    """An impression that is wholly known."""
    last = trained.log.filter(pl.col("platform").is_not_null()).row(-1, named=True)
    lists = {"topics": ["six1", "five2"], "shares": [0.5, 0.5], "numbers": [0, 1]}
    known = {name: last[name] for name in ("display_id", "uuid", "ad", "platform")}
    return {**known, "ts": LATER, "price": 1.0, "advertiser": f"firm {(last['ad'] - 100) % 7}",
            **lists}  # fmt: skip


def one(predictor: Predictor, row: dict[str, Any]) -> Prediction:
    return predictor.predict([row]).predictions[0]


class Silent(InProcess):
    """A live path that is never told what became of its requests."""

    def events(self, events: list[dict[str, Any]]) -> None:
        del events


def test_the_live_path_answers_what_training_computed(trained: Trained) -> None:
    path = trained.folder / "bundle"
    told = replay(trained.bundle, trained.dataset, InProcess(Predictor.load(path)))
    assert told["impressions"] == trained.bundle.metrics["test"]["impressions"] > 700
    assert told["largest_difference"] < 1e-6
    live, batch = told["results"]["over the live path"], told["results"]["in batch"]
    assert live == pytest.approx(batch, abs=1e-6)
    untold = replay(trained.bundle, trained.dataset, Silent(Predictor.load(path)))
    assert untold["largest_difference"] > 0.01


def test_the_model_learned_something_to_agree_on(trained: Trained) -> None:
    results = trained.bundle.metrics["test"]["results"]["mlp"]
    assert results["request_auc"] > 0.6


def test_a_loaded_bundle_knows_its_bags_and_sequences(trained: Trained) -> None:
    bundle = trained.bundle
    names = ["topics_bag", "numbers_bag", "user_item_sequence", "user_advertiser_sequence"]
    assert list(bundle.encoder.bag_shapes) == names
    assert bundle.encoder.bag_shapes["topics_bag"] == (6 + 5 + 2, 2)
    assert bundle.encoder.bag_shapes["numbers_bag"] == (3 + 2, 3)
    assert bundle.encoder.bag_shapes["user_advertiser_sequence"] == (7 + 2, 3)
    assert bundle.encoder.id_sizes["user_hashed"] == 34
    assert len(bundle.snapshots["user:last:item"]) > 100
    sizes = table_sizes(bundle.encoder.slots)
    assert len(sizes) < len(bundle.encoder.id_sizes) + len(names)  # sequences share their fields'
    tables = load_file(bundle.path / layout.WEIGHTS)
    assert tables["embeddings.0.width_4.table.weight"].shape == (sum(sizes.values()), 4)


def test_a_bundle_can_be_shown(trained: Trained) -> None:
    shown = {str(table.title): table for table in bundle_tables(trained.bundle)}
    cells = {str(cell) for table in shown.values() for c in table.columns for cell in c.cells}
    assert {"topics", "topics_bag", "user_item_sequence", "user:last:item"} <= cells
    assert "all time, in 1h, in 1d, half-life 6h" in cells


def test_what_is_known_is_neither_missing_nor_unseen(
    predictor: Predictor, row: dict[str, Any]
) -> None:
    prediction = one(predictor, row)
    assert (prediction.missing, prediction.unseen) == ([], [])


@pytest.mark.parametrize("nothing", [None, [], [None], ["", None], ...])
def test_a_list_without_values_is_named_as_missing(
    predictor: Predictor, row: dict[str, Any], nothing: object
) -> None:
    asked = {**row, "topics": nothing, "numbers": nothing}
    prediction = one(predictor, {k: v for k, v in asked.items() if v is not ...})
    assert sorted(prediction.missing) == ["numbers", "topics"]
    assert prediction.unseen == []
    assert 0 < prediction.probability < 1


def test_weights_that_are_not_sent_are_named_as_missing(
    predictor: Predictor, row: dict[str, Any]
) -> None:
    assert one(predictor, {**row, "shares": None}).missing == ["shares"]


@pytest.mark.parametrize("topics", [["golf", "five2"], ["six1", "golf"], ["golf"]])
def test_a_list_with_an_unseen_value_is_named(
    predictor: Predictor, row: dict[str, Any], topics: list[str]
) -> None:
    prediction = one(predictor, {**row, "topics": topics})
    assert (prediction.missing, prediction.unseen) == ([], ["topics"])
    assert one(predictor, {**row, "numbers": [1, 99]}).unseen == ["numbers"]


def test_values_beyond_the_length_of_a_bag_are_not_read(
    predictor: Predictor, row: dict[str, Any]
) -> None:
    longer = {**row, "topics": [*row["topics"], "golf"], "shares": [0.5, 0.5, 9.0]}
    assert one(predictor, longer) == one(predictor, row)


def test_what_was_clicked_is_not_named_as_unseen(predictor: Predictor, row: dict[str, Any]) -> None:
    """The caller did not send the sequence: it is no field of the request."""
    before = one(predictor, row)
    moment = (START + timedelta(days=9, hours=20)).isoformat()
    event = {**row, "ad": 999_999, "display_id": 1, "ts": moment}
    predictor.observe([{**event, "type": "impression"}, {**event, "type": "click"}])
    found = one(predictor, row)
    assert abs(found.logit - before.logit) > 1e-4
    assert found.unseen == []


WRONG: list[tuple[str, object]] = [
    ("topics", "six1|five2"),
    ("topics", ["six1", 1.5]),
    ("shares", ["much"]),
    ("shares", 0.5),
    ("numbers", [1, "x"]),
    ("numbers", [[1]]),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_list_of_the_wrong_type_is_refused_naming_row_and_field(
    predictor: Predictor, row: dict[str, Any], name: str, value: object
) -> None:
    with pytest.raises(RequestError, match=f"row 1: field '{name}': expected a list of"):
        predictor.predict([row, {**row, name: value}])
    event = {**row, "type": "impression"}
    with pytest.raises(RequestError, match=f"row 1: field '{name}': expected a list of"):
        predictor.observe([event, {**event, name: value}])


def test_values_of_a_list_and_their_weights_change_the_probability(
    predictor: Predictor, row: dict[str, Any]
) -> None:
    changes: Sequence[dict[str, object]] = [
        {},
        {"topics": ["six3", "five2"]},
        {"shares": [0.9, 0.1]},
        {"numbers": [2]},
        {"topics": None},
    ]
    logits = [one(predictor, {**row, **change}).logit for change in changes]
    for a, b in itertools.combinations(logits, 2):
        assert abs(a - b) > 1e-6


def test_a_click_is_seen_by_the_sequence_and_the_match_once_its_label_is_known(
    predictor: Predictor, row: dict[str, Any]
) -> None:
    moment = START + timedelta(days=10)
    asked = {**row, "uuid": "somebody new"}

    def logit(minutes: int) -> float:
        return one(predictor, {**asked, "ts": (moment + timedelta(minutes=minutes)).isoformat()}
                   ).logit  # fmt: skip

    before, early = logit(40), logit(20)
    event = {**asked, "display_id": 77_777, "ts": moment.isoformat()}
    predictor.observe([{**event, "type": "impression"}, {**event, "type": "click"}])
    assert logit(20) == early  # the label is known after twenty minutes, in whole ticks
    assert abs(logit(40) - before) > 1e-3


def test_the_own_file_of_the_log_can_be_scored(
    trained: Trained, predictor: Predictor, tmp_path: Path
) -> None:
    log = trained.log.tail(40)
    log.write_csv(tmp_path / "some.csv")
    assert score_file(predictor, tmp_path / "some.csv", tmp_path / "scores.csv").rows == 40
    with (tmp_path / "scores.csv").open() as file:
        found = [float(scored["logit"]) for scored in csv.DictReader(file)]
    divided = log.with_columns(
        pl.col("topics").str.split("|"),
        pl.col("shares").str.split("|").cast(pl.List(pl.Float64)),
        pl.col("numbers").str.split(" "),
    ).join(make_advertisers(), on="ad", how="left", maintain_order="left")
    expected = [p.logit for p in predictor.predict(divided.to_dicts()).predictions]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.ptp(found) > 0.01


def logits_of(path: Path) -> list[float]:
    return pl.read_parquet(path)["logit"].to_list()


def test_a_file_of_lists_is_scored_as_its_rows_are(
    trained: Trained, predictor: Predictor, tmp_path: Path
) -> None:
    rows = as_divided(trained.log.tail(90))
    rows = pl.concat([rows, rows.head(7)]).sample(fraction=1, shuffle=True, seed=3)  # repeats
    rows.write_parquet(tmp_path / "some.parquet")
    score_file(predictor, tmp_path / "some.parquet", tmp_path / "scores.parquet")
    expected = [p.logit for p in predictor.predict(rows.to_dicts()).predictions]
    assert logits_of(tmp_path / "scores.parquet") == expected
    rows.drop("numbers").write_parquet(tmp_path / "fewer.parquet")
    score_file(predictor, tmp_path / "fewer.parquet", tmp_path / "scores.parquet")
    expected = [p.logit for p in predictor.predict(rows.drop("numbers").to_dicts()).predictions]
    assert logits_of(tmp_path / "scores.parquet") == expected


def test_an_entry_that_is_too_long_is_named_by_its_row(
    trained: Trained, predictor: Predictor, tmp_path: Path
) -> None:
    rows = as_divided(trained.log.tail(40))
    long = pl.Series([["six1", "x" * 5_000]], dtype=pl.List(pl.String))
    odd = pl.when(pl.int_range(pl.len()) == 17).then(long.first()).otherwise("topics")
    rows.with_columns(topics=odd).write_parquet(tmp_path / "odd.parquet")
    with pytest.raises(DataError, match=r"odd.parquet: row 18: field 'topics': a text of 5,000 b"):
        score_file(predictor, tmp_path / "odd.parquet", tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()
