"""Engines of frames for batch history: DuckDB, and Spark beyond a machine.

An engine opens and writes Parquet; everything between is the same narwhals code.
"""

import glob
import os
import re
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

import narwhals as nw

from clickthrough.errors import ConfigError, install_hint
from clickthrough.features.history.batch import Frame
from clickthrough.parquet import parquet_files

FrameEngineName = Literal["duckdb", "spark"]
EngineName = Literal["polars", FrameEngineName]
"""``polars``: Polars reads and writes, and numpy counts in between, by hash partitions."""
_PATTERN = re.compile(r"[][{}*?\\]")
"""What Hadoop takes for a part of a pattern, unless a backslash stands before it."""


class Engine(Protocol):
    """Opens Parquet as a lazy frame, and writes a lazy frame as Parquet."""

    def scan(self, path: Path, columns: dict[str, str]) -> Frame:
        """Open some columns of Parquet files under new names (old -> new)."""

    def write(self, frame: Frame, path: Path, by: str) -> None:
        """Write a frame, sorted by a column."""


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
        files = [_literal(file) for file in parquet_files(path)]
        opened = self._connection.read_parquet(files, hive_partitioning=False)
        return nw.from_native(opened.project(", ".join(chosen)))

    def write(self, frame: Frame, path: Path, by: str) -> None:
        """Write a frame, sorted by a column."""
        native: Any = frame.to_native()
        native.order(f'"{by}"').write_parquet(str(path))


class SparkEngine:
    """Spark, local or on a cluster: the session is the one that is active, or a local one.

    Args:
        master: what a local one runs on: ``local[2]`` is two threads of this machine.

    Attributes:
        session: that one.
    """

    def __init__(self, master: str = "local[*]") -> None:
        if shutil.which("java") is None:
            raise ConfigError("engine: spark needs a Java runtime (17 or newer): no 'java' in PATH")
        from pyspark.sql import SparkSession

        for package in ("pandas", "pyarrow"):  # Spark asks for both before it hands over Arrow
            import_module(package)
        # workers on this machine run what runs here; Spark would take any python3
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.appName("clickthrough")
        self.session = SparkSession.getActiveSession() or (
            builder.master(master)
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "4g")
            .config("spark.sql.shuffle.partitions", "8")
            .config("spark.sql.caseSensitive", "true")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )

    def scan(self, path: Path, columns: dict[str, str]) -> Frame:
        """Open some columns of Parquet files under new names (old -> new)."""
        from pyspark.sql import functions

        files = [_PATTERN.sub(r"\\\g<0>", file) for file in parquet_files(path)]
        opened = self.session.read.parquet(*files)
        chosen = [functions.col(_quoted(old, "`")).alias(new) for old, new in columns.items()]
        return nw.from_native(opened.select(*chosen))

    def write(self, frame: Frame, path: Path, by: str) -> None:
        """Write a frame, sorted by a column: a directory of files in order."""
        native: Any = frame.to_native()
        native.orderBy(by).write.parquet(str(path))


def open_engine(name: FrameEngineName, folder: Path) -> Engine:
    """Start an engine.

    Args:
        name: which.
        folder: where it may put temporary files.

    Raises:
        ConfigError: its package or its runtime is not installed.
    """
    try:
        return DuckDBEngine(folder) if name == "duckdb" else SparkEngine()
    except ModuleNotFoundError as error:
        raise ConfigError(f"engine: {name} needs '{error.name}': {install_hint(name)}") from None


def _quoted(name: str, quote: str) -> str:
    """Return a column's name as one name, whatever it holds."""
    return quote + name.replace(quote, quote * 2) + quote


def _literal(file: str) -> str:
    """Return a name that DuckDB takes for no pattern; one with a backslash it cannot be told so."""
    return file if "\\" in file else glob.escape(file)
