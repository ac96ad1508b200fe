"""Nothing that comes over the wire breaks the service: no 5xx, no NaN, probabilities in (0, 1).

``CTR_FUZZ=10000`` sends so many bodies of our own making instead of 1,500.
"""

import asyncio
import csv
import io
import json
import math
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from clickthrough.serving.app import create_app
from tests.serving.asking import Caller

pytestmark = pytest.mark.slow

BODIES = int(os.environ.get("CTR_FUZZ") or 1_500)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
ROUTES = {
    "/predict": "impressions",
    "/rank": "candidates",
    "/events": "events",
    "/invocations": "impressions",
}
INFER = "/v2/models/ctr/infer"
VERSION = "/v2/models/ctr/versions/{version}/infer"


@pytest.fixture(scope="module")
def app(bundle_path: Path) -> FastAPI:
    return create_app(bundle_path, "memory")


def refuse(text: str) -> float:
    raise AssertionError(f"{text} in an answer")


def sound(one: Caller) -> None:
    """Check an answer."""
    assert one.status in (200, 400, 413, 422), (one.status, one.answer)
    assert one.headers["content-length"] == str(len(one.answer))
    said = json.loads(one.answer, parse_constant=refuse)
    if one.status != 200:
        assert said["detail"]
        return
    for entry in said.get("predictions", said.get("ranking", [])):
        assert 0 < entry["probability"] < 1
        assert math.isfinite(entry["logit"])


NAMES = st.sampled_from(
    ["ad", "item", "uuid", "user", "platform", "advertiser", "price", "ts", "time", "display_id",
     "request_id", "clicked", "label", "type", "", "\u0000", "ａｄ", "x" * 300]
)  # fmt: skip
NUMBERS = st.sampled_from(
    ["0", "-0", "-0.0", "1e-400", "5e-324", "1e308", "-1e308", "1e309", "1e999999999", "1E+2",
     "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
     "18446744073709551616", "1" + "0" * 400, "0.1", "1.0", "118.0", "118.5", "NaN", "Infinity",
     "-Infinity", "01", "+1", "1.", ".5", "0x10", "1_000", "4300" * 1_100]
)  # fmt: skip
WORDS = st.sampled_from(
    ["impression", "click", "view", "118", "1e5", "nan", "inf", "-inf", "NaN", "", " ", "\u0000",
     "2024-01-05T07:00:00Z", "2024-01-05", "0001-01-01", "9999-12-31T23:59:59-12:00",
     "9999-12-31T23:59:59.999999Z", "2024-02-30", "mobile", "u7", "firm 3", "é" * 100,
     "\u202e", "\U0001f600" * 20, "\ufeff", "٣", "x" * 5_000]
)  # fmt: skip
RAW = st.sampled_from(['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\q"', "nul", "{", "]", ""])
TEXTS = st.one_of(WORDS, WORDS, st.text(max_size=12)).map(json.dumps)
LEAVES = st.one_of(
    NUMBERS, TEXTS, st.integers().map(str), st.floats().map(json.dumps),
    st.integers(95, 145).map(str),
    st.sampled_from(["null", "true", "false"]),
)  # fmt: skip


def listed(parts: list[str]) -> str:
    return f"[{','.join(parts)}]"


def keyed(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


def objects(values: st.SearchStrategy[str], size: int = 8) -> st.SearchStrategy[str]:
    """JSON objects as text: keys may come twice."""
    named = st.one_of(NAMES, NAMES, NAMES, st.text(max_size=6))
    return st.lists(st.tuples(named, values), max_size=size).map(keyed)


DEEP = st.tuples(st.sampled_from(["[", '{"a":']), st.sampled_from([3, 60, 900, 3_000])).map(
    lambda made: made[0] * made[1] + "1" + ("]" if made[0] == "[" else "}") * made[1]
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4).map(listed), objects(inner, 4)),
    max_leaves=12,
)
VALUES = st.one_of(LEAVES, LEAVES, LEAVES, LEAVES, NESTED, DEEP, RAW)
GOOD = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["impression", "click", "view"]),
        "ad": st.one_of(st.integers(90, 150), st.integers(-(2**63) + 1, 2**63 - 1)),
        "display_id": st.one_of(st.integers(0, 9), st.text(min_size=1, max_size=4)),
    },
    optional={
        "uuid": st.text(max_size=40),
        "platform": st.one_of(st.none(), st.text(max_size=9)),
        "price": st.floats(allow_nan=False, allow_infinity=False),
        "ts": st.one_of(
            st.integers(-(10**9), 10**9),
            st.datetimes(max_value=datetime(2026, 1, 1)).map(str),
        ),
        "colour": st.text(max_size=3),
    },
).map(json.dumps)
FINE = st.lists(GOOD, max_size=6).map(listed)
ROWS = st.one_of(
    FINE,
    FINE,
    st.lists(objects(VALUES), max_size=4).map(listed),
    st.lists(st.one_of(GOOD, objects(LEAVES), VALUES), max_size=4).map(listed),
    st.sampled_from(["[" + "{}," * 60 + "{}]"]),
    VALUES,
)


