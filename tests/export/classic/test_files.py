"""The files load with plain torch, pickle and scikit-learn, and hold what they say."""

import pickle
import pickletools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from clickthrough.bundle.module import load_module
from clickthrough.config.model import Mlp
from clickthrough.errors import BundleError
from clickthrough.export.classic import model_def
from clickthrough.export.classic.files import classic_files
from clickthrough.export.classic.weights import classic_weights
from clickthrough.models.base import CtrModel
from clickthrough.models.mlp import MlpNet
from clickthrough.models.net import Net
from clickthrough.models.shape import InputShape
from tests.export.made import Exported

PICKLES = ["cat_vocab", "cat_num_classes", "numeric_scaler", "final_categorical", "final_numeric"]


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
    net = model_def.Net(exported.files.model, exported.files.num_classes, exported.files.numeric)
    assert str(net.load_state_dict(weights)) == "<All keys matched successfully>"
    module = load_module(exported.bundle)
    held = module.state_dict()
    shift = held.pop("shift")  # is part of the biases
    # each column has the rows of its field for itself, which columns of a field share
    dense = [t.numel() for name, t in held.items() if name not in module.tables_of()]
    tables = [
        slot.size * dim for slot, dim in zip(module.shape.looked_up, module.shape.dims, strict=True)
    ]
    assert sum(t.numel() for t in weights.values()) == sum(dense) + sum(tables)
    assert bool(shift != 0) == (exported.bundle.config.training.pos_weight != 1)


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
        low, high = ([files.model[end][name] for name in files.numeric] for end in ("low", "high"))
        values = np.clip(np.random.default_rng(5).normal(1, 3, (50, len(low))), low, high)
        expected = bundle.encoder.scale(values)[:, : len(files.numeric)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an array has no names of columns
            found = scaler.transform(values.copy())
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        np.testing.assert_allclose(scaler.inverse_transform(found), values, rtol=1e-9, atol=1e-9)


class Other(Net):
    """A network of another kind."""


@pytest.mark.parametrize(
    ("net", "settings"),
    [
        (Other, {}),
        (MlpNet, {"members": 2, "share": "all"}),
        (MlpNet, {"members": 2, "share": "none"}),
    ],
)
def test_a_model_of_another_kind_is_refused(net: type[Any], settings: dict[str, Any]) -> None:
    config, shape = Mlp(hidden=[4], **settings), InputShape.of((7,), 2)
    made = (lambda: net(shape)) if net is Other else (lambda: net(config, shape))
    with pytest.raises(BundleError, match="of the families mlp and wide_deep"):
        classic_weights(CtrModel(config, shape, made), ["id_0"])


def test_a_weight_without_a_name_is_refused(rich: Exported) -> None:
    module = load_module(rich.bundle)
    module.register_parameter("more", torch.nn.Parameter(torch.zeros(3)))
    with pytest.raises(BundleError, match="has names for"):
        classic_weights(module, classic_files(rich.bundle).categorical)
