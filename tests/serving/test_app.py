import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough import __version__
from clickthrough.bundle import Bundle
from clickthrough.errors import BundleError, StoreError
from clickthrough.serving.app import create_app, from_environment
from clickthrough.serving.predictor import Scored
from tests.logs import raw_rows


@pytest.fixture(scope="module")
def app(bundle_path: Path) -> FastAPI:
    return create_app(bundle_path, "memory")


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    return raw_rows(log.tail(15))


def test_health_names_the_bundle(client: TestClient, bundle: Bundle) -> None:
    assert client.get("/health").json() == {
        "status": "ok",
        "version": bundle.manifest.version,
        "clickthrough": __version__,
        "bundle_created": bundle.manifest.created,
        "store": "ok",
    }
    assert client.get("/health/live").json() == {"status": "alive"}
    for path in ("/health", "/health/live", "/health/ready", "/ping"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert client.get("/health/ready").json() == {"status": "ready"}


def test_a_service_that_is_not_started_is_not_ready(bundle_path: Path) -> None:
    made = create_app(bundle_path, "memory")
    answer = TestClient(made).get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"detail": "not ready"})
    with TestClient(made) as started:
        assert started.get("/health/ready").status_code == 200


def test_model_describes_what_the_bundle_reads(client: TestClient, bundle: Bundle) -> None:
    model = client.get("/model").json()
    assert model["version"] == bundle.manifest.version
    assert model["fields"] == {
        "ad": {"as": "item", "type": "int"},
        "uuid": {"as": "user", "type": "str"},
        "platform": {"as": "platform", "type": "str"},
        "advertiser": {"as": "advertiser", "type": "str"},
        "price": {"as": "price", "type": "float"},
    }
    assert model["roles"]["item"] == "ad"
    assert model["metrics"] == bundle.metrics["test"]
    assert model["limits"]["max_impressions"] == 50


