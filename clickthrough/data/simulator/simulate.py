"""Write a simulated log in the layout of Kaggle's 'Outbrain Click Prediction', its truth apart."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.alone import alone
from clickthrough.beside import written_beside
from clickthrough.data.simulator.document_tables import document_tables
from clickthrough.data.simulator.files import TRUTH, Files
from clickthrough.data.simulator.plain import write_log
from clickthrough.data.simulator.tables import (
    events,
    impressions,
    page_views,
    promoted_content,
    seen_documents,
)  # fmt: skip
from clickthrough.data.simulator.world import Block, Settings, World, make_blocks, make_world
from clickthrough.errors import DataError

_TRUTH = ("display_id", "ad_id", "probability", "utility", "observable")


Kind = Literal["outbrain", "plain"]


def simulate(
    out: Path, settings: Settings, kind: Kind = "outbrain", *, force: bool = False
) -> Path:
    """Write a log whose click probabilities are known.

    Args:
        out: the directory; nine tables as CSV, and ``truth/truth.parquet``.
        settings: size and seed.
        kind: that layout, or 'plain': independent clicks in one table.
        force: replace what lies there.

    Returns:
        The directory.

    Raises:
        DataError: the directory holds files already, or cannot be written.
        ClickthroughError: another process writes there.
    """
    with alone(out):
        return _simulated(out, settings, kind, force)


def _simulated(out: Path, settings: Settings, kind: Kind, force: bool) -> Path:
    if not force and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            f"{out}: holds files already; expected a new or empty directory, or --force"
        )
    out = out.absolute()
    try:
        with written_beside(out) as beside:
            write = _write if kind == "outbrain" else _write_plain
            write(beside, settings)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error}") from None
    return out


def _write_plain(folder: Path, settings: Settings) -> None:
    write_log(folder, settings.impressions, settings.seed)
    (folder / TRUTH.parent).mkdir()
    (folder / TRUTH.name).replace(folder / TRUTH)


def _write(folder: Path, settings: Settings) -> None:
    world = make_world(settings.seed)
    seen = np.zeros(len(world.documents.theme), bool)
    with Files(folder) as files:
        files.add("promoted_content", promoted_content(world.ads))
        _write_blocks(files, world, settings, seen)
        for name, table in document_tables(settings.seed, world.documents, seen):
            files.add(name, table)


def _write_blocks(files: Files, world: World, settings: Settings, seen: NDArray[np.bool_]) -> None:
    """Write each block in a thread while the next is computed; at most two are in memory."""
    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for block in make_blocks(world, settings):
            seen_documents(block, world.ads, seen)
            if writing is not None:
                writing.result()
            writing = writer.submit(_add, files, block, settings.seed)
        if writing is not None:
            writing.result()


def _add(files: Files, block: Block, seed: int) -> None:
    rows, shown = impressions(block), events(block, seed)
    files.add("clicks_train", rows.filter("train").select("display_id", "ad_id", "clicked"))
    files.add("clicks_test", rows.filter(~pl.col("train")).select("display_id", "ad_id"))
    files.add("events", shown.filter("train").drop("train"))
    files.add("events", shown.filter(~pl.col("train")).drop("train"), last=True)
    files.add("page_views", page_views(block, shown))
    files.truth(rows.select(_TRUTH))
