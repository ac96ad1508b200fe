"""The classic files load without this package, and say what the bundle says."""

import json
import pickle
import pickletools
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.bundle.classic import Example, export_classic, make_example, score
from clickthrough.bundle.classic.calibration import calibration_of
from clickthrough.bundle.classic.example import plain as plain_value
from clickthrough.bundle.classic.files import classic_files
from clickthrough.bundle.classic.weights import classic_weights
from clickthrough.bundle.module import load_module
from clickthrough.cli import main
from clickthrough.config import Config
from clickthrough.config.load import parse_config
from clickthrough.data.open import open_dataset
from clickthrough.errors import BundleError, DataError
from clickthrough.features.encoding.hashing import hashed_ids
from clickthrough.features.encoding.vocabulary import Vocabulary, shorten
from clickthrough.features.table import encoder_columns, request_offsets
from clickthrough.models.base import CtrModel
from clickthrough.schema import MISSING_INT, Columns
from clickthrough.training.prepare import feature_rows
from clickthrough.training.run import train
from clickthrough.training.sample import log_example
from tests.data.outbrain.made import random_tables, write
from tests.logs import make_values

PICKLES = ["cat_vocab", "cat_num_classes", "numeric_scaler", "final_categorical", "final_numeric"]
ALONE = """
import runpy, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "clickthrough":
            raise ImportError("blocked")

sys.meta_path.insert(0, Blocker())
try:
    import clickthrough
except ImportError:
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a script in a process that cannot import this package."""

RICH: list[dict[str, object]] = [
    {"kind": "categorical", "fields": ["item", "platform", "campaign_id"]},
    {"kind": "hashed", "fields": ["user", "advertiser_id"], "buckets": 32},
    {"kind": "time"},
    {"kind": "bag", "field": "topic_ids", "weights": "topic_confidences", "length": 3},
    {"kind": "bag", "field": "entity_ids", "length": 2},
    {"kind": "sequence", "length": 4},
    {"kind": "elapsed", "fields": ["published", "ad_published"], "relative": ["difference"]},
    {"kind": "cosine", "fields": ["topic_ids", "ad_topic_ids"], "relative": ["rank"]},
    {"kind": "counter", "key": "item", "half_lives": ["1d"], "relative": ["rank"]},
    {"kind": "age", "key": "user"},
]


def _rich(folder: Path) -> Config:
    path = write(folder / "log", random_tables(500, days=3))
    values = {
        "data": {"reader": "outbrain", "path": str(path), "cache": str(folder / "cache"),
                 "split": {"validation": 0.2, "test": 0.2}},
        "counters": {"tick": "10m", "label_delay": "20m"},
        "features": RICH,
        "model": {"hidden": [8, 4], "embedding_dim": 4, "members": 2, "wide": True},
        "training": {"epochs": 2, "learning_rate": 0.02},
    }  # fmt: skip
    return parse_config(values, "test")


def _part(kind: str, log_folder: Path) -> Config:
    values = make_values(log_folder, epochs=1)
    values["features"] = [f for f in values["features"] if f["kind"] == kind]
    values["model"]["wide"] = True
    return parse_config(values, "test")


