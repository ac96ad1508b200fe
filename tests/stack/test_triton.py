"""A model repository in the real Triton, whose server and Python backend a wheel of PyPI brings.

It is 2.51: its Python backend reads texts under numpy 1 alone, so the scorer runs on that here. The
wheel has no ONNX backend: of the graph's configuration the real protocol buffers are asked.
"""

import ctypes.util
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickthrough import Predictor
from clickthrough.bundle import Bundle
from clickthrough.export.homes import HOMES
from clickthrough.export.run import export_bundle
from tests.conftest import ROOT
from tests.export.test_contract import BODY, odd_rows
from tests.lacking import lacking
from tests.ports import free_port

pytestmark = pytest.mark.stack
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PLACE = ROOT / ".venv" / "triton"
OWN = PLACE / "lib" / f"python{PYTHON}" / "site-packages"
SERVER = OWN / "pytriton" / "tritonserver"
ENDED_BY = 60
PARSE = """
import importlib.util, sys
from google.protobuf import text_format
spec = importlib.util.spec_from_file_location("config", sys.argv[1])
config = importlib.util.module_from_spec(spec)
spec.loader.exec_module(config)
for path in sys.argv[2:]:
    made = text_format.Parse(open(path).read(), config.ModelConfig())
    print(made.name, made.backend, made.max_batch_size, len(made.input), len(made.model_warmup))
"""


@pytest.fixture(scope="module")
def repository(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (PLACE / "bin" / "python").exists():
        lacking("no .venv/triton: make .venv/.scanners")
    folder = tmp_path_factory.mktemp("triton") / "out"
    export_bundle(bundle, HOMES["triton"], folder)
    return folder / "models"


def test_the_real_protocol_buffers_read_both_configurations(repository: Path) -> None:
    paths = [repository / name / "config.pbtxt" for name in ("ctr", "ctr_encoded")]
    schema = OWN / "tritonclient" / "grpc" / "model_config_pb2.py"
    command = [str(PLACE / "bin" / "python"), "-c", PARSE, *map(str, [schema, *paths])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["ctr", "python", "50"], ["ctr_encoded", "onnxruntime", "50"],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    stub = SERVER / "python_backend_stubs" / PYTHON / "triton_python_backend_stub"
    if not stub.exists() or ctypes.util.find_library(f"python{PYTHON}") is None:
        lacking(f"no Python backend of Triton for Python {PYTHON}, or no libpython{PYTHON}")
    place = tmp_path_factory.mktemp("server")
    backend = place / "backends" / "python"
    backend.mkdir(parents=True)
    # the stub looks for modules here, and not where PYTHONPATH says; the later name wins
    libraries = Path(np.__file__).parent.parent
    for source in (libraries, OWN, SERVER / "backends" / "python"):
        for path in source.iterdir():
            if source != OWN or path.name.startswith("numpy"):
                (backend / path.name).unlink(missing_ok=True)
                (backend / path.name).symlink_to(path)
    (backend / "clickthrough").unlink(missing_ok=True)
    (backend / "clickthrough").symlink_to(ROOT / "clickthrough")
    (backend / stub.name).write_bytes(stub.read_bytes())
    (backend / stub.name).chmod(0o755)
    (place / "models").mkdir()
    (place / "models" / "ctr").symlink_to(repository / "ctr")
    ports = {name: free_port() for name in ("http", "grpc")}
    command = [
        "--model-repository", place / "models", "--backend-directory", place / "backends",
        "--allow-metrics=false",
        *(part for name, port in ports.items()
          for part in (f"--{name}-port", port, f"--{name}-address", "127.0.0.1")),
    ]  # fmt: skip
    binary = SERVER / "bin" / "tritonserver"
    binary.chmod(0o755)
    environment = os.environ | {"LD_LIBRARY_PATH": str(OWN / "nvidia_pytriton.libs")}
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(binary), *map(str, command)], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{ports['http']}/v2"
    try:
        deadline = time.monotonic() + ENDED_BY
        while _status(f"{url}/health/ready") != 200:
            assert process.poll() is None, (place / "log").read_text()
            assert time.monotonic() < deadline, (place / "log").read_text()
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(ENDED_BY)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except OSError:
        return 0


def _infer(url: str, texts: list[str]) -> Any:  # noqa: ANN401 - JSON
    tensor = {"name": "impressions", "datatype": "BYTES", "shape": [len(texts), 1], "data": texts}
    request = urllib.request.Request(  # noqa: S310
        f"{url}/models/ctr/infer", json.dumps({"inputs": [tensor]}).encode()
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def test_triton_answers_as_the_bundle_does(server: str, bundle: Bundle) -> None:
    rows = odd_rows()[: 20 * BODY]
    predictor = Predictor.load(bundle.path)
    for start in range(0, len(rows), BODY):
        body = rows[start : start + BODY]
        expected = [one.probability for one in predictor.predict(body).predictions]
        answer = _infer(server, [json.dumps(row) for row in body])
        (found,) = [o["data"] for o in answer["outputs"] if o["name"] == "probability"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    predictor.close()


def test_triton_tells_a_caller_what_is_wrong(server: str) -> None:
    assert "row 1: expected an object" in _infer(server, ["{}", "[1]"])["error"]
    assert "outputs" in _infer(server, ["{}"])
