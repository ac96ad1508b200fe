"""Repeats of a candidate, unknown fields and long texts, as the predictor's callers meet them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from clickthrough.errors import RequestError
from clickthrough.serving.predictor import Predictor
from tests.logs import raw_rows

SHARED = {"display_id", "ts", "uuid", "platform"}


@pytest.fixture
def predictor(bundle_path: Path) -> Iterator[Predictor]:
    made = Predictor.load(bundle_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    """A request of five candidates."""
    return raw_rows(log.tail(5))


def divided(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    context = {name: value for name, value in rows[0].items() if name in SHARED}
    return context, [{n: v for n, v in row.items() if n not in SHARED} for row in rows]


def test_repeats_get_the_answer_of_the_first_and_change_no_other(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    plain = predictor.predict(rows).predictions
    again = {**rows[1], "ad": f"{rows[1]['ad']}.0", "price": 999.0, "advertiser": None}
    found = predictor.predict([*rows[:3], again, rows[0], *rows[3:], rows[4]]).predictions
    assert found == [*plain[:3], plain[1], plain[0], *plain[3:], plain[4]]


def test_the_same_item_of_another_request_is_no_repeat(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    other = [{**row, "display_id": "other", "price": 9.0} for row in rows]
    found = predictor.predict([*rows, *other]).predictions
    assert found == [*predictor.predict(rows).predictions, *predictor.predict(other).predictions]


def test_repeats_rank_beside_the_first_in_the_order_given(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    context, candidates = divided(rows)
    plain = predictor.rank(context, candidates)
    places = [0, 1, 1, 2, 0, 3, 4, 1]
    ranking = predictor.rank(context, [candidates[place] for place in places])
    expected = [at for best in plain.order for at in np.flatnonzero(np.array(places) == best)]
    assert ranking.order == expected
    by_place = dict(zip(plain.order, plain.predictions, strict=True))
    assert ranking.predictions == [by_place[places[place]] for place in ranking.order]
    top = predictor.rank(context, [candidates[place] for place in places], 3)
    assert (top.order, top.predictions) == (ranking.order[:3], ranking.predictions[:3])


def test_a_wrong_repeat_is_refused(predictor: Predictor, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(RequestError, match="row 5: field 'price'"):
        predictor.predict([*rows, {**rows[0], "price": "dear"}])


def test_a_request_of_which_no_field_is_known_is_refused(predictor: Predictor) -> None:
    expected = (
        "none of the fields sent is known to the model: 'advertizer'; did you mean 'advertiser'"
    )
    with pytest.raises(RequestError, match=expected):
        predictor.predict([{"advertizer": 1, "ts": 1, "display_id": "r", "clicked": 1}])
    with pytest.raises(RequestError, match="none of the candidates' fields"):
        predictor.rank({"uuid": "u1"}, [{"ad_id": 1}, {"ad_id": 2}])
    found = predictor.predict_each([[{"ad_id": 1}], [{"ad": 100}], [{}]])
    assert [type(one).__name__ for one in found] == ["RequestError", "Scored", "Scored"]


def test_long_ids_and_texts_are_refused_by_the_settings_of_the_bundle(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    for name in ("uuid", "display_id"):
        with pytest.raises(RequestError, match=rf"row 0: field '{name}': a text of 257 bytes"):
            predictor.predict([{**rows[0], name: "x" * 257}])
    with pytest.raises(RequestError, match=r"field 'platform'.*at most 4,096.*serving.max_text_by"):
        predictor.predict([{**rows[0], "platform": "x" * 4_097}])
    with pytest.raises(RequestError, match="context: field 'display_id': a text of 300 bytes"):
        predictor.rank({"display_id": "x" * 300}, [{"ad": 1}])
    for event in ("impression", "click"):
        with pytest.raises(RequestError, match="row 0: field 'display_id': a text of 300 bytes"):
            predictor.observe([{**rows[0], "type": event, "display_id": "x" * 300}])
    with pytest.raises(RequestError, match=r"found 'y{70}") as caught:
        predictor.observe([{**rows[0], "type": "y" * 10**6}])
    assert len(str(caught.value)) < 250
