"""Calibration as a run configures it."""

from pathlib import Path

import numpy as np
import pytest

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.calibration import Platt
from clickthrough.calibration.credibility import credibility
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.sliced import Sliced
from clickthrough.config import Config
from clickthrough.config.load import parse_config
from clickthrough.config.training import Calibration
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError
from clickthrough.evaluation.metrics import log_loss
from clickthrough.training.calibrate import calibrate, described, log_losses
from clickthrough.training.evaluating.evaluate import Scorer, evaluate_prepared, score
from clickthrough.training.evaluating.scope import Scope
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.run import train
from clickthrough.training.told import Told
from tests.logs import make_values


@pytest.fixture(scope="module")
def prepared(config: Config, bundle: Bundle) -> Prepared:
    return prepare(open_dataset(config.data), config, "live", bundle.encoder)


def calibrated(prepared: Prepared, bundle: Bundle, **settings: object) -> object:
    validation = prepared.tables["validation"]
    logits = score(bundle.model, validation.inputs)
    chosen = Calibration.model_validate(settings)
    return calibrate(chosen, prepared.encoder, validation, logits)


def test_the_method_is_the_configured_one(prepared: Prepared, bundle: Bundle) -> None:
    assert isinstance(calibrated(prepared, bundle), Platt)
    assert isinstance(calibrated(prepared, bundle, method="isotonic"), Isotonic)
    found = calibrated(prepared, bundle, method="isotonic", by="platform", least=40)
    assert isinstance(found, Sliced)
    assert isinstance(found.whole, Isotonic)


def test_a_calibration_that_fits_nothing_goes_by_no_field() -> None:
    assert Calibration().method == "auto"
    with pytest.raises(ValueError, match="nothing is fitted by method none"):
        Calibration(method="none", by="platform")


def test_values_are_named_as_in_the_log_and_counted(prepared: Prepared, bundle: Bundle) -> None:
    found = calibrated(prepared, bundle, by="platform", least=1)
    assert isinstance(found, Sliced)
    validation = prepared.tables["validation"]
    own = validation.inputs.ids[:, list(bundle.encoder.id_sizes).index("platform")]
    names = {part.value: (value, part) for value, part in found.slices.items()}
    assert set(names) == {"mobile", "desktop", "tablet", "(missing)"}
    for value, part in names.values():
        assert part.impressions == (own == value).sum()
        assert part.clicks == validation.labels[own == value].sum()
    assert bundle.encoder.vocabularies["platform"].values[names["tablet"][0] - 2] == b"tablet"


def test_each_value_is_calibrated_on_validation(prepared: Prepared, bundle: Bundle) -> None:
    validation = prepared.tables["validation"]
    found = calibrated(prepared, bundle, by="platform", least=1)
    assert isinstance(found, Sliced)
    made = Scorer("mlp", bundle.model, found).probabilities(validation.inputs)
    own = validation.inputs.ids[:, found.column]
    assert len(np.unique(own)) == 4
    whole = Scorer("mlp", bundle.model, found.whole).probabilities(validation.inputs)
    for value in np.unique(own):
        rows = own == value
        clicks = validation.labels[rows].sum()
        kept = 1 - credibility(validation.labels[rows])  # what the map of all rows has to say
        off, whole_off = (abs(each[rows].sum() - clicks) for each in (made, whole))
        assert off <= 1.2 * kept * whole_off + 1e-4 * clicks


def test_baselines_are_calibrated_as_the_model_is(prepared: Prepared, bundle: Bundle) -> None:
    scorer = Scorer("mlp", bundle.model, bundle.calibrator)
    rate = "smoothed item rate"
    plain, by_platform = (
        evaluate_prepared(prepared, scorer, "live", Scope(calibration=calibration))["results"][rate]
        for calibration in (Calibration(), Calibration(by="platform", least=40))
    )
    assert by_platform["log_loss"] < plain["log_loss"]  # platforms differ, item rates do not know


def test_a_field_that_is_no_categorical_feature_is_refused_before_the_work(
    log_folder: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    values = make_values(log_folder)
    for by in ("platfrom", "price", "hour"):
        config = parse_config(values | {"calibration": {"by": by}}, "test")
        with pytest.raises(ConfigError, match=f"calibration.by: unknown categorical .*'{by}'"):
            train(config, tmp_path / "bundle", Told(say=said.append), baselines=False)
    with pytest.raises(ConfigError, match="did you mean 'platform'"):
        train(
            parse_config(values | {"calibration": {"by": "platfrom"}}, "test"), tmp_path / "bundle"
        )
    assert not any("epochs" in line for line in said)
    assert not (tmp_path / "bundle").exists()


def test_a_run_says_how_it_calibrated(log_folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    calibration = {"method": "auto", "by": "platform", "least": 40}
    values = make_values(log_folder, epochs=1) | {"calibration": calibration}
    train(parse_config(values, "test"), tmp_path / "bundle", Told(say=said.append), baselines=False)
    bundle = load_bundle(tmp_path / "bundle")
    losses = bundle.metrics["calibration"]["log_loss"]
    told = f"validation log loss {losses['raw']:.4f} raw, {losses['calibrated']:.4f} calibrated"
    assert f"calibration: {bundle.calibrator.describe()}\n{told}" in said
    assert "; by platform:" in bundle.calibrator.describe()
    assert losses["calibrated"] < losses["raw"]


def test_losses_are_those_of_the_rows_before_and_after(prepared: Prepared, bundle: Bundle) -> None:
    rows = prepared.tables["validation"]
    logits = score(bundle.model, rows.inputs)
    flat = Platt(slope=1e-9, intercept=0.0)
    own = 1 / (1 + np.exp(-logits.astype(np.float64)))
    expected = {"raw": log_loss(rows.labels, own), "calibrated": np.log(2)}
    assert log_losses(flat, rows, logits) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("clicks", "rows", "note"),
    [
        (0, 500, " (0 clicks in the validation part: left at the identity)"),
        (25, 500, " (25 clicks in the validation part: near the identity, 50% of the way)"),
        (496, 500, " (4 impressions without a click in the validation part: near the identity, "
                   "20% of the way)"),
        (100, 500, ""),
    ],
)  # fmt: skip
def test_a_run_says_how_thin_the_evidence_of_its_calibration_is(
    clicks: int, rows: int, note: str
) -> None:
    labels = (np.arange(rows) < clicks).astype(np.int8)
    assert described(Platt(slope=1, intercept=0), labels) == f"platt, slope 1, intercept 0{note}"
    sliced = Sliced(by="city", column=0, whole=Platt(slope=1, intercept=0), slices={})
    nobody = "\n  no value has as many rows as calibration.least asks for"
    assert described(sliced, labels) == f"platt, slope 1, intercept 0; by city:{note}{nobody}"
