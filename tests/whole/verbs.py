"""Every verb, one after another, on one log: each ends well, or with a refusal of one line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from fastapi.testclient import TestClient

from clickthrough.bundle import load_bundle
from clickthrough.config.load import load_config
from clickthrough.data.caller import raw_events, raw_rows
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import ClickthroughError
from clickthrough.init.run import init
from clickthrough.replay import InProcess, replay
from clickthrough.scoring import score_file
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Predictor
from clickthrough.training.evaluating.evaluate import evaluate_bundle
from clickthrough.training.run import train

SMALL = ("model.hidden=[4]", "model.embedding_dim=2", "training.epochs=1", "evaluation.bootstrap=2")
VERBS = ("init", "train", "evaluate", "predict", "serve", "replay")


@dataclass
class Ended:
    """How the verbs ended.

    Attributes:
        refused: verb -> what it said; verbs after a refused init or train were not asked.
        scores: of the file's rows, by predict.
    """

    refused: dict[str, str] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)

    @contextmanager
    def asked(self, verb: str) -> Iterator[None]:
        """Keep what a verb refuses; any other exception is a fault."""
        try:
            yield
        except ClickthroughError as error:
            assert "\n" not in str(error), f"{verb}: {error}"
            self.refused[verb] = str(error)


def all_verbs(
    log: Path,
    folder: Path,
    baselines: bool = False,
    settings: tuple[str, ...] = (),
    small: tuple[str, ...] = SMALL,
) -> Ended:
    """Take a log through every verb.

    Args:
        log: the file.
        folder: gets the configuration, the bundle and the predictions.
        baselines: whether they are fitted and evaluated beside.
        settings: of the configuration, beside those of a small model.
        small: the settings of that.
    """
    ended, bundle = Ended(), folder / "bundle"
    with ended.asked("init"):
        init(log, folder / "config.yaml")
    if ended.refused:
        return ended
    config = load_config(folder / "config.yaml", settings=[*small, *settings])
    with ended.asked("train"):
        train(config, bundle, baselines=baselines)
    if ended.refused:
        return ended
    dataset = open_dataset(config.data)
    with ended.asked("evaluate"):
        record = evaluate_bundle(load_bundle(bundle), dataset, "live", baselines)
        json.dumps(record, allow_nan=False)
    with ended.asked("predict"):
        ended.scores = predicted(bundle, log, folder)
        assert len(ended.scores) >= dataset.report.impressions
    with ended.asked("serve"):
        served(bundle, dataset)
    with ended.asked("replay"):
        replayed(bundle, dataset)
    return ended


def predicted(bundle: Path, log: Path, folder: Path) -> list[float]:
    """Score a file, and return the probabilities."""
    score_file(Predictor.load(bundle, "memory"), log, folder / "scores.parquet")
    scores: list[float] = pl.read_parquet(folder / "scores.parquet")["probability"].to_list()
    assert all(0 < score < 1 for score in scores)
    return scores


def served(bundle: Path, dataset: Dataset, rows: int = 5) -> None:
    """Ask the service of the log's last rows, and tell it what came of them."""
    frame = dataset.impressions().collect().tail(rows)
    raw = list(raw_rows(frame, dataset.schema))
    events = list(raw_events(raw, frame["label"].to_list()))
    context = {name: raw[0][name] for name in ("request_id", "time")}
    with TestClient(create_app(bundle, "memory")) as client:
        for path, body in (
            ("/predict", {"impressions": raw}),
            ("/rank", {"context": context, "candidates": raw}),
            ("/events", {"events": events}),
            ("/predict", {"impressions": raw}),
        ):
            answer = client.post(path, json=body)
            if answer.status_code == 422:
                raise ClickthroughError(str(answer.json()["detail"]))
            assert answer.status_code == 200, answer.text
            found = answer.json()
            for one in found.get("predictions", found.get("ranking", [])):
                assert 0 < one["probability"] < 1


def replayed(bundle: Path, dataset: Dataset) -> None:
    """Replay the test part: what is served must equal what was computed in batch."""
    live = InProcess(Predictor.load(bundle, "memory"))
    record = replay(load_bundle(bundle), dataset, live)
    json.dumps(record, allow_nan=False)
    assert record["largest_difference"] < 1e-12
