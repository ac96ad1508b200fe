"""Presets beside each other on one log: the same test part, baselines and truth in one table.

    clickthrough simulate sim --impressions 300_000 --seed 7
    python benchmarks/presets.py outbrain original --data sim --truth sim
    python benchmarks/presets.py ebnerd benchmarks/ebnerd_former.yaml --data DIR --out models

Each is trained as ``clickthrough train`` does. The baselines are those of the first preset's
features, and so is what stands above and below the table. The first preset's lead over each other
is paired over resampled requests; all must divide the log alike.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from clickthrough.bundle import load_bundle
from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TEST
from clickthrough.evaluation.bootstrap import Samples, interval, resampled
from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.tables import tables
from clickthrough.training.evaluating.evaluate import score
from clickthrough.training.prepare import prepare
from clickthrough.training.run import train
from clickthrough.training.told import Told

METRICS = ("request_auc", "auc", "map_at_12", "log_loss")
console = Console(width=140, markup=False)


@dataclass(frozen=True)
class Tested:
    """What a bundle says of the test part: figures, and those of each resample of requests."""

    labels: NDArray[np.int8]
    figures: dict[str, float]
    samples: Samples


def tested(bundle: Path, config: Config) -> Tested:
    """Ask a bundle for its log's test part."""
    loaded, settings = load_bundle(bundle), config.evaluation
    made = prepare(open_dataset(config.data), config, "live", loaded.encoder, (TEST,))
    table = made.tables["test"]
    logits = score(loaded.model, table.inputs)
    probabilities = loaded.calibrator.probability(logits, table.inputs.ids)
    rows = table.labels, probabilities, table.offsets
    drawn = resampled(*rows, settings.bootstrap, settings.seed)
    return Tested(table.labels, all_metrics(*rows), drawn)


def lead(first: Tested, other: Tested, confidence: float) -> str:
    """Say by how much one is above another, with an interval."""
    if not np.array_equal(first.labels, other.labels):
        return "another test part"
    said = []
    for name in METRICS:
        low, high = interval(first.samples[name] - other.samples[name], confidence) or (0.0, 0.0)
        said.append(
            f"{name} {first.figures[name] - other.figures[name]:+.4f} ({low:+.4f} to {high:+.4f})"
        )
    return ", ".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("presets", nargs="+", help="names of presets, or files")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--truth", type=Path, help="as for train")
    parser.add_argument("--out", type=Path, help="keeps the bundles there, a folder each")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, as in train")
    chosen = parser.parse_args()
    record: dict[str, Any] = {}
    results: dict[str, dict[str, float | None]] = {}
    asked: dict[str, Tested] = {}
    for preset in chosen.presets:
        config = load_config(preset, chosen.data, chosen.set)
        name = Path(preset).stem
        given = {"baselines": False} if record else {"truth": chosen.truth}
        with tempfile.TemporaryDirectory() as folder:
            bundle = (chosen.out or Path(folder)) / name
            run = train(config, bundle, Told(say=console.print), **given)
            asked[name] = tested(bundle, config)
        record = record or run.metrics["test"]
        results[name] = run.metrics["test"]["results"].pop(config.model.name)
    console.print(next(tables(record | {"results": results | record["results"]})))
    (name, first), *others = asked.items()
    for other, found in others:
        console.print(f"{name} less {other}: {lead(first, found, config.evaluation.confidence)}")


if __name__ == "__main__":
    main()
