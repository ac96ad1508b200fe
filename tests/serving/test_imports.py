import json
import subprocess
import sys
from pathlib import Path

import polars as pl

from tests.conftest import ROOT
from tests.logs import raw_rows

HEAVY = {
    "torch", "polars", "pyarrow", "pandas", "lightgbm", "narwhals", "sklearn", "scipy", "optuna",
    "safetensors", "onnx", "openvino", "yaml", "typer", "rich",
}  # fmt: skip

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from clickthrough import Predictor
from clickthrough.serving.app import create_app

bundle, rows = sys.argv[1], json.loads(sys.argv[2])
app = create_app(Path(bundle), "memory")
app.openapi()
predictor = app.state.current.predictor
assert isinstance(predictor, Predictor)
assert len(predictor.predict(rows).predictions) == len(rows)
assert predictor.rank({}, rows).order
assert predictor.observe([{**row, "type": "impression"} for row in rows]).impressions == len(rows)
Predictor.load(bundle, sys.argv[3]).observe([{**rows[0], "type": "click"}])
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def imported(*arguments: str) -> set[str]:
    """Return the top-level modules that a process has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_serving_imports_nothing_of_training(
    bundle_path: Path, log: pl.DataFrame, tmp_path: Path
) -> None:
    later = log.head(5).with_columns(ts=pl.lit("2024-06-01T00:00:00"))  # than its snapshot
    rows = json.dumps(raw_rows(later))
    found = imported(SCRIPT, str(bundle_path), rows, str(tmp_path / "store.sqlite"))
    assert {"fastapi", "onnxruntime", "numpy", "clickthrough"} <= found
    assert found & (HEAVY - {"yaml", "typer", "rich"}) == set()


def test_the_check_sees_what_training_imports() -> None:
    script = (
        "import json, sys, clickthrough.training.run, clickthrough.evaluation.learned_baselines;"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    assert {"torch", "polars", "narwhals", "lightgbm", "sklearn", "scipy"} <= imported(script)


def test_every_calibrator_is_read_and_fitted_with_numpy_alone() -> None:
    script = (
        "import json, sys, clickthrough.calibration.fit, clickthrough.calibration.read;"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    assert imported(script) & (HEAVY - {"yaml"}) == set()
