"""Impressions as programs have them: one or many, frames, numpy's and pandas' values, moments."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from clickthrough import Predictor, RequestError
from clickthrough.features.python_values import plain
from clickthrough.serving.given import Given
from tests.logs import raw_rows


@pytest.fixture(scope="module")
def predictor(bundle_path: Path) -> Predictor:
    """A predictor; no test may change its counters."""
    return Predictor.load(bundle_path)


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    """Impressions as JSON has them."""
    return raw_rows(log.tail(12))


def probabilities(predictor: Predictor, given: Given) -> list[float]:
    return [one.probability for one in predictor.predict(given).predictions]


def test_one_impression_and_frames(predictor: Predictor, rows: list[dict[str, Any]]) -> None:
    wanted = probabilities(predictor, rows)
    assert probabilities(predictor, rows[0]) == probabilities(predictor, [rows[0]])
    frame = pl.DataFrame(rows)
    assert probabilities(predictor, frame) == wanted
    assert probabilities(predictor, frame.to_arrow()) == wanted
    assert probabilities(predictor, pd.DataFrame(rows)) == wanted
    assert probabilities(predictor, tuple(rows)) == wanted
    assert predictor.encode(frame)["ids"].tolist() == predictor.encode(rows)["ids"].tolist()


def test_values_of_numpy_pandas_and_moments(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    moment = datetime.fromisoformat(rows[0]["ts"])
    same: dict[str, list[Any]] = {
        "ad": [np.int64(rows[0]["ad"]), np.float64(rows[0]["ad"]), np.uint8(rows[0]["ad"])],
        "display_id": [np.int64(rows[0]["display_id"])],
        "uuid": [np.str_(rows[0]["uuid"])],
        "ts": [
            moment,
            moment.astimezone(timezone(timedelta(hours=5))),
            pd.Timestamp(moment),
            np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ns").astype(object)
            if moment.tzinfo is None
            else pd.Timestamp(moment).tz_convert("Asia/Tokyo"),
        ],
    }
    wanted = probabilities(predictor, rows[0])
    for name, values in same.items():
        for value in values:
            assert probabilities(predictor, rows[0] | {name: value}) == wanted, (name, value)


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_what_stands_for_none(
    missing: object, predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    names = ("ad", "price", "platform", "uuid")
    found = predictor.predict([rows[0] | dict.fromkeys(names, missing)]).predictions[0]
    assert set(names) <= set(found.missing)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        (np.datetime64("2026-01-02T03:04:05.678901234"), "2026-01-02T03:04:05.678901"),
        (np.datetime64("NaT"), None),
        (pd.Timestamp("2026-01-02T03:04:05.678901234Z"), "2026-01-02T03:04:05.678901+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_plain_values(value: object, found: object) -> None:
    assert plain(value) == found
    assert type(plain(value)) is type(found)


@pytest.mark.parametrize("value", [object(), 1 + 2j, {"a": 1}, b"x", np.array([[1]]), {1}])
def test_other_values_are_refused_as_before(
    value: object, predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    with pytest.raises(RequestError, match="row 0: field 'ad': expected a whole number, found"):
        predictor.predict([rows[0] | {"ad": value}])


@pytest.mark.parametrize("given", [7, "rows", None])
def test_what_is_no_impression_is_refused(given: object, predictor: Predictor) -> None:
    with pytest.raises(RequestError, match="expected impressions, as dictionaries or a frame"):
        predictor.predict(given)  # type: ignore[arg-type]


def test_events_and_candidates_of_frames_and_a_block(bundle_path: Path, log: pl.DataFrame) -> None:
    later = log.tail(5).with_columns(ts=pl.lit("2024-06-01T00:00:00"))
    rows = raw_rows(later)
    with Predictor.load(bundle_path) as predictor:
        assert predictor.rank({}, pd.DataFrame(rows)).order == predictor.rank({}, rows).order
        events = pd.DataFrame(rows).assign(type="impression")
        assert predictor.observe(events).impressions == len(rows)
        columns = predictor.predict(rows).columns()
    assert list(columns) == ["request_id", "item", "probability", "logit", "missing", "unseen"]
    assert len(pd.DataFrame(columns)) == len(rows)
