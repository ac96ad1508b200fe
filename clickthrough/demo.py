"""The whole way on a made-up log: data, training, evaluation beside the truth."""

from pathlib import Path
from typing import Any

import polars as pl

from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.data.simulator.plain import write_log
from clickthrough.data.split import TEST, with_part
from clickthrough.evaluation.metrics import all_metrics
from clickthrough.features.table import request_offsets
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
    record: dict[str, Any] = train(config, bundle, told).metrics["test"]
    record["results"]["truth"] = truth_metrics(config, folder / "truth.parquet")
    return record


def truth_metrics(config: Config, truth: Path) -> dict[str, float]:
    """Return what the probabilities behind the clicks reach on the test part."""
    rows = with_part(open_dataset(config.data), config.data.split)
    test = rows.filter(pl.col("part") == TEST).select("row", "request_id", "item", "label")
    known = pl.scan_parquet(truth).select(
        request_id="display_id", item="ad_id", probability="probability"
    )
    joined = test.join(known, on=["request_id", "item"], how="left").sort("row").collect()
    return all_metrics(
        joined["label"].to_numpy(), joined["probability"].to_numpy(), request_offsets(joined)
    )
