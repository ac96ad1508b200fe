"""docs/original.md leads from every name of the original to what is here; what is here runs."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import BaseModel

from clickthrough.bundle import Bundle
from clickthrough.config import Config
from clickthrough.config.features import Feature
from tests.conftest import ROOT
from tests.export.made import alone, export
from tests.ports import free_port
from tests.serving.hostile.client import HOST
from tests.serving.hostile.servers import COMMANDS, Server, end, start

PAGE = ROOT / "docs" / "original.md"
FILES = [
    "app.py", "inference.py", "model_def.py", "models/", "Dockerfile", "requirements.txt",
    "config/ctr-deployment.yaml", "config/ctr-service.yaml", "README.md", "training.ipynb",
]  # fmt: skip
ARTIFACTS = [
    "ctr_model.pth", "cat_vocab.pkl", "cat_num_classes.pkl", "numeric_scaler.pkl",
    "final_categorical.pkl", "final_numeric.pkl",
]  # fmt: skip
DATA = [
    "clicks_train.csv", "events.csv", "promoted_content.csv", "documents_meta.csv",
    "documents_topics.csv",
]  # fmt: skip
INSTALL = "pip install -r requirements.txt"
START = "uvicorn app:app --host 0.0.0.0 --port 8000 --reload"
SHELL = [
    INSTALL, START,
    "docker build -t ctr-service:latest .", "docker run -p 8000:8000 ctr-service:latest",
    "aws ecr create-repository --repository-name ctr-service", "aws ecr get-login-password",
    "docker login", "docker tag", "docker push",
    "kubectl apply -f ctr-deployment.yaml", "kubectl get service ctr-service",
]  # fmt: skip
ENDPOINTS = [
    f"http://{host}/{path}"
    for host in ("localhost:8000", "<elb-hostname>")
    for path in ("health", "predict")
]
TERMS = [
    "LightGBM", "Optuna", "AWS ECR", "AWS EKS", "EC2 ASG", "LoadBalancer", "32-128", "L2",
    "dropout", "StandardScaler", "log1p", "median", "-1 sentinel", "ReLU", "512→256→128",
    "BatchNorm", "BCEWithLogitsLoss", "pos_weight = (neg_samples / pos_samples)",
    "validation AUC", "early stopping", "0.7964", "TorchServe", "SageMaker", "Triton",
    "Kafka", "Kinesis", "EMR", "A/B testing", "Feast", "Redis", "GitHub Actions", "CodePipeline",
    "Prometheus", "Grafana", "CloudWatch", "SHAP", "Horizontal Pod Autoscaling",
    "Cluster Autoscaler",
]  # fmt: skip
"""What the original names, as it names it."""

ENDED_BY = 30
"""Seconds until what cannot start has ended, even where the machine is busy."""
IDLE = 2.0
LARGEST_SHARE = 0.15
"""Of a core, while idle; a reloader that looks at each file again and again takes several times
as much of it."""


class Row(dict[str, str]):
    """A line of a table of the page, by the names of its columns."""

    def quoted(self, column: str) -> list[str]:
        """Return what stands between backticks."""
        return re.findall(r"`([^`]+)`", self.get(column, ""))


def rows() -> list[Row]:
    made: list[Row] = []
    head: list[str] = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" |")]
        if not line.startswith("|"):
            head = []
        elif not head:
            head = cells
        elif not set(line) <= {"|", "-"}:
            assert len(cells) == len(head), line
            made.append(Row(zip(head, cells, strict=True)))
    return made


def test_each_name_of_the_original_has_its_line() -> None:
    quoted = {part for row in rows() for part in row.quoted("the original")}
    artifacts = [f"models/{name}" for name in ARTIFACTS]
    assert {*FILES, *artifacts, *DATA, *SHELL, *ENDPOINTS} - quoted == set()
    told = "\n".join(row["the original"] for row in rows())
    assert [term for term in TERMS if term not in told] == []


def test_what_the_page_says_is_here_is_here() -> None:
    made = get_args(get_args(Feature)[0])
    kinds = {get_args(kind.model_fields["kind"].annotation)[0] for kind in made}
    seen = {"path": 0, "key": 0, "kind": 0}
    for row in rows():
        assert row.get("here") != "", row
        for part in row.quoted("here"):
            if part.startswith("kind: "):
                seen["kind"] += 1
                assert part.removeprefix("kind: ") in kinds, part
            elif part.partition(".")[0] in Config.model_fields:
                seen["key"] += 1
                assert _is_a_key(part), part
            elif re.fullmatch(r"\S+", part):
                seen["path"] += 1
                assert (ROOT / part).exists(), part
    assert min(seen.values()) >= 5, seen


def _is_a_key(name: str) -> bool:
    """Say whether a configuration has ``section.key``."""
    section, _, key = name.partition(".")
    field = Config.model_fields.get(section)
    return any(key in kind.model_fields for kind in _kinds(field and field.annotation))


def _kinds(annotation: object) -> list[type[BaseModel]]:
    """Return the sections that an annotation allows: one, or any of several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _kinds(part)]


def test_a_file_that_is_here_is_not_called_missing() -> None:
    absent = [row for row in rows() if row.get("here") == "not yet"]
    assert absent
    for row in absent:
        for part in row.quoted("the original"):
            assert not (ROOT / part).exists(), part


def test_a_bundle_holds_what_the_page_says(bundle_path: Path) -> None:
    named = [part for row in rows() for part in row.quoted("in the bundle")]
    assert set(named) == {
        f"{path.name}/" if path.is_dir() else path.name for path in bundle_path.iterdir()
    }


