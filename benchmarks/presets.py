"""Presets beside each other on one log: the same test part, baselines and truth in one table.

    clickthrough simulate sim --impressions 300_000 --seed 7
    python benchmarks/presets.py outbrain original --data sim --truth sim

Each is trained as ``clickthrough train`` does. The baselines are those of the first preset's
features.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clickthrough.config.load import load_config
from clickthrough.training.run import train
from clickthrough.training.told import Told

FIGURES = (
    "auc",
    "request_auc",
    "map_at_12",
    "log_loss",
    "normalized_entropy",
    "calibration_ratio",
    "ece",
)
console = Console(width=140)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--truth", type=Path, help="as for train")
    parser.add_argument("--set", action="append", default=[], help="section.key=value, as in train")
    chosen = parser.parse_args()
    shown = Table("", *FIGURES, title=str(chosen.data.name))
    for place, preset in enumerate(chosen.presets):
        config = load_config(preset, chosen.data, chosen.set)
        with tempfile.TemporaryDirectory() as folder:
            out, first = Path(folder) / "bundle", place == 0
            truth = chosen.truth if first else None
            run = train(config, out, Told(say=console.print), baselines=first, truth=truth)
        for name, found in run.metrics["test"]["results"].items():
            label = f"{preset} ({name})" if name == config.model.name else name
            shown.add_row(label, *(f"{found[figure]:.4f}" for figure in FIGURES))
    console.print(shown)


if __name__ == "__main__":
    main()
