"""The runtime of the graph sends nothing to its maker."""

import subprocess
import sys

from tests.conftest import ROOT


def test_telemetry_is_off_before_the_runtime_is_loaded() -> None:
    code = """
import os, sys
seen = []
class Finder:
    def find_spec(self, name, *_):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Finder())
import clickthrough.serving.app
print(seen)
"""
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "['1']"
