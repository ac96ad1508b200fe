"""A bundle that knows dotted names takes nested objects; any other refuses them as before."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough.config.load import load_config
from clickthrough.errors import RequestError
from clickthrough.init.run import init
from clickthrough.scoring import score_file
from clickthrough.serving.app import create_app
from clickthrough.serving.nesting import Nesting
from clickthrough.serving.predictor import Predictor
from clickthrough.training.run import train
from tests.whole.logs import plain
from tests.whole.verbs import SMALL

Row = dict[str, Any]
NESTED: Row = {"time": "2024-01-02 08:00:00", "user": {"id": 7}, "page": {"slot": "a"},
               "ad": {"no": 110, "cost": {"now": 2.5}}}  # fmt: skip
DOTTED: Row = {"time": "2024-01-02 08:00:00", "user.id": 7, "ad.no": 110, "ad.cost.now": 2.5,
               "page.slot": "a"}  # fmt: skip
SOME: Row = {**DOTTED, "ad": {"no": 110}}
HEADERS = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nested")
    names = {"user_id": "user.id", "item_id": "ad.no", "price": "ad.cost.now", "slot": "page.slot"}
    plain().rename(names).write_csv(folder / "log.csv")
    config = load_config(init(folder / "log.csv", folder / "c.yaml").config, settings=SMALL)
    train(config, folder / "bundle", baselines=False)
    return folder / "bundle"


@pytest.fixture(scope="module")
def client(bundle: Path) -> Iterator[TestClient]:
    with TestClient(create_app(bundle, "memory")) as client:
        yield client


def body(path: str, row: Row) -> Row:
    if path == "/rank":
        own = {name: value for name, value in row.items() if name.startswith("ad")}
        context = {name: value for name, value in row.items() if name not in own}
        return {"context": {**context, "request_id": "r"}, "candidates": [own, {"ad.no": 111}]}
    return {"impressions": [row, {**row, "time": None}]}


@pytest.mark.parametrize("path", ["/predict", "/rank", "/invocations"])
@pytest.mark.parametrize("row", [NESTED, SOME])
def test_nested_objects_mean_what_dotted_names_mean(
    client: TestClient, path: str, row: Row
) -> None:
    one, other = (client.post(path, json=body(path, sent)) for sent in (row, DOTTED))
    assert one.status_code == other.status_code == 200
    assert one.json() == other.json()
    assert one.json()["ignored"] == []


def test_lines_and_tensors_may_nest(client: TestClient) -> None:
    lines = [json.dumps(row) for row in (NESTED, DOTTED, SOME)]
    kind = {"content-type": "application/jsonlines"}
    answers = client.post("/invocations", content="\n".join(lines), headers=kind).text.splitlines()
    assert len({*answers}) == 1
    tensor = {"name": "impressions", "datatype": "BYTES", "shape": [3], "data": lines}
    answer = client.post("/v2/models/ctr/infer", json={"inputs": [tensor]}).json()
    (found,) = (out["data"] for out in answer["outputs"] if out["name"] == "probability")
    assert {*found} == {json.loads(answers[0])["probability"]}


def test_events_may_nest(client: TestClient) -> None:
    events = [
        {"type": kind, "request_id": "nested", **row}
        for kind, row in (("impression", NESTED), ("impression", DOTTED), ("click", SOME))
    ]
    found = client.post("/events", json={"events": events}).json()
    assert (found["impressions"], found["duplicates"], found["clicks"]) == (1, 1, 1)


def test_nan_may_stand_in_nested_objects(client: TestClient) -> None:
    text = json.dumps({"impressions": [NESTED]}).replace("2.5", "NaN")
    answer = client.post("/predict", content=text, headers=HEADERS).json()
    assert answer["predictions"][0]["missing"] == ["ad.cost.now"]


def test_what_an_object_says_that_is_unknown_is_told(client: TestClient) -> None:
    row = {**NESTED, "device": {"os": "x"}, "page": None}
    answer = client.post("/predict", json={"impressions": [row]}).json()
    assert answer["ignored"] == ["device.os"]
    assert answer["predictions"][0]["missing"] == ["page.slot"]


UNKNOWN: list[tuple[Row, list[str]]] = [
    ({"a": {"b": {"c": {"d": {"e": 1}}}}}, ["a.b.c.d.e"]),
    ({"user": {"id": 7, "home": {"at": {"x": 1, "y": 2}}}}, ["user.home.at.x", "user.home.at.y"]),
    ({"imp": [{"a": 1}], "page": {"slot": "a", "tags": [["b"]]}}, ["page.tags", "imp"]),
    ({"ad": {"no": 110, "cost": {"now": 2.5, "x": [{"y": [1]}]}}}, ["ad.cost.x"]),
    ({"page": {"slot": "a", "raw": {f"n{n}": {"x": n} for n in range(60)}}}, ["page.raw"]),
]


@pytest.mark.parametrize(("beside", "ignored"), UNKNOWN)
@pytest.mark.parametrize("path", ["/predict", "/rank", "/invocations"])
def test_what_is_unknown_may_nest_as_it_likes(
    client: TestClient, path: str, beside: Row, ignored: list[str]
) -> None:
    one, other = (client.post(path, json=body(path, sent)) for sent in (NESTED | beside, DOTTED))
    assert one.status_code == 200
    assert one.json() == {**other.json(), "ignored": ignored}


@pytest.mark.parametrize(("beside", "ignored"), UNKNOWN)
def test_a_program_is_told_the_same(bundle: Path, beside: Row, ignored: list[str]) -> None:
    assert Predictor.load(bundle).predict([NESTED | beside]).ignored == ignored


def test_lines_and_events_may_nest_what_is_unknown(client: TestClient) -> None:
    row = {**NESTED, **UNKNOWN[1][0], **UNKNOWN[2][0]}
    kind = {"content-type": "application/jsonlines"}
    assert client.post("/invocations", content=json.dumps(row), headers=kind).status_code == 200
    event = {"type": "impression", "request_id": "beside", **row}
    assert client.post("/events", json={"events": [event]}).json()["impressions"] == 1


def test_what_no_path_could_hold_is_refused_before_it_is_made(client: TestClient) -> None:
    row = {**NESTED, "k" * 200_000: {str(place): 1 for place in range(90)}}
    tracemalloc.start()
    answer = client.post("/predict", json={"impressions": [NESTED, row]})
    made = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 422
    assert re.match(r"row 1: 'k{60}\.\.\.': the paths of what it holds", answer.json()["detail"])
    assert made < 5_000_000


def test_what_is_unknown_and_not_told_is_not_made(client: TestClient) -> None:
    row = {**NESTED, "k" * 200_000: {str(place): 1 for place in range(10_000)}}
    tracemalloc.start()
    answer = client.post("/predict", json={"impressions": [row]})
    made = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 200
    assert answer.json()["ignored"] == ["k" * 253 + "…"]
    assert made < 20_000_000


WRONG: list[tuple[str, str]] = [
    ('{"impressions": [{"user": {"id": 7}}, {"user": {"id": 1e999}}]}',
     "row 1: field 'user': expected .*, found a number out of range"),
    ('{"impressions": [{"user": {"id": 7}, "x": 1e999}]}', "row 0: field 'x': .*out of range"),
    ('{"impressions": [{"user": {"id": 7}},]}', "JSON is malformed: trailing comma"),
    ('{"impressions": [{"user": {"id": 7}, "x": "\\ud800"}]}', "half of a surrogate pair"),
    ('{"impressions": [{"user": {"id": 7}, "x": ' + "[" * 9_000 + "]" * 9_000 + "}]}", "recursion"),
    ('{"impressions": [{"user": {"id": 7}, ' + '"a": {' * 20 + "}" * 20 + "}]}",
     "row 0: 'a.a.*': objects nest more than 16 deep"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_really_wrong_is_blamed(client: TestClient, text: str, says: str) -> None:
    answer = client.post("/predict", content=text, headers=HEADERS)
    assert answer.status_code == 422
    assert re.search(says, str(answer.json()["detail"]))


REFUSED: list[tuple[Row, str]] = [
    ({"user": {"id": "x"}}, "row 0: field 'user.id': expected a whole number, found 'x'"),
    ({"user": {"id": [{"a": 1}]}}, "row 0: field 'user.id': expected null"),
    ({"user": {"id": [[1]]}, "imp": [{}]}, "row 0: field 'user.id': expected null"),
    ({"ad": {"a": {"b": {"c": 1}}}}, "none of the fields sent is known to the model: 'ad.a.b.c'"),
    ({"ad": [{"no": 1}]}, "none of the fields sent is known to the model: 'ad'"),
]


@pytest.mark.parametrize(("row", "says"), REFUSED)
def test_what_no_field_can_be_is_refused(client: TestClient, row: Row, says: str) -> None:
    answer = client.post("/predict", json={"impressions": [row]})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(says)


def test_a_body_of_another_form_is_refused_as_ever(client: TestClient) -> None:
    answer = client.post("/predict", json={"impressions": [NESTED], "extra": 1})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "extra"]


def test_a_body_of_countless_objects_is_refused_before_they_are_made(client: TestClient) -> None:
    rows = [{"user": {"id": 7}, **{f"x{place}": {} for place in range(60)}}] * 1_000
    answer = client.post("/predict", json={"impressions": rows})
    assert answer.status_code == 422
    assert re.match(r"more than \d+,\d+ objects, which", answer.json()["detail"])


def test_the_documentation_shows_objects_beside_dotted_names(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"user", "user.id", "ad", "page"} <= {*schemas["Impression"]["properties"]}
    assert schemas["Impression"]["properties"]["ad"]["type"] == ["object", "null"]


def test_a_csv_of_dotted_names_is_taken(client: TestClient) -> None:
    text = "user.id,ad.no,time\n7,110,2024-01-02 08:00:00\n"
    answer = client.post("/invocations", content=text, headers={"content-type": "text/csv"})
    assert answer.status_code == 200


def test_a_program_may_nest(bundle: Path) -> None:
    predictor = Predictor.load(bundle)
    assert len({p.logit for p in predictor.predict([NESTED, DOTTED, SOME]).predictions}) == 1
    deep: Row = {}
    for _ in range(20):
        deep = {"a": deep}
    with pytest.raises(RequestError, match=r"row 1: 'a\.a.*: objects nest more than 16 deep"):
        predictor.predict([DOTTED, deep])


def test_a_file_may_nest_though_the_log_did_not(bundle: Path, tmp_path: Path) -> None:
    predictor, path = Predictor.load(bundle), tmp_path / "rows.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in (NESTED, DOTTED, SOME)))
    done = score_file(predictor, path, tmp_path / "out.csv")
    assert done.notes == []
    assert pl.read_csv(tmp_path / "out.csv")["logit"].n_unique() == 1


def test_a_bundle_without_dotted_names_takes_no_objects(bundle_path: Path) -> None:
    predictor = Predictor.load(bundle_path)
    assert predictor.nesting is None
    assert Nesting.of(["a", "b"]) is None
    with TestClient(create_app(bundle_path, "memory")) as client:
        answer = client.post("/predict", json={"impressions": [{"ad": {"id": 3}}]})
    assert answer.status_code == 422
    assert "field 'ad': expected null" in answer.json()["detail"]