@dataclass(frozen=True)
class Exported:
    bundle: Bundle
    example: Example
    folder: Path

    @property
    def files(self) -> score.Files:
        return score.load_files(self.folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Exported:
    """Of the bundle that all tests share."""
    return _exported(bundle, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Of hashed ids, hours, weighted bags, a sequence; of two members with a linear path beside."""
    folder = tmp_path_factory.mktemp("rich")
    return _exported(_trained(_rich(folder), folder), folder)


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory, log_folder: Path) -> Exported:
    """Of id columns alone."""
    folder = tmp_path_factory.mktemp("ids")
    return _exported(_trained(_part("categorical", log_folder), folder), folder)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory, log_folder: Path) -> Exported:
    """Of numeric columns alone."""
    folder = tmp_path_factory.mktemp("numbers")
    return _exported(_trained(_part("numeric", log_folder), folder), folder)


@pytest.fixture(scope="module", params=["plain", "rich", "ids", "numbers"])
def exported(request: pytest.FixtureRequest) -> Exported:
    made: Exported = request.getfixturevalue(request.param)
    return made


def _trained(config: Config, folder: Path) -> Bundle:
    train(config, folder / "bundle", baselines=False)
    return load_bundle(folder / "bundle")


def _exported(bundle: Bundle, folder: Path) -> Exported:
    example = log_example(bundle, open_dataset(bundle.config.data))
    export_classic(bundle, folder / "classic", example)
    return Exported(bundle, example, folder / "classic")


def alone(folder: Path, *arguments: Path) -> NDArray[np.float64]:
    """Return what the script prints in a process that cannot import this package."""
    command = [sys.executable, "-I", "-c", ALONE, str(folder / "score.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return np.array([float(line) for line in done.stdout.splitlines()])


def test_the_script_agrees_with_the_bundle_without_this_package(exported: Exported) -> None:
    found = alone(exported.folder)
    assert len(found) == len(exported.example.rows) > 200
    assert np.ptp(found) > 1e-2
    np.testing.assert_allclose(found, exported.example.probabilities, rtol=0, atol=1e-6)


def test_the_script_says_how_far_it_is_from_the_bundle(rich: Exported) -> None:
    command = [sys.executable, "-I", str(rich.folder / "score.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert f"{len(rich.example.rows)} rows, at most " in done.stderr
    assert float(done.stderr.split("at most ")[1].split()[0]) < 1e-6


Change = Callable[[Columns], None]


def _put(name: str, value: object) -> Change:
    def change(columns: Columns) -> None:
        columns[name] = np.full_like(columns[name], value)

    return change


CHANGES: dict[str, tuple[Change, str, object]] = {
    "unseen id": (_put("item", 987_654_321), "item", 987_654_321),
    "missing id": (_put("item", MISSING_INT), "item", None),
    "missing hashed value": (_put("advertiser_id", MISSING_INT), "advertiser_id_hashed", None),
    "missing number": (_put("ad_published", MISSING_INT), "ad_published_elapsed", None),
    "missing key": (_put("item:age", np.nan), "item_impressions", None),
    "empty bag": (_put("topic_ids", MISSING_INT), "topic_ids_bag", []),
    "unseen values": (_put("topic_ids", 987_654), "topic_ids_bag", ...),
    "weights of zero": (_put("topic_confidences", 0.0), "topic_ids_bag", ...),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_missing_or_unseen_is_scored_as_the_bundle_does(rich: Exported, name: str) -> None:
    bundle, (change, column, value) = rich.bundle, CHANGES[name]
    dataset = open_dataset(bundle.config.data)
    frame = feature_rows(dataset, bundle.config, bundle.plan, "live").tail(200).collect()
    columns, offsets = encoder_columns(frame, bundle.plan, dataset.schema), request_offsets(frame)
    before = make_example(bundle, columns, offsets)
    if name == "missing key":
        for counter in ("item:impressions", "item:clicks"):
            _put(counter, np.nan)(columns)
    change(columns)
    changed = make_example(bundle, columns, offsets)
    assert np.abs(changed.probabilities - before.probabilities).max() > 1e-4
    assert value is ... or changed.rows[0][column] == value
    rows = json.loads(json.dumps(changed.rows))
    found = score.probabilities(rows, rich.files)
    np.testing.assert_allclose(found, changed.probabilities, rtol=0, atol=1e-6)


Spoil = Callable[[score.Files], score.Files]


def _model(**changes: object) -> Spoil:
    return lambda files: replace(files, model=files.model | changes)


def _weights(part: str, value: float) -> Spoil:
    def spoil(files: score.Files) -> score.Files:
        spoilt = {n: torch.full_like(w, value) for n, w in files.weights.items() if part in n}
        assert spoilt
        return replace(files, weights=files.weights | spoilt)

    return spoil


def _without_fill(files: score.Files) -> score.Files:
    return _model(fill=dict.fromkeys(files.numeric, 0.0))(files)


def _other_indicators(files: score.Files) -> score.Files:
    assert len(files.model["indicators"]) > 1
    return _model(indicators=files.model["indicators"][::-1])(files)


def _unscaled(files: score.Files) -> score.Files:
    scaler = pickle.loads(pickle.dumps(files.scaler))  # noqa: S301
    scaler.mean_ = np.zeros_like(scaler.mean_)
    return replace(files, scaler=scaler)


def _shifted_ids(files: score.Files) -> score.Files:
    shifted = {n: {v: i - 1 for v, i in ids.items()} for n, ids in files.vocabularies.items()}
    return replace(files, vocabularies=shifted)


IDENTITY = {"scores": [0.0], "values": [0.0], "slope": 1.0}

SPOILS: dict[str, Spoil] = {
    "fill": _without_fill,
    "order of indicators": _other_indicators,
    "scaler": _unscaled,
    "ids": _shifted_ids,
    "hash": _model(hashed={"user_hashed": 31, "advertiser_id_hashed": 31}),
    "length of a bag": _model(bags={"topic_ids_bag": 1, "entity_ids_bag": 1,
                                    "user_item_sequence": 1}),
    "mean of BatchNorm": _weights("running_mean", 0.0),
    "variance of BatchNorm": _weights("running_var", 1.0),
    "weights of BatchNorm": _weights("norm_0.weight", 1.0),
    "second member": _weights("members.1.output.weight", 0.0),
    "wide": _weights("wide", 0.0),
    "embeddings": _weights("embeddings", 0.0),
    "calibrator": _model(calibration={"whole": IDENTITY, "by": None, "slices": {}}),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILS)
def test_an_export_that_lost_something_is_refused(
    rich: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    spoilt = SPOILS[name](classic_files(rich.bundle))
    monkeypatch.setattr("clickthrough.bundle.classic.write.classic_files", lambda _: spoilt)
    with pytest.raises(BundleError, match="the classic files differ from the bundle by"):
        export_classic(rich.bundle, tmp_path / "classic", rich.example)
    assert list(tmp_path.iterdir()) == []


def test_the_control_is_of_files_that_pass_unspoilt(rich: Exported, tmp_path: Path) -> None:
    export_classic(rich.bundle, tmp_path / "classic", rich.example)
    assert (tmp_path / "classic" / "score.py").is_file()


class Recording(pickle.Unpickler):
    """Unpickles, and remembers the modules of all but builtins."""

    modules: set[str]

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        self.modules.add(module.partition(".")[0])
        return super().find_class(module, name)


def _modules_of(path: Path) -> set[str]:
    with path.open("rb") as file:
        reader = Recording(file)
        reader.modules = set()
        reader.load()
    return reader.modules


def test_pickles_hold_builtins_and_a_scaler_alone(exported: Exported) -> None:
    found = {name: _modules_of(exported.folder / f"{name}.pkl") for name in PICKLES}
    assert found.pop("numeric_scaler") <= {"sklearn", "numpy", "copyreg", "builtins"}
    assert set(found) == set(PICKLES) - {"numeric_scaler"}
    assert not any(found.values()), found
    for name in PICKLES:
        content = (exported.folder / f"{name}.pkl").read_bytes()
        assert max(op.proto for op, _, _ in pickletools.genops(content)) <= 4
        assert b"clickthrough" not in content


def test_the_weights_are_a_plain_state_dict(exported: Exported) -> None:
    weights = torch.load(exported.folder / "ctr_model.pth", weights_only=True)
    assert type(weights) is dict
    for tensor in weights.values():
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
    net = score.Net(exported.files)
    assert str(net.load_state_dict(weights)) == "<All keys matched successfully>"
    assert sum(t.numel() for t in weights.values()) == sum(
        t.numel() for t in load_module(exported.bundle).state_dict().values()
    )


def test_vocabularies_number_their_values_from_two(exported: Exported) -> None:
    files, encoder = exported.files, exported.bundle.encoder
    assert files.categorical == [*encoder.id_sizes, *encoder.bag_shapes] == list(files.num_classes)
    hashed = files.model["hashed"]
    assert set(files.vocabularies) == set(files.categorical) - set(hashed)
    for name, ids in files.vocabularies.items():
        assert list(ids.values()) == list(range(2, files.num_classes[name]))
        assert {type(value) for value in ids} <= {int, str}
    assert all(files.num_classes[name] == buckets + 2 for name, buckets in hashed.items())


def test_hours_and_weekdays_are_plain_numbers(rich: Exported) -> None:
    assert rich.files.vocabularies["hour"] == {hour: hour + 2 for hour in range(24)}
    assert rich.files.vocabularies["weekday"] == {day: day + 2 for day in range(7)}


def test_the_scaler_is_one_of_scikit_learns(exported: Exported) -> None:
    files, bundle = exported.files, exported.bundle
    scaler = files.scaler
    assert type(scaler) is StandardScaler
    check_is_fitted(scaler)
    assert list(scaler.feature_names_in_) == files.numeric
    assert scaler.n_features_in_ == len(files.numeric) == len(bundle.plan.numeric)
    np.testing.assert_array_equal(scaler.var_, scaler.scale_**2)
    if files.numeric:
        values = np.random.default_rng(5).normal(1, 3, (50, len(files.numeric)))
        expected = bundle.encoder.scale(values)[:, : len(files.numeric)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an array has no names of columns
            found = scaler.transform(values.copy())
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        np.testing.assert_allclose(scaler.inverse_transform(found), values, rtol=1e-9)


INTS = st.integers(MISSING_INT + 1, 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=90)


@given(value=INTS | TEXTS, buckets=st.integers(1, 10**6))
def test_the_script_hashes_as_the_encoder_does(value: int | str, buckets: int) -> None:
    held = np.array([value.encode() if isinstance(value, str) else value])
    assert score.hashed(value) % buckets + 2 == hashed_ids(held, buckets)[0]


@given(values=st.lists(TEXTS, min_size=1, max_size=8, unique=True), other=TEXTS)
def test_the_script_looks_up_as_a_vocabulary_does(values: list[str], other: str) -> None:
    held = np.array([value.encode() for value in values], np.bytes_)
    vocabulary = Vocabulary(np.unique(shorten(held)))
    ids = {plain_value(value): place for place, value in enumerate(vocabulary.values.tolist(), 2)}
    for value in [*values, other]:
        expected = vocabulary.encode(np.array([value.encode()], np.bytes_))[0]
        assert ids.get(score.shortened(value), 1) == expected


CURVES: dict[str, tuple[dict[str, object], list[float]]] = {
    "platt": ({"method": "platt", "slope": 0.5, "intercept": -1.0}, [-6.0, -1.5, -1.0, 0.0, 4.0]),
    "temperature": ({"method": "temperature", "temperature": 2.0}, [-5.0, -0.5, 0.0, 1.0, 5.0]),
    "isotonic": (
        {"method": "isotonic", "scores": (-1.0, 0.0, 2.0), "values": (-3.0, -2.0, 2.0),
         "slope": 0.5},
        [-7.5, -3.0, -2.0, 2.0, 6.0],
    ),
}  # fmt: skip
LOGITS = np.array([-10.0, -1.0, 0.0, 2.0, 10.0])


@pytest.mark.parametrize("name", CURVES)
def test_every_curve_is_lines_between_knots(name: str) -> None:
    saved, expected = CURVES[name]
    made = json.loads(json.dumps(calibration_of(saved, [])))
    np.testing.assert_allclose(score.on_curve(LOGITS, made["whole"]), expected, atol=1e-12)
    assert (made["by"], made["slices"]) == (None, {})


def test_a_value_has_its_own_curve(rich: Exported) -> None:
    """The second id column's id 2 is calibrated by itself, all others as before."""
    whole, own = CURVES["platt"][0], CURVES["isotonic"][0]
    saved = {"method": "sliced", "column": 1, "whole": whole, "slices": {2: {"curve": own}}}
    columns = rich.files.categorical
    calibrations = [calibration_of(one, columns) for one in (whole, own, saved)]
    files = [_model(calibration=one)(rich.files) for one in calibrations]
    expected, inside, found = (score.probabilities(rich.example.rows, one) for one in files)
    ids = rich.files.vocabularies[columns[1]]
    chosen = np.array([ids.get(row[columns[1]]) == 2 for row in rich.example.rows])
    assert 20 < chosen.sum() < len(chosen) - 20
    np.testing.assert_array_equal(found, np.where(chosen, inside, expected))
    assert np.abs(inside - expected).min() > 1e-4


def test_a_calibrator_of_another_kind_is_refused() -> None:
    with pytest.raises(BundleError, match="no form for a calibrator 'beta'"):
        calibration_of({"method": "beta", "a": 1.0}, [])


class Other(CtrModel):
    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return inputs[1].sum(1)

    def table_parameters(self) -> list[torch.nn.Parameter]:
        return []


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(BundleError, match="found Other"):
        classic_weights(Other(), [])


def test_a_weight_without_a_name_is_refused(rich: Exported) -> None:
    module = load_module(rich.bundle)
    module.register_parameter("more", torch.nn.Parameter(torch.zeros(3)))
    with pytest.raises(BundleError, match="has names for"):
        classic_weights(module, classic_files(rich.bundle).categorical)


@pytest.fixture
def copy(rich: Exported, tmp_path: Path) -> Path:
    return shutil.copytree(rich.folder, tmp_path / "classic")


def test_an_earlier_export_is_replaced_only_if_asked(rich: Exported, copy: Path) -> None:
    (copy / "model.json").write_text("old")
    with pytest.raises(BundleError, match="holds an export already"):
        export_classic(rich.bundle, copy)
    assert (copy / "model.json").read_text() == "old"
    export_classic(rich.bundle, copy, force=True)
    assert score.load_files(copy).model == rich.files.model
    assert not (copy / "example.jsonl").exists()
    assert [path.name for path in copy.parent.iterdir()] == ["classic"]


@pytest.mark.parametrize("force", [False, True])
def test_other_files_are_never_replaced(rich: Exported, tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match=r"holds thesis\.txt"):
        export_classic(rich.bundle, tmp_path, force=force)
    with pytest.raises(BundleError, match="is a file"):
        export_classic(rich.bundle, tmp_path / "thesis.txt", force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("below", [".", "classic", "classic/deeper"])
def test_nothing_is_written_into_the_bundle(rich: Exported, below: str) -> None:
    with pytest.raises(BundleError, match="lies in the bundle"):
        export_classic(rich.bundle, rich.bundle.path / below, force=True)
    assert load_bundle(rich.bundle.path).manifest == rich.bundle.manifest


def test_a_failed_write_leaves_the_former_export(
    rich: Exported, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", failing)
    with pytest.raises(BundleError, match="cannot be written: no space left"):
        export_classic(rich.bundle, copy, rich.example, force=True)
    assert len(alone(copy)) == len(rich.example.rows)
    assert [path.name for path in copy.parent.iterdir()] == ["classic"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["clickthrough", "export", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_verb_writes_files_that_score(
    rich: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "classic"
    assert run(monkeypatch, rich.bundle.path, "--classic", out) == 0
    assert rich.bundle.manifest.version in capsys.readouterr().out
    np.testing.assert_allclose(alone(out), rich.example.probabilities, rtol=0, atol=1e-6)
    assert run(monkeypatch, rich.bundle.path, "--classic", out) == 2
    assert "--force" in capsys.readouterr().err
    assert run(monkeypatch, rich.bundle.path, "--classic", out, "--force", "--no-example") == 0
    assert not (out / "example.jsonl").exists()


def test_the_verb_asks_for_a_place(
    rich: Exported, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, rich.bundle.path) == 2
    assert "expected --classic DIR" in capsys.readouterr().err


def test_the_verb_leaves_the_example_out_where_the_log_is_not_at_hand(
    rich: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "classic"
    assert run(monkeypatch, rich.bundle.path, "--classic", out, "--data", tmp_path / "no") == 2
    assert not out.exists()

    def absent(*_: object) -> None:
        raise DataError("log.csv: no such file")

    monkeypatch.setattr("clickthrough.data.open.open_dataset", absent)
    assert run(monkeypatch, rich.bundle.path, "--classic", out) == 0
    assert "no example.jsonl (--data names the log): log.csv: no such" in capsys.readouterr().out
    assert not (out / "example.jsonl").exists()
    assert score.load_files(out).model == rich.files.model
