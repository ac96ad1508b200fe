"""The online half of history: every history that a plan needs."""

from collections.abc import Mapping

from clickthrough.features.history.base import History
from clickthrough.features.history.counters import CounterHistory
from clickthrough.features.history.sequences import SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan
from clickthrough.schema import Schema


def online_histories(
    plan: Plan, schema: Schema, snapshots: Mapping[str, Snapshot]
) -> list[History]:
    """Return every history that a plan needs, over the snapshots of a bundle."""
    counted = [CounterHistory(k, plan.counters, snapshots[k.name]) for k in plan.key_sets]
    clicked = [
        SequenceHistory(s, schema.fields[s.field], plan.counters, snapshots[s.name])
        for s in plan.sequence_sets
    ]
    return [*counted, *clicked]
