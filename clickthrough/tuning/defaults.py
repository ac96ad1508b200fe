"""The default space of each family: what mattered in print and on public logs, and no more."""

from typing import Any

Ranges = dict[str, dict[str, Any]]

TRAINING: Ranges = {
    "training.learning_rate": {"low": 3e-4, "high": 1e-2, "log": True},
    "training.embedding_rate": {"low": 0.05, "high": 1.0, "log": True},
    "training.weight_decay": {"low": 1e-7, "high": 1e-3, "log": True},
    "training.averaging": {"choices": [0.0, 0.99, 0.998]},
}
"""Of every family but trees, which take nothing of it."""

_WIDTH: Ranges = {"embedding_dim": {"choices": [8, 16, 32]}}
_DROPOUT: Ranges = {"dropout": {"low": 0.0, "high": 0.5}}
_HIDDEN: Ranges = {"hidden": {"choices": [[64], [128, 64], [256, 128], [512, 256, 128]]}}
_PERCEPTRON = _WIDTH | _DROPOUT | _HIDDEN

MODEL: dict[str, Ranges] = {
    "lr": {},
    "fm": _WIDTH | {"fwfm": {"choices": [False, True]}},
    "mlp": _PERCEPTRON,
    "wide_deep": _PERCEPTRON,
    "deepfm": _PERCEPTRON,
    "dcn_v2": _PERCEPTRON | {"cross": {"low": 1, "high": 4}, "gate": {"choices": [False, True]}},
    "fcn": _WIDTH | _DROPOUT | {key: {"low": 1, "high": 4} for key in ("linear", "exponential")},
    "final_net": _PERCEPTRON | {"branches": {"choices": [1, 2]}},
    "final_mlp": _PERCEPTRON | {"heads": {"choices": [1, 2, 4, 8]}},
    "mask_net": _WIDTH
    | _DROPOUT
    | {"blocks": {"low": 1, "high": 5}, "block": {"choices": [32, 64, 128]}},
    "qnn": _WIDTH | _DROPOUT | {"layers": {"low": 1, "high": 4}, "rank": {"low": 1, "high": 4}},
    "din": _PERCEPTRON | {"attention": {"choices": [[16], [32], [64, 32]]}},
    "lightgbm": {
        "learning_rate": {"low": 0.02, "high": 0.2, "log": True},
        "leaves": {"low": 7, "high": 255, "log": True},
        "min_child": {"low": 10, "high": 500, "log": True},
        "row_fraction": {"low": 0.5, "high": 1.0},
        "feature_fraction": {"low": 0.4, "high": 1.0},
        "l2": {"low": 0.1, "high": 100.0, "log": True},
    },
    "blend": {},
}
"""Family -> its own settings."""
