"""A bundle whose calibrator alone is fitted anew."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough.beside import written_beside
from clickthrough.bundle import Bundle, layout, load_bundle
from clickthrough.calibration import Platt
from clickthrough.calibration.identity import Identity
from clickthrough.calibration.sliced import Sliced
from clickthrough.config import Config
from clickthrough.config.load import with_data
from clickthrough.config.training import CalibrationMethod
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import BundleError, ConfigError, DataError
from clickthrough.evaluation.metrics import log_loss
from clickthrough.export.calibration import calibration_of
from clickthrough.replay import InProcess, replay
from clickthrough.serving.predictor import Predictor
from clickthrough.training.evaluating.evaluate import score
from clickthrough.training.prepare import prepare
from clickthrough.training.recalibrate import Recalibrated, asked_for, recalibrate
from clickthrough.training.rows.table import Table
from tests.logs import make_log, write_log

ANEW = {layout.CALIBRATOR, layout.CONFIG, layout.METRICS}


@pytest.fixture(scope="module")
def dataset(config: Config) -> Dataset:
    return open_dataset(config.data)


@pytest.fixture(scope="module")
def validation(config: Config, dataset: Dataset, bundle: Bundle) -> Table:
    return prepare(dataset, config, "live", bundle.encoder).tables["validation"]


def made(
    bundle: Bundle,
    dataset: Dataset,
    out: Path,
    method: CalibrationMethod | None = None,
    by: str | None = None,
) -> tuple[Bundle, Recalibrated]:
    found = recalibrate(bundle, dataset, asked_for(bundle, method, by), out)
    return load_bundle(out), found


def logits_of(bundle: Bundle, rows: Table) -> NDArray[np.float64]:
    return score(bundle.model, rows.inputs).astype(np.float64)


def digests(bundle: Bundle) -> dict[str, str]:
    return {name: sha for name, sha in bundle.manifest.files.items() if name not in ANEW}


def test_all_but_the_calibrator_is_taken_over(
    bundle: Bundle, dataset: Dataset, tmp_path: Path
) -> None:
    found, _ = made(bundle, dataset, tmp_path / "out", "isotonic")
    assert len(digests(bundle)) > 10
    assert digests(found) == digests(bundle)
    assert found.manifest.counters == bundle.manifest.counters
    assert found.manifest.counters_until == bundle.manifest.counters_until
    assert found.config.calibration.method == "isotonic"
    same = {"calibration": bundle.config.calibration}
    assert found.config.model_copy(update=same) == bundle.config
    assert found.manifest.version != bundle.manifest.version


def test_the_same_method_on_the_same_log_comes_to_the_same(
    bundle: Bundle, dataset: Dataset, tmp_path: Path
) -> None:
    found, _ = made(bundle, dataset, tmp_path / "out")
    assert isinstance(found.calibrator, Platt)
    assert isinstance(bundle.calibrator, Platt)
    assert found.calibrator.slope == pytest.approx(bundle.calibrator.slope, rel=1e-4)
    assert found.calibrator.intercept == pytest.approx(bundle.calibrator.intercept, abs=1e-4)
    again, _ = made(found, dataset, tmp_path / "again")
    assert again.manifest.version == found.manifest.version


def test_without_calibration_the_model_speaks_for_itself_everywhere(
    bundle: Bundle, dataset: Dataset, validation: Table, tmp_path: Path
) -> None:
    found, said = made(bundle, dataset, tmp_path / "out", "none")
    assert found.calibrator == Identity()
    logits = logits_of(bundle, validation)
    own = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(found.calibrator.probability(logits), own)
    assert said.losses["raw"] == said.losses["calibrated"] != said.losses["before"]
    predictor = Predictor.load(tmp_path / "out")
    record = replay(found, dataset, InProcess(predictor), requests=50)
    assert record["largest_difference"] < 1e-6
    calibration = calibration_of(found.calibrator.model_dump(), [])
    assert calibration["whole"] == {"scores": [0.0], "values": [0.0], "slope": 1.0}


def test_losses_are_those_of_the_validation_part(
    bundle: Bundle, dataset: Dataset, validation: Table, tmp_path: Path
) -> None:
    found, said = made(bundle, dataset, tmp_path / "out", "platt")
    labels, logits = validation.labels, logits_of(bundle, validation)
    assert said.losses == pytest.approx(
        {
            "raw": log_loss(labels, 1 / (1 + np.exp(-logits))),
            "before": log_loss(labels, bundle.calibrator.probability(logits)),
            "calibrated": log_loss(labels, found.calibrator.probability(logits)),
        }
    )
    trained = bundle.metrics["calibration"]["log_loss"]
    assert trained["raw"] == pytest.approx(said.losses["raw"], abs=1e-6)
    assert trained["calibrated"] == pytest.approx(said.losses["before"], abs=1e-6)
    told = [f"{said.losses[name]:.4f} {name}" for name in ("raw", "before", "calibrated")]
    assert said.text == f"{found.calibrator.describe()}; validation log loss {', '.join(told)}"


def test_what_was_measured_of_the_former_calibration_is_left_out(
    bundle: Bundle, dataset: Dataset, tmp_path: Path
) -> None:
    found, said = made(bundle, dataset, tmp_path / "out", "temperature")
    assert "test" in bundle.metrics
    assert "test" not in found.metrics
    assert found.metrics["epochs"] == bundle.metrics["epochs"]
    assert found.metrics["calibration"] == {"log_loss": said.losses, "anew": True}


@pytest.fixture
def other_log(bundle: Bundle, tmp_path: Path) -> Dataset:
    """Another log, in which two of three clicks after its training part are lost."""
    log = make_log(seed=2, requests=3_000)
    late = np.arange(log.height) > 0.6 * log.height
    lost = late & (np.random.default_rng(0).random(log.height) < 2 / 3)
    changed = pl.when(pl.Series(lost)).then(0).otherwise("clicked").alias("clicked")
    path = write_log(tmp_path / "other", log.with_columns(changed))
    return open_dataset(with_data(bundle.config, path).data)


def test_another_log_has_its_own_click_rate(
    bundle: Bundle, other_log: Dataset, tmp_path: Path
) -> None:
    found, said = made(bundle, other_log, tmp_path / "out", "platt")
    rows = prepare(other_log, bundle.config, "live", bundle.encoder).tables["validation"]
    logits = logits_of(bundle, rows)
    for calibrator, at_least, at_most in (
        (found.calibrator, 0.99, 1.01),
        (bundle.calibrator, 1.2, 9.0),
    ):
        ratio = calibrator.probability(logits).sum() / rows.labels.sum()
        assert at_least < ratio < at_most
    assert said.losses["calibrated"] < said.losses["before"] - 0.002
    assert found.config.data == bundle.config.data  # what it was trained on


def test_values_of_a_field_get_maps_of_their_own_until_there_is_no_calibration(
    bundle: Bundle, dataset: Dataset, tmp_path: Path
) -> None:
    sliced, said = made(bundle, dataset, tmp_path / "sliced", by="platform")
    assert isinstance(sliced.calibrator, Sliced)
    assert sliced.calibrator.by == sliced.config.calibration.by == "platform"
    assert sliced.config.calibration.method == bundle.config.calibration.method
    assert said.text.splitlines()[-1].startswith("validation log loss")
    kept, _ = made(sliced, dataset, tmp_path / "kept", "platt")
    assert isinstance(kept.calibrator, Sliced)
    none, _ = made(sliced, dataset, tmp_path / "none", "none")
    assert none.calibrator == Identity()


@pytest.mark.parametrize(
    ("method", "by", "says"),
    [
        (None, "platfrom", "did you mean 'platform'"),
        ("none", "platform", "by: nothing is fitted by method none"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(
    bundle: Bundle, method: CalibrationMethod | None, by: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        asked_for(bundle, method, by)


def test_a_bundle_is_replaced_in_its_place(
    bundle: Bundle, dataset: Dataset, tmp_path: Path
) -> None:
    first, _ = made(bundle, dataset, tmp_path / "bundle", "platt")
    second, _ = made(first, dataset, tmp_path / "bundle", "isotonic")
    assert second.calibrator.model_dump()["method"] == "isotonic"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize(("label", "says"), [(0, "no impression"), (1, "every impression")])
def test_labels_that_are_all_alike_are_refused(
    bundle: Bundle, tmp_path: Path, label: int, says: str
) -> None:
    path = write_log(tmp_path / "log", make_log(seed=3).with_columns(clicked=pl.lit(label)))
    given = open_dataset(with_data(bundle.config, path).data)
    with pytest.raises(DataError, match=rf"{says} is clicked of the [\d,]+ to calibrate on"):
        made(bundle, given, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    none, _ = made(bundle, given, tmp_path / "out", "none")
    assert none.calibrator == Identity()


def test_a_log_that_says_nothing_of_the_validation_part_is_refused(
    bundle: Bundle, tmp_path: Path
) -> None:
    log = make_log(seed=3).with_row_index()
    inside = pl.col("index").is_between(0.55 * log.height, 0.85 * log.height)
    unknown = pl.when(inside).then(None).otherwise("clicked").alias("clicked")
    path = write_log(tmp_path / "log", log.with_columns(unknown).drop("index"))
    with pytest.raises(DataError, match="no impression of the validation part has a label"):
        made(bundle, open_dataset(with_data(bundle.config, path).data), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_holds_something_else_is_refused_before_the_work(
    bundle: Bundle, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.delattr("clickthrough.training.recalibrate.prepare")
    with pytest.raises(BundleError, match="no bundle"):
        made(bundle, dataset, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_bundle_that_was_replaced_meanwhile_is_not_mixed_with_the_new_one(
    bundle: Bundle, dataset: Dataset, tmp_path: Path
) -> None:
    place = tmp_path / "bundle"
    first, _ = made(bundle, dataset, place, "platt")
    wanted = asked_for(first, "isotonic", None)
    with written_beside(place) as beside:
        for name in first.manifest.files:
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_bytes((place / name).read_bytes())
        (beside / layout.MANIFEST).write_bytes((place / layout.MANIFEST).read_bytes())
        (beside / layout.WEIGHTS).write_bytes(b"of another training")
    with pytest.raises(BundleError, match="was replaced meanwhile"):
        recalibrate(first, dataset, wanted, place)
    assert json.loads((place / layout.CALIBRATOR).read_text())["method"] == "platt"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_calibrator_that_came_with_the_bundle_does_not_matter(
    bundle: Bundle, dataset: Dataset, tmp_path: Path
) -> None:
    bent = replace(bundle, calibrator=Platt(slope=0.1, intercept=4.0))
    one, _ = made(bent, dataset, tmp_path / "one")
    other, _ = made(bundle, dataset, tmp_path / "other")
    assert one.calibrator == other.calibrator
