"""The central proof: what the service answers is what training computed.

The test part of a log goes through the live path request by request, in order of time: first
the ranking is asked for, then the outcome is reported. Every answer must equal what the batch
side computes from the whole log at once.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough import Predictor
from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config import Config, load_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TEST, with_part
from clickthrough.evaluation.metrics import log_loss, request_auc
from clickthrough.replay import InProcess, replay
from clickthrough.training.evaluating.evaluate import score
from clickthrough.training.prepare import CountersMode, prepare
from clickthrough.training.run import train
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

REQUESTS = 800
CONTEXT = ("article_id", "device_type", "is_sso_user", "is_subscriber", "age")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """A bundle, and the log that it was trained on."""

    path: Path
    bundle: Bundle
    dataset: Dataset

    def batch(self, mode: CountersMode) -> tuple[NDArray[np.int8], NDArray[np.int64], Floats]:
        """Return labels, offsets and probabilities of the first requests of the test part."""
        table = prepare(self.dataset, self.bundle.config, mode, self.bundle.encoder).tables["test"]
        offsets = table.offsets[: REQUESTS + 1]
        logits = score(self.bundle.model, table.inputs)
        probabilities = self.bundle.calibrator.probability(logits, table.inputs.ids)
        end = int(offsets[-1])
        return table.labels[:end], offsets, probabilities[:end]


@pytest.fixture(scope="module")
def trained(ebnerd: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("ebnerd")
    config = load_config("ebnerd", data=ebnerd)
    short = config.model_copy(
        update={
            "data": config.data.model_copy(update={"cache": folder / "cache"}),
            "training": config.training.model_copy(update={"epochs": 2, "batch_size": 4_096}),
            "model": config.model.model_copy(update={"hidden": [64]}),
        }
    )
    path = folder / "bundle"
    train(short, path, baselines=False)
    return Trained(path, load_bundle(path), open_dataset(short.data))


@contextmanager
def service(bundle: Path, log: Path) -> Iterator[httpx.Client]:
    """Run the service as its users do, in a process of its own, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    environment = {**os.environ, "CTR_BUNDLE": str(bundle), "CTR_STORE": "memory"}
    environment["CTR_DRAIN_SECONDS"] = "0"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--log-level", "warning"],
            cwd=ROOT, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                _wait_until_ready(client, process, log)
                yield client
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the service did not become ready: {log.read_text()}")


def requests_of(dataset: Dataset, config: Config) -> Iterator[pl.DataFrame]:
    """Yield the first requests of the test part, in order of time, then of request."""
    rows = with_part(dataset, config.data.split).filter(pl.col("part") == TEST).collect()
    parts = rows.sort("time", "request_id", "row").partition_by("request_id", maintain_order=True)
    yield from parts[:REQUESTS]


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def live_answers(client: httpx.Client, requests: Iterator[pl.DataFrame]) -> Floats:
    """Return the probabilities that the service gives, each request before its outcome."""
    answers: list[float] = []
    for rows in requests:
        first = rows.row(0, named=True)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=first["time"])
        context = {
            "impression_id": first["request_id"],
            "impression_time": moment.isoformat(),
            "user_id": first["user"],
            **{name: first[name] for name in CONTEXT},
        }
        items = [{"article_ids_inview": item} for item in rows["item"]]
        ranked = post(client, "/rank", {"context": context, "candidates": items})["ranking"]
        by_place = {entry["candidate"]: entry["probability"] for entry in ranked}
        answers += [by_place[place] for place in range(len(items))]
        events = [{"type": "impression", **context, **item} for item in items]
        events += [
            {"type": "click", "impression_id": first["request_id"],
             "impression_time": context["impression_time"], **item}
            for item, label in zip(items, rows["label"], strict=True) if label == 1
        ]  # fmt: skip
        counted = post(client, "/events", {"events": events})
        expected = {"impressions": len(items), "clicks": len(events) - len(items)}
        assert counted.pop("durability") == "memory"
        assert {name: count for name, count in counted.items() if count} == {
            name: count for name, count in expected.items() if count
        }
    return np.array(answers)


@pytest.fixture(scope="module")
def answers(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Floats:
    log = tmp_path_factory.mktemp("service") / "log.txt"
    with service(trained.path, log) as client:
        requests = requests_of(trained.dataset, trained.bundle.config)
        return live_answers(client, requests)


def test_the_service_answers_what_training_computed(trained: Trained, answers: Floats) -> None:
    labels, offsets, expected = trained.batch("live")
    assert len(offsets) == REQUESTS + 1
    assert len(answers) == len(expected) > 5_000
    assert np.abs(answers - expected).max() < 1e-5
    assert request_auc(labels, answers, offsets) == pytest.approx(
        request_auc(labels, expected, offsets), abs=1e-6
    )
    assert log_loss(labels, answers) == pytest.approx(log_loss(labels, expected), abs=1e-6)


def test_without_events_the_answers_would_be_others(trained: Trained, answers: Floats) -> None:
    labels, offsets, frozen = trained.batch("frozen")
    assert np.abs(answers - frozen).max() > 0.05
    auc = request_auc(labels, answers, offsets)
    assert auc > request_auc(labels, frozen, offsets) + 0.01
    assert log_loss(labels, answers) < log_loss(labels, frozen) - 0.001


def test_the_model_has_learned_something_to_agree_on(trained: Trained, answers: Floats) -> None:
    labels, offsets, _ = trained.batch("live")
    assert request_auc(labels, answers, offsets) > 0.65
    assert np.ptp(answers) > 0.1


class Silent(InProcess):
    """A live path that is never told what became of its requests."""

    def events(self, events: list[dict[str, Any]]) -> None:
        del events


def test_a_log_with_texts_and_blanks_replays_in_process(bundle: Bundle, config: Config) -> None:
    dataset = open_dataset(config.data)
    told = replay(bundle, dataset, InProcess(Predictor.load(bundle.path)))
    assert told["impressions"] == bundle.metrics["test"]["impressions"]
    assert told["largest_difference"] < 1e-5
    live, batch = told["results"]["over the live path"], told["results"]["in batch"]
    assert live == pytest.approx(batch, abs=1e-6)
    untold = replay(bundle, dataset, Silent(Predictor.load(bundle.path)))
    assert untold["largest_difference"] > 0.01
