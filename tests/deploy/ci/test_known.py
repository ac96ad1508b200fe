"""Known answers are those of the one scorer, and no event changes them."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clickthrough.config.load import parse_config
from clickthrough.serving.predictor import Predictor
from clickthrough.training.run import train
from deploy.ci.answers import Answers, Question, read_answers
from deploy.ci.errors import UsageError
from deploy.ci.known import counted_fields, known_answers
from tests.deploy.ci.verbs import ci, refused
from tests.logs import make_values, raw_rows


def _asked(predictor: Predictor, question: Question) -> list[float]:
    body = question.body
    if question.path == "/predict":
        return [p.probability for p in predictor.predict(body["impressions"]).predictions]
    ranking = predictor.rank(body["context"], body["candidates"])
    pairs = zip(ranking.order, ranking.predictions, strict=True)
    return [p.probability for _, p in sorted(pairs, key=lambda pair: pair[0])]


def _heard(predictor: Predictor, log: pl.DataFrame) -> int:
    """Let a predictor hear of the whole log once more, a month later, all of it clicked."""
    rows = raw_rows(log.with_columns(ts=pl.col("ts").str.replace("2024-01", "2024-02")))
    events: list[dict[str, Any]] = [{"type": "impression", **row} for row in rows]
    names = ("display_id", "ad", "ts")
    events += [{"type": "click", **{name: row[name] for name in names}} for row in rows]
    return sum(predictor.observe(events[at : at + 500]).clicks for at in range(0, len(events), 500))


def test_no_event_changes_them_while_it_changes_others(
    bundle_path: Path, answers: Answers, log: pl.DataFrame
) -> None:
    predictor = Predictor.load(bundle_path)
    ordinary = Question("/predict", {"impressions": raw_rows(log)[:20]}, [])
    before = _asked(predictor, ordinary)
    assert _heard(predictor, log) > 1_000
    for question in answers.questions:
        assert _asked(predictor, question) == pytest.approx(question.probabilities, abs=1e-9)
    assert _asked(predictor, ordinary) != pytest.approx(before, abs=1e-3)


def test_a_bundle_that_counts_by_more_than_ids_has_them_too(
    log_folder: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    values = make_values(log_folder, epochs=1)
    values["features"] += [
        {"kind": "counter", "key": "platform"},
        {"kind": "counter", "key": ["advertiser", "platform"]},
        {"kind": "sequence", "key": "user", "field": "item", "length": 3},
        {"kind": "match", "key": "advertiser", "fields": "item"},
    ]
    place = tmp_path / "bundle"
    train(parse_config(values, "test"), place, baselines=False)
    made, predictor = known_answers(place), Predictor.load(place)
    counted = counted_fields(predictor.bundle.plan)
    assert {"user", "item", "platform", "advertiser"} == counted
    assert _heard(predictor, log) > 1_000
    for question in made.questions:
        assert _asked(predictor, question) == pytest.approx(question.probabilities, abs=1e-9)


def test_they_differ_from_one_another(answers: Answers) -> None:
    assert {each.path for each in answers.questions} == {"/predict", "/rank"}
    values = {round(value, 6) for each in answers.questions for value in each.probabilities}
    assert len(values) > 6  # else a service that answers one thing always would pass


def test_every_time_they_are_the_same(bundle_path: Path, answers: Answers) -> None:
    assert known_answers(bundle_path) == answers


def test_the_verb_writes_what_can_be_read(
    bundle_path: Path, answers: Answers, tmp_path: Path
) -> None:
    done = ci("known", bundle_path, "--out", tmp_path / "answers.json")
    assert done.status == 0, done
    assert read_answers(tmp_path / "answers.json") == answers
    assert "\n" in (tmp_path / "answers.json").read_text()


def test_what_is_no_bundle_leaves_no_file(tmp_path: Path) -> None:
    said = refused("known", tmp_path / "nothing", "--out", tmp_path / "answers.json")
    assert "nothing: no such bundle" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": "1"}', '{"version": "1", "questions": []}']
)
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"answers\.json: "):
        read_answers(file)
    assert json.loads(text or "null") != {}
