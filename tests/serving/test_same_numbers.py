"""Ten thousand impressions with live state: every way of serving gives the same bits."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.types import ASGIApp

from clickthrough.scoring import score_file
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Predictor
from tests.logs import make_log, raw_rows
from tests.serving.asking import Caller, caller

REQUESTS, SIZE = 2_000, 5
Numbers = list[tuple[float, float]]
"""Probability and logit of each impression."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    log = make_log(seed=5, requests=REQUESTS, size=SIZE)
    # after all that the bundle's snapshot holds
    return raw_rows(log.with_columns(pl.col("ts").str.replace("2024-01", "2024-02", literal=True)))


@pytest.fixture(scope="module")
def store(bundle_path: Path, rows: list[dict[str, Any]], tmp_path_factory: Any) -> Path:  # noqa: ANN401
    """A store that has counted half of the impressions, and a click on every seventh."""
    place: Path = tmp_path_factory.mktemp("live") / "store.sqlite"
    predictor = Predictor.load(bundle_path, place)
    half = rows[: len(rows) // 2]
    predictor.observe([{**row, "type": "impression"} for row in half])
    clicks = [{name: row[name] for name in ("display_id", "ad", "ts")} for row in half[::7]]
    assert predictor.observe([{**click, "type": "click"} for click in clicks]).clicks > 700
    predictor.close()
    return place


def numbers(entries: list[dict[str, Any]]) -> Numbers:
    return [(entry["probability"], entry["logit"]) for entry in entries]


async def posted(app: ASGIApp, route: str, body: dict[str, Any]) -> dict[str, Any]:
    asked = await caller(route, body).ask(app)
    assert asked.status == 200
    made: dict[str, Any] = json.loads(asked.answer)
    return made


async def over_rank(app: ASGIApp, rows: list[dict[str, Any]]) -> Numbers:
    made: Numbers = []
    for start in range(0, len(rows), SIZE):
        request = rows[start : start + SIZE]
        context = {name: request[0][name] for name in ("display_id", "ts", "uuid", "platform")}
        own = [{k: v for k, v in row.items() if k not in context} for row in request]
        answer = await posted(app, "/rank", {"context": context, "candidates": own})
        made += numbers(sorted(answer["ranking"], key=lambda entry: entry["candidate"]))
    return made


async def over_predict(app: ASGIApp, rows: list[dict[str, Any]], size: int) -> Numbers:
    made: Numbers = []
    for start in range(0, len(rows), size):
        answer = await posted(app, "/predict", {"impressions": rows[start : start + size]})
        made += numbers(answer["predictions"])
    return made


async def over_lines(app: ASGIApp, rows: list[dict[str, Any]], size: int) -> Numbers:
    made: Numbers = []
    for start in range(0, len(rows), size):
        text = "".join(json.dumps(row) + "\n" for row in rows[start : start + size])
        asked = Caller("/invocations", text.encode())
        asked.sent = [(b"content-type", b"application/jsonlines")]
        await asked.ask(app)
        made += numbers([json.loads(line) for line in asked.answer.splitlines()])
    return made


async def over_csv(app: ASGIApp, rows: list[dict[str, Any]], size: int) -> list[float]:
    made: list[float] = []
    for start in range(0, len(rows), size):
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows[start : start + size])
        asked = Caller("/invocations", out.getvalue().encode())
        asked.sent = [(b"content-type", b"text/csv")]
        await asked.ask(app)
        made += map(float, asked.answer.split())
    return made


async def over_infer(app: ASGIApp, rows: list[dict[str, Any]], size: int) -> Numbers:
    made: Numbers = []
    for start in range(0, len(rows), size):
        texts = [json.dumps(row) for row in rows[start : start + size]]
        tensor = {"name": "impressions", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
        answer = await posted(app, "/v2/models/ctr/infer", {"inputs": [tensor]})
        probability, logit = (output["data"] for output in answer["outputs"][:2])
        made += zip(probability, logit, strict=True)
    return made


def over_file(predictor: Predictor, rows: list[dict[str, Any]], folder: Path, end: str) -> Numbers:
    source, out = folder / f"in{end}", folder / f"out{end}"
    with source.open("w", newline="") as file:
        if end == ".jsonl":
            file.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    assert score_file(predictor, source, out).rows == len(rows)
    if end == ".jsonl":
        return numbers([json.loads(line) for line in out.read_text().splitlines()])
    with out.open(newline="") as file:
        return [(float(r["probability"]), float(r["logit"])) for r in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_every_way_of_serving_gives_the_same_bits(
    bundle_path: Path,
    store: Path,
    rows: list[dict[str, Any]],
    tmp_path: Path,
    runtime: Any,  # noqa: ANN401
) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    predictor = Predictor.load(bundle_path, store, runtime)
    expected = [(p.probability, p.logit) for p in predictor.predict(rows).predictions]
    assert len(expected) == 10_000
    assert len(set(expected)) > 9_000
    fresh = Predictor.load(bundle_path, "memory", runtime).predict(rows).predictions
    assert sum(p.logit != own[1] for p, own in zip(fresh, expected, strict=True)) > 5_000
    app = create_app(bundle_path, store, runtime)
    assert asyncio.run(over_rank(app, rows)) == expected
    assert asyncio.run(over_predict(app, rows, SIZE)) == expected
    assert asyncio.run(over_predict(app, rows, 10 * SIZE)) == expected
    assert asyncio.run(over_lines(app, rows, 10 * SIZE)) == expected
    assert asyncio.run(over_csv(app, rows, 10 * SIZE)) == [
        probability for probability, _ in expected
    ]
    assert asyncio.run(over_infer(app, rows, 10 * SIZE)) == expected
    app.state.current.close()
    for end in (".csv", ".jsonl"):
        assert over_file(predictor, rows, tmp_path, end) == expected
    alone = [predictor.predict([row]).predictions[0].logit for row in rows[:500]]
    bare = [{k: v for k, v in row.items() if k != "display_id"} for row in rows[:500]]
    assert [p.logit for p in predictor.predict(bare).predictions] == alone
    predictor.close()
