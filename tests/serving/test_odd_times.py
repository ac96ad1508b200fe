"""A time that cannot be: now instead, and named; or refused, where it would move counters."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough.errors import DataError
from clickthrough.scoring import score_file
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Predictor
from tests.logs import raw_rows

ODD = [2_000_000_000_000, "1971-01-01", "9000-01-01T00:00:00Z", -5.0, 10**17]
"""The log is of 2024, and its times are texts, beside which numbers are seconds."""


@pytest.fixture(scope="module")
def client(bundle_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(bundle_path, "memory")) as made:
        yield made


@pytest.fixture
def row(log: pl.DataFrame) -> dict[str, Any]:
    return raw_rows(log.tail(1))[0]


def logit(client: TestClient, row: dict[str, Any]) -> tuple[float, list[str]]:
    answer = client.post("/predict", json={"impressions": [row]})
    assert answer.status_code == 200, answer.text
    (made,) = answer.json()["predictions"]
    return made["logit"], made["unseen"]


@pytest.mark.parametrize("odd", ODD)
def test_it_is_taken_as_now_and_named(client: TestClient, row: dict[str, Any], odd: object) -> None:
    now = {name: value for name, value in row.items() if name != "ts"}
    expected, unseen = logit(client, now)
    assert "ts" not in unseen
    found, unseen = logit(client, {**row, "ts": odd})
    assert "ts" in unseen
    assert found == pytest.approx(expected, abs=1e-3)  # some milliseconds later
    assert abs(found - logit(client, row)[0]) > 1e-2


def test_of_several_rows_only_the_odd_one_is_named(client: TestClient, row: dict[str, Any]) -> None:
    body = {"impressions": [row, {**row, "ts": ODD[0], "display_id": 5}, row]}
    made = client.post("/predict", json=body).json()["predictions"]
    assert ["ts" in one["unseen"] for one in made] == [False, True, False]
    ranked = {"context": {"ts": ODD[0]}, "candidates": [{"ad": 101}, {"ad": 102}]}
    made = client.post("/rank", json=ranked).json()["ranking"]
    assert all("ts" in one["unseen"] for one in made)


@pytest.mark.parametrize("moment", ["2024-01-01T00:00:00", "2023-12-28", "2025-06-01", None])
def test_what_lies_about_the_log_and_up_to_now_is_ordinary(
    client: TestClient, row: dict[str, Any], moment: str | None
) -> None:
    assert "ts" not in logit(client, {**row, "ts": moment})[1]


@pytest.mark.parametrize("odd", ODD)
def test_it_is_refused_where_the_setting_says_so(
    bundle_path: Path, row: dict[str, Any], odd: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTR_STRICT_TIME", "true")
    with TestClient(create_app(bundle_path, "memory")) as strict:
        answer = strict.post("/predict", json={"impressions": [row, {**row, "ts": odd}]})
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("row 1: field 'ts': ")
        context = {"context": {"ts": odd}, "candidates": [{"ad": 101}]}
        answer = strict.post("/rank", json=context)
        assert answer.json()["detail"].startswith("context: field 'ts': ")
        assert strict.post("/predict", json={"impressions": [row]}).status_code == 200


@pytest.mark.parametrize("odd", ODD)
def test_no_event_is_counted_at_it(client: TestClient, row: dict[str, Any], odd: object) -> None:
    event = {"type": "impression", **row, "ts": odd}
    answer = client.post("/events", json={"events": [event]})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("row 0: field 'ts': ")
    milliseconds = round(time.time() * 1_000)
    answer = client.post("/events", json={"events": [{**event, "ts": milliseconds}]})
    assert "milliseconds? numbers count seconds here" in answer.json()["detail"]


def test_a_file_is_refused_and_names_the_row(
    bundle_path: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    rows = log.tail(30).with_columns(
        ts=pl.when(pl.int_range(pl.len()) == 6).then(pl.lit("2094-01-01")).otherwise("ts")
    )
    rows.write_csv(tmp_path / "odd.csv")
    says = r"row 8, column 'ts': '2094-01-01' would be 2094-01-01T00:00:00Z, after now"
    with pytest.raises(DataError, match=says):
        score_file(Predictor.load(bundle_path), tmp_path / "odd.csv", tmp_path / "out.csv")
