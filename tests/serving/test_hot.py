"""One contract, two ways to it: the hot routes answer what the documented model answers."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

from clickthrough.errors import StoreError
from clickthrough.serving import hot
from clickthrough.serving.app import create_app
from clickthrough.serving.hot import HotRoutes
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.reload import Current
from clickthrough.serving.turns import SMALL, Turns
from tests.logs import raw_rows
from tests.serving.test_app import BODIES, JSON, ROUTES


@pytest.fixture(scope="module", autouse=True)
def _one_moment() -> Iterator[None]:
    """Let both ask the same clock: a row without a time is of the moment at which it came."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: 1_704_990_000_000_000_000)
        yield


@pytest.fixture(scope="module")
def client(bundle_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(bundle_path, "memory"), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def documented(bundle_path: Path) -> Iterator[TestClient]:
    app = create_app(bundle_path, "memory", hot=False)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    return raw_rows(log.tail(15))


def answers(one: TestClient, route: str, content: bytes | str, **headers: str) -> tuple[int, Any]:
    answer = one.post(route, content=content, headers=headers or JSON)
    said = answer.json()
    new = said.get("request_id") or ""
    if len(new) == 32:  # drawn at random
        said = json.loads(answer.text.replace(new, "a new one"))
    return answer.status_code, said


def bad_bodies(key: str) -> list[bytes]:
    """Bodies that JSON or the model refuses, and some that only look as if they were."""
    listed = [
        "", " ", "{", "[]", "null", "7", '"x"', "{}", "\x00", "[" * 20_000, "nul", "{]",
        '{"%s": [{}]} x', '{"%s": [{}],}', '{"%s": NaN}', '{"%s": [{"price": NaN}]}',
        '{"%s": [{"price": Infinity}]}', '{"%s": [{"price": -Infinity}]}',
        '{"%s": [{"price": 1e400}]}',
        '{"%s": null}', '{"%s": 7}', '{"%s": "x"}', '{"%s": {}}', '{"%s": [7]}', '{"%s": [null]}',
        '{"%s": [[]]}', '{"%s": ["x"]}', '{"%s": [{}, 7]}', '{"%s": [], "more": 1}',
        '{"%s": [{}], "%s": []}', '{"%s": [], "\\ud800": 1}', '{"%s": [{"\\ud800": 1}]}',
        '{"%s": [{"uuid": "\\ud800"}]}', '{"%s": [{"uuid": "\\u0000"}]}',
        '{"%s": [{"ad": 1, "ad": "x"}]}',
        '{"%s": [{"ad": 99999999999999999999999}]}', '{"%s": [{"ad": -9223372036854775808}]}',
        '{"%s": [{"ad": 1e30}]}', '{"%s": [{"ad": 1.0}]}', '{"%s": [{"ad": true}]}',
        '{"%s": [{"ad": -0}]}', '{"%s": [{"ad": {"a": [1, {"b": null}]}}]}', '{"%s": [{"ad": []}]}',
        '{"%s": [{"uuid": 99999999999999999999999}]}',
        '{"%s": [{"price": 99999999999999999999999}]}',
        '{"%s": [{"price": "1.5"}]}', '{"%s": [{"price": "dear"}]}', '{"%s": [{"ts": "soon"}]}',
        '{"%s": [{"display_id": [1]}]}', '{"%s": [{"": 1}]}', '{"%s": [{"ad": 01}]}', "\ufeff{}",
        '{"%s": [{"type": "impression"}]}', '{"%s": [{"type": "view"}]}', '{"%s": [{"type": []}]}',
        '{"%s": ' + "[" * 2_000 + "]" * 2_000 + "}",
        '{"%s": [{"x": ' + "[" * 2_000 + "]" * 2_000 + "}]}",
        '{"%s": [' + ",".join(["{}"] * 51) + "]}",
    ]  # fmt: skip
    made = [text.replace("%s", key).encode("utf-8", "surrogatepass") for text in listed]
    odd = f'{{"{key}": [{{}}]}}'
    return [*made, b'{"%s": [{"uuid": "\xff"}]}' % key.encode(), b"\xff\xfe", *(
        odd.encode(name) for name in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")
    )]  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
def test_bad_bodies_are_refused_in_the_words_of_the_documented_model(
    client: TestClient, documented: TestClient, route: str
) -> None:
    refused = 0
    for body in bad_bodies(ROUTES[route]):
        expected = answers(documented, route, body)
        assert answers(client, route, body) == expected, body[:200]
        refused += expected[0] >= 400
    assert refused > 40


TOPS = ["null", "0", "-1", "1", "2.0", "2.5", '"2"', "true", "99999999999999999999999", "[]", "NaN"]


@pytest.mark.parametrize("extra", [f'"top": {top}' for top in TOPS] + [
    '"context": null', '"context": []', '"context": {"ts": "soon"}', '"context": {"ad": 7}',
    '"context": {"display_id": []}', '"context": {"display_id": 7}', '"context": {"nothing": 1}',
])  # fmt: skip
def test_the_rest_of_a_ranking_is_read_alike(
    client: TestClient, documented: TestClient, extra: str
) -> None:
    body = f'{{"candidates": [{{"ad": 100}}, {{"item": 101}}, {{}}], {extra}}}'
    assert answers(client, "/rank", body) == answers(documented, "/rank", body)


@pytest.mark.parametrize("kind", [
    "application/json; charset=utf-8", "application/json;charset=latin-1", "APPLICATION/JSON",
    "application/vnd.api+json", "text/plain", "application/x-www-form-urlencoded", "x", "",
])  # fmt: skip
@pytest.mark.parametrize("route", ROUTES)
def test_other_types_of_content_are_treated_alike(
    client: TestClient, documented: TestClient, route: str, kind: str
) -> None:
    body = f'{{"{ROUTES[route]}": []}}'
    headers = {"content-type": kind}
    assert answers(client, route, body, **headers) == answers(documented, route, body, **headers)


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(case=BODIES)
def test_any_body_is_answered_alike(
    client: TestClient, documented: TestClient, case: tuple[str, Any]
) -> None:
    route, body = case
    text = json.dumps(body)
    assert answers(client, route, text) == answers(documented, route, text)


def test_good_bodies_are_answered_alike_and_without_the_documented_model(
    bundle_path: Path, rows: list[dict[str, Any]]
) -> None:
    behind = create_app(bundle_path, "memory", hot=False)
    handed_on: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        handed_on.append(scope.get("path", ""))
        await behind(scope, receive, send)

    alone = HotRoutes(app, Current(Predictor.load(bundle_path), bundle_path))
    shown = [{**row, "type": "impression"} for row in rows]
    context = {name: rows[0][name] for name in ("display_id", "ts", "uuid", "platform")}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/predict", {"impressions": rows}),
        ("/predict", {"impressions": rows * 3}),
        ("/predict", {"impressions": []}),
        ("/rank", {"context": context, "candidates": rows[:5], "top": 3}),
        ("/rank", {"context": context, "candidates": rows * 3}),
        ("/rank", {"candidates": []}),
        ("/events", {"events": shown}),
        ("/predict", {"impressions": [{"ad": "seven", "price": None, "colour": "red"}]}),
    ]
    assert len(rows) <= SMALL < 3 * len(rows)
    with TestClient(alone) as here, TestClient(behind) as there:
        handed_on.clear()
        for route, body in bodies:
            text = json.dumps(body)
            assert answers(here, route, text) == answers(there, route, text)
    assert [path for path in handed_on if path] == ["/predict"]  # the one with a wrong field


