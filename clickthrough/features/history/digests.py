"""What a store knows a key set or sequence set by: a digest of all that its states depend on.

Bundles that declare the same set share its states; sets that differ in anything, be it the type
of a field, lie side by side in one store.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b

from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.schema import Schema

DIGEST = 6
"""The bytes of a digest, with which every key in a store begins."""


def counters_digest(key_set: KeySet, schema: Schema, counters: Counters) -> bytes:
    """Return the digest of a key set."""
    return _digest(
        kind="counters",
        name=key_set.name,
        of=key_set.of,
        fields=_typed(key_set.fields, schema),
        windows=key_set.windows,
        half_lives=key_set.half_lives,
        ticks=_ticks(counters),
    )


def sequence_digest(sequence: SequenceSet, schema: Schema, counters: Counters) -> bytes:
    """Return the digest of a sequence set."""
    return _digest(
        kind="sequence",
        name=sequence.name,
        of=sequence.of,
        fields=_typed(sequence.key, schema),
        values=_typed([sequence.field], schema),
        length=sequence.length,
        ticks=_ticks(counters),
    )


def _typed(fields: Sequence[str], schema: Schema) -> list[tuple[str, str]]:
    return [(name, schema.fields[name]) for name in fields]


def _ticks(counters: Counters) -> tuple[int, int]:
    return counters.tick, counters.label_delay


def _digest(**declared: object) -> bytes:
    canonical = json.dumps(declared, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=DIGEST).digest()
