"""Batch and service agree under every calibrator, by the value of a field too."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough import Predictor
from clickthrough.bundle import load_bundle
from clickthrough.calibration import Platt
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.sliced import Sliced
from clickthrough.config.load import parse_config
from clickthrough.data.open import open_dataset
from clickthrough.replay import InProcess, replay
from clickthrough.store import open_store
from clickthrough.training.run import train
from tests.logs import make_values, raw_rows


@pytest.fixture(scope="module")
def place(log_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle calibrated by platform, with the interpolated isotonic map."""
    folder = tmp_path_factory.mktemp("calibrated") / "bundle"
    calibration = {"method": "isotonic", "by": "platform", "least": 25}
    values = make_values(log_folder) | {"calibration": calibration}
    train(parse_config(values, "test"), folder, baselines=False)
    return folder


def sliced(place: Path) -> Sliced:
    found = load_bundle(place).calibrator
    assert isinstance(found, Sliced)
    return found


def test_the_bundle_holds_maps_that_differ(place: Path) -> None:
    found = sliced(place)
    curves = [part.curve for part in found.slices.values()]
    assert {part.value for part in found.slices.values()} >= {"mobile", "desktop", "tablet"}
    assert all(isinstance(curve, Isotonic) and len(curve.scores) > 1 for curve in curves)
    scores = np.linspace(-3, 1, 20)
    made = [curve.logit(scores) for curve in curves]
    assert min(np.abs(a - b).max() for a in made for b in made if a is not b) > 0.05


def test_the_live_path_answers_what_batch_computes(place: Path) -> None:
    bundle = load_bundle(place)
    dataset = open_dataset(bundle.config.data)
    record = replay(bundle, dataset, InProcess(Predictor.load(place, "memory")), requests=200)
    assert record["impressions"] > 900
    assert record["largest_difference"] < 1e-6  # float32 counters and graph: as without slices


def scores(place: Path, rows: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Return what the model says before calibration."""
    raw = replace(load_bundle(place), calibrator=Platt(slope=1.0, intercept=0.0))
    answers = Predictor(raw, open_store("memory")).predict(rows)
    return np.array([answer.logit for answer in answers.predictions])


def test_the_answer_is_the_map_of_the_row_s_own_value(place: Path, log: pl.DataFrame) -> None:
    found = sliced(place)
    curves = {part.value: part.curve for part in found.slices.values()}
    row = raw_rows(log.tail(1))[0]
    del row["display_id"]  # within a request they would be one impression
    rows = [row | {"platform": name} for name in ("mobile", "desktop", "tablet", None)]
    rows.append(row | {"platform": "a television"})
    answers = Predictor.load(place, "memory").predict(rows).predictions
    assert "platform" in answers[-1].unseen
    expected = [curves["mobile"], curves["desktop"], curves["tablet"]]
    expected += [curves.get("(missing)", found.whole), found.whole]
    for answer, curve, score in zip(answers, expected, scores(place, rows), strict=True):
        assert answer.logit == curve.logit(np.array([score]))[0]


def test_the_same_scores_are_calibrated_alike_in_batch_to_the_last_bit(
    place: Path, log: pl.DataFrame
) -> None:
    rows = raw_rows(log.tail(40))
    answers = Predictor.load(place, "memory").predict(rows).predictions
    bundle = load_bundle(place)
    frame = pl.DataFrame({"platform": [row["platform"] for row in rows]})
    own = bundle.encoder.vocabularies["platform"].encode(
        frame["platform"].fill_null("").to_numpy().astype("S")
    )
    ids = np.zeros((len(rows), len(bundle.encoder.id_sizes)), np.int32)
    ids[:, sliced(place).column] = own
    expected = bundle.calibrator.probability(scores(place, rows), ids)
    assert [answer.probability for answer in answers] == expected.tolist()
