"""What preparing a log takes of a disk: as it is foretold, and as it is used.

    python benchmarks/room.py outbrain=DIR original=DIR synthetic=log.csv criteo=train.txt

Each argument is a preset or a configuration, and its log. Foretold is what a run is told before the
work. Used is the most that lay there while the log was read, then the files of history that stay,
then the arrays of encoded rows.
"""

import argparse
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from watching import named_bytes, unnamed_bytes

from clickthrough import room
from clickthrough.config.load import load_config
from clickthrough.data.open import open_dataset
from clickthrough.training.prepare import Prepared, prepare

_KINDS = ("reading the log", "history", "encoded rows")
_EVERY = 0.02
"""Seconds between two looks at the disk."""


class Told(logging.Handler):
    """Keeps the needs that are told."""

    def __init__(self) -> None:
        super().__init__()
        self.needs: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep those of a line."""
        self.needs |= getattr(record, "told", {}).get("needs", {})


@contextmanager
def most_used(folder: Path) -> Iterator[list[int]]:
    """Note the most bytes below a folder meanwhile."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY):
            most[0] = max(most[0], named_bytes(folder) + unnamed_bytes(os.getpid(), folder))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def encoded_bytes(prepared: Prepared) -> int:
    """Return the bytes of all encoded rows."""
    arrays = (
        array
        for table in prepared.tables.values()
        for array in (*table.inputs.arrays().values(), *table.rates.values(), table.labels)
    )
    return sum(array.nbytes for array in arrays)


def used(preset: str, log: Path, cache: Path) -> list[int]:
    """Prepare a log; return the bytes of each kind."""
    config = load_config(preset, [log], [f"data.cache={cache}"])
    with most_used(cache) as most:
        dataset = open_dataset(config.data)
    prepared = prepare(dataset, config, "live")
    return [most[0], named_bytes(dataset.path / "history"), encoded_bytes(prepared)]


def main() -> None:
    """Prepare each log in a cache of its own, and print a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+", metavar="PRESET=LOG")
    parser.add_argument("--scratch", type=Path, help="where the cache lies meanwhile")
    given = parser.parse_args()
    logging.getLogger("clickthrough").setLevel(logging.INFO)
    room._TOLD = 0  # every need is told, however small
    table = Table("preset", *_KINDS, title="MB, foretold / used")
    for one in given.logs:
        preset, _, log = one.partition("=")
        told = Told()
        logging.getLogger("clickthrough").addHandler(told)
        with tempfile.TemporaryDirectory(dir=given.scratch) as cache:
            own = used(preset, Path(log), Path(cache))
        logging.getLogger("clickthrough").removeHandler(told)
        pairs = zip((told.needs.get(kind, 0) for kind in _KINDS), own, strict=True)
        table.add_row(preset, *(f"{a / 1e6:.0f} / {b / 1e6:.0f}" for a, b in pairs))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
