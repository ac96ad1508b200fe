"""What Amazon SageMaker asks of a container: each type of body gives the numbers of /predict."""

import asyncio
import csv
import io
import itertools
import json
import shutil
import string
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough.bundle import Bundle
from clickthrough.errors import RequestError
from clickthrough.scoring import score_file
from clickthrough.serving.app import create_app
from clickthrough.serving.bodies import read_row, with_nulls
from clickthrough.serving.csv_rows import CSV, field_names, read_csv
from clickthrough.serving.invocations import ABSENT, LINES
from clickthrough.serving.predictor import Predictor
from tests.logs import raw_rows
from tests.serving.asking import Caller, Rows, predicted
from tests.serving.hostile.client import answer, connect, head, push
from tests.serving.hostile.servers import serving
from tests.serving.rich import Trained

PATH = "/invocations"


@pytest.fixture(scope="module")
def rich(trained: Trained) -> Iterator[TestClient]:
    with TestClient(create_app(trained.folder / "bundle", "memory")) as made:
        yield made


def post(client: TestClient, body: bytes | str, kind: str) -> Any:  # noqa: ANN401
    return client.post(PATH, content=body, headers={"content-type": kind})


def probabilities(client: TestClient, rows: Rows) -> list[float]:
    return [one["probability"] for one in predicted(client, rows)]


def as_lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_csv(rows: Rows, names: Sequence[str] | None = None, end: str = "\r\n") -> str:
    """Return a CSV as Python writes it; without a header where names are given."""
    out = io.StringIO(newline="")
    columns = names or list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, columns, lineterminator=end, extrasaction="ignore")
    if names is None:
        writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def numbers(answered: Any) -> list[float]:  # noqa: ANN401
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == "text/csv"
    assert answered.text.endswith("\n") or not answered.text
    return [float(line) for line in answered.text.splitlines()]


def test_a_body_of_json_is_answered_as_predict_and_rank_answer_it(
    client: TestClient, rows: Rows
) -> None:
    context = {"display_id": "one", "uuid": "u1", "ts": rows[0]["ts"]}
    rank: dict[str, Any] = {"context": context, "candidates": [{"ad": 100 + n} for n in range(9)]}
    for path, body in [
        ("/predict", {"impressions": rows}), ("/predict", {"impressions": []}),
        ("/rank", rank), ("/rank", {**rank, "top": 3}), ("/rank", {**rank, "top": None}),
    ]:  # fmt: skip
        said, there = client.post(PATH, json=body), client.post(path, json=body)
        assert said.status_code == there.status_code == 200
        assert said.content == there.content
        assert said.headers["content-type"] == "application/json"


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("form", ["%s", "%s; charset=utf-8"])
def test_lines_are_answered_by_lines(client: TestClient, rows: Rows, kind: str, form: str) -> None:
    for text in (as_lines(rows), as_lines(rows).rstrip("\n"), as_lines(rows).replace("\n", "\r\n")):
        answered = post(client, text, form % kind)
        assert answered.status_code == 200, answered.text
        assert answered.headers["content-type"] == kind
        assert answered.text.endswith("\n")
        assert [*map(json.loads, answered.text.splitlines())] == predicted(client, rows)


@pytest.mark.parametrize(
    "kind",
    [CSV, "text/csv; header=present", 'TEXT/CSV; charset="UTF-8"', "text/csv; label_size=0",
     "text/csv;header=present;charset=utf-8"],
)  # fmt: skip
def test_a_csv_is_answered_by_a_probability_a_line(
    client: TestClient, rows: Rows, kind: str
) -> None:
    expected = probabilities(client, rows)
    assert len(set(expected)) > 10
    for text in (
        as_csv(rows), as_csv(rows, end="\n"), "\ufeff" + as_csv(rows), as_csv(rows) + "\r\n",
        as_csv(rows).removesuffix("\r\n"),
    ):  # fmt: skip
        assert numbers(post(client, text, kind)) == expected


