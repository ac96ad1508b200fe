"""Parquet files: their paths are taken as they are, whatever signs are in them."""

from pathlib import Path

import polars as pl


def parquet_files(path: Path) -> list[str]:
    """Return a Parquet file, or those of a directory in the order of their names."""
    if not path.is_dir():
        return [str(path)]
    # where there is none, whoever opens it names what is not there
    return sorted(map(str, path.glob("*.parquet"))) or [str(path / "*.parquet")]


def scan(path: Path) -> pl.LazyFrame:
    """Scan a Parquet file, or those of a directory in the order of their names."""
    return scan_files(parquet_files(path))


def scan_files(files: list[str]) -> pl.LazyFrame:
    """Scan Parquet files in turn: brackets are no pattern, and ``day=1`` above them no column."""
    return pl.scan_parquet(files, glob=False, hive_partitioning=False)
