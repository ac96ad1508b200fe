"""What a graph takes, for those who have it computed by another server."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest

from clickthrough.bundle import Bundle, layout
from clickthrough.errors import RequestError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.serving.predictor import Predictor
from tests.logs import raw_rows
from tests.serving.rich import Trained


def odd(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with shared requests that stand apart, repeats, missing values and unseen ones."""
    unseen: list[dict[str, Any]] = [
        {"ad": 7, "uuid": "nobody", "platform": "watch"},
        {},
        {"price": float("nan")},
    ]
    return [*rows[:8], *unseen, *rows[3:12], {**rows[0], "price": 99.0}, rows[1]]


def logits(bundle: Bundle, arrays: dict[str, Any]) -> list[float]:
    encoded = Encoded(**arrays)
    made: list[float] = bundle.calibrator.logit(bundle.model.logits(encoded), encoded.ids).tolist()
    return made


def expected(predictor: Predictor, rows: list[dict[str, Any]]) -> list[float]:
    return [made.logit for made in predictor.predict(rows).predictions]


@pytest.mark.parametrize("size", [1, 5, 60])
def test_the_graph_makes_of_it_what_predict_answers(
    bundle_path: Path, log: pl.DataFrame, size: int
) -> None:
    predictor = Predictor.load(bundle_path)
    rows = raw_rows(log.tail(60))
    predictor.observe([{**row, "type": "impression", "ts": None} for row in rows[:30]])
    rows = odd(rows)[-size:] if size < 60 else odd(rows)
    arrays = predictor.encode(rows)
    assert {name: (len(a), str(a.dtype)) for name, a in arrays.items()} == {
        "ids": (len(rows), "int32"),
        "numeric": (len(rows), "float32"),
        "bag_ids": (len(rows), "int32"),
        "bag_weights": (len(rows), "float32"),
    }
    assert logits(predictor.bundle, arrays) == expected(predictor, rows)
    predictor.close()


def test_lists_and_sequences_are_among_it(trained: Trained) -> None:
    place = trained.folder / "bundle"
    predictor = Predictor.load(place)
    known = trained.log.tail(20).drop("clicked", "shares", "numbers").to_dicts()
    rows = odd(
        [{**row, "topics": ["six1", None], "shares": [0.5], "numbers": [0]} for row in known]
    )
    arrays = predictor.encode(rows)
    assert arrays["bag_ids"].any()
    assert arrays["bag_weights"].any()
    assert logits(predictor.bundle, arrays) == expected(predictor, rows)
    # by the graph's own names, as another server asks it
    session = onnxruntime.InferenceSession(str(place / layout.ONNX))
    fed = {entry.name: arrays[entry.name] for entry in session.get_inputs()}
    raw = session.run(["logit"], fed)[0]
    assert predictor.bundle.calibrator.logit(raw, arrays["ids"]).tolist() == expected(
        predictor, rows
    )
    predictor.close()


def test_repeats_of_a_request_have_rows_of_their_own(bundle_path: Path, log: pl.DataFrame) -> None:
    predictor = Predictor.load(bundle_path)
    rows = raw_rows(log.tail(5))
    once, twice = predictor.encode(rows), predictor.encode([*rows, rows[2], rows[0]])
    for name, array in twice.items():
        assert np.array_equal(array, once[name][[0, 1, 2, 3, 4, 2, 0]])
    predictor.close()


def test_of_nothing_it_is_empty_and_of_the_same_shape(bundle_path: Path) -> None:
    predictor = Predictor.load(bundle_path)
    none, one = predictor.encode([]), predictor.encode([{}])
    for name, array in none.items():
        assert (array.shape, array.dtype) == ((0, *one[name].shape[1:]), one[name].dtype)
    predictor.close()


def test_a_wrong_value_is_named(bundle_path: Path) -> None:
    predictor = Predictor.load(bundle_path)
    with pytest.raises(RequestError, match="row 1: field 'ad'"):
        predictor.encode([{}, {"ad": "seven"}])
    predictor.close()
