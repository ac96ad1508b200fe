"""What stands for no value in a log stands for none in a request, an event and a later file."""

import json
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough.features.rows import RowParser
from clickthrough.schema import Schema
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Predictor
from tests.whole.dialects import Dialect, a_log, write
from tests.whole.test_dialects import TREES
from tests.whole.verbs import all_verbs, predicted

MARKED = Schema(
    roles={"label": "click", "item": "ad"},
    fields={"item": "int", "country": "str", "price": "float", "tags": "strs"},
    missing=["NULL"],
    missing_in={"price": ["NA", "-"]},
)


@pytest.mark.parametrize(
    ("row", "reads"),
    [
        ({"ad": "NULL", "country": "NULL", "price": "NULL"}, (None, None, None)),
        ({"ad": 7, "country": "NA", "price": "NA"}, (7, "NA", None)),
        ({"ad": 7, "country": "-", "price": "-"}, (7, "-", None)),
        ({"ad": 7, "country": "null", "price": 1.5}, (7, "null", 1.5)),
    ],
)
def test_a_mark_is_missing_where_it_is_one(row: dict[str, object], reads: object) -> None:
    names = ("item", "country", "price")
    parser = RowParser(MARKED, [*names, "tags"])
    rows = parser.parse([{**row, "tags": ["NULL", "a"]}], 0)
    assert tuple(rows.values[name][0] for name in names) == reads
    assert parser.coerce(row["price"], "price", 0) == reads[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marks")
    log = write(a_log(0, gaps=True), Dialect(missing="NULL"), folder)
    assert all_verbs(log, folder, small=TREES).refused == {}
    return folder


def test_file_frame_lines_and_service_say_the_same(trained: Path, tmp_path: Path) -> None:
    rows = pl.read_csv(trained / "log.csv", infer_schema=False).drop("click").to_dicts()
    expected = predicted(trained / "bundle", trained / "log.csv", tmp_path)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    assert predicted(trained / "bundle", tmp_path / "log.jsonl", tmp_path) == expected
    answer = Predictor.load(trained / "bundle", "memory").predict(rows)
    assert [one.probability for one in answer.predictions] == expected
    with TestClient(create_app(trained / "bundle", "memory")) as client:
        found = client.post("/predict", json={"impressions": rows}).json()["predictions"]
    assert [one["probability"] for one in found] == expected
    lacking = [set(one["missing"]) & {"slot", "bid", "views"} for one in found]
    assert any(lacking)
    assert not any(set(one["unseen"]) & {"slot"} for one in found)