def test_without_a_header_columns_are_the_fields_that_model_lists(
    client: TestClient, rows: Rows
) -> None:
    names = list(client.get("/model").json()["fields"])
    bare = [{name: row.get(name) for name in names} for row in rows]
    assert numbers(post(client, as_csv(bare, names), ABSENT)) == probabilities(client, bare)
    wrong = post(client, as_csv(bare, names[:-1]), "text/csv; header=absent; charset=utf-8")
    assert wrong.status_code == 422
    assert f"row 0 (line 1): {len(names) - 1} cells, expected {len(names)}" in wrong.text


def test_lists_in_a_csv_are_divided_as_the_log_s_were(
    rich: TestClient, trained: Trained, tmp_path: Path
) -> None:
    log = pl.DataFrame(raw_rows(trained.log.tail(25)))  # with what its side table says
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    log.write_csv(source)
    answered = numbers(post(rich, source.read_bytes(), CSV))
    predictor = Predictor.load(trained.folder / "bundle")
    score_file(predictor, source, out)
    predictor.close()
    assert answered == pl.read_csv(out)["probability"].to_list()

    def entries(text: str | None, by: str, read: Any) -> Any:  # noqa: ANN401
        return None if not text else [read(entry) for entry in text.split(by)]

    divided = [
        {**row, "topics": entries(row["topics"], "|", str),
         "shares": entries(row["shares"], "|", float),
         "numbers": entries(row["numbers"], " ", int)}
        for row in log.to_dicts()
    ]  # fmt: skip
    assert answered == probabilities(rich, divided)
    holes = "topics,numbers\nsix1||five2,1  2\n,\n"
    raw: Rows = [{"topics": ["six1", None, "five2"], "numbers": [1, None, 2]}, {}]
    assert numbers(post(rich, holes, CSV)) == probabilities(rich, raw)
    wrong = post(rich, "topics,numbers\nsix1,1 x\n", CSV)
    assert wrong.json()["detail"].startswith("row 0: field 'numbers': expected a list")


