"""Presets beside each other on one log: the same test part, baselines and truth in one table.

    clickthrough simulate sim --impressions 300_000 --seed 7
    python benchmarks/presets.py outbrain original --data sim --truth sim

Each is trained as ``clickthrough train`` does. The baselines are those of the first preset's
features, and so is what stands above and below the table.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from clickthrough.config.load import load_config
from clickthrough.evaluation.tables import tables
from clickthrough.training.run import train
from clickthrough.training.told import Told

console = Console(width=140)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--truth", type=Path, help="as for train")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, as in train")
    chosen = parser.parse_args()
    record: dict[str, Any] = {}
    results: dict[str, dict[str, float | None]] = {}
    for preset in chosen.presets:
        config = load_config(preset, chosen.data, chosen.set)
        given = {"baselines": False} if record else {"truth": chosen.truth}
        with tempfile.TemporaryDirectory() as folder:
            run = train(config, Path(folder) / "bundle", Told(say=console.print), **given)
        record = record or run.metrics["test"]
        results[preset] = run.metrics["test"]["results"].pop(config.model.name)
    console.print(next(tables(record | {"results": results | record["results"]})))


if __name__ == "__main__":
    main()
