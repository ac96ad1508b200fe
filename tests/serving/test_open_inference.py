"""The Open Inference Protocol: its pages, its tensors, and the numbers of /predict."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

from clickthrough import __version__
from clickthrough.bundle import Bundle
from clickthrough.errors import StoreError
from clickthrough.serving.app import create_app
from tests.serving.asking import Caller, Rows, predicted
from tests.serving.bundles import another, calibrated
from tests.serving.hostile.client import answer, connect, head, push
from tests.serving.hostile.servers import serving
from tests.serving.rich import Trained
from tests.serving.test_app import ROWS
from tests.serving.test_endpoint import MOST_FAULT

PATH = "/v2/models/ctr/infer"


def tensor(rows: Rows, **others: Any) -> dict[str, Any]:  # noqa: ANN401
    texts = [json.dumps(row) for row in rows]
    shape = [len(rows), 1]
    return {"name": "impressions", "datatype": "BYTES", "shape": shape, "data": texts, **others}


def body(rows: Rows, **others: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"inputs": [tensor(rows)], **others}


def outputs(answered: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    assert answered.status_code == 200, answered.text
    return {output["name"]: output for output in answered.json()["outputs"]}


def test_the_pages_tell_of_server_and_model(client: TestClient, bundle: Bundle) -> None:
    version = bundle.manifest.version
    server = {"name": "clickthrough", "version": __version__, "extensions": []}
    assert client.get("/v2").json() == server
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    for path in ("/v2/models/ctr", f"/v2/models/ctr/versions/{version}"):
        assert client.get(path).json() == {
            "name": "ctr",
            "versions": [version],
            "platform": "clickthrough",
            "inputs": [{"name": "impressions", "datatype": "BYTES", "shape": [-1, 1]}],
            "outputs": [
                {"name": "probability", "datatype": "FP64", "shape": [-1, 1]},
                {"name": "logit", "datatype": "FP64", "shape": [-1, 1]},
                {"name": "prediction", "datatype": "BYTES", "shape": [-1, 1]},
            ],
        }
        assert client.get(f"{path}/ready").json() == {"name": "ctr", "ready": True}


def test_a_service_that_is_not_started_is_not_ready(bundle_path: Path) -> None:
    client = TestClient(create_app(bundle_path, "memory"))
    for path in ("/v2/health/ready", "/v2/models/ctr/ready"):
        answered = client.get(path)
        assert (answered.status_code, answered.json()["ready"]) == (503, False)
    assert client.get("/v2/health/live").json() == {"live": True}


def test_health_is_told_to_who_asks_with_head(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    version = app.state.current.version
    ready = ["/v2/health/ready", "/v2/models/ctr/ready", f"/v2/models/ctr/versions/{version}/ready"]
    for path in ready:
        assert TestClient(app).head(path).status_code == 503
    with TestClient(app) as started:
        for path in (*ready, "/v2/health/live"):
            answered = started.head(path)
            assert (answered.status_code, answered.content) == (200, b"")
        for path in ("/v2/models/other/ready", "/v2/models/ctr/versions/1/ready"):
            assert started.head(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/v2/models/other", "no model 'other': there is 'ctr'"),
        ("GET", "/v2/models/other/ready", "no model 'other'"),
        ("GET", "/v2/models/other/versions/1", "no model 'other'"),
        ("POST", "/v2/models/other/infer", "no model 'other': there is 'ctr'"),
        ("POST", "/v2/models/other/versions/1/infer", "no model 'other'"),
        ("GET", "/v2/models/ctr/versions/1", "no version '1' of the model 'ctr': there is '"),
        ("GET", "/v2/models/ctr/versions/1/ready", "no version '1'"),
        ("POST", "/v2/models/ctr/versions/1/infer", "no version '1' of the model 'ctr'"),
        ("GET", f"/v2/models/{'x' * 5_000}", "no model 'xx"),
        ("POST", "/v2/models/ctr/generate", "no such route"),
        ("POST", "/v2/repository/index", "no such route"),
        ("GET", "/v2/", "no such route"),
    ],
)
def test_what_is_not_there_is_told_what_there_is(
    client: TestClient, method: str, path: str, said: str
) -> None:
    answered = client.request(method, path, json=body([{}]) if method == "POST" else None)
    assert answered.status_code == 404
    assert list(answered.json()) == ["error"]
    assert said in answered.json()["error"]
    assert len(answered.content) < 1_000


@pytest.mark.parametrize("nested", [False, True])
def test_it_answers_what_predict_answers(
    client: TestClient, bundle: Bundle, rows: Rows, *, nested: bool
) -> None:
    asked = body(rows, id="abc", parameters={"binary_data_output": True, "x": {"y": [1]}})
    if nested:
        asked["inputs"][0]["data"] = [[text] for text in asked["inputs"][0]["data"]]
    else:
        asked["inputs"][0]["shape"] = [len(rows)]
    expected = predicted(client, rows)
    for path in (PATH, f"/v2/models/ctr/versions/{bundle.manifest.version}/infer"):
        answered = client.post(path, json=asked)
        found = outputs(answered)
        assert [*found] == ["probability", "logit", "prediction"]
        for name in ("probability", "logit"):
            assert found[name]["data"] == [one[name] for one in expected]
            assert found[name]["datatype"] == "FP64"
        assert [*map(json.loads, found["prediction"]["data"])] == expected
        assert found["prediction"]["datatype"] == "BYTES"
        assert all(one["shape"] == [len(rows), 1] for one in found.values())
        said = {name: value for name, value in answered.json().items() if name != "outputs"}
        assert said == {
            "model_name": "ctr",
            "model_version": bundle.manifest.version,
            "id": "abc",
            "parameters": {"counters": "live", "ignored": "colour"},
        }


def test_lists_are_fields_too(trained: Trained) -> None:
    rows: Rows = [
        {
            "ad": 101,
            "uuid": "u1",
            "topics": ["six1", None, "five2"],
            "shares": [0.5],
            "numbers": [],
        },
        {"ad": 102, "uuid": "u2", "topics": ["none of them"], "numbers": [1, None]},
    ]
    with TestClient(create_app(trained.folder / "bundle", "memory")) as client:
        found = outputs(client.post(PATH, json=body(rows)))
        assert [*map(json.loads, found["prediction"]["data"])] == predicted(client, rows)


def test_outputs_are_those_that_are_asked_for(client: TestClient) -> None:
    wanted = [{"name": "logit", "parameters": {"binary_data": True}}, {"name": "probability"}]
    assert [*outputs(client.post(PATH, json=body([{}], outputs=wanted)))] == [
        "logit",
        "probability",
    ]
    assert len(outputs(client.post(PATH, json=body([{}], outputs=[])))) == 3
    assert "id" not in client.post(PATH, json=body([{}])).json()
    none = outputs(client.post(PATH, json=body([])))
    assert (none["logit"]["data"], none["logit"]["shape"]) == ([], [0, 1])


def test_a_body_need_not_be_called_anything(client: TestClient) -> None:
    text = json.dumps(body([{}])).encode()
    for headers in ({}, {"content-type": ""}, {"content-type": "application/json"}):
        assert client.post(PATH, content=text, headers=headers).status_code == 200
    for kind in ("text/plain", "application/octet-stream", "text/csv",
                 "application/json; charset=latin-1"):  # fmt: skip
        answered = client.post(PATH, content=text, headers={"content-type": kind})
        assert answered.status_code == 415
        assert "expected application/json in UTF-8" in answered.json()["error"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"inputs": []}, "expected one tensor, 'impressions', found []"),
        ({"inputs": [tensor([{}], name="x")]}, "expected one tensor, 'impressions', found ['x']"),
        ({"inputs": [tensor([{}]), tensor([{}])]}, "expected one tensor"),
        ({"inputs": [tensor([{}], datatype="FP32")]}, "expected the datatype BYTES, found 'FP32'"),
        ({"inputs": [tensor([{}], shape=[2, 1])]}, "the shape is [2, 1], but data has 1 elements"),
        ({"inputs": [tensor([{}], shape=[1, 2])]}, "expected [1, 1]"),
        ({"inputs": [tensor([{}], shape=[-1, 1])]}, "expected [1, 1]"),
        ({"inputs": [tensor([{}], shape=[10**30])]}, "shape"),
        ({"inputs": [tensor([{}], shape=[])]}, "the shape is []"),
        ({"inputs": [tensor([{}], data=[7])]}, "inputs.0.data.0"),
        ({"inputs": [tensor([{}], data=[{"ad": 1}])]}, "inputs.0.data.0"),
        ({"inputs": [tensor([{}], data=[["{}", "{}"]])]}, "row 0: 2 elements"),
        ({"inputs": [tensor([{}], data=[[["{}"]]])]}, "inputs.0.data.0"),
        ({"inputs": [tensor([{}], data=[""])]}, "row 0: JSON decode error"),
        ({"inputs": [tensor([{}], data=["{} {}"])]}, "row 0: JSON decode error"),
        ({"inputs": [tensor([{}], data=["[1]"])]}, "row 0: expected an object of raw fields"),
        ({"inputs": [tensor([{}, {}], data=["{}", '{"ad": {}}'])]}, "row 1: field 'ad'"),
        ({"inputs": [tensor([{}], data=['{"a": ' + "[" * 9_000])]}, "row 0: expected null"),
        ({"inputs": [tensor([{}, {"ad": "x"}])]}, "row 1: field 'ad': expected a whole number"),
        ({"inputs": [tensor([{"colour": 1}])]}, "none of the fields sent is known"),
        ({"inputs": [tensor([{}] * 51)]}, "51 impressions: at most 50"),
        ({"inputs": [tensor([{"uuid": "u" * 300}])]}, "at most 256 (serving.max_id_bytes)"),
        ({"inputs": [tensor([{}], parameters={"binary_data_size": 6})]}, "binary_data=False"),
        ({"inputs": [{"name": "impressions", "datatype": "BYTES", "shape": [1, 1],
                      "parameters": {"binary_data_size": 6}}]}, "binary_data=False"),
        ({"inputs": [{"name": "impressions", "datatype": "BYTES", "shape": [1, 1]}]}, "data"),
        ({"inputs": [{"name": "impressions", "datatype": "BYTES", "shape": [0]}]}, "data"),
        ({"outputs": [{"name": "score"}]}, "no output 'score': there are probability, logit, pred"),
        ({"outputs": [{"name": "logit"}] * 2}, "an output is named twice"),
        ({"outputs": [{"name": "logit"}] * 2_000}, "more than 50"),
        ({"id": "x" * 300}, "body.id"),
        ({"id": 7}, "body.id"),
        ({"parameters": 7}, "body.parameters"),
        ({"inputs": 7}, "body.inputs: Input should be a valid list"),
        ({"extra": 1}, "body.extra: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_as_the_protocol_wants(
    client: TestClient, changed: dict[str, Any], said: str
) -> None:
    answered = client.post(PATH, json=body([{}]) | changed)
    assert answered.status_code == 400, answered.text
    assert list(answered.json()) == ["error"]
    assert said in answered.json()["error"]
    assert len(answered.content) < MOST_FAULT


def test_a_body_of_another_form_is_refused(client: TestClient) -> None:
    for text in (
        b"", b"{", b"[]", b"null", b"{}", b"\x00", b"[" * 20_000, b'{"inputs": NaN}', b"\xff",
        b'{"inputs": [' + b"[]," * 20_000, b'{"inputs": [{"data": [' + b"[]," * 20_000,
        b'{"inputs": [{"name": "\\ud800"}]}', b'{"inputs": [' + b"{}," * 900 + b"{}]}",
    ):  # fmt: skip
        answered = client.post(PATH, content=text)
        assert answered.status_code == 400, (text[:40], answered.text)
        assert answered.json()["error"]
        assert len(answered.content) < MOST_FAULT


def test_binary_tensors_are_told_to_come_as_json(client: TestClient) -> None:
    text = json.dumps(body([{}])).encode()
    said = {"inference-header-content-length": str(len(text))}
    for kind in ("application/octet-stream", "application/json"):
        answered = client.post(PATH, content=text, headers={**said, "content-type": kind})
        assert answered.status_code == 400
        assert "binary_data=False" in answered.json()["error"]


@pytest.mark.parametrize("path", [PATH, "/v2/models/ctr/versions/x/infer"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_told_what_to_send(client: TestClient, path: str, method: str) -> None:
    answered = client.request(method, path)
    assert (answered.status_code, answered.headers["allow"]) == (405, "POST")
    example = answered.json()["error"].partition("such as ")[2]
    assert client.post(PATH, content=example).status_code == 200


def test_bodies_that_are_too_large_are_refused(client: TestClient) -> None:
    answered = client.post(PATH, content=b" " * 100_001)
    assert answered.status_code == 413
    assert "100000 bytes (serving.max_body_bytes)" in answered.json()["error"]


def test_faults_of_ours_have_its_form(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(bundle_path, "memory")
    errors: list[Exception] = [StoreError("/secret is full"), ValueError("a fault of ours")]
    for error, status in zip(errors, (503, 500), strict=True):

        def fail(*_: object, raised: Exception = error) -> None:
            raise raised

        monkeypatch.setattr(app.state.current.predictor, "predict_each", fail)
        with TestClient(app) as client:
            answered = client.post(PATH, json=body([{}]))
        assert answered.status_code == status
        assert list(answered.json()) == ["error"]
        assert "secret" not in answered.text
    monkeypatch.setattr(app.state.admission, "scoring", 1_000)
    one = Caller(PATH, json.dumps(body([{}])).encode())
    asyncio.run(one.ask(app))
    assert (one.status, one.headers["retry-after"]) == (503, "1")
    assert "max_in_flight" in json.loads(one.answer)["error"]


def test_after_another_bundle_took_over_its_version_is_the_one_there_is(
    bundle_path: Path, tmp_path: Path
) -> None:
    place = another(bundle_path, tmp_path / "one", calibrated(0.0))
    app = create_app(place, "memory")
    before = app.state.current.version
    with TestClient(app) as client:
        named = f"/v2/models/ctr/versions/{before}/infer"
        assert client.post(named, json=body([{}])).status_code == 200
        place.rename(tmp_path / "old")
        another(bundle_path, place, calibrated(0.3))
        app.state.current.reload()
        assert client.post(named, json=body([{}])).status_code == 404
        (now,) = client.get("/v2/models/ctr").json()["versions"]
        assert now != before
        named = f"/v2/models/ctr/versions/{now}/infer"
        assert client.post(named, json=body([{}])).json()["model_version"] == now


def test_large_bodies_are_answered_as_small_ones_are(bundle_path: Path, rows: Rows) -> None:
    app = create_app(bundle_path, "memory")
    app.state.current.settings.__dict__["max_body_bytes"] = 1_000_000
    answers = []
    for spaces in (1, 90_000):
        text = json.dumps(body(rows, id="x")).replace(": ", ":" + " " * spaces, 1)
        one = Caller(PATH, text.encode())
        asyncio.run(one.ask(app))
        assert one.status == 200
        answers.append(one.answer)
    assert answers[0] == answers[1]


@settings(
    max_examples=150, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(rows=ROWS)
def test_the_same_rows_give_the_same_answers(client: TestClient, rows: Rows) -> None:
    text = json.dumps({"impressions": rows})
    there = client.post("/predict", content=text, headers={"content-type": "application/json"})
    answered = client.post(PATH, content=json.dumps(body(rows)))
    if there.status_code == 200:
        found = [*map(json.loads, outputs(answered)["prediction"]["data"])]
        assert found == there.json()["predictions"]
    else:
        assert answered.status_code == 400


def test_over_real_http(bundle_path: Path, tmp_path: Path) -> None:
    with serving("serve", bundle_path, tmp_path) as server:
        assert server.ask("/v2/health/ready") == (200, b'{"ready":true}')
        version = json.loads(server.ask("/v2/models/ctr")[1])["versions"][0]
        rows: Rows = [{"ad": 101, "uuid": "u1"}, {}]
        made = json.loads(server.ask("/predict", {"impressions": rows})[1])["predictions"]
        for path in (PATH, f"/v2/models/ctr/versions/{version}/infer"):
            status, said = server.ask(path, body(rows))
            assert status == 200
            assert json.loads(said)["outputs"][0]["data"] == [m["probability"] for m in made]
            with connect(server.port) as one:
                push(one, head(path, "content-length: 50") + b"{")
                assert answer(one)[0] == 408
        assert server.ask("/v2/models/ctr/versions/x/infer", body(rows))[0] == 404
        assert server.ask("/v2/models/other/infer", body(rows))[0] == 404
        server.works(1)
