"""Hot routes over HTTP: what is taken, what is refused and in which words, who sees it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from clickthrough.errors import StoreError
from clickthrough.serving.app import Service, create_app
from clickthrough.serving.bodies import BodyReader
from clickthrough.serving.contract import EventsBody, PredictBody, Predictions, RankBody, Rankings
from clickthrough.serving.faults import as_error, detailed
from clickthrough.streaming.recorder import Receipt
from tests.logs import raw_rows
from tests.serving.asking import Caller, caller
from tests.serving.test_app import JSON, ROUTES

MOST_FAULT = 10_000
"""Bytes of a refusal."""


@pytest.fixture(scope="module")
def client(bundle_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(bundle_path, "memory"), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    return raw_rows(log.tail(15))


def bad_bodies(key: str) -> list[tuple[int, bytes]]:
    """Bodies that are no JSON, of another form or with values that no field can have."""
    listed = [
        "", " ", "{", "[]", "null", "7", '"x"', "{}", "\x00", "[" * 20_000, "nul", "{]",
        '{"%s": [{}]} x', '{"%s": [{}],}', '{"%s": NaN}', '{"%s": [{"price": Infinite}]}',
        '{"%s": [{"price": +Infinity}]}', '{"%s": [{"ad": 1e400}]}',
        '{"%s": null}', '{"%s": 7}', '{"%s": "x"}', '{"%s": {}}', '{"%s": [7]}', '{"%s": [null]}',
        '{"%s": [[]]}', '{"%s": ["x"]}', '{"%s": [{}, 7]}', '{"%s": [], "more": 1}',
        '{"%s": [{}], "%s": 1}', '{"%s": [{"ad": 01}]}', '{"%s": [{"uuid": "\\ud800"}]}',
        '{"%s": [{"ad": {"a": [1, {"b": null}]}}]}', '{"%s": [{"ad": [[]]}]}',
        '{"%s": ' + "[" * 2_000 + "]" * 2_000 + "}",
        '{"%s": [{"x": ' + "[" * 2_000 + "]" * 2_000 + "}]}",
        '{"%s": [' + ",".join(["{}"] * 51) + "]}", '{"%s": [{"x": NaN}, {"y": {"z": NaN}}]}',
        '{"%s": [{"' + "n" * 50_000 + '": {}}]}', '{"%s": [], "' + "m" * 50_000 + '": 1}',
        '{"%s": [{"ad": "' + "9" * 50_000 + '"}]}', "\ufeff{}",
    ]  # fmt: skip
    made = [(422, text.replace("%s", key).encode()) for text in listed]
    unreadable = [b'{"%s": [{"uuid": "\xff"}]}' % key.encode(), b"\xff\xfe", "{}".encode("utf-16")]
    return [*made, *((400, body) for body in unreadable)]


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_wrong_with_a_body_is_said_and_not_at_length(
    client: TestClient, route: str
) -> None:
    for status, body in bad_bodies(ROUTES[route]):
        answer = client.post(route, content=body, headers=JSON)
        assert answer.status_code == status, (body[:100], answer.text)
        assert answer.json()["detail"]
        assert len(answer.content) <= MOST_FAULT


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        ("{}", ["body", "impressions"], "missing"),
        ('{"impressions": [], "more": 1}', ["body", "more"], "extra_forbidden"),
        ('{"impressions": 7}', ["body", "impressions"], "list_type"),
        ('{"impressions": [{}, 7]}', ["body", "impressions", 1], "dict_type"),
        ('{"impressions": [', ["body"], "json_invalid"),
        ('{"impressions": [}', ["body", 17], "json_invalid"),
    ],
)
def test_the_first_fault_of_a_body_is_named_by_its_place(
    client: TestClient, body: str, loc: list[Any], kind: str
) -> None:
    (found,) = client.post("/predict", content=body, headers=JSON).json()["detail"]
    assert (found["loc"], found["type"]) == (loc, kind)
    assert found["msg"]


@pytest.mark.parametrize("body", ['{"user": 1}', '[{"user": 1}]', "7", "{}", '{"instances": [{}]}'])
@pytest.mark.parametrize(
    ("route", "rows"),
    [("/predict", "impressions"), ("/rank", "candidates"), ("/events", "events")],
)
def test_of_a_body_of_another_shape_is_said_what_to_send(
    client: TestClient, route: str, rows: str, body: str
) -> None:
    (found,) = client.post(route, content=body, headers=JSON).json()["detail"]
    assert f'; expected {{"{rows}": [{{...}}, ...]}}' in found["msg"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"candidates": [{}, {"a": 1, "b": {"c": 1}}]}', "row 1: field 'b'"),
        ('{"candidates": [{"a": [1, [2]]}]}', "row 0: field 'a'"),
        ('{"candidates": [], "context": {"x": {}}}', "context: field 'x'"),
        ('{"candidates": [{"a": 1e999}]}', "row 0: field 'a'"),
        (f'{{"candidates": [{{"a": {"[" * 9_000 + "]" * 9_000}}}]}}', "row 0: expected null"),
        ('{"candidates": [{}, {"a": {', "row 1: expected null"),
    ],
)
def test_a_value_that_no_field_can_have_is_named_by_row_and_field(
    client: TestClient, body: str, said: str
) -> None:
    answer = client.post("/rank", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(said)


def test_nan_is_a_missing_value_wherever_json_is_read(client: TestClient) -> None:
    text = '{"impressions": [{"ad": %s, "price": %s, "uuid": "NaN \\" NaN", "platform": %s}]}'
    answers = []
    for missing in ("NaN", "null", "Infinity", "-Infinity"):
        sent = client.post("/predict", content=text % ((missing,) * 3), headers=JSON)
        assert sent.status_code == 200
        answers.append(sent.json())
    assert answers[0] == answers[1]
    assert answers[0]["predictions"][0]["unseen"] == ["uuid"]  # NaN in a text is text


@pytest.mark.parametrize(("kind", "status"), [
    ("application/json; charset=utf-8", 200), ("application/json;charset=UTF-8", 200),
    ("APPLICATION/JSON", 200), ("application/vnd.api+json", 200),
    ('application/json; charset="utf-8"', 200), ("application/json; odata=verbose", 200),
    ("application/json;charset=latin-1", 415), ("text/plain", 415), ("x", 415), ("", 415),
    ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415),
])  # fmt: skip
@pytest.mark.parametrize("route", ROUTES)
def test_json_is_taken_by_any_of_its_names_and_nothing_else_is(
    client: TestClient, route: str, kind: str, status: int
) -> None:
    body = f'{{"{ROUTES[route]}": []}}'
    answer = client.post(route, content=body, headers={"content-type": kind})
    assert answer.status_code == status
    if status != 200:
        assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_is_told_what_to_send(client: TestClient, route: str, method: str) -> None:
    answer = client.request(method, route)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    example = answer.json()["detail"].partition("such as ")[2]
    assert client.post(route, content=example, headers=JSON).status_code == 200


def test_the_root_leads_to_the_documentation(client: TestClient) -> None:
    found = client.get("/")
    assert found.status_code == 200
    assert found.url.path == "/docs"


def test_the_document_is_made_of_the_structs_that_are_written(client: TestClient) -> None:
    found = client.get("/openapi.json").json()
    schemas = found["components"]["schemas"]
    for struct in (PredictBody, RankBody, EventsBody, Predictions, Rankings):
        assert set(struct.__struct_fields__) == set(schemas[struct.__name__]["properties"])
    assert {*Receipt().as_dict(), "durability"} == set(schemas["Recorded"]["properties"])
    assert schemas["Prediction"]["properties"]["probability"]["exclusiveMaximum"] == 1


@pytest.mark.parametrize("route", ROUTES)
def test_a_failing_store_is_told_without_its_place_and_logged_with_it(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, route: str
) -> None:
    app = create_app(bundle_path, "memory")

    def fail(*_: object) -> None:
        raise StoreError("/secret/place.sqlite: the disk is full")

    monkeypatch.setattr(app.state.current.predictor.store, "read", fail)
    monkeypatch.setattr(app.state.current.predictor.store, "update", fail)
    event = {"type": "impression", "display_id": 1, "ad": 100}
    with TestClient(app) as client:
        answers = [client.post(route, json={ROUTES[route]: [event]}) for _ in range(3)]
        metrics = client.get("/metrics").text
    assert {answer.status_code for answer in answers} == {503}
    assert "secret" not in answers[0].text
    assert answers[0].headers["retry-after"] == "1"
    assert caplog.text.count("/secret/place.sqlite: the disk is full") >= 1
    assert f'ctr_faults_total{{error="StoreError",route="{route}"}} 3.0' in metrics


@pytest.mark.parametrize("route", ROUTES)
def test_a_fault_of_ours_is_answered_once_and_never_worked_on_again(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, route: str
) -> None:
    app = create_app(bundle_path, "memory")
    tried = []

    def fail(*given: object) -> None:
        tried.append(given)
        raise ValueError("a fault of ours")

    predictor = app.state.current.predictor
    for name in ("predict_each", "rank", "observe_each"):
        monkeypatch.setattr(predictor, name, fail)
    with TestClient(app) as client:
        answer = client.post(route, json={ROUTES[route]: [{}]})
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert len(tried) == 1
    assert "a fault of ours" in caplog.text


def test_middleware_sees_every_request(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    seen: list[str] = []

    class Middleware:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                seen.append(scope["path"])
            await self.app(scope, receive, send)

    app.add_middleware(Middleware)

    @app.middleware("http")
    async def marked(request: Any, call_next: Any) -> Any:  # noqa: ANN401
        answer = await call_next(request)
        answer.headers["x-marked"] = "yes"
        return answer

    with TestClient(app) as client:
        for route, key in ROUTES.items():
            answer = client.post(route, json={key: [{"type": "view"}] if key == "events" else [{}]})
            assert answer.status_code in (200, 422)
            assert answer.headers["x-marked"] == "yes"
    assert seen == [*ROUTES]


def test_a_token_keeps_strangers_from_the_counters(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with TestClient(create_app(bundle_path, "memory")) as client:
        assert client.post("/events", json={"events": []}).status_code == 200
    assert "CTR_EVENTS_TOKEN" in caplog.text
    caplog.clear()
    monkeypatch.setenv("CTR_EVENTS_TOKEN", "sésame")
    with TestClient(create_app(bundle_path, "memory")) as client:
        for given in ({}, {"authorization": "Bearer x"}, {"authorization": "sésame".encode()}):
            answer = client.post("/events", json={"events": []}, headers=given)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        known = {"authorization": "Bearer sésame".encode()}
        assert client.post("/events", json={"events": []}, headers=known).status_code == 200
        assert client.post("/predict", json={"impressions": [{}]}).status_code == 200
    assert "CTR_EVENTS_TOKEN" not in caplog.text


def test_a_pod_with_a_store_of_its_own_says_what_several_replicas_would_be(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = "with several replicas each would count only"
    with TestClient(create_app(bundle_path, "memory")):
        assert told not in caplog.text
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with TestClient(create_app(bundle_path, "memory")):
        assert told in caplog.text


def test_pods_that_share_a_store_say_nothing(
    bundle_path: Path,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with TestClient(create_app(bundle_path, redis_url)):
        assert "several replicas" not in caplog.text


@pytest.mark.parametrize("extra", [0, 1, 2, 3, 150])
def test_rows_are_counted_and_braces_in_texts_are_not(client: TestClient, extra: int) -> None:
    most = 50  # of the bundle
    row = {"platform": "{" * 200 + '\\"{'}
    rows = {"impressions": [row] * (most + extra)}
    answer = client.post("/predict", content=json.dumps(rows), headers=JSON)
    assert answer.status_code == (422 if extra else 200)
    assert ("serving.max_impressions" in answer.text) == (extra > 0)


def test_no_fault_is_told_at_length() -> None:
    for form in (detailed, as_error):
        assert len(form(422, "x" * 1_000_000).body) < 10_000


def test_a_body_that_is_too_large_and_here_is_refused_at_once(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    settings = app.state.current.settings
    assert settings.body_seconds >= 10
    for most, route in ((settings.max_body_bytes, "/rank"), (settings.max_events_bytes, "/events")):
        sent = Caller(route, b" " * (most + 1))
        asyncio.run(asyncio.wait_for(sent.ask(app), settings.body_seconds / 2))
        assert sent.status == 413


def test_a_body_that_is_too_large_is_let_come_before_it_is_refused(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    most = app.state.current.settings.max_body_bytes

    class Parts(Caller):
        sent_parts = 0

        async def receive(self) -> Any:  # noqa: ANN401
            self.sent_parts += 1
            return {"type": "http.request", "body": b" " * 1_000, "more_body": self.more_body}

        @property
        def more_body(self) -> bool:
            return bool(self.sent_parts < 2 * most // 1_000)

    async def go() -> None:
        unsaid = Parts("/predict", b"")
        await unsaid.ask(app)
        said = Parts("/rank", b"")
        said.sent = [*said.sent, (b"content-length", b"%d" % (2 * most))]
        await said.ask(app)
        for one in (unsaid, said):
            assert (one.status, one.headers["connection"]) == (413, "close")
            assert one.sent_parts == 2 * most // 1_000
        asking = Parts("/rank", b"")
        asking.sent = [*said.sent, (b"expect", b"100-continue")]
        assert (await asking.ask(app)).status == 413
        assert asking.sent_parts == 0

    asyncio.run(go())


def test_large_bodies_are_answered_as_small_ones_are_but_read_on_a_thread(
    bundle_path: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_loop: list[bool] = []
    whole = BodyReader.read

    def read(reader: BodyReader[Any], *given: Any) -> Any:  # noqa: ANN401
        on_loop.append(threading.current_thread() is threading.main_thread())
        return whole(reader, *given)

    monkeypatch.setattr(BodyReader, "read", read)
    app = create_app(bundle_path, "memory")
    app.state.current.settings.__dict__["max_body_bytes"] = 1_000_000
    context = {"display_id": "one", "uuid": "u1"}
    bodies = [("/predict", {"impressions": rows}), ("/rank", {"context": context,
              "candidates": rows}), ("/rank", {"candidates": [{"ad": "x"}]})]  # fmt: skip

    async def go() -> None:
        for route, body in bodies:
            small, large = caller(route, body), caller(route, body)
            large.body = large.body.replace(b": ", b":" + b" " * 70_000, 1)
            await small.ask(app)
            await large.ask(app)
            assert small.status in (200, 422)
            assert (large.status, large.answer) == (small.status, small.answer)
            assert on_loop[-2:] == [True, False]

    asyncio.run(go())


def test_the_service_is_the_documented_application(bundle_path: Path) -> None:
    made = create_app(bundle_path, "memory")
    assert isinstance(made, FastAPI)
    assert isinstance(made, Service)
    assert [*made.hot] == [*ROUTES, "/v2/models/ctr/infer"]


def test_metrics_tell_what_happened(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    with TestClient(app) as client:
        client.post("/predict", json={"impressions": [{}]})
        client.post("/predict", json={"impressions": 7})
        event = {"type": "impression", "display_id": "m", "ad": 100}
        client.post("/events", json={"events": [event, event]})
        client.get("/rank")
        text = client.get("/metrics").text
    version = app.state.current.version
    for line in [
        f'ctr_bundle_info{{version="{version}"}} 1.0',
        'ctr_requests_total{route="/predict",status="200"} 1.0',
        'ctr_requests_total{route="/predict",status="422"} 1.0',
        'ctr_requests_total{route="/rank",status="405"} 1.0',
        'ctr_events_total{kind="impressions"} 1.0',
        'ctr_events_total{kind="duplicates"} 1.0',
        'ctr_in_flight{kind="scoring"} 0.0',
        'ctr_request_seconds_count{route="/predict"} 2.0',
        'ctr_request_seconds_bucket{le="+Inf",route="/events"} 1.0',
    ]:
        assert line in text
    assert "process_cpu_seconds_total" in text


def test_json_logs_are_a_line_an_answer(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CTR_LOG", "json")
    with TestClient(create_app(bundle_path, "memory")) as client:
        client.post("/predict", json={"impressions": [{}]})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (told,) = [line for line in lines if line.get("route") == "/predict"]
    assert told["status"] == 200
    assert 0 < told["ms"] < 60_000
