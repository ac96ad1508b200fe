"""What `clickthrough tune` gains on the test part, that no trial has seen.

    python benchmarks/tuning.py --seeds 5                          # simulated logs, outbrain
    python benchmarks/tuning.py --config ebnerd --data ebnerd      # a log of your own
    python benchmarks/tuning.py --shuffled --seeds 10 --trials 12  # clicks that say nothing

The configuration itself and the best trial's are each fitted again with the same seeds and measured
on the test part; intervals are of the paired difference, over resampled requests.
"""

import argparse
import tempfile
import time
from pathlib import Path

import polars as pl
from selection import over

from clickthrough.comparison.contenders import Contender
from clickthrough.comparison.run import Outcome, outcome_of
from clickthrough.comparison.summary import Summary, summarized
from clickthrough.config.load import load_config, yaml_value
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.data.simulator.plain import write_log
from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Settings
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.told import Told
from clickthrough.tuning import tune
from clickthrough.tuning.result import Tuned

REFITS = 2
METRICS = ("auc", "request_auc", "log_loss")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--config", default="outbrain")
    parser.add_argument("--data", type=Path, help="a log; by default simulated ones, a seed each")
    parser.add_argument("--impressions", type=int, default=300_000)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--shuffled", action="store_true")
    parser.add_argument("--set", action="append", default=[], help="section.key=value")
    given = parser.parse_args()
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            there = Path(folder)
            config = chosen(given, there, seed)
            began = time.perf_counter()
            tuned = tune(config, trials=given.trials, workers=given.workers, out=there / "study")
            seconds = time.perf_counter() - began
            print(
                f"seed {seed}: {told(compared(config, tuned), tuned)}; {seconds:.0f} s", flush=True
            )


def chosen(given: argparse.Namespace, folder: Path, seed: int) -> Config:
    """Return the configuration of a seed, over a log of its own where none is named."""
    settings = [*given.set, f"training.seed={seed}"]
    if given.data is not None:
        return load_config(given.config, given.data, settings)
    if given.shuffled:
        return shuffled(folder, given.impressions, seed)
    simulate(folder / "log", Settings(impressions=given.impressions, seed=seed))
    return load_config(given.config, folder / "log", settings)


def shuffled(folder: Path, impressions: int, seed: int) -> Config:
    """Write a log whose clicks are shuffled."""
    values = yaml_value(write_log(folder, impressions, seed).read_text(), "the preset")
    log = pl.read_csv(folder / "log.csv").with_columns(pl.col("clicked").shuffle(seed=seed))
    values.setdefault("training", {})["seed"] = seed
    return over(log, folder, values)


def compared(config: Config, tuned: Tuned) -> Summary:
    """Fit the configuration and the best trial's with the same seeds, and compare them."""
    assert tuned.best is not None
    best = tuned.config_of(tuned.best)
    prepared = prepare(open_dataset(config.data), config, "live")
    runs = [
        run
        for name, own in (("default", config), ("tuned", best))
        for run in fitted(name, own, prepared, config.training.seed)
    ]
    test = prepared.tables["test"]
    return summarized(runs, test.labels, test.offsets, config.evaluation)


def fitted(name: str, config: Config, prepared: Prepared, seed: int) -> list[Outcome]:
    seeds = [1_000 * seed + refit for refit in range(REFITS)]
    contender = Contender(name, config.model)
    return [outcome_of(contender, one, prepared, config, Told()) for one in seeds]


def told(summary: Summary, tuned: Tuned) -> str:
    """Return how the two compare."""
    default, best = summary.rows
    said = []
    for metric in METRICS:
        before, after = default.test.get(metric), best.test.get(metric)
        if before is None or after is None:
            continue
        difference, low, high = best.differences[metric] or [float("nan")] * 3
        said.append(
            f"{metric} {before[0]:.4f} -> {after[0]:.4f} ({difference:+.4f}, "
            f"{summary.confidence:.0%} {low:+.4f} to {high:+.4f})"
        )
    done = tuned.trials
    pruned = sum(trial.state.name == "PRUNED" for trial in done)
    return (
        f"{', '.join(said)}; {len(done)} trials, {pruned} ended early, {len(tuned.errors)} failed"
    )


if __name__ == "__main__":
    main()
