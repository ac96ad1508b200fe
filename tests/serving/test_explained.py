"""Reasons in answers: asked for by a number, the same through every door, bounded, additive."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough import Predictor
from clickthrough.bundle import load_bundle
from clickthrough.calibration.base import sigmoid
from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError
from clickthrough.store import open_store
from tests.cli.process import run
from tests.logs import raw_rows
from tests.serving.asking import Rows

MOST = Serving().max_explained


@pytest.fixture(scope="module")
def request_rows(log: pl.DataFrame) -> Rows:
    """The last request of the log."""
    return raw_rows(log.tail(5))


@pytest.fixture(scope="module")
def predictor(bundle_path: Path) -> Iterator[Predictor]:
    made = Predictor.load(bundle_path)
    yield made
    made.close()


def posted(client: TestClient, path: str, **body: object) -> Any:  # noqa: ANN401
    answered = client.post(path, json=body)
    assert answered.status_code == 200, answered.text
    return answered.json()


def check(answer: dict[str, Any], why: dict[str, Any], most: int) -> None:
    """Hold an explanation to its answer."""
    shares = [reason["logit"] for reason in why["reasons"]]
    assert 1 <= len(shares) <= most
    assert sorted(shares, key=abs, reverse=True) == shares
    total = why["baseline_logit"] + sum(shares) + why["others"]
    assert total == pytest.approx(answer["logit"], abs=1e-9)
    before = float(sigmoid(np.array(why["baseline_logit"])))
    assert why["baseline_probability"] == pytest.approx(before)
    for reason in why["reasons"]:
        less = float(sigmoid(np.array(answer["logit"] - reason["logit"])))
        assert reason["without"] == pytest.approx(less)
        assert (reason["without"] < answer["probability"]) == (reason["logit"] > 0)
        assert reason["words"]
        assert reason["features"]
        assert reason["source"] in ("profile", "context", "candidate", "past")
        assert isinstance(reason["changeable"], bool)


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
def test_predictions_say_why(client: TestClient, rows: Rows, path: str) -> None:
    some = rows[:MOST]
    made = posted(client, path, impressions=some, explain=3)["predictions"]
    assert len(made) == len(some)
    for answer in made:
        check(answer, answer["explanation"], 3)
        assert answer["explanation"]["against"] == "an impression of medians and unseen ids"
        assert "runner_up" not in answer["explanation"]
    plain = posted(client, path, impressions=some)["predictions"]
    assert plain == [{n: v for n, v in one.items() if n != "explanation"} for one in made]


@pytest.mark.parametrize("path", ["/rank", "/invocations"])
def test_a_ranking_says_why_and_why_above_the_next(
    client: TestClient, request_rows: Rows, path: str
) -> None:
    body = {"context": {"display_id": "r"}, "candidates": request_rows, "top": 2}
    for row in request_rows:
        row.pop("display_id", None)
    ranking = posted(client, path, **body, explain=2)["ranking"]
    whole = posted(client, path, **{n: v for n, v in body.items() if n != "top"})["ranking"]
    for place, answer in enumerate(ranking):
        check(answer, answer["explanation"], 2)
        above = answer["explanation"]["runner_up"]
        check(answer, above, 2)
        assert above["against"] == "the candidate ranked next"
        assert above["candidate"] == whole[place + 1]["candidate"]
        assert above["baseline_logit"] == pytest.approx(whole[place + 1]["logit"], abs=1e-9)
    assert [a["logit"] for a in whole[:2]] == [a["logit"] for a in ranking]
    assert all("explanation" not in answer for answer in whole)


def test_the_last_of_a_ranking_has_nobody_below(client: TestClient, request_rows: Rows) -> None:
    (only,) = posted(client, "/rank", candidates=request_rows[:1], explain=1)["ranking"]
    check(only, only["explanation"], 1)
    assert "runner_up" not in only["explanation"]


def test_all_reasons_are_fewer_where_more_are_asked_for(client: TestClient, rows: Rows) -> None:
    (answer,) = posted(client, "/predict", impressions=rows[:1], explain=10_000)["predictions"]
    why = answer["explanation"]
    assert why["others"] == pytest.approx(0, abs=1e-9)
    assert len(why["reasons"]) <= 12


def test_candidates_that_are_alike_need_no_reason(client: TestClient, request_rows: Rows) -> None:
    twice = [request_rows[0], request_rows[0]]
    ranking = posted(client, "/rank", candidates=twice, explain=3)["ranking"]
    above = ranking[0]["explanation"]["runner_up"]
    assert (above["reasons"], above["others"]) == ([], 0)


def test_work_is_bounded(client: TestClient, rows: Rows, request_rows: Rows) -> None:
    many = [rows[0]] * (MOST + 1)
    answered = client.post("/predict", json={"impressions": many, "explain": 1})
    assert answered.status_code == 422
    assert answered.json()["detail"] == (
        f"{MOST + 1} impressions to explain: at most {MOST} (serving.max_explained)"
    )
    candidates = (request_rows * MOST)[: 2 * MOST]
    ranking = posted(client, "/rank", candidates=candidates, explain=1)["ranking"]
    assert ["explanation" in answer for answer in ranking] == [True] * MOST + [False] * MOST


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "3", True, []])
@pytest.mark.parametrize("path", ["/predict", "/rank"])
def test_a_number_of_reasons_is_a_number(client: TestClient, path: str, wrong: object) -> None:
    body: dict[str, Any] = {"impressions": [{}]} if path == "/predict" else {"candidates": [{}]}
    answered = client.post(path, json=body | {"explain": wrong})
    assert answered.status_code == 422
    assert "explain" in answered.text


def test_no_impressions_need_no_reasons(client: TestClient) -> None:
    assert posted(client, "/predict", impressions=[], explain=3)["predictions"] == []
    assert posted(client, "/rank", candidates=[], explain=3)["ranking"] == []


def test_every_door_gives_the_same_numbers(
    client: TestClient, predictor: Predictor, log: pl.DataFrame, bundle_path: Path, tmp_path: Path
) -> None:
    candidates = raw_rows(log.tail(5))
    request_id = {row.pop("display_id") for row in candidates}.pop()
    context = {"display_id": request_id}
    over_http = posted(client, "/rank", context=context, candidates=candidates, top=3, explain=3)
    ranking = predictor.rank(context, candidates, top=3, explain=3)
    for found, said in zip(ranking.predictions, over_http["ranking"], strict=True):
        assert json.loads(json.dumps(_plain(found.explanation))) == said["explanation"]
    asked = ("explain", bundle_path, "--row", request_id, "--json")
    told = json.loads(run(*asked, folder=tmp_path).stdout)
    assert [one["explanation"] for one in told["ranking"]] == [
        one["explanation"] for one in over_http["ranking"]
    ]


def _plain(explanation: object) -> Any:  # noqa: ANN401
    return json.loads(msgspec.json.encode(explanation))


def test_the_verb_tells_reasons_in_80_columns(
    log: pl.DataFrame, bundle_path: Path, tmp_path: Path
) -> None:
    request_id = log.tail(1)["display_id"].item()
    told = run("explain", bundle_path, "--row", request_id, "--top", "2", folder=tmp_path).stdout
    assert "place 1: item" in told
    assert "place 2 above place 3" in told
    assert max(map(len, told.splitlines())) <= 80
    wrong = run("explain", bundle_path, "--row", "none", folder=tmp_path)
    assert wrong.returncode == 2
    assert "has no request 'none' (column 'display_id')" in wrong.stderr


def test_a_bundle_of_before_is_explained_without_what_its_log_told(
    bundle_path: Path, rows: Rows
) -> None:
    loaded = load_bundle(bundle_path)
    schema = loaded.schema.model_copy(update={"sources": {}})
    predictor = Predictor(replace(loaded, schema=schema), open_store("memory"))
    (made,) = predictor.predict(rows[:1], explain=3).predictions
    assert made.explanation
    with pytest.raises(RequestError, match="at most"):
        predictor.predict(rows[:1] * (MOST + 1), explain=1)
