"""The whole way on a made-up log: data, training, evaluation beside the truth."""

from pathlib import Path
from typing import Any

from clickthrough.config.load import load_config
from clickthrough.data.simulator.plain import write_log
from clickthrough.training.run import Told, train


def run_demo(folder: Path, bundle: Path, impressions: int, told: Told) -> dict[str, Any]:
    """Make a log, train on it, and evaluate the model between its baselines and the truth.

    Args:
        folder: gets the log.
        bundle: gets the bundle.
        impressions: about how many.
        told: where progress is reported to.

    Returns:
        The evaluation record of the test part, with the row ``truth``.
    """
    told.say(f"making a log of about {impressions:,} impressions in {folder}")
    config = load_config(write_log(folder, impressions))
    run = train(config, bundle, told, truth=folder / "truth.parquet")
    record: dict[str, Any] = run.metrics["test"]
    return record
