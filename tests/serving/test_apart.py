"""What one caller sends changes nothing in the answer to another, to the last bit."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough.errors import RequestError
from clickthrough.serving.predictor import Predictor, Scored
from tests.logs import START, raw_rows

NOW = (int(START.timestamp()) + 10 * 86_400) * 1_000_000_000
NAN = float("nan")
ADS = st.sampled_from([100, 101, 102.0, "103", " 104.0 ", 999_999, None, "", NAN])
VALUES: dict[str, st.SearchStrategy[object]] = {
    "ad": ADS,
    "item": ADS,
    "uuid": st.sampled_from(["u1", "u2", "nobody", 7, "ø", "", None, NAN]),
    "user": st.sampled_from(["u3", "u1", None]),
    "platform": st.sampled_from(["mobile", "desktop", "watch", None, NAN, "x" * 300]),
    "advertiser": st.sampled_from(["firm 1", "firm 2", "", NAN]),
    "price": st.sampled_from([1.5, 2, "0.25", 1e308, None, NAN, ""]),
    "ts": st.sampled_from(["2024-01-10T12:00:00", "2024-01-10T12:30:00", 1_704_900_000, NAN]),
    "time": st.sampled_from([1_704_900_000.5, None]),
    "display_id": st.sampled_from(["a", "b", 7, "7", None, NAN, ""]),
    "request_id": st.sampled_from(["a", "b", 7, "7", None, NAN, ""]),
    "label": st.just(1),
    "type": st.just("impression"),
    "colour": st.just("red"),
    "\ud800": st.just(None),
}
WRONG: dict[str, st.SearchStrategy[object]] = {
    "ad": st.sampled_from(["seven", [1], float("inf"), 10**5_000, 2**63]),
    "uuid": st.sampled_from([1.5, "u" * 257, "\ud800", {}]),
    "display_id": st.sampled_from([1.5, "r" * 257, [1]]),
    "ts": st.sampled_from(["soon", "9" * 65, True]),
}
ROW = st.fixed_dictionaries({}, optional=VALUES)
SIMPLE = st.fixed_dictionaries(
    {"ad": ADS, "uuid": VALUES["uuid"]}, optional={n: VALUES[n] for n in ("label", "platform")}
)
UNKNOWN = st.dictionaries(st.sampled_from(["item_id", "colour", "request_id"]), st.just("a"))
ODD = st.builds(lambda row, wrong: {**row, **wrong}, ROW, st.fixed_dictionaries({}, optional=WRONG))
BODIES = st.lists(
    st.lists(ROW, max_size=20)
    | st.lists(SIMPLE, max_size=4)
    | st.lists(UNKNOWN, max_size=3)
    | st.lists(ODD, max_size=3),
    max_size=6,
)


@pytest.fixture(scope="module")
def predictor(bundle_path: Path, log: pl.DataFrame) -> Predictor:
    """A predictor whose store has counted events."""
    made = Predictor.load(bundle_path)
    shown = raw_rows(log.tail(100))
    made.observe([{**row, "type": "impression"} for row in shown])
    return made


def answers(predictor: Predictor, bodies: Sequence[Any]) -> list[Scored | str]:
    with patch("time.time_ns", lambda: NOW):
        found = predictor.predict_each(bodies)
    return [str(one) if isinstance(one, RequestError) else one for one in found]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES)
def test_bodies_are_answered_together_as_they_are_alone(
    predictor: Predictor, bodies: list[list[dict[str, object]]]
) -> None:
    alone = [answers(predictor, [body])[0] for body in bodies]
    assert answers(predictor, bodies) == alone


@pytest.mark.parametrize("count", [2, 5, 17, 64, 300])
def test_so_are_many(predictor: Predictor, log: pl.DataFrame, count: int) -> None:
    rng, rows = random.Random(count), raw_rows(log.tail(2_000))  # noqa: S311
    bodies = [rng.choices(rows, k=rng.choice([1, 1, 3, 20])) for _ in range(count)]
    alone = [answers(predictor, [body])[0] for body in bodies]
    assert answers(predictor, bodies) == alone


def test_a_form_is_of_rows_that_have_exactly_its_names(predictor: Predictor) -> None:
    labelled = [{"ad": 100, "uuid": "u1", "label": 1}]
    others = (
        [{"ad": 100, "uuid": "u1", "platform": "mobile"}],
        [{"ad": 1, "uuid": "u", "colour": 1}],
    )
    alone = [answers(predictor, [body])[0] for body in (labelled, *others)]
    assert answers(predictor, [labelled, *others]) == alone
    assert [one.ignored for one in alone if isinstance(one, Scored)] == [[], [], ["colour"]]
