"""Who sends ids alone is answered as who sends all fields, to the last bit, by whatever way."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough import Predictor
from clickthrough.bundle import load_bundle
from clickthrough.errors import RequestError
from clickthrough.inspection import bundle_tables
from clickthrough.replay import InProcess, replay
from clickthrough.scoring import score_file
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Prediction
from clickthrough.training.describe import describe_sides
from tests.serving.bundles import put
from tests.serving.sided import Raw, Sided, train_documents, train_sided

Train = Callable[[Path], Sided]
LOGS: dict[str, Train] = {
    "tables": train_sided,
    "tables, other values": lambda folder: train_sided(folder, seed=5),
    "documents": train_documents,
}


@pytest.fixture(scope="module", params=LOGS, ids=str)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sided:
    return LOGS[request.param](tmp_path_factory.mktemp("sided"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Sided:
    return train_sided(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Sided:
    """A bundle of another log, whose tables say other things."""
    return train_sided(tmp_path_factory.mktemp("other"), seed=7)


@pytest.fixture(scope="module")
def predictor(made: Sided) -> Predictor:
    return Predictor.load(made.path)


def told(predictions: list[Prediction]) -> list[tuple[object, ...]]:
    return [(p.logit, p.probability, p.missing, p.unseen) for p in predictions]


def test_the_tables_tell_many_fields_and_the_rows_hold_them(made: Sided) -> None:
    rows = made.rows()
    assert len(made.told) >= 8
    for name in made.told - {"ad_entity_ids", "entity_ids"}:
        assert any(row[name] is not None for row in rows), name
    assert any(row[name] is None for row in rows for name in made.told)


def test_impressions_are_scored_by_ids_as_by_all_fields(made: Sided, predictor: Predictor) -> None:
    rows = made.rows()
    by_ids = [made.by_ids(row) for row in rows]
    assert told(predictor.predict(by_ids).predictions) == told(predictor.predict(rows).predictions)
    alone = [told(predictor.predict([row]).predictions)[0] for row in by_ids]
    assert alone == [told(predictor.predict([row]).predictions)[0] for row in rows]
    arrays = zip(predictor.encode(by_ids).values(), predictor.encode(rows).values(), strict=True)
    assert all((one == other).all() for one, other in arrays)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_fields_may_be_left_out_of_any_row(
    made: Sided, predictor: Predictor, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.sampled_from(made.rows(30)), min_size=1, max_size=6))
    names = st.sets(st.sampled_from(sorted(made.told)))
    left = [{n: v for n, v in row.items() if n not in data.draw(names)} for row in rows]
    expected = told(predictor.predict(rows).predictions)
    assert told(predictor.predict(left).predictions) == expected
    whole = predictor.predict_each([[row] for row in left])  # others' rows beside
    alone = [told(predictor.predict([row]).predictions) for row in rows]
    assert [told(one.predictions) for one in whole if not isinstance(one, RequestError)] == alone


def test_candidates_are_ranked_by_ids_as_by_all_fields(made: Sided, predictor: Predictor) -> None:
    live = InProcess(predictor)

    class ByIds:
        def rank(self, context: Raw, candidates: list[Raw]) -> list[float]:
            by_ids = made.by_ids(context), [*map(made.by_ids, candidates)]
            found = live.rank(*by_ids)
            assert found == live.rank(context, candidates)
            assert live.rank(made.by_ids(context), candidates) == found
            why = [predictor.rank(*some, explain=2).predictions[0].explanation
                   for some in (by_ids, (context, candidates))]  # fmt: skip
            assert why[0] == why[1]
            return found

        def events(self, events: list[Raw]) -> None:
            live.events([*map(made.by_ids, events)])

    found = replay(made.bundle, made.dataset, ByIds(), requests=25)
    assert found["largest_difference"] == 0.0


def test_events_by_ids_count_as_those_with_all_fields(made: Sided) -> None:
    name, later = made.bundle.schema.input_name("time"), "2099-01-01T00:00:00Z"
    rows = [
        {**row, name: f"2024-06-01T00:{place:02d}:00Z"} for place, row in enumerate(made.rows())
    ]
    events = [{**row, "type": kind} for row in rows for kind in ("impression", "click")]
    if made.bundle.schema.views:
        events += [{**row, "type": "view"} for row in rows]
    asked = [{**row, name: later} for row in rows]
    answers = []
    for change in (lambda row: row, made.by_ids):
        live = Predictor.load(made.path)
        before = told(live.predict(asked).predictions)
        receipt = live.observe([change(event) for event in events])
        assert receipt.impressions == receipt.clicks == len(rows)
        again = live.observe(events)  # with all fields: each is known already
        assert again.duplicates == len(events)
        answers.append(told(live.predict(asked).predictions))
        assert answers[-1] != before
    assert answers[0] == answers[1]


def test_a_file_of_ids_is_scored_as_one_of_all_fields(
    made: Sided, predictor: Predictor, tmp_path: Path
) -> None:
    rows = made.rows()
    mixed = [row if place % 2 else made.by_ids(row) for place, row in enumerate(rows)]
    by_ids = pl.DataFrame([made.by_ids(row) for row in rows])
    files: list[tuple[str, Callable[[Path], object]]] = [
        ("all.jsonl", lambda path: path.write_text("\n".join(map(json.dumps, rows)))),
        ("mixed.jsonl", lambda path: path.write_text("\n".join(map(json.dumps, mixed)))),
        ("ids.csv", by_ids.write_csv),
        ("ids.parquet", by_ids.write_parquet),
    ]
    expected = [p.logit for p in predictor.predict(rows).predictions]
    for name, write in files:
        write(tmp_path / name)
        done = score_file(predictor, tmp_path / name, tmp_path / "out.jsonl")
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [line["logit"] for line in lines] == expected, name
        assert not any("taken as missing" in note for note in done.notes), name
        assert any("side tables" in note for note in done.notes) == name.startswith("ids"), name


def test_every_route_that_scores_reads_them(made: Sided) -> None:
    rows = made.rows(20)
    names = [*made.by_ids(rows[0])]
    text = "\n".join([",".join(names), *(
        ",".join("" if row[n] is None else str(row[n]) for n in names) for row in rows
    )])  # fmt: skip
    with TestClient(create_app(made.path, "memory")) as client:
        whole, short = (
            client.post("/predict", json={"impressions": some}).json()["predictions"]
            for some in (rows, [*map(made.by_ids, rows)])
        )
        kinds = {"content-type": "text/csv"}
        lines = client.post("/invocations", content=text, headers=kinds).text.split()
        model = client.get("/model").json()
    assert whole == short
    assert [*map(float, lines)] == [line["probability"] for line in whole]
    assert set(model["lookup"]) == {side.form.name for side in made.bundle.sides}
    for about in model["lookup"].values():
        assert about["rows"] > 0
        assert all(way["by"] and set(way["gives"]) <= made.told for way in about["read"])


def test_what_is_sent_goes_before_what_a_table_says(plain: Sided) -> None:
    predictor = Predictor.load(plain.path)
    (row,) = [row for row in plain.rows() if row["advertiser"] and row["maker_land"]][:1]
    ids = plain.by_ids(row)

    def logit(said: dict[str, Any]) -> float:
        return predictor.predict([said]).predictions[0].logit

    for name, other in (("advertiser", "somebody"), ("advertiser", None), ("topics", [])):
        assert logit({**ids, name: other}) == logit({**row, name: other}) != logit(row), name
    said: list[Raw] = [{}, {"advertiser": None}, {"advertiser": "somebody"}]
    mixed = [{**ids, **one, "display_id": place} for place, one in enumerate(said)]
    alone = [*map(logit, mixed)]
    assert [p.logit for p in predictor.predict(mixed).predictions] == alone
    assert len({*alone}) == 3
    assert "advertiser" in predictor.predict([mixed[1]]).predictions[0].missing
    named = {"ad": ids["ad"] + 1, "advertiser": "somebody"}
    context = {name: ids[name] for name in ("uuid", "page", "platform", "time")}
    ranked = predictor.rank({**context, "advertiser": None}, [{"ad": ids["ad"]}, named])
    full = [{**context, "ad": ids["ad"], "advertiser": None}, {**context, **named}]
    expected = predictor.predict([{**one, "display_id": 1} for one in full]).predictions
    assert {p.logit for p in ranked.predictions} == {p.logit for p in expected}


def test_a_key_that_a_table_does_not_hold_leaves_fields_missing(plain: Sided) -> None:
    predictor = Predictor.load(plain.path)
    for key in (10**12, None, "4"):
        (found,) = predictor.predict([{"ad": key, "page": 1, "platform": "mobile"}]).predictions
        assert {"advertiser", "fee", "adult", "topics", "founded", "numbers"} <= {*found.missing}
    with pytest.raises(RequestError, match="row 1: field 'ad': expected a whole number"):
        predictor.predict([{"ad": 100}, {"ad": "an ad"}])
    with pytest.raises(RequestError, match="candidate 1: field 'page': expected a whole number"):
        predictor.rank({"platform": "mobile"}, [{"page": 1}, {"page": 1.5}])
    shown = {"type": "impression", "display_id": 1, "platform": "mobile", "ad": 100}
    with pytest.raises(RequestError, match="row 1: field 'page': expected a whole number"):
        predictor.observe([shown, {**shown, "page": "no page"}])


@pytest.mark.slow
def test_a_reload_takes_the_tables_of_its_bundle(
    plain: Sided, other: Sided, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTR_RELOAD_TOKEN", "the token")
    monkeypatch.setenv("CTR_WATCH", "0")
    place = tmp_path / "models"
    put(plain.path, place)
    rows = [plain.by_ids(row) for row in plain.rows()]
    with TestClient(create_app(place, "memory")) as client:
        for served in (plain, other, plain):
            put(served.path, place)
            client.post("/model/reload", headers={"authorization": "Bearer the token"})
            found = client.post("/predict", json={"impressions": rows}).json()["predictions"]
            expected = Predictor.load(served.path).predict(rows).predictions
            assert [one["logit"] for one in found] == [one.logit for one in expected]


def test_a_successor_counts_events_by_its_own_tables(plain: Sided, other: Sided) -> None:
    event = {**plain.by_ids(plain.rows(1)[0]), "type": "impression", "ts": "2024-06-01T00:00:00Z"}
    first = Predictor.load(plain.path)
    second = first.succeeded_by(load_bundle(other.path), first.settings)
    second.observe([event])
    alone = Predictor.load(other.path)
    alone.observe([event])
    asked = [{**other.by_ids(row), "ts": "2024-07-01T00:00:00Z"} for row in other.rows()]
    assert told(second.predict(asked).predictions) == told(alone.predict(asked).predictions)


def test_inspect_tells_of_them(plain: Sided) -> None:
    table = [*bundle_tables(plain.bundle)][-1]
    cells = [[*map(str, column.cells)] for column in table.columns]
    assert cells[0] == ["ads.csv", "makers.parquet", "spots.csv"]
    assert cells[1] == ["37", "4", f"{len(plain.bundle.sides[2].rows)}"]
    assert cells[2] == ["ad", "item_maker", "page, platform"]
    assert cells[3][1:] == ["maker_land, founded, numbers", "spot"]
    assert "unread" not in cells[3][0]


def test_a_bundle_without_tables_is_as_before(tmp_path: Path) -> None:
    bare = train_sided(tmp_path / "bare", lookup={})
    assert not (bare.path / "lookup").exists()
    assert [*bare.bundle.sides] == []
    predictor = Predictor.load(bare.path)
    (found,) = predictor.predict([{"ad": 100}]).predictions
    assert "advertiser" in found.missing
    assert len([*bundle_tables(bare.bundle)]) == 4


def test_the_documentation_shows_keys_that_the_model_does_not_read(plain: Sided) -> None:
    assert "page" not in plain.bundle.plan.fields
    with TestClient(create_app(plain.path, "memory")) as client:
        document = client.get("/openapi.json").json()
    for name in ("Impression", "Event"):
        assert {"page", "item_maker", "advertiser"} <= {
            *document["components"]["schemas"][name]["properties"]
        }


def test_training_says_which_tables_a_bundle_holds(plain: Sided) -> None:
    lines = describe_sides(plain.bundle.sides, ["ads.csv", "makers.parquet", "other.csv"])
    spots = len(plain.bundle.sides[2].rows)
    assert lines == [
        "side tables in the bundle: ads.csv 37 rows; makers.parquet 4 rows; "
        f"spots.csv {spots} rows",
        "side tables of which nothing is read: other.csv",
    ]
    assert describe_sides([], []) == []