def test_the_old_files_are_written_and_score(bundle: Bundle, tmp_path: Path) -> None:
    made = export(bundle, tmp_path)
    written = {path.name for path in made.folder.iterdir()}
    assert written == {
        *ARTIFACTS, "README.md", "example.jsonl", "export.json", "inference.py", "model.json",
        "model_def.py",
    }  # fmt: skip
    assert np.abs(alone(made.folder) - made.example.probabilities).max() < 1e-6


@pytest.mark.skipif(find_spec("pip") is None, reason="pip is missing")
def test_requirements_are_satisfied_by_what_is_tested_here() -> None:
    """The original's command, in an environment that has them, without a network."""
    environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_DRY_RUN": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *INSTALL.split()],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone has, and a virtual environment of many files in it."""
    place = tmp_path_factory.mktemp("cloned") / "clone"
    shutil.copytree(ROOT / "clickthrough", place / "clickthrough")
    shutil.copy(ROOT / "app.py", place)
    for package in range(60):
        (folder := place / ".venv" / "lib" / f"package{package}").mkdir(parents=True)
        for module in range(100):
            (folder / f"module{module}.py").touch()
    return place


@pytest.fixture(scope="module")
def served(clone: Path, bundle_path: Path) -> Iterator[Server]:
    """Run the original's command where a bundle lies in ``models/``."""
    shutil.copytree(bundle_path, clone / "models")
    port, log = free_port(), clone.parent / "served.log"
    process = start("reload", port, log, _settings(clone))
    try:
        made = Server(process, port, log)
        made.until_ready()
        yield made
    finally:
        end(process)
        shutil.rmtree(clone / "models")


def _settings(clone: Path) -> dict[str, str]:
    """Return what the working folder is, and that no store is named."""
    return {
        "PLACE": str(clone), "PYTHONPATH": str(clone), "CTR_STORE": "", "CTR_DRAIN_SECONDS": "0",
    }  # fmt: skip


def test_the_command_is_the_originals() -> None:
    assert " ".join(COMMANDS["reload"]).replace("PORT", "8000") == START


def test_health_answers(served: Server) -> None:
    status, said = served.ask("/health")
    assert (status, json.loads(said)["status"]) == (200, "ok")


def test_predict_opened_as_a_page_says_what_to_post(served: Server) -> None:
    status, said = served.ask("/predict")
    text, _, example = json.loads(said)["detail"].partition("such as ")
    assert (status, text) == (405, "/predict takes POST with a JSON body ")
    status, said = served.ask("/predict", json.loads(example))
    answer: dict[str, Any] = json.loads(said)
    assert (status, len(answer["predictions"])) == (200, 1)
    assert 0 < answer["predictions"][0]["probability"] < 1


@pytest.mark.parametrize(("path", "leads_to"), [("/", "/docs"), ("/openapi.json", "")])
def test_the_service_describes_itself(served: Server, path: str, leads_to: str) -> None:
    base = f"http://{HOST}:{served.port}"
    with urllib.request.urlopen(base + path, timeout=20) as answer:  # noqa: S310
        assert answer.url == base + (leads_to or path)
        text = answer.read().decode()
    assert "docs/start.js" in text if leads_to else "/predict" in json.loads(text)["paths"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_waiting_for_edits_costs_next_to_nothing(served: Server) -> None:
    assert "using WatchFiles" in served.said()
    before = _processor_seconds(served.process.pid)
    time.sleep(IDLE)
    used = _processor_seconds(served.process.pid) - before
    assert used < LARGEST_SHARE * IDLE
    assert served.process.poll() is None


def _processor_seconds(group: int) -> float:
    """Return what the processes of a group have used so far."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # one that has ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += int(fields[11]) + int(fields[12])
    assert ticks
    return ticks / os.sysconf("SC_CLK_TCK")


def test_an_edit_is_served(served: Server, clone: Path) -> None:
    with (clone / "app.py").open("a") as file:
        file.write('app.add_api_route("/edited", lambda: "so it is")\n')
    deadline = time.monotonic() + 60
    while _answer(served, "/edited") != b'"so it is"':
        assert time.monotonic() < deadline, served.said()
        time.sleep(0.05)


def _answer(server: Server, path: str) -> bytes:
    try:
        return server.ask(path)[1]
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("kind", "lies"),
    [("reload", "nothing"), ("uvicorn", "nothing"), ("serve", "nothing"), ("uvicorn", "old")],
)
def test_without_a_bundle_it_ends_with_a_line_that_says_what_to_do(
    kind: str, lies: str, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    if lies == "old":
        (tmp_path / "models").mkdir()
        for name in ARTIFACTS:
            (tmp_path / "models" / name).touch()
    log = tmp_path / "log"
    port = free_port()
    process = start(kind, port, log, {"PLACE": str(tmp_path), "CTR_STORE": ""})
    try:
        status = process.wait(ENDED_BY)
        _is_closed(port)
    finally:
        end(process)
    text = log.read_text()
    assert "Traceback" not in text, text
    # a supervisor that sees the copied file begins once more, and says so
    told = {line for line in text.splitlines() if re.match(r"(error|clickthrough): ", line)}
    assert len(told) == 1, text
    assert re.fullmatch(r"\w+: models: .*'clickthrough train' makes one", told.pop())
    assert (status == 0) == (kind == "reload")  # a supervisor that was told to end


def _is_closed(port: int) -> None:
    """Wait until nobody listens at a port: a process that is left over would hold it."""
    deadline = time.monotonic() + ENDED_BY
    while time.monotonic() < deadline:
        with socket.socket() as made:
            if made.connect_ex((HOST, port)) != 0:
                return
        time.sleep(0.02)
    raise AssertionError("a process is left over")
