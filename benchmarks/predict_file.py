"""Rows a second that `clickthrough predict` scores on one core: a log's own test part, as a file.

    OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 python benchmarks/predict_file.py models data/outbrain

Time is that of the processor, reading and writing included; the best of some rounds.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import polars as pl

from clickthrough import Predictor
from clickthrough.bundle.log import log_of
from clickthrough.data.caller import raw_rows
from clickthrough.data.split import TEST, with_part
from clickthrough.scoring import score_file
from clickthrough.serving.garbage import loaded_for_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    predictor = Predictor.load(given.bundle)
    with tempfile.TemporaryDirectory() as folder, loaded_for_good():
        for source in written(predictor, given.log, Path(folder)):
            best = max(rate(predictor, source) for _ in range(given.rounds))
            print(f"{source.suffix}: {best:,.0f} rows/s")


def written(predictor: Predictor, log: Path, folder: Path) -> list[Path]:
    """Write the test part of a log as Parquet and as JSON lines."""
    dataset, split = log_of(predictor.bundle, log), predictor.bundle.config.data.split
    rows = with_part(dataset, split).filter(pl.col("part") == TEST).sort("row").collect()
    raw = list(raw_rows(rows, predictor.bundle.schema))
    parquet, lines = folder / "some.parquet", folder / "some.jsonl"
    pl.DataFrame(raw, infer_schema_length=None).write_parquet(parquet)
    lines.write_text("".join(json.dumps(row) + "\n" for row in raw))
    print(f"{len(raw):,} impressions")
    return [parquet, lines]


def rate(predictor: Predictor, source: Path) -> float:
    """Return the rows that are scored in a second of the processor's time."""
    began = time.process_time()
    made = score_file(predictor, source, source.with_name("scores.csv"))
    return made.rows / (time.process_time() - began)


if __name__ == "__main__":
    main()
