"""What ``from clickthrough import ...`` offers: all of it documented, typed and quick to import."""

import inspect
import json
import subprocess
import sys

import pytest

import clickthrough


def test_the_front_doors_and_nothing_else() -> None:
    assert dir(clickthrough) == sorted(
        {
            "BundleError", "ClickClassifier", "ClickModel", "ClickthroughError", "ConfigError",
            "DataError", "Predictor", "RequestError", "StoreError", "__version__", "evaluate",
            "fit", "load", "train",
        }
    )  # fmt: skip
    assert all(hasattr(clickthrough, name) for name in dir(clickthrough))
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        _ = clickthrough.predict


@pytest.mark.parametrize("name", [n for n in dir(clickthrough) if n != "__version__"])
def test_every_door_says_what_it_is(name: str) -> None:
    door = getattr(clickthrough, name)
    assert len(inspect.getdoc(door) or "") > 30
    if inspect.isfunction(door):
        hints = inspect.signature(door)
        assert hints.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not p.empty for p in hints.parameters.values())


@pytest.mark.parametrize(
    ("doors", "absent"),
    [
        ("fit, load, train, evaluate", {"torch", "sklearn", "lightgbm", "pandas", "scipy"}),
        ("ClickClassifier", {"torch", "lightgbm", "onnx", "optuna"}),
        ("ClickthroughError", {"polars", "numpy", "torch", "sklearn", "onnxruntime"}),
    ],
)
def test_a_door_loads_what_it_needs_once_it_is_used(doors: str, absent: set[str]) -> None:
    script = (
        f"import json, sys; from clickthrough import {doors}; print(json.dumps([*sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert absent & set(json.loads(done.stdout)) == set()


def test_a_door_whose_packages_are_missing_says_what_brings_them() -> None:
    script = (
        "import sys; sys.modules['polars'] = None\n"
        "try:\n    from clickthrough import fit\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert b"pip install '.[train]'" in done.stdout
