"""What a run makes of a log that says little: from the file to the bundle's answer."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config.load import parse_config
from clickthrough.errors import ConfigError
from clickthrough.evaluation.tables import tables
from clickthrough.serving.predictor import Predictor
from clickthrough.training.run import train
from clickthrough.training.told import Told
from tests.logs import START, make_log, make_values, raw_rows, write_log

LATER = (START + timedelta(days=10)).isoformat()
FEATURES: list[dict[str, object]] = [
    {"kind": "categorical", "fields": ["item", "platform"]},
    {"kind": "numeric", "fields": ["price", "width", "margin"]},
    {"kind": "request_size"},
]


def made_log(**columns: Any) -> pl.DataFrame:  # noqa: ANN401
    """Return the synthetic log with a width that never varies and a margin that is never there."""
    log = make_log(requests=1_200).with_columns(
        width=pl.lit(300.0), margin=pl.lit(None, pl.Float64)
    )
    return log.with_columns(**columns)


def trained(folder: Path, log: pl.DataFrame, monitor: str = "log_loss") -> tuple[Bundle, list[str]]:
    """Train on a log; return the bundle and what was said."""
    write_log(folder, log)
    values = make_values(folder, monitor=monitor) | {"features": FEATURES}
    types = {"width": "float", "margin": "float", "price": "float"}
    values["data"]["types"] = types
    said: list[str] = []
    train(parse_config(values, "test"), folder / "bundle", Told(said.append), baselines=False)
    return load_bundle(folder / "bundle"), "\n".join(said).splitlines()


def probabilities(folder: Path, rows: list[dict[str, Any]]) -> list[float]:
    """Return what the bundle says of rows, each a request of its own."""
    predictor = Predictor.load(folder / "bundle")
    return [predictor.predict([row]).predictions[0].probability for row in rows]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle, list[str]]:
    folder = tmp_path_factory.mktemp("plain")
    return folder, *trained(folder, made_log())


def asked(**values: object) -> dict[str, Any]:
    return raw_rows(made_log())[0] | {"ts": LATER} | values


def test_columns_that_do_not_vary_are_named(plain: tuple[Path, Bundle, list[str]]) -> None:
    _, _, said = plain
    line = "weigh nothing, for they do not vary in the training rows: width, margin, request_size"
    assert line in said


def test_a_column_that_did_not_vary_moves_no_answer(
    plain: tuple[Path, Bundle, list[str]],
) -> None:
    folder, _, _ = plain
    rows = [asked(width=w, margin=m) for w, m in [(300.0, None), (1e9, 5.0), (None, -1e300)]]
    first, *others = probabilities(folder, rows)
    assert others == [first, first]


def test_a_number_beyond_training_is_answered_as_the_furthest_of_training(
    plain: tuple[Path, Bundle, list[str]],
) -> None:
    folder, bundle, _ = plain
    high = bundle.encoder.scalers["price"].high
    at, beyond, missing = probabilities(folder, [asked(price=p) for p in (high, 1e300, None)])
    assert at == beyond
    assert at != missing
    assert 0.001 < at < 0.9


def test_one_infinite_value_leaves_the_others_as_they_were(
    plain: tuple[Path, Bundle, list[str]], tmp_path: Path
) -> None:
    _, bundle, _ = plain
    row = pl.int_range(pl.len())
    price = pl.when(row == 17).then(float("inf")).when(row == 18).then(1e300)
    spoiled, _ = trained(tmp_path, made_log(price=price.otherwise("price")))
    auc, before = (one.metrics["test"]["results"]["mlp"]["auc"] for one in (spoiled, bundle))
    assert auc == pytest.approx(before, abs=0.02)


def without_clicks(first: float, last: float, left: int = 0) -> pl.Expr:
    """Return the clicks less those of a share of the rows, of which some are left."""
    row = pl.int_range(pl.len()) / pl.len()
    inside = (row >= first) & (row < last) & (pl.col("clicked") == 1)
    return pl.when(inside & (inside.cum_sum() > left)).then(0).otherwise("clicked")


def test_a_validation_part_without_clicks_leaves_probabilities_as_the_model_has_them(
    tmp_path: Path,
) -> None:
    bundle, said = trained(tmp_path, made_log(clicked=without_clicks(0.6, 0.8)))
    (line,) = [line for line in said if line.startswith("calibration: ")]
    assert line.endswith("(0 clicks in the validation part: left at the identity)")
    test = bundle.metrics["test"]
    rate = test["clicks"] / test["impressions"]
    constant = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert test["results"]["mlp"]["log_loss"] < constant + 0.1
    assert test["notes"] == [
        "0 clicks in the validation part, which chose and calibrated: its choices mean nothing"
    ]


def test_three_clicks_in_the_test_part_are_told_in_the_record_and_under_the_table(
    tmp_path: Path,
) -> None:
    bundle, _ = trained(tmp_path, made_log(clicked=without_clicks(0.8, 1.1, left=3)))
    note = "3 clicks in the test part: these figures mean nothing"
    record = bundle.metrics["test"]
    assert note in record["notes"]
    console = Console(width=120, record=True)
    console.print(next(iter(tables(record))))
    assert note in console.export_text()


def test_a_monitor_without_clicks_is_refused_before_training(tmp_path: Path) -> None:
    log = made_log(clicked=without_clicks(0.6, 0.8))
    with pytest.raises(ConfigError, match="these would do: log_loss, ece"):
        trained(tmp_path, log, monitor="auc")
    assert not (tmp_path / "bundle").exists()


def test_a_column_that_is_the_label_is_named(tmp_path: Path) -> None:
    bundle, _ = trained(tmp_path, made_log(width=pl.col("clicked") * 3.5))
    (note,) = bundle.metrics["test"]["notes"]
    assert note.startswith("AUC 1.0000 on ")
    assert note.endswith("columns that alone reach 0.99: width")


def test_a_value_that_training_never_missed_weighs_as_an_unseen_one(
    plain: tuple[Path, Bundle, list[str]],
) -> None:
    folder, _, _ = plain
    missing, unseen = probabilities(folder, [asked(ad=None), asked(ad=999_999)])
    assert missing == unseen
