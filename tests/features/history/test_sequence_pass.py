"""Clicks are worked out a partition at a time, whatever they are clicks of."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.config.features import Counters
from clickthrough.features.columns import SequenceSet
from clickthrough.features.history.clicked import last_clicks
from clickthrough.features.history.codes import Ints
from clickthrough.features.history.stage import HistoryStage

VIEWS = 2_000


def test_page_views_are_divided_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log may have twenty of them for an impression."""
    monkeypatch.setattr("clickthrough.features.history.chunked.PARTITION", 100)
    held: list[int] = []

    def counted(
        key: Ints, tick: Ints, clicked: Ints, ticks: Ints, delay: int, length: int
    ) -> tuple[Ints, Ints]:
        held.append(len(clicked))
        return last_clicks(key, tick, clicked, ticks, delay, length)

    monkeypatch.setattr("clickthrough.features.history.sequence_pass.last_clicks", counted)
    shown = pl.DataFrame(
        {"row": [0], "request_id": [0], "time": [10**9], "label": [1], "user": [1], "item": [2]}
    ).cast({"label": pl.Int8})
    place = np.arange(VIEWS)
    views = pl.DataFrame({"time": place, "user": place, "item": place})
    for name, frame in (("impressions", shown), ("views", views)):
        frame.write_parquet(tmp_path / f"{name}.parquet")
    stage = HistoryStage(
        tmp_path / "history",
        tmp_path / "impressions.parquet",
        Counters(tick=60, label_delay=0),
        views=tmp_path / "views.parquet",
    )
    (found,) = stage.columns((), (SequenceSet(("user",), "item", 1, "views"),))
    assert found.collect().row(0) == (1, 1)
    assert sum(held) == VIEWS
    assert max(held) < VIEWS / 4
