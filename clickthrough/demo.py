"""The whole way on a simulated log: data, training, evaluation beside the truth."""

from pathlib import Path
from typing import Any

from clickthrough.config.load import load_config
from clickthrough.data.simulator.files import TRUTH
from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Settings
from clickthrough.steps import step
from clickthrough.training.run import train
from clickthrough.training.told import Told

PRESET = "outbrain"


def run_demo(folder: Path, bundle: Path, impressions: int, told: Told) -> dict[str, Any]:
    """Simulate a log, train on it, and evaluate the model between its baselines and the truth.

    Args:
        folder: gets the log; an earlier demo's is replaced, anything else is not.
        bundle: gets the bundle.
        impressions: how many.
        told: where progress is reported to.

    Returns:
        The evaluation record of the test part, with the rows ``truth`` and ``observable oracle``.
    """
    told.say(f"simulating a log of {impressions:,} impressions in {folder}")
    with step("simulating"):
        simulate(folder, Settings(impressions), force=(folder / TRUTH).is_file())
    run = train(load_config(PRESET, data=folder), bundle, told, truth=folder / TRUTH)
    record: dict[str, Any] = run.metrics["test"]
    return record
