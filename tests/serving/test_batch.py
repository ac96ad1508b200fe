"""Files of impressions: a request is never divided, whatever its rows call it."""

import json
from pathlib import Path
from typing import Any

import pytest

from clickthrough.errors import DataError
from clickthrough.serving import batch
from clickthrough.serving.batch import predict_file
from clickthrough.serving.predictor import Predictor


class Watched:
    """A predictor that remembers how many rows came at once."""

    def __init__(self, predictor: Predictor) -> None:
        self.bundle, self._own, self.sizes = predictor.bundle, predictor, list[int]()

    def predict(self, rows: list[dict[str, Any]]) -> Any:  # noqa: ANN401
        self.sizes.append(len(rows))
        return self._own.predict(rows)


def sizes_of(
    bundle: Path, folder: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    monkeypatch.setattr(batch, "_CHUNK", 2)
    source, watched = folder / "in.jsonl", Watched(Predictor.load(bundle))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    predict_file(watched, source, folder / "out.jsonl")  # type: ignore[arg-type]
    return watched.sizes


@pytest.mark.parametrize("missing", [None, "", float("nan"), ...])
def test_rows_that_name_no_request_are_no_request(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: object
) -> None:
    row = {"ad": 100} if missing is ... else {"ad": 100, "display_id": missing}
    assert sizes_of(bundle_path, tmp_path, [row] * 6, monkeypatch) == [2, 2, 2]


def test_a_request_stays_whole_whichever_name_and_type_its_id_has(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids: list[dict[str, object]] = [
        {"display_id": 7}, {"display_id": "7"}, {"request_id": None, "display_id": 7},
        {"display_id": 1, "request_id": "7"}, {"display_id": 8},
    ]  # fmt: skip
    rows = [{"ad": 100 + place, **named} for place, named in enumerate(ids)]
    assert sizes_of(bundle_path, tmp_path, rows, monkeypatch) == [4, 1]


@pytest.mark.parametrize("line", ["[" * 200_000, json.dumps(["x" * 10**6]), "{"])
def test_a_line_that_is_no_row_is_named(bundle_path: Path, tmp_path: Path, line: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"ad": 100}\n' + line + "\n")
    with pytest.raises(DataError, match="line 2: ") as caught:
        predict_file(Predictor.load(bundle_path), source, tmp_path / "out.jsonl")
    assert len(str(caught.value)) < 400
