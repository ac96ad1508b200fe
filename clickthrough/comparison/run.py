"""One run of a comparison: a contender fitted with one seed, measured, and kept."""

import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.bundle import layout
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.bundle.weights import weights_of
from clickthrough.cleanup import scratch_directory
from clickthrough.comparison.contenders import Contender
from clickthrough.config.root import Config
from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.report import known
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.training.evaluating.evaluate import score
from clickthrough.training.fit import fit
from clickthrough.training.optim.monitor import monitored
from clickthrough.training.prepare import Prepared
from clickthrough.training.told import Told
from clickthrough.whole_file import write_whole

_REPEATS = 30
_CANDIDATES = 100

Floats = NDArray[np.float64]


class _Figures(msgspec.Struct, forbid_unknown_fields=True):
    test: dict[str, float | None]
    validation: dict[str, float]
    epochs: int
    seconds: float
    weights: int
    megabytes: float
    ms_1: float
    ms_100: float


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """What the file of a run holds."""

    contender: str
    seed: int
    figures: _Figures


_KEPT = msgspec.json.Decoder(_Kept)


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        contender: its name.
        seed: of the training.
        figures: what is tabled: ``test`` (metrics), ``validation`` (the monitored metric),
            ``seconds``, ``weights``, ``megabytes`` of the graph, ``ms_1`` and ``ms_100`` (medians
            of the graph's time for so many rows).
        probabilities: of the test part, shape (n,).
    """

    contender: str
    seed: int
    figures: Mapping[str, Any]
    probabilities: Floats

    def save(self, path: Path) -> None:
        """Keep it: the figures last, so that a run is whole or not there.

        Raises:
            ClickthroughError: the place cannot be written.
        """
        values = io.BytesIO()
        np.save(values, self.probabilities.astype(np.float32), allow_pickle=False)
        write_whole(path.with_suffix(".npy"), values.getvalue())
        about = {"contender": self.contender, "seed": self.seed, "figures": self.figures}
        write_whole(path, json.dumps(about, indent=2, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path, contender: str, seed: int, rows: int) -> "Outcome":
        """Return what was kept.

        Args:
            path: of the figures.
            contender: whose run it is to be.
            seed: with which.
            rows: of the test part.

        Raises:
            ClickthroughError: it is another run, or damaged.
        """
        try:
            kept = _KEPT.decode(path.read_bytes())
            probabilities = np.load(path.with_suffix(".npy"), allow_pickle=False)
            found = np.asarray(probabilities, np.float64)
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise ClickthroughError(f"{path}: not readable as a run: {error}; remove it") from None
        if (kept.contender, kept.seed) != (contender, seed):
            said = f"of {kept.contender} with seed {kept.seed}"
            raise ClickthroughError(f"{path}: expected a run of {contender}, found one {said}")
        if found.shape != (rows,) or not ((found >= 0) & (found <= 1)).all():
            raise ClickthroughError(
                f"{path.with_suffix('.npy')}: expected {rows:,} probabilities; remove it"
            )
        return cls(contender, seed, msgspec.to_builtins(kept.figures), found)


def outcome_of(
    contender: Contender, seed: int, prepared: Prepared, config: Config, told: Told
) -> Outcome:
    """Fit a contender and measure its exported graph on the test part."""
    training = config.training.model_copy(update={"seed": seed})
    own = config.model_copy(update={"model": contender.model, "training": training})
    start = time.perf_counter()
    fitted = fit(prepared, own, told)
    assert fitted is not None  # noqa: S101 - comparisons run in one process
    seconds = time.perf_counter() - start
    test = prepared.tables["test"]
    with scratch_directory() as folder:
        fitted.model.write(folder, prepared.tables["validation"].inputs)
        graph = OnnxModel(folder / layout.ONNX)
        weights = sum(own.size for own in weights_of(folder / layout.ONNX))
        size = sum(path.stat().st_size for path in folder.glob(f"{layout.ONNX}*"))
    logits = score(graph, test.inputs)
    probabilities = fitted.calibrator.probability(logits, test.inputs.ids)
    metrics = known(all_metrics(test.labels, probabilities, test.offsets))
    reached = abs(monitored(fitted.logits, prepared.watched, config.training))
    figures = {
        "test": metrics,
        "validation": {config.training.monitor: reached},
        "epochs": len(fitted.epochs),
        "seconds": round(seconds, 2),
        "weights": weights,
        "megabytes": round(size / 1e6, 3),
        "ms_1": milliseconds(graph, test.inputs, 1),
        "ms_100": milliseconds(graph, test.inputs, _CANDIDATES),
    }
    return Outcome(contender.name, seed, figures, probabilities)


def warm_up() -> None:
    """Let torch load what its optimizers need."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([weight])
    weight.sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def milliseconds(graph: OnnxModel, inputs: Encoded, rows: int) -> float:
    """Return the median time of a graph for some rows."""
    some = inputs[:rows]
    taken = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        graph.logits(some)
        taken.append(time.perf_counter() - start)
    return round(1e3 * float(np.median(taken)), 4)
