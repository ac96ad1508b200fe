"""The control: an export that lost any of its parts is refused."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from clickthrough.errors import BundleError
from clickthrough.export.classic import inference
from clickthrough.export.classic.files import classic_files
from clickthrough.export.run import export_bundle
from tests.export.made import CLASSIC, Exported

Spoil = Callable[[inference.Files], inference.Files]


def _model(**changes: object) -> Spoil:
    return lambda files: replace(files, model=files.model | changes)


def _weights(part: str, value: float) -> Spoil:
    def spoil(files: inference.Files) -> inference.Files:
        spoilt = {n: torch.full_like(w, value) for n, w in files.weights.items() if part in n}
        assert spoilt
        return replace(files, weights=files.weights | spoilt)

    return spoil


def _without_fill(files: inference.Files) -> inference.Files:
    return _model(fill=dict.fromkeys(files.numeric, 0.0))(files)


def _other_indicators(files: inference.Files) -> inference.Files:
    assert len(files.model["indicators"]) > 1
    return _model(indicators=files.model["indicators"][::-1])(files)


def _unscaled(files: inference.Files) -> inference.Files:
    scaler = pickle.loads(pickle.dumps(files.scaler))  # noqa: S301
    scaler.mean_ = np.zeros_like(scaler.mean_)
    return replace(files, scaler=scaler)


def _shifted_ids(files: inference.Files) -> inference.Files:
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


@pytest.mark.parametrize("with_example", [True, False])
@pytest.mark.parametrize("name", SPOILS)
def test_an_export_that_lost_something_is_refused(
    rich: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, with_example: bool
) -> None:
    spoilt = SPOILS[name](classic_files(rich.bundle))
    monkeypatch.setattr("clickthrough.export.classic.write.classic_files", lambda _: spoilt)
    example = rich.example if with_example else None
    with pytest.raises(BundleError, match="the classic files differ from the bundle by"):
        export_bundle(rich.bundle, CLASSIC, tmp_path / "classic", example)
    assert list(tmp_path.iterdir()) == []


def test_the_control_is_of_files_that_pass_unspoilt(rich: Exported, tmp_path: Path) -> None:
    for place, example in ((tmp_path / "with", rich.example), (tmp_path / "without", None)):
        export_bundle(rich.bundle, CLASSIC, place, example)
        assert (place / "inference.py").is_file()