def test_the_documentation_is_that_of_the_documented_model(
    client: TestClient, documented: TestClient
) -> None:
    found = client.get("/openapi.json").json()
    assert found == documented.get("/openapi.json").json()
    schemas = found["components"]["schemas"]
    for ours, theirs in [
        (hot.PredictBody, "PredictBody"), (hot.RankBody, "RankBody"),
        (hot.EventsBody, "EventsBody"),
        (hot.Predictions, "PredictOut"), (hot.Rankings, "RankOut"), (hot.Ranked, "RankedOut"),
    ]:  # fmt: skip
        assert set(ours.__struct_fields__) == set(schemas[theirs]["properties"])


@pytest.mark.parametrize("route", ROUTES)
def test_a_failing_store_is_told_apart_from_a_wrong_body(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    app = create_app(bundle_path, "memory")

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(app.state.current.predictor.store, "read", fail)
    monkeypatch.setattr(app.state.current.predictor.store, "transaction", fail)
    event = {"type": "impression", "display_id": 1, "ad": 100}
    with TestClient(app) as client:
        answer = client.post(route, json={ROUTES[route]: [event]})
    assert (answer.status_code, answer.json()) == (503, {"detail": "the disk is full"})
    assert answer.headers["retry-after"] == "1"


def test_bodies_that_come_together_are_answered_as_if_alone(
    bundle_path: Path, rows: list[dict[str, Any]]
) -> None:
    predictor = Predictor.load(bundle_path)
    wrong: list[dict[str, Any]] = [{"ad": "seven"}]
    bodies = [rows[:1], rows[:5], wrong, [], rows[5:15], rows[:5][::-1], rows[2:3]]
    together = predictor.predict_each(bodies)
    assert str(together[2]) == "row 0: field 'ad': expected a whole number, found 'seven'"
    for body, found in zip(bodies, together, strict=True):
        if body is not wrong:
            assert found == predictor.predict(body)

    async def gather() -> list[Any]:
        turns, never = Turns(), asyncio.Queue[Any]()
        asked = (turns.predict(predictor, body, never.get) for body in bodies * 20)
        return await asyncio.gather(*asked, return_exceptions=True)

    for found, expected in zip(asyncio.run(gather()), together * 20, strict=True):
        assert str(found) == str(expected)


def test_an_app_is_the_documented_application(bundle_path: Path) -> None:
    assert isinstance(create_app(bundle_path, "memory"), FastAPI)