def test_lists_that_nobody_says_how_to_divide_are_refused(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(trained.folder / "bundle", "memory")
    monkeypatch.setitem(app.state.current.predictor.bundle.config.data.__dict__, "lists", {})
    with TestClient(app) as client:
        wrong = post(client, "topics\nsix1\n", CSV)
    assert wrong.status_code == 422
    assert "column 'topics' holds lists" in wrong.text
    assert "send JSON" in wrong.text


def test_times_that_are_numbers_mean_in_a_csv_what_they_mean_in_json(client: TestClient) -> None:
    for moment in (1_704_500_000, 1_704_500_000.5, "2024-01-06T00:13:20Z", "2024-01-06"):
        row = {"ad": 101, "uuid": "u1", "ts": moment}
        assert numbers(post(client, as_csv([row]), CSV)) == probabilities(client, [row])
    assert post(client, f"ad,ts\n1,{'9' * 5_000}\n", CSV).status_code == 422


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/json", "{}", "expected impressions to score, or candidates to rank"),
        ("application/json", '{"top": 1}', "expected impressions to score"),
        ("application/json", '{"impressions": [], "candidates": []}', "found both"),
        ("application/json", '{"impressions": [], "context": {}}', "context and top are of"),
        ("application/json", '{"impressions": [], "top": 1}', "context and top are of"),
        ("application/json", '{"impressions": [{"ad": {}}]}', "row 0: field 'ad'"),
        ("application/json", '{"candidates": [{}, {"ad": "x"}]}', "candidate 1: field 'ad'"),
        ("application/json", '{"context": {"ad": {}}, "candidates": [{}]}', "context: field 'ad'"),
        (LINES[0], "", "the body is empty"),
        (LINES[0], "\n", "row 0: JSON decode error"),
        (LINES[0], "{}\n\n{}\n", "row 1: JSON decode error"),
        (LINES[0], "{}\n{\n", "row 1: JSON decode error"),
        (LINES[0], "{} {}\n", "row 0: JSON decode error"),
        (LINES[0], "{}],[{}\n", "row 0: JSON decode error"),
        (LINES[0], "{}\n[1]\n", "row 1: expected an object of raw fields, found array"),
        (LINES[0], '{}\n{"a": 1, "b": {"c": 1}}\n', "row 1: field 'b': expected null"),
        (LINES[0], '{"a": [[]]}', "row 0: field 'a'"),
        (LINES[0], '{"a": 1e999}', "row 0: field 'a': expected null"),
        (LINES[0], '{"a": NaN, "b": {}}', "row 0: field 'b'"),
        (LINES[0], '{"a": ' + "[" * 20_000, "row 0: expected null"),
        (LINES[0], '{}\n{"ad": "seven"}\n', "row 1: field 'ad': expected a whole number"),
        (LINES[0], '{"colour": 1}', "none of the fields sent is known"),
        (LINES[0], "{}\n" * 51, "more than 50 impressions (serving.max_impressions)"),
        (LINES[0], "{}\n" * 50 + "{}", "51 impressions: at most 50"),
        (CSV, "", "the body is empty"),
        (CSV, "\ufeff", "the body is empty"),
        (CSV, "\r\n", "the body is empty"),
        (CSV, "ad,price\n1,2\n3\n", "row 1 (line 3): 1 cells, expected 2: 'ad', 'price'"),
        (CSV, "ad,price\n1,2,3\n", "row 0 (line 2): 3 cells"),
        (CSV, "ad,price\n1,2\n\n3,4\n", "row 1 (line 4): follows a blank line"),
        (CSV, "ad,price,ad\n", "names the column 'ad' 2 times"),
        (CSV, 'ad,uuid\n1,"a"b\n', "line 2: not readable as CSV"),
        (CSV, 'ad,uuid\n1,"a\n', "not readable as CSV"),
        (CSV, 'ad,uuid\n1,' + "x" * 200_000, None),
        (CSV, "ad,price\nseven,2\n", "row 0: field 'ad': expected a whole number"),
        (CSV, "colour\nred\n", "no field that is known to the model: 'colour'. It reads 'ad'"),
        (CSV, "101,u1\n", "what has no such line is 'text/csv; header=absent'"),
        (CSV, "plattform\n", "did you mean 'platform'?"),
        (CSV, "ad\n" + "1\n" * 51, "more than 50 impressions (serving.max_impressions)"),
        (CSV, f"uuid\n{'u' * 300}\n", "at most 256 (serving.max_id_bytes)"),
        (CSV, ",".join(["ad", *map(str, range(9_999))]) + "\n1\n", "expected 10000"),
        (CSV, ",".join(["ad", *map(str, range(10_000))]) + "\n1\n", "names 10001 columns: at most"),
        (ABSENT, "", "the body is empty"),
        (ABSENT, "1\n", "row 0 (line 1): 1 cells, expected 5"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(client: TestClient, kind: str, body: str, said: str | None) -> None:
    answered = post(client, body, kind)
    assert answered.status_code == (413 if said is None else 422), answered.text
    assert answered.headers["content-type"] == "application/json"
    assert (said or "max_body_bytes") in answered.json()["detail"]
    assert len(answered.content) < 10_000


@pytest.mark.parametrize("kind", [LINES[0], CSV, ABSENT])
def test_what_is_no_text_is_refused(client: TestClient, kind: str) -> None:
    for body in (b'{"ad": "\xff"}\n', "ad\n1\n".encode("utf-16")):
        answered = post(client, body, kind)
        assert (answered.status_code, answered.json()["detail"]) == (
            400, "the body is no text in UTF-8",
        )  # fmt: skip


def test_as_many_rows_as_are_allowed_are_taken(client: TestClient) -> None:
    assert len(post(client, "{}\n" * 50, LINES[0]).text.splitlines()) == 50
    assert len(numbers(post(client, "ad\n" + "1\n" * 50 + "\n" * 9, CSV))) == 50
    assert numbers(post(client, "ad,price\n", CSV)) == []


MOST_STEPS = 70_000
"""About one a byte."""
LARGE = 65_536
"""Bytes that are still read on the event loop."""
SHORT = ["".join(letters) for letters in itertools.product(string.ascii_letters, repeat=3)]


def filled(head: str, row: str) -> bytes:
    """Return a body of so many bytes, of as many rows as a body may have."""
    return (head + row * min(2_000, (LARGE - len(head)) // len(row))).encode()


def as_object(values: Sequence[str]) -> bytes:
    fields = (f'"{name}":{value}' for name, value in zip(SHORT, values, strict=False))
    return f"{{{','.join(fields)}}}".encode()


HEAVY: dict[str, tuple[str, bytes]] = {
    "a header": (CSV, ",".join(["ad", *SHORT])[: LARGE // 2].encode()),
    "a header of too many": (CSV, ",".join(["ad", *SHORT])[:LARGE].encode()),
    "empty cells": (CSV, filled(",".join(["ad", *SHORT[:30]]) + "\n", "," * 30 + "\n")),
    "blank lines": (CSV, b"ad\n1\n".ljust(LARGE, b"\n")),
    "quotes": (CSV, filled("ad,uuid\n", '1,"' + '""' * 12 + '"\n')),
    "NaN": (LINES[0], filled("", '{"ad":1,"price":NaN,"x":-Infinity}\n')),
    "a wrong field": (LINES[0], as_object(["1"] * 6_500 + ["{}"])),
    "wrong fields": (LINES[0], as_object(["{}"] * 6_500)),
}  # fmt: skip


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_read_on_the_event_loop_takes_few_steps(name: str, bundle: Bundle) -> None:
    """A step is a call; names that are looked up one by one would take several a byte."""
    kind, body = HEAVY[name]
    assert len(body) <= LARGE
    steps = 0

    def counting(_: FrameType, event: str, __: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        with suppress(RequestError):
            if kind == CSV:
                read_csv(body, bundle, 2_000, None)
            else:
                [read_row(line, 0) for line in with_nulls(body).split(b"\n")[:2_000] if line]
    finally:
        sys.setprofile(None)
    assert 0 < steps < MOST_STEPS


def test_nan_is_missing_in_lines_too(client: TestClient) -> None:
    text = '{"ad": 101, "price": %s, "uuid": "NaN"}'
    found = {
        post(client, text % nothing, LINES[0]).text for nothing in ("NaN", "null", "-Infinity")
    }
    assert len(found) == 1
    assert "price" in json.loads(found.pop())["missing"]


@pytest.mark.parametrize(
    "kind",
    ["", "x", "text/plain", "text/html", "application/octet-stream", "multipart/form-data",
     "application/x-www-form-urlencoded", "text/csv; charset=latin-1", "text/csv; header=maybe",
     "application/jsonlines; charset=utf-16", "application/x-recordio-protobuf"],
)  # fmt: skip
def test_other_types_are_told_which_are_taken(client: TestClient, kind: str) -> None:
    answered = post(client, "ad\n1\n", kind)
    assert answered.status_code == 415
    for media in ("application/json", "text/csv", *LINES):
        assert media in answered.json()["detail"]


@pytest.mark.parametrize("path", ["/predict", "/rank", "/events"])
@pytest.mark.parametrize("kind", [CSV, ABSENT, *LINES, ""])
def test_no_other_route_takes_what_is_not_json(client: TestClient, path: str, kind: str) -> None:
    answered = client.post(path, content="{}", headers={"content-type": kind})
    assert answered.status_code == 415


def test_ping_is_well_once_the_service_is_ready(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    assert TestClient(app).get("/ping").status_code == 503
    with TestClient(app) as client:
        answered = client.get("/ping")
    assert answered.status_code == 200
    assert len(answered.content) < 100


def test_metrics_know_the_route(bundle_path: Path) -> None:
    app = create_app(bundle_path, "memory")
    with TestClient(app) as client:
        post(client, "ad\n1\n", CSV)
        post(client, "ad\nx\n", CSV)
        text = client.get("/metrics").text
    for status in (200, 422):
        assert f'ctr_requests_total{{route="{PATH}",status="{status}"}} 1.0' in text
    assert f'ctr_request_seconds_count{{route="{PATH}"}} 2.0' in text


@pytest.mark.parametrize("kind", [CSV, ABSENT])
def test_a_csv_of_some_size_is_read_and_scored_on_the_thread(
    trained: Trained, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of many numbers, which are texts in a CSV, is one row and takes as long as many."""
    app = create_app(trained.folder / "bundle", "memory")
    names = field_names(trained.bundle)
    on_loop: list[bool] = []
    whole = Predictor.predict_each

    def predict_each(self: Predictor, bodies: Sequence[Rows]) -> Any:  # noqa: ANN401
        on_loop.append(threading.current_thread() is threading.main_thread())
        return whole(self, bodies)

    monkeypatch.setattr(Predictor, "predict_each", predict_each)
    for entries in (10, 6_000, 32_000):
        cells = ["1 " * entries if name == "numbers" else "" for name in names]
        text = ",".join(cells) + "\n"
        one = Caller(PATH, (text if kind == ABSENT else ",".join(names) + "\n" + text).encode())
        one.sent = [(b"content-type", kind.encode())]
        asyncio.run(one.ask(app))
        assert one.status == 200, one.answer
    assert on_loop == [True, True, False]


@pytest.mark.parametrize("kind", [LINES[0], CSV])
def test_large_bodies_are_answered_as_small_ones_are(
    bundle_path: Path, rows: Rows, kind: str
) -> None:
    app = create_app(bundle_path, "memory")
    app.state.current.settings.__dict__["max_body_bytes"] = 1_000_000
    written, answers = as_csv if kind == CSV else as_lines, []
    for size in (1, 90_000):
        one = Caller(PATH, written([{**rows[0], "colour": "x" * size}, *rows[1:]]).encode())
        one.sent = [(b"content-type", kind.encode())]
        asyncio.run(one.ask(app))
        assert one.status == 200
        answers.append(one.answer)
    assert answers[0] == answers[1]


SAFE = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TYPED = st.fixed_dictionaries(
    {
        "ad": st.one_of(st.none(), st.integers(90, 150), st.integers(-(2**63) + 1, 2**63 - 1)),
        "uuid": st.one_of(st.none(), st.sampled_from(["u1", "u2"]), SAFE),
        "platform": st.one_of(st.none(), st.sampled_from(["mobile", " mobile", '"', ","]), SAFE),
        "price": st.one_of(st.none(), st.floats()),
        "ts": st.one_of(
            st.just("2024-01-06T00:13:20Z"), st.integers(1_704_000_000, 1_705_000_000),
            st.floats(1_704_000_000, 1_705_000_000),
        ),
        "display_id": st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "é b"])),
    }
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(rows=st.lists(TYPED, min_size=1, max_size=8))
def test_the_same_rows_give_the_same_numbers_in_each_form(client: TestClient, rows: Rows) -> None:
    text = json.dumps({"impressions": rows})  # with NaN, which httpx would not send
    asked = client.post("/predict", content=text, headers={"content-type": "application/json"})
    made = asked.json()["predictions"]
    assert [*map(json.loads, post(client, as_lines(rows), LINES[0]).text.splitlines())] == made
    assert numbers(post(client, as_csv(rows), CSV)) == [one["probability"] for one in made]


def test_a_process_started_as_sagemaker_starts_it_answers(
    bundle_path: Path, tmp_path: Path
) -> None:
    """With the argument ``serve``, a bundle that is not to be written to, and slow senders."""
    place = tmp_path / "ml" / "model"
    shutil.copytree(bundle_path, place)
    for path in [*place.rglob("*"), place, place.parent]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in [place.parent, *place.parent.rglob("*")]}
    with serving("sagemaker", place, tmp_path, {"CTR_HOST": "0.0.0.0"}) as server:  # noqa: S104
        assert server.ask("/ping")[0] == 200
        body = b"ad,uuid,price\r\n101,u1,1.5\r\n,,\r\n"
        length = f"content-length: {len(body)}"
        with connect(server.port) as one:
            push(one, head(PATH, "content-type: text/csv", length) + body)
            status, said = answer(one)
        assert (status, said.count(b"\n")) == (200, 2)
        rows = [{"ad": 101, "uuid": "u1", "price": 1.5}, {}]
        made = json.loads(server.ask("/predict", {"impressions": rows})[1])["predictions"]
        assert [*map(float, said.split())] == [one["probability"] for one in made]
        with connect(server.port) as one:
            push(one, head(PATH, "content-type: text/csv", length) + body[:-1])
            assert answer(one)[0] == 408
        with connect(server.port) as one:
            push(one, head(PATH, "content-type: text/csv", "content-length: 9000000",
                           "expect: 100-continue"))  # fmt: skip
            assert answer(one)[0] == 413
        server.works(1)
    after = {path: path.stat().st_mtime_ns for path in [place.parent, *place.parent.rglob("*")]}
    assert after == before  # root may write anywhere, so nothing else would show it