def whole(made: tuple[str, str, list[tuple[str, str]], str]) -> tuple[str, bytes]:
    route, rows, others, around = made
    text = around.replace("%", keyed([(ROUTES[route], rows), *others]))
    return route, text.encode("utf-8", "surrogatepass")


BODY = st.tuples(
    st.sampled_from(sorted(ROUTES)),
    ROWS,
    st.one_of(
        st.just([]),
        st.just([]),
        st.lists(
            st.one_of(
                st.tuples(st.just("context"), st.one_of(GOOD, objects(VALUES), VALUES)),
                st.tuples(st.just("top"), st.one_of(st.integers(1, 9).map(str), VALUES)),
                st.tuples(st.sampled_from(["impressions", "candidates", "events", "x"]), ROWS),
            ),
            max_size=2,
        ),
    ),
    st.sampled_from(["%"] * 12 + ["%%", " %\n", "[%]", "\ufeff%", "%\x00", "\ud800%"]),
).map(whole)
SIMPLE = st.tuples(st.sampled_from(sorted(ROUTES)), FINE, st.just([]), st.just("%")).map(whole)
JUNK = st.tuples(st.sampled_from(sorted(ROUTES)), st.binary(max_size=60))


def test_no_body_breaks_the_service(app: FastAPI) -> None:
    seen: dict[str, Counter[int | None]] = {route: Counter() for route in ROUTES}

    @settings(
        max_examples=BODIES,
        deadline=None,
        derandomize=BODIES == 1_500,
        database=None,
        suppress_health_check=SLOW,
    )
    @example(case=("/predict", b'{"impressions": [{"price": 1e309}]}'))
    @example(case=("/predict", b'{"impressions": [{"price": 1e308}, {"price": -1e308}]}'))
    @given(case=st.one_of(*[BODY] * 7, *[SIMPLE] * 3, JUNK))
    def go(case: tuple[str, bytes]) -> None:
        route, body = case
        one = asyncio.run(Caller(route, body).ask(app))
        sound(one)
        seen[route][one.status] += 1

    go()
    for statuses in seen.values():
        assert statuses[200] > BODIES / (10 * len(ROUTES))
        assert statuses[422] > BODIES / (10 * len(ROUTES))


TEXT = st.one_of(GOOD, GOOD, objects(LEAVES), VALUES)
CELLS = st.one_of(
    st.just(""), NUMBERS, WORDS, st.text(max_size=9), st.integers(95, 145).map(str),
    st.sampled_from(['"', '""', '"a"b', '"a,b"', "a\rb", "\ud800"]),
)  # fmt: skip
HEADERS = st.one_of(
    st.just(["ad", "uuid", "platform", "price", "ts"]),
    st.lists(st.one_of(NAMES, NAMES, st.text(max_size=6)), max_size=7),
)


def lined(rows: list[str], between: str) -> tuple[str, str, bytes]:
    text = between.join(row.replace("\n", " ") for row in rows)
    return "/invocations", "application/jsonlines", text.encode("utf-8", "surrogatepass")


def tabled(
    names: list[str], rows: list[list[str]], around: str, kind: str, *, exact: bool
) -> tuple[str, str, bytes]:
    """A CSV; an exact one has as many cells a row as it has columns, and quotes them."""
    width, table = len(names), [names, *rows]
    if exact:
        table = [names, *((row + [""] * width)[:width] for row in rows)]
        table = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in table]
    text = around.replace("%", "\r\n".join(map(",".join, table)))
    return "/invocations", kind, text.encode("utf-8", "surrogatepass")


def written(texts: list[str]) -> tuple[str, str, bytes]:
    """A CSV as Python writes it."""
    rows = [json.loads(text) for text in texts]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return "/invocations", "text/csv", out.getvalue().encode("utf-8", "surrogatepass")


def inferred(rows: list[str], shape: str, others: list[tuple[str, str]]) -> tuple[str, str, bytes]:
    shape = shape.replace("n", str(len(rows)))
    data = json.dumps(rows)
    tensor = f'{{"name":"impressions","datatype":"BYTES","shape":{shape},"data":{data}}}'
    text = keyed([("inputs", f"[{tensor}]"), *others])
    return INFER, "application/json", text.encode("utf-8", "surrogatepass")


