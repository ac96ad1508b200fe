"""How much disk the history of a log takes: of each set that is kept, and while one is computed."""

from collections.abc import Collection

from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.schema import Schema

_CODE = 4
"""Bytes of a text's code, which stands for it until the last set is computed."""
_ENTRY, _OWN, _COUNTED, _PAIR_FOUND = 24, 4, 16, 8
"""While counters are computed: of an entry, of whose it is, of its age and counts, of each more."""
_ASKED, _CLICK = 36, 32
"""While a sequence is computed: of what is asked, of a click."""
_AGE, _PAIR, _DECAYED = 2, 3, 13
"""Bytes an impression, packed: of an age, of two counts, of two decayed ones."""
_PLACE = 0.1
"""Bytes an impression of a place of a sequence: most have few values, or the same for long."""
_KEY, _STATE, _KNOWN_PLACE = 24, 56, 1.5
"""Bytes of a key that a bundle knows: to find it; of its counts; of each place of a sequence."""
_FEW_KEYS, _OFTEN = 1_000_000, 20
"""Keys of others than users, at most; of a small log each has so many impressions."""


def kept_bytes(of: KeySet | SequenceSet) -> float:
    """Return about how many bytes an impression the history of a set takes, as it is kept."""
    if isinstance(of, SequenceSet):
        return _AGE + _PLACE * of.length
    return _AGE + _PAIR * (1 + len(of.windows)) + _DECAYED * len(of.half_lives)


def working_bytes(of: KeySet | SequenceSet, rows: int, views: int) -> int:
    """Return about how many bytes the work on a set takes, beside what is kept.

    Args:
        of: the set.
        rows: impressions of the log.
        views: page views of the log.
    """
    events = rows + views if of.of == "views" else rows
    if isinstance(of, SequenceSet):
        return _ASKED * rows + _CLICK * events
    found = _COUNTED + _PAIR_FOUND * (len(of.windows) + 2 * len(of.half_lives))
    return _ENTRY * events + (_OWN + found) * rows


def code_bytes(sets: Collection[KeySet | SequenceSet], schema: Schema, rows: int) -> int:
    """Return the bytes of the codes of texts in so many rows, impressions and page views."""
    fields = {
        field
        for of in sets
        for field in (of.fields if isinstance(of, KeySet) else (*of.key, of.field))
    }
    return _CODE * rows * sum(schema.fields[field] == "str" for field in fields)


def known_bytes(of: KeySet | SequenceSet, rows: int, requests: int) -> float:
    """Return about how many bytes a bundle takes for what it knows of the keys of a set.

    Args:
        of: the set.
        rows: impressions of the log.
        requests: of which they are.
    """
    fields = of.key if isinstance(of, SequenceSet) else of.fields
    if "user" not in fields:
        keys = min(_FEW_KEYS, rows / _OFTEN)
    else:
        keys = requests if len(fields) == 1 else rows
    if isinstance(of, SequenceSet):
        return keys * (_KEY + _KNOWN_PLACE * of.length)
    return keys * (_KEY + _STATE + _DECAYED * (len(of.windows) + len(of.half_lives)))
