import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import clickthrough
from clickthrough.bundle import Bundle
from clickthrough.errors import RequestError
from clickthrough.serving.predictor import Prediction, Predictor
from tests.logs import START, raw_rows

LATER = (START + timedelta(days=10)).isoformat()


@pytest.fixture
def predictor(bundle_path: Path) -> Iterator[Predictor]:
    made = Predictor.load(bundle_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    """The last three requests of five candidates, with every field known."""
    full = log.with_columns(pl.col("platform").fill_null("mobile"), pl.col("price").fill_null(1.0))
    return raw_rows(full.tail(15))


def one(predictor: Predictor, row: dict[str, Any]) -> Prediction:
    return predictor.predict([row]).predictions[0]


def test_the_package_itself_offers_the_predictor() -> None:
    from clickthrough import Predictor as Offered

    assert Offered is Predictor
    with pytest.raises(AttributeError, match="Predicter"):
        clickthrough.Predicter  # noqa: B018


def test_predictions_are_probabilities_that_differ(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    scored = predictor.predict(rows)
    found = [prediction.probability for prediction in scored.predictions]
    assert all(0 < p < 1 for p in found)
    assert len(set(found)) > 10
    assert [p.item for p in scored.predictions] == [row["ad"] for row in rows]
    assert [p.request_id for p in scored.predictions] == [str(row["display_id"]) for row in rows]
    assert scored.ignored == []


def test_no_impressions_are_no_predictions(predictor: Predictor) -> None:
    assert predictor.predict([]).predictions == []


def test_what_is_known_is_neither_missing_nor_unseen(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    prediction = one(predictor, rows[0])
    assert (prediction.missing, prediction.unseen) == ([], [])


@pytest.mark.parametrize("absent", [None, "", ...])
def test_missing_fields_are_named_as_the_log_names_them(
    predictor: Predictor, rows: list[dict[str, Any]], absent: object
) -> None:
    row = dict(rows[0])
    for name in ("uuid", "price", "platform"):
        if absent is ...:
            del row[name]
        else:
            row[name] = absent
    assert sorted(one(predictor, row).missing) == ["platform", "price", "uuid"]


def test_an_empty_impression_misses_everything_and_is_scored(predictor: Predictor) -> None:
    prediction = one(predictor, {})
    assert sorted(prediction.missing) == ["ad", "advertiser", "platform", "price", "uuid"]
    assert prediction.unseen == []
    assert 0 < prediction.probability < 1
    assert prediction.request_id is None


def test_unseen_values_are_named_as_the_log_names_them(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    row = {**rows[0], "uuid": "nobody", "ad": 999_999, "platform": "watch"}
    prediction = one(predictor, row)
    assert sorted(prediction.unseen) == ["ad", "platform", "uuid"]
    assert prediction.missing == []


def test_an_unseen_item_is_met_once_its_event_is_counted(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    row = {**rows[0], "uuid": "nobody", "ts": LATER}
    assert one(predictor, row).unseen == ["uuid"]
    earlier = (START + timedelta(days=9, hours=20)).isoformat()
    predictor.observe([{**row, "type": "impression", "ts": earlier}])
    assert one(predictor, row).unseen == []


def test_events_change_the_probability_from_the_next_tick_on(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    row = {**rows[0], "ts": LATER}
    before = one(predictor, row).probability
    at = START + timedelta(days=9, hours=23, minutes=45)
    events: list[dict[str, Any]] = []
    for request in range(200):
        shown = {**row, "display_id": 10_000_000 + request, "ts": at.isoformat()}
        events += [{**shown, "type": "impression"}, {**shown, "type": "click"}]
    receipt = predictor.observe(events)
    assert (receipt.impressions, receipt.clicks) == (200, 200)
    assert abs(one(predictor, row).probability - before) > 0.001
    same_tick = {**row, "ts": at.isoformat()}
    fresh = Predictor(predictor.bundle, type(predictor.store)())
    assert one(predictor, same_tick).probability == one(fresh, same_tick).probability


def test_names_of_roles_are_accepted(predictor: Predictor, rows: list[dict[str, Any]]) -> None:
    roles = {"display_id": "request_id", "ts": "time", "uuid": "user", "ad": "item"}
    renamed = [{roles.get(name, name): value for name, value in row.items()} for row in rows]
    assert predictor.predict(renamed) == predictor.predict(rows)


def test_the_order_of_a_body_does_not_matter_and_is_kept(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    expected = predictor.predict(rows).predictions
    order = list(range(len(rows)))
    random.Random(3).shuffle(order)  # noqa: S311
    found = predictor.predict([rows[i] for i in order]).predictions
    for place, prediction in zip(order, found, strict=True):
        assert prediction.item == expected[place].item
        assert prediction.request_id == expected[place].request_id
        assert prediction.logit == pytest.approx(expected[place].logit, abs=1e-5)


def test_candidates_are_seen_beside_those_of_their_own_request_only(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    together = predictor.predict(rows).predictions
    for start in (0, 5, 10):
        apart = predictor.predict(rows[start : start + 5]).predictions
        for a, b in zip(apart, together[start : start + 5], strict=True):
            assert a.logit == pytest.approx(b.logit, abs=1e-5)
    alone = one(predictor, rows[0])
    assert alone.logit != pytest.approx(together[0].logit, abs=1e-4)


def test_rows_without_a_request_are_requests_of_their_own(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    bare = [{k: v for k, v in row.items() if k != "display_id"} for row in rows[:5]]
    found = predictor.predict(bare).predictions
    for row, prediction in zip(bare, found, strict=True):
        assert prediction.logit == pytest.approx(one(predictor, row).logit, abs=1e-5)


def split_row(row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide an impression into what its request shares and what its candidate has."""
    shared = {"display_id", "ts", "uuid", "platform"}
    context = {name: value for name, value in row.items() if name in shared}
    return context, {name: value for name, value in row.items() if name not in shared}


def test_ranking_is_predicting_in_order(predictor: Predictor, rows: list[dict[str, Any]]) -> None:
    request = rows[:5]
    context = split_row(request[0])[0]
    ranking = predictor.rank(context, [split_row(row)[1] for row in request])
    predicted = predictor.predict(request).predictions
    assert ranking.request_id == str(request[0]["display_id"])
    assert sorted(ranking.order) == [0, 1, 2, 3, 4]
    assert [predicted[place] for place in ranking.order] == ranking.predictions
    logits = [prediction.logit for prediction in ranking.predictions]
    assert logits == sorted(logits, reverse=True)
    assert len(set(logits)) == 5


@pytest.mark.parametrize("top", [1, 3, 5, 9])
def test_top_returns_the_best(predictor: Predictor, rows: list[dict[str, Any]], top: int) -> None:
    context = split_row(rows[0])[0]
    candidates = [split_row(row)[1] for row in rows[:5]]
    whole = predictor.rank(context, candidates)
    best = predictor.rank(context, candidates, top)
    assert best.order == whole.order[:top]
    assert best.predictions == whole.predictions[:top]
    assert len(best.order) == min(top, 5)


def test_equal_candidates_keep_the_order_they_were_given_in(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    context, candidate = split_row(rows[0])
    assert predictor.rank(context, [candidate] * 4).order == [0, 1, 2, 3]


def test_no_candidates_are_no_ranking(predictor: Predictor) -> None:
    assert predictor.rank({}, []).predictions == []


def test_a_request_without_an_id_gets_a_new_one_that_events_can_name(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    context, candidate = split_row(rows[0])
    del context["display_id"]
    ids = {predictor.rank(context, [candidate]).request_id for _ in range(5)}
    assert len(ids) == 5
    event = {**context, **candidate, "type": "impression", "request_id": ids.pop()}
    assert predictor.observe([event]).impressions == 1


def test_unknown_fields_are_ignored_and_named(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    row = {**rows[0], "colour": "red", "clicked": 1, "nothing": None}
    scored = predictor.predict([row, rows[1]])
    assert scored.ignored == ["colour", "nothing"]
    assert scored.predictions == predictor.predict(rows[:2]).predictions


def test_a_field_of_the_wrong_type_is_named_with_its_row(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    wrong: dict[str, object] = {
        "ad": "seven", "price": "dear", "uuid": 1.5, "ts": "soon", "display_id": [1],
        "platform": {"a": 1},
    }  # fmt: skip
    for name, value in wrong.items():
        with pytest.raises(RequestError, match=rf"row 1: field '{name}'"):
            predictor.predict([rows[0], {**rows[1], name: value}])
    with pytest.raises(RequestError, match="row 0: expected an object"):
        predictor.predict(["ad"])  # type: ignore[list-item]
    with pytest.raises(RequestError, match="candidate 0: expected an object"):
        predictor.rank({}, [7])  # type: ignore[list-item]


EXTREME: list[tuple[str, Any]] = [
    ("price", 1e308),
    ("price", -1e308),
    ("price", 1e40),
    ("ad", 2**63 - 1),
    ("ad", -(2**63) + 1),
    ("platform", "x" * 10_000),
    ("platform", "\x00"),
    ("ts", "0001-01-01T00:00:00"),
    ("ts", "9999-12-31T23:59:59.999999"),
    ("ts", 1e12),
    ("ts", -1e12),
]


@pytest.mark.parametrize(("name", "value"), EXTREME)
def test_an_extreme_value_is_scored_or_refused_but_never_breaks(
    predictor: Predictor, rows: list[dict[str, Any]], name: str, value: object
) -> None:
    body = [{**rows[0], name: value}, *rows[1:5]]
    try:
        found = [prediction.probability for prediction in predictor.predict(body).predictions]
    except RequestError as error:
        assert f"'{name}'" in str(error)
    else:
        assert all(0 < p < 1 for p in found)


def test_a_request_without_a_time_means_now(
    predictor: Predictor, rows: list[dict[str, Any]]
) -> None:
    bare = {k: v for k, v in rows[0].items() if k != "ts"}
    now = {**bare, "ts": datetime.now(UTC).isoformat()}
    assert one(predictor, bare).logit == pytest.approx(one(predictor, now).logit, abs=1e-2)


def test_the_bundle_is_not_changed_by_events(
    predictor: Predictor, rows: list[dict[str, Any]], bundle: Bundle
) -> None:
    predictor.observe([{**rows[0], "type": "impression"}])
    for name, snapshot in bundle.snapshots.items():
        assert np.array_equal(predictor.bundle.snapshots[name].values, snapshot.values)
        with pytest.raises(ValueError, match="read-only"):
            predictor.bundle.snapshots[name].values[0] = 0
