"""The online half of history: every history that a plan needs."""

from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.base import History
from clickthrough.features.history.counters import CounterHistory, CounterSets
from clickthrough.features.history.keys import coded_fields, read_each_layered
from clickthrough.features.history.sequences import SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan
from clickthrough.features.rows import Value
from clickthrough.schema import Columns, Schema
from clickthrough.store.base import Reader


def online_histories(
    plan: Plan, schema: Schema, snapshots: Mapping[str, Snapshot]
) -> list[History]:
    """Return every history that a plan needs, over the snapshots of a bundle."""
    counters = plan.counters
    counted = [CounterHistory(k, schema, counters, snapshots[k.name]) for k in plan.key_sets]
    clicked = [SequenceHistory(s, schema, counters, snapshots[s.name]) for s in plan.sequence_sets]
    return [*counted, *clicked]


class Histories:
    """All histories of a plan, read together: the store is asked once a request.

    Args:
        histories: as :func:`online_histories` makes them.
    """

    def __init__(self, histories: Sequence[History]) -> None:
        self._counted = CounterSets([h for h in histories if isinstance(h, CounterHistory)])
        self._clicked = [h for h in histories if isinstance(h, SequenceHistory)]
        each: list[CounterHistory | SequenceHistory] = [*self._counted.histories, *self._clicked]
        self._fields = [*dict.fromkeys(field for h in each for field in h.form.fields)]
        for history in each:
            _ = history.snapshot.index  # made now, not for the first caller

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return the columns of all histories, of shape (n,), or (1,) where all rows share them.

        Args:
            store: where the states are.
            values: our field name -> a value a row, or one that all share.
            ticks: of each row, or one that all share.
        """
        of = coded_fields(values, self._fields)
        counted = self._counted.ask(of, ticks)
        clicked = [history.form.distinct(of) for history in self._clicked]
        asked = [(h.snapshot, keys.parts) for h, keys in zip(self._clicked, clicked, strict=True)]
        found = iter(read_each_layered(store, [*counted.asked, *asked]))
        made = counted.columns([*islice(found, sum(len(keys) for _, keys in counted.asked))])
        for history, keys in zip(self._clicked, clicked, strict=True):
            made |= history.columns(keys, [*islice(found, len(keys.parts))], ticks)
        return made
