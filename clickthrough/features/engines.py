"""Where batch history runs: Polars in this process, DuckDB beyond memory, Spark beyond a machine.

An engine opens and writes Parquet; everything between is the same narwhals code.
"""

import shutil
from pathlib import Path
from typing import Any, Literal, Protocol

import narwhals as nw
import polars as pl

from clickthrough.errors import ConfigError, install_hint
from clickthrough.features.history.batch import Frame

EngineName = Literal["polars", "duckdb", "spark"]


class Engine(Protocol):
    """Opens Parquet as a lazy frame, and writes a lazy frame as Parquet."""

    def scan(self, path: Path, columns: dict[str, str]) -> Frame:
        """Open some columns of Parquet files under new names (old -> new)."""

    def write(self, frame: Frame, path: Path, by: str) -> None:
        """Write a frame, sorted by a column."""


class PolarsEngine:
    """Polars, on all cores of this process."""

    def scan(self, path: Path, columns: dict[str, str]) -> Frame:
        """Open some columns of Parquet files under new names (old -> new)."""
        chosen = [pl.col(old).alias(new) for old, new in columns.items()]
        return nw.from_native(pl.scan_parquet(parquet_files(path)).select(chosen))

    def write(self, frame: Frame, path: Path, by: str) -> None:
        """Write a frame, sorted by a column."""
        native: pl.LazyFrame = frame.to_native()
        native.sort(by).sink_parquet(path, compression="lz4")


class DuckDBEngine:
    """DuckDB, which spills to disk what does not fit its share of memory.

    Args:
        folder: where it may spill.
        memory: how much it may hold, such as ``4GB``.
    """

    def __init__(self, folder: Path, memory: str = "4GB") -> None:
        import duckdb

        self._connection = duckdb.connect(
            config={"memory_limit": memory, "temp_directory": str(folder / "spill")}
        )

    def scan(self, path: Path, columns: dict[str, str]) -> Frame:
        """Open some columns of Parquet files under new names (old -> new)."""
        quoted = [(_quoted(old, '"'), _quoted(new, '"')) for old, new in columns.items()]
        chosen = [f"{old} AS {new}" for old, new in quoted]
        opened = self._connection.read_parquet(parquet_files(path))
        return nw.from_native(opened.project(", ".join(chosen)))

    def write(self, frame: Frame, path: Path, by: str) -> None:
        """Write a frame, sorted by a column."""
        native: Any = frame.to_native()
        native.order(f'"{by}"').write_parquet(str(path))


class SparkEngine:
    """Spark, local or on a cluster: the session is the one that is active, or a local one."""

    def __init__(self) -> None:
        if shutil.which("java") is None:
            raise ConfigError("engine: spark needs a Java runtime (17 or newer): no 'java' in PATH")
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("clickthrough")
        active = SparkSession.getActiveSession()
        self._session = active or (
            builder.master("local[*]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "4g")
            .config("spark.sql.shuffle.partitions", "8")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )

    def scan(self, path: Path, columns: dict[str, str]) -> Frame:
        """Open some columns of Parquet files under new names (old -> new)."""
        from pyspark.sql import functions

        opened = self._session.read.parquet(*parquet_files(path))
        chosen = [functions.col(_quoted(old, "`")).alias(new) for old, new in columns.items()]
        return nw.from_native(opened.select(*chosen))

    def write(self, frame: Frame, path: Path, by: str) -> None:
        """Write a frame, sorted by a column: a directory of files in order."""
        native: Any = frame.to_native()
        native.orderBy(by).write.parquet(str(path))


def open_engine(name: EngineName, folder: Path) -> Engine:
    """Start an engine.

    Args:
        name: which.
        folder: where it may put temporary files.

    Raises:
        ConfigError: its package or its runtime is not installed.
    """
    try:
        if name == "duckdb":
            return DuckDBEngine(folder)
        return SparkEngine() if name == "spark" else PolarsEngine()
    except ModuleNotFoundError as error:
        raise ConfigError(f"engine: {name} needs '{error.name}': {install_hint(name)}") from None


def parquet_files(path: Path) -> list[str]:
    """Return a Parquet file, or those of a directory in the order of their names."""
    return sorted(map(str, path.glob("*.parquet"))) if path.is_dir() else [str(path)]


def _quoted(name: str, quote: str) -> str:
    """Return a column's name as one name, whatever it holds."""
    return quote + name.replace(quote, quote * 2) + quote
