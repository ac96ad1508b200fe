"""Ranking on a real log: does MAP@12 surely exceed that of the sum of the smoothed rates?

    python benchmarks/outbrain_ranking.py DATA --out models
    python benchmarks/outbrain_ranking.py DATA --original   # what the project started from

What DATA holds stands in outbrain_ranking.yaml beside this. It trains as ``clickthrough train``
does, prints its tables, and fails where the target is missed.
"""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from clickthrough.config.data import TabularData
from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.evaluation.tables import tables
from clickthrough.presets.places import present
from clickthrough.training.run import train
from clickthrough.training.told import Told

CONFIG = Path(__file__).with_suffix(".yaml")
ORIGINAL = CONFIG.with_stem("outbrain_ranking_original")
AGAINST, METRIC, AT_LEAST = "sum of rates", "map_at_12", 0.005


def with_directory(config: Config, directory: Path) -> Config:
    """Return the configuration with its files in another directory than its own."""
    data = config.data
    assert isinstance(data, TabularData)

    def moved(path: Path) -> Path:
        return present(directory.resolve() / path.relative_to(CONFIG.parent.resolve()))

    joins = [join.model_copy(update={"file": moved(join.file)}) for join in data.joins]
    here = data.model_copy(update={"path": [moved(path) for path in data.paths], "joins": joins})
    return config.model_copy(update={"data": here})


def verdict(record: dict[str, Any]) -> tuple[bool, str]:
    """Say whether the target is met, and by what figures."""
    difference, low, high = record["bootstrap"]["differences"][AGAINST][METRIC]
    met = difference >= AT_LEAST and low > 0
    return met, (
        f"MAP@12 less that of the {AGAINST}: {difference:+.4f} ({low:+.4f} to {high:+.4f}); "
        f"at least {AT_LEAST:+.4f} and an interval above zero: {'met' if met else 'missed'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="holds outbrain/ and outbrain_ranking/")
    parser.add_argument("--out", type=Path, default=Path("models"), help="where the bundle goes")
    parser.add_argument("--original", action="store_true", help="the original's model instead")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    chosen = parser.parse_args()
    config = with_directory(load_config(ORIGINAL if chosen.original else CONFIG), chosen.data)
    if chosen.seed is not None:
        training = config.training.model_copy(update={"seed": chosen.seed})
        config = config.model_copy(update={"training": training})
    console = Console(width=120, markup=False)
    record = train(config, chosen.out, Told(say=console.print)).metrics["test"]
    for table in tables(record):
        console.print(table)
    met, line = verdict(record)
    console.print(line)
    raise SystemExit(not (met or chosen.original))


if __name__ == "__main__":
    main()