def test_model_answers_where_a_metric_is_not_defined(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = {"test": {"results": {"mlp": {"auc": float("nan")}}}}
    bundle = app.state.current.predictor.bundle
    monkeypatch.setitem(bundle.metrics, "test", metrics["test"])
    answer = client.get("/model")
    assert answer.status_code == 200
    assert answer.json()["metrics"]["results"]["mlp"]["auc"] is None


def test_predict_answers_what_the_predictor_says(
    app: FastAPI, client: TestClient, rows: list[dict[str, Any]]
) -> None:
    body = {"impressions": [{**row, "colour": "red"} for row in rows]}
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200
    expected = app.state.current.predictor.predict(rows).predictions
    assert answer.json() == {
        "predictions": msgspec.to_builtins(expected),
        "ignored": ["colour"],
        "version": app.state.current.predictor.bundle.manifest.version,
        "counters": "live",
    }


def test_rank_answers_the_candidates_best_first(
    app: FastAPI, client: TestClient, rows: list[dict[str, Any]]
) -> None:
    context = {"display_id": 5, "uuid": rows[0]["uuid"], "ts": rows[0]["ts"]}
    candidates = [{"ad": row["ad"], "price": row["price"]} for row in rows[:5]]
    body = {"context": context, "candidates": candidates, "top": 3}
    answer = client.post("/rank", json=body)
    assert answer.status_code == 200
    found = answer.json()
    expected = app.state.current.predictor.rank(context, candidates, 3)
    assert found["request_id"] == "5"
    assert [entry["candidate"] for entry in found["ranking"]] == expected.order
    assert [entry["item"] for entry in found["ranking"]] == (
        [candidates[place]["ad"] for place in expected.order]
    )
    assert [e["probability"] for e in found["ranking"]] == (
        [prediction.probability for prediction in expected.predictions]
    )


def test_events_are_counted_once(client: TestClient, rows: list[dict[str, Any]]) -> None:
    shown = {**rows[0], "type": "impression", "display_id": "app-1"}
    click = {**shown, "type": "click"}
    first = {**click, "display_id": "app-2"}
    now = {"type": "click", "display_id": "app-1", "ad": rows[0]["ad"]}
    counted = client.post("/events", json={"events": [shown, now, click, first]})
    assert counted.status_code == 200
    none = {"late": 0, "early": 0, "in_snapshot": 0, "durability": "memory"}
    assert counted.json() == {
        "impressions": 1,
        "clicks": 1,
        "views": 0,
        "duplicates": 0,
        "waiting": 1,
        **none,
        "late": 1,
    }
    again = client.post("/events", json={"events": [shown, click]})
    assert again.json() == {
        "impressions": 0,
        "clicks": 0,
        "views": 0,
        "duplicates": 2,
        "waiting": 0,
        **none,
    }


def test_empty_bodies_are_answered(client: TestClient) -> None:
    assert client.post("/predict", json={"impressions": []}).json()["predictions"] == []
    assert client.post("/rank", json={"candidates": []}).json()["ranking"] == []
    assert client.post("/events", json={"events": []}).json()["impressions"] == 0


def test_the_contract_documents_every_route_and_fault(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    v2 = {"", "/health/live", "/health/ready"}
    v2 |= {f"/models/{{model}}{end}" for end in ("", "/ready")}
    v2 |= {f"/models/{{model}}/versions/{{version}}{end}" for end in ("", "/ready")}
    v2 |= {"/models/ctr/infer", "/models/ctr/versions/{version}/infer"}
    assert set(paths) == {
        "/health", "/health/live", "/health/ready", "/ping", "/model", "/model/reload",
        *ROUTES, *(f"/v2{path}" for path in v2),
    }  # fmt: skip
    for route in ROUTES:
        documented = {"200", "400", "408", "413", "415", "422", "503"}
        assert documented <= set(paths[route]["post"]["responses"])
    for path in v2:
        if path.endswith("infer"):
            assert set(paths[f"/v2{path}"]["post"]["responses"]) - {"404"} == documented - {"422"}
    assert client.get("/docs").status_code == 200


JSON = {"content-type": "application/json"}
ROUTES = {
    "/predict": "impressions",
    "/rank": "candidates",
    "/events": "events",
    "/invocations": "impressions",
}


@pytest.mark.parametrize("route", ROUTES)
def test_too_many_rows_are_refused_naming_the_setting(client: TestClient, route: str) -> None:
    event = {"type": "impression", "display_id": "many"}
    fitting = client.post(route, json={ROUTES[route]: [{**event, "ad": i} for i in range(50)]})
    assert fitting.status_code == 200
    answer = client.post(route, json={ROUTES[route]: [{**event, "ad": i} for i in range(51)]})
    assert answer.status_code == 422
    assert answer.json()["detail"] == (f"51 {ROUTES[route]}: at most 50 (serving.max_impressions)")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", '"x"', "{}", "\x00", "[" * 20_000, '{"impressions": NaN}',
     '{"candidates": [], "top": 1e400}', '{"events": "\\ud800"}', '{"\\ud800": 1}'],
)  # fmt: skip
def test_a_body_of_another_form_is_refused(client: TestClient, route: str, text: str) -> None:
    answer = client.post(route, content=text, headers=JSON)
    assert answer.status_code in (400, 422)
    assert "detail" in answer.json()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("bad", [7, "x", None, {"ad": 1}, [7], [[]], ["x"], [None]])
def test_rows_of_the_wrong_type_are_refused(client: TestClient, route: str, bad: object) -> None:
    assert client.post(route, json={ROUTES[route]: bad}).status_code == 422


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_key_of_a_body_is_refused_naming_it(client: TestClient, route: str) -> None:
    answer = client.post(route, json={ROUTES[route]: [], "candidats": []})
    assert answer.status_code == 422
    assert "candidats" in answer.text


def test_a_wrong_field_is_refused_naming_row_and_field(client: TestClient) -> None:
    answer = client.post("/predict", json={"impressions": [{}, {"ad": "seven"}]})
    assert answer.status_code == 422
    assert answer.json() == {"detail": "row 1: field 'ad': expected a whole number, found 'seven'"}


@pytest.mark.parametrize(
    "row", ['{"\\ud800": 1}', '{"uuid": "\\uDBff"}', '{"uuid": "a\\ud800\\n"}']
)
def test_half_a_surrogate_pair_is_no_json(client: TestClient, row: str) -> None:
    for path, body in (
        ("/predict", f'{{"impressions": [{row}]}}'),
        ("/predict", f'{{"impressions": [{row}, {{"price": NaN}}]}}'),
        ("/rank", f'{{"candidates": [{row}]}}'),
    ):
        answer = client.post(path, content=body, headers=JSON)
        assert answer.status_code == 422
        assert "surrogate" in answer.text
    answer = client.post("/invocations", content=row, headers={"content-type": "application/jsonl"})
    assert "surrogate" in answer.text


@pytest.mark.parametrize("end", ["\\ud8", "\\ud800", "\\ud800\\", "\\ud800\\udc", '\\\\ud800"'])
def test_a_body_that_is_cut_is_said_to_be(client: TestClient, end: str) -> None:
    body = '{"impressions": [{"uuid": "' + end
    answer = client.post("/predict", content=body, headers=JSON)
    assert (answer.status_code, "truncated" in answer.text) == (422, True)


@pytest.mark.parametrize("top", [0, -1, 1.5, "x"])
def test_a_wrong_top_is_refused(client: TestClient, top: object) -> None:
    answer = client.post("/rank", json={"candidates": [{}], "top": top})
    assert answer.status_code == 422


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_that_says_it_is_too_large_is_refused(client: TestClient, route: str) -> None:
    padding = " " * 100_001
    answer = client.post(route, content=padding, headers=JSON)
    assert answer.status_code == 413
    assert "100000 bytes" in answer.json()["detail"]
    fitting = f'{{"{ROUTES[route]}": []}}'.ljust(100_000)
    assert client.post(route, content=fitting, headers=JSON).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_in_chunks_that_becomes_too_large_is_refused(client: TestClient, route: str) -> None:
    def chunks(count: int) -> Iterator[bytes]:
        yield f'{{"{ROUTES[route]}": []}}'.encode()
        yield from (b" " * 1_000 for _ in range(count))

    large = client.post(route, content=chunks(101), headers=JSON)
    assert "content-length" not in large.request.headers
    assert large.status_code == 413
    assert client.post(route, content=chunks(99), headers=JSON).status_code == 200


class Blocking:
    """Stands for a predictor that does not answer before it is told to."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()

    def predict_each(self, bodies: Sequence[object]) -> list[Scored]:
        self.entered.release()
        assert self.go_on.wait(30)
        return [Scored([], []) for _ in bodies]


def test_more_requests_than_the_service_takes_are_told_to_come_again(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocking = Blocking()
    predictor = app.state.current.predictor
    monkeypatch.setattr(predictor, "predict_each", blocking.predict_each)
    monkeypatch.setattr(predictor, "row_seconds", 1.0)  # too slow for the event loop
    with ThreadPoolExecutor(2) as pool:
        try:
            body: dict[str, Any] = {"impressions": [{}]}
            taken = [pool.submit(client.post, "/predict", json=body) for _ in range(2)]
            assert blocking.entered.acquire(timeout=30)
            while app.state.admission.scoring < 2:
                time.sleep(0.001)
            for route in ("/predict", "/rank"):
                refused = client.post(route, json={ROUTES[route]: []})
                assert refused.status_code == 503
                assert int(refused.headers["retry-after"]) >= 1
                assert "max_in_flight" in refused.json()["detail"]
            assert client.post("/events", json={"events": []}).status_code == 200
            assert client.get("/health/live").status_code == 200
            assert client.get("/health/ready").status_code == 200
        finally:
            blocking.go_on.set()
        assert [future.result(30).status_code for future in taken] == [200, 200]
    assert client.post("/predict", json={"impressions": []}).status_code == 200


def test_refused_requests_give_their_place_back(client: TestClient) -> None:
    for _ in range(5):
        assert client.post("/predict", json={"impressions": 7}).status_code == 422
        assert client.post("/predict", content=" " * 100_001, headers=JSON).status_code == 413
    assert client.post("/predict", json={"impressions": [{}]}).status_code == 200


NAMES = st.sampled_from(
    ["ad", "item", "uuid", "user", "platform", "advertiser", "price", "ts", "time", "display_id",
     "request_id", "clicked", "label", "type"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["\ud800", "a\udfff", "\x00"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.integers(100, 140),
    st.floats(),
    st.sampled_from([float("nan"), float("inf"), 1e308]),
    TEXTS,
    st.sampled_from(
        ["impression", "click", "118", "118.0", "1e5", "nan", "inf", "2024-01-05T07:00:00Z",
         "0001-01-01", "9999-12-31T23:59:59-12:00", "\ud800", "\x00", "desktop", "u7"]
    ),
)  # fmt: skip
VALUES = st.one_of(SCALARS, SCALARS, SCALARS, st.lists(SCALARS, max_size=2))
FIELDS = st.dictionaries(st.one_of(NAMES, NAMES, NAMES, TEXTS), VALUES, max_size=7)
ROWS = st.lists(FIELDS, max_size=5)
BODIES = st.one_of(
    st.tuples(st.just("/predict"), st.fixed_dictionaries({"impressions": ROWS})),
    st.tuples(
        st.just("/rank"),
        st.fixed_dictionaries(
            {"candidates": ROWS}, optional={"context": FIELDS, "top": st.integers(1, 5)}
        ),
    ),
    st.tuples(st.just("/events"), st.fixed_dictionaries({"events": ROWS})),
    st.tuples(st.sampled_from(sorted(ROUTES)), st.dictionaries(TEXTS, VALUES, max_size=2)),
    st.tuples(st.sampled_from(sorted(ROUTES)), VALUES),
)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(case=BODIES)
def test_no_body_breaks_the_service(client: TestClient, case: tuple[str, Any]) -> None:
    route, body = case
    text = json.dumps(body)
    answer = client.post(route, content=text, headers=JSON)
    assert answer.status_code in (200, 400, 422), answer.text
    if answer.status_code == 200:
        made = answer.json()
        for entry in made.get("predictions", made.get("ranking", [])):
            assert 0 < entry["probability"] < 1


FRIENDLY = st.fixed_dictionaries(
    {},
    optional={
        "ad": st.one_of(st.integers(90, 150), st.integers(-(2**63) + 1, 2**63 - 1), st.none()),
        "uuid": st.one_of(st.sampled_from(["u1", "u2", "", "nobody"]), st.text(max_size=60)),
        "platform": st.one_of(st.none(), st.sampled_from(["mobile", "watch"]), st.text()),
        "price": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        "ts": st.one_of(
            st.datetimes().map(lambda moment: moment.isoformat()),
            st.integers(-(10**11), 10**12),
        ),
        "display_id": st.one_of(st.integers(0, 3), st.sampled_from(["a", "b"])),
    },
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(rows=st.lists(FRIENDLY, min_size=1, max_size=8))
def test_impressions_of_the_right_types_are_always_scored(
    client: TestClient, rows: list[dict[str, Any]]
) -> None:
    answer = client.post("/predict", json={"impressions": rows})
    assert answer.status_code == 200, answer.text
    found = answer.json()["predictions"]
    assert len(found) == len(rows)
    assert all(0 < entry["probability"] < 1 for entry in found)
    assert [entry["item"] for entry in found] == [row.get("ad") for row in rows]


def test_a_service_without_a_bundle_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        create_app(tmp_path / "absent", "memory")
    monkeypatch.setenv("CTR_BUNDLE", str(tmp_path / "absent"))
    monkeypatch.setenv("CTR_STORE", "memory")
    with pytest.raises(SystemExit, match=r"clickthrough: .*no such bundle"):
        from_environment()


def test_a_store_that_cannot_be_used_does_not_start(bundle_path: Path, tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("this is no database, and long enough to be read")
    with pytest.raises(StoreError, match=r"store\.sqlite"):
        create_app(bundle_path, tmp_path / "store.sqlite")


def test_counts_survive_a_restart_by_default(
    bundle_path: Path, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    store = tmp_path / "store.sqlite"
    body = {"events": [{**rows[0], "type": "impression"}]}
    with TestClient(create_app(bundle_path, store)) as first:
        assert first.post("/events", json=body).json()["impressions"] == 1
    with TestClient(create_app(bundle_path, store)) as second:
        assert second.post("/events", json=body).json()["duplicates"] == 1