OTHERS = st.one_of(
    st.just([]),
    st.just([]),
    st.lists(st.tuples(st.sampled_from(["id", "outputs", "inputs", "parameters", "x"]), VALUES),
             max_size=2),
)  # fmt: skip
FORMED = st.one_of(
    st.builds(lined, st.lists(GOOD, max_size=6), st.just("\n")),
    st.builds(lined, st.lists(TEXT, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n", " "])),
    st.builds(written, st.lists(GOOD, max_size=6)),
    st.builds(
        tabled, HEADERS, st.lists(st.lists(CELLS, max_size=7), max_size=6),
        st.sampled_from(["%", "%", "%\r\n", "\ufeff%", "%\n\n", "\n%"]),
        st.sampled_from(["text/csv", "text/csv", "text/csv; header=absent"]), exact=st.booleans(),
    ),
    st.builds(inferred, st.lists(GOOD, max_size=6), st.sampled_from(["[n]", "[n,1]"]), st.just([])),
    st.builds(
        inferred, st.lists(TEXT, max_size=6),
        st.sampled_from(["[n]", "[n,1]", "[n,2]", "[]", "[1e9]", "7"]), OTHERS,
    ),
    st.builds(
        lambda route, body: (*route, body),
        st.sampled_from([("/invocations", "text/csv"), ("/invocations", "application/x-ndjson"),
                         (INFER, "application/json")]),
        st.binary(max_size=60),
    ),
)  # fmt: skip


def sound_form(one: Caller) -> int:
    """Check an answer in another form; return how many impressions it answers."""
    assert one.status in (200, 400, 413, 422), (one.status, one.answer)
    assert one.headers["content-length"] == str(len(one.answer))
    if one.status != 200:
        said = json.loads(one.answer, parse_constant=refuse)
        assert said["error" if one.path == INFER else "detail"]
        assert one.path != INFER or one.status != 422
        return 0
    if one.headers["content-type"] == "text/csv":
        probabilities = [float(line) for line in one.answer.splitlines()]
    elif one.path == INFER:
        tensors = json.loads(one.answer, parse_constant=refuse)["outputs"]
        named = {tensor["name"]: tensor["data"] for tensor in tensors}
        probabilities = named.get("probability", [])
    else:
        lines = one.answer.splitlines()
        probabilities = [json.loads(line, parse_constant=refuse)["probability"] for line in lines]
    assert all(0 < probability < 1 for probability in probabilities)
    return len(probabilities)


def test_no_body_of_another_form_breaks_the_service(app: FastAPI) -> None:
    seen: Counter[tuple[str, int | None]] = Counter()
    answered: Counter[str] = Counter()

    @settings(
        max_examples=BODIES,
        deadline=None,
        derandomize=BODIES == 1_500,
        database=None,
        suppress_health_check=SLOW,
    )
    @given(case=FORMED)
    def go(case: tuple[str, str, bytes]) -> None:
        route, kind, body = case
        one = Caller(route, body)
        one.sent = [(b"content-type", kind.encode())]
        asyncio.run(one.ask(app))
        answered[kind] += sound_form(one)
        seen[kind, 200 if one.status == 200 else 400] += 1

    go()
    for kind in ("application/jsonlines", "text/csv", "application/json"):
        assert answered[kind] > BODIES / 30, answered
        assert min(seen[kind, 200], seen[kind, 400]) > BODIES / 50, seen


def test_the_check_sees_what_it_looks_for() -> None:
    def made(status: int, answer: str) -> Caller:
        one = Caller("/predict", b"", status, answer.encode())
        one.headers["content-length"] = str(len(one.answer))
        return one

    sound(made(200, '{"predictions": [{"probability": 0.5, "logit": 0.0}]}'))
    for status, answer in [
        (500, '{"detail": "broken"}'), (422, "{}"), (422, '{"detail": ""}'),
        (200, '{"predictions": [{"probability": NaN, "logit": 0.0}]}'),
        (200, '{"predictions": [{"probability": 1.0, "logit": 0.0}]}'),
        (200, '{"ranking": [{"probability": 0.5, "logit": Infinity}]}'),
    ]:  # fmt: skip
        with pytest.raises((AssertionError, KeyError)):
            sound(made(status, answer))


CHECKS: list[Callable[..., Any]] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_every_route_answers_as_documented(app: FastAPI) -> None:
    """Cases that schemathesis makes of the documentation."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    seen: dict[str, set[int]] = {}

    def check(operation: Any, mode: schemathesis.GenerationMode) -> None:  # noqa: ANN401
        @settings(
            max_examples=50, deadline=None, derandomize=True, database=None,
            suppress_health_check=SLOW,
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def go(case: Any) -> None:  # noqa: ANN401
            answer = case.call_and_validate(checks=CHECKS)
            if answer.headers["content-type"] == ["application/json"]:
                json.loads(answer.content, parse_constant=refuse)
            seen.setdefault(operation.path, set()).add(answer.status_code)

        go()

    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        check(operation, schemathesis.GenerationMode.POSITIVE)
        if operation.path in (
            *ROUTES,
            INFER,
            VERSION,
        ):  # the others read nothing that could be wrong
            check(operation, schemathesis.GenerationMode.NEGATIVE)
    assert set(seen) == set(app.openapi()["paths"])
    assert all({200, 422} <= seen[route] for route in ROUTES)
    assert {200, 400} <= seen[INFER]
    assert {400, 404} & seen[VERSION]
