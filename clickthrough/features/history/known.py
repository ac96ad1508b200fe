"""What a bundle knows of the keys of a log that comes after it: where batch history starts.

States as a store holds them become events again. Of a counter, what is settled counts as events at
the first tick of its key: every query sees it, and no window reaches back so far. Its decayed sums
are as of the settled tick, and stand there; all else has kept its own tick. So counts are exact,
and decays as exact as those of the log's own events. Of a sequence, clicks are what is held.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.encoding.kin import Kin
from clickthrough.features.history.batch import PACK, PACKED, TICK, known_decays
from clickthrough.features.history.counters import CounterHistory
from clickthrough.features.history.keys import key_bytes
from clickthrough.features.history.online import online_histories
from clickthrough.features.history.sequences import SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.state import COUNTS, DECAYED, FIRST, SETTLED, States
from clickthrough.features.plan import Plan
from clickthrough.features.rows import Scalar
from clickthrough.schema import Schema

_CHUNK = 50_000
"""Keys that are looked up at once."""
_PART = "{:05d}.parquet"


@dataclass(frozen=True)
class Known:
    """What is known before a log begins.

    Attributes:
        counted: the counters of a bundle over its snapshots, by the names of their key sets.
        clicked: its sequences.
        until: events before this moment (microseconds) are in all of them.
        prior: the click rate of a key that nothing is known of.
        kin: what makes users alike, where the plan asks for it.
    """

    counted: Mapping[str, CounterHistory]
    clicked: Mapping[str, SequenceHistory]
    until: int
    prior: float
    kin: Kin | None = None

    @classmethod
    def of(
        cls,
        plan: Plan,
        schema: Schema,
        snapshots: Mapping[str, Snapshot],
        until: int,
        prior: float,
        kin: Kin | None = None,
    ) -> Self:
        """Return what the snapshots of a bundle say, of its own plan and schema."""
        histories = online_histories(plan, schema, snapshots)
        counted = {h.key_set.name: h for h in histories if isinstance(h, CounterHistory)}
        clicked = {h.sequence.name: h for h in histories if isinstance(h, SequenceHistory)}
        return cls(counted, clicked, until, prior, kin)

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        """What they are of, by the names of the sets."""
        counted = {name: history.snapshot for name, history in self.counted.items()}
        return counted | {name: history.snapshot for name, history in self.clicked.items()}

    def digest(self, name: str) -> str:
        """Return a digest of what is known of a key set or sequence set, for a cache."""
        made = hashlib.sha256(str(self.until).encode())
        own = self.snapshots.get(name)
        if own is not None:
            for array in (own.digests, own.ends, own.values):
                made.update(np.ascontiguousarray(array).view(np.uint8).data)
        return made.hexdigest()

    def write_counters(self, name: str, rows: pl.LazyFrame, folder: Path) -> bool:
        """Write what is known of a key set as events.

        Args:
            name: of the key set.
            rows: the log's impressions: its fields are named as the key set names them, in order.
            folder: a new one, which holds Parquet afterwards: the fields, the tick, impressions
                and clicks packed into one number, and decayed sums where they are none of these.

        Returns:
            Whether anything is known.
        """
        history = self.counted.get(name)
        if history is None:
            return False
        keys = _keys_known(history.snapshot, name, rows)
        return _written((_counter_events(history, *some) for some in keys), folder)

    def write_clicks(self, name: str, rows: pl.LazyFrame, field: str, folder: Path) -> bool:
        """Write the clicks that are known of a sequence set; see :meth:`write_counters`.

        Args:
            name: of the sequence set.
            rows: the log's impressions: the fields of its key.
            field: what the column of clicked values is called.
            folder: a new one, which holds Parquet afterwards: the fields, the value, the time.
        """
        history = self.clicked.get(name)
        if history is None:
            return False
        keys = _keys_known(history.snapshot, name, rows)
        return _written((_clicks(history, field, *some) for some in keys), folder)

    def holds(self, name: str, values: pl.Series) -> pl.Series | None:
        """Return those of some values that a key set of one field knows; None without the set."""
        history = self.counted.get(name)
        if history is None:
            return None
        frames = [keys for keys, _ in _keys_known(history.snapshot, name, values.to_frame().lazy())]
        return pl.concat([values.to_frame().head(0), *frames]).to_series()


def _keys_known(
    snapshot: Snapshot, name: str, rows: pl.LazyFrame
) -> Iterator[tuple[pl.DataFrame, list[bytes]]]:
    """Yield the keys of rows that a snapshot knows, each once, with their states."""
    unique = rows.drop_nulls().unique()
    for keys in unique.collect_batches(chunk_size=_CHUNK) if len(snapshot) else ():
        found = snapshot.read([key_bytes(name, key) or b"" for key in keys.iter_rows()])
        states = [state for state in found if state is not None]
        if states:
            held = pl.Series([state is not None for state in found])
            yield keys.filter(held), states


def _counter_events(
    history: CounterHistory, keys: pl.DataFrame, packed: list[bytes]
) -> pl.DataFrame:
    """Return the states of keys as events."""
    states = history.layout.unpack(packed)
    settled = np.flatnonzero(states.header[:, SETTLED] > -np.inf)
    header, own = states.header[settled], keys[settled]
    decays = known_decays(history.key_set)
    none = np.zeros(len(settled))
    totals = _events(own, header[:, FIRST], header[:, COUNTS:DECAYED], dict.fromkeys(decays, none))
    entries = _entries(keys, states)
    if not decays:
        return pl.concat([totals, entries])
    sums = dict(zip(decays, header[:, DECAYED:].T, strict=True))
    weighed = _events(own, header[:, SETTLED], np.zeros((len(settled), 2)), sums)
    return pl.concat([totals, weighed, entries], how="diagonal")


def _entries(keys: pl.DataFrame, states: States) -> pl.DataFrame:
    """Return what has not settled: counts at their own ticks."""
    return _events(keys[states.rows], states.entries[:, 0], states.entries[:, 1:], {})


def _events(
    keys: pl.DataFrame,
    ticks: NDArray[np.float64],
    counts: NDArray[np.float64],
    decays: Mapping[str, NDArray[np.float64]],
) -> pl.DataFrame:
    shown, clicked = counts.astype(np.int64).T
    return keys.with_columns(
        pl.Series(TICK, ticks.astype(np.int64)),
        pl.Series(PACKED, shown * PACK + clicked),
        *(pl.Series(name, values.copy()) for name, values in decays.items()),
    )


def _clicks(
    history: SequenceHistory, field: str, keys: pl.DataFrame, packed: list[bytes]
) -> pl.DataFrame:
    """Return the clicks that are held of keys."""
    each = [history.unpack(b"", state) for state in packed]
    rows = np.repeat(np.arange(len(each)), [len(clicks) for clicks in each])
    values: list[Scalar] = [value for clicks in each for _, value in clicks]
    times = [moment for clicks in each for moment, _ in clicks]
    return keys[rows].with_columns(
        pl.Series(field, values, pl.String if history.kind == "str" else pl.Int64),
        pl.Series("time", times, pl.Int64),
    )


def _written(frames: Iterable[pl.DataFrame], folder: Path) -> bool:
    folder.mkdir()
    for place, frame in enumerate(frames):
        frame.write_parquet(folder / _PART.format(place))
    return any(folder.iterdir())
