"""Names that every engine can read: some take a dot for a path, or ignore case."""

from collections.abc import Sequence
from dataclasses import replace

from clickthrough.features.columns import KeySet, SequenceSet

HistorySet = KeySet | SequenceSet


def neutral(fields: Sequence[str]) -> dict[str, str]:
    """Name fields anew: old name -> new one."""
    return {field: f"f{place}" for place, field in enumerate(dict.fromkeys(fields))}


def neutral_key_set(key_set: KeySet) -> KeySet:
    """Return a key set of neutral names."""
    return replace(key_set, fields=tuple(neutral(key_set.fields).values()))


def neutral_sequence(sequence: SequenceSet) -> SequenceSet:
    """Return a sequence set of neutral names."""
    names = neutral((*sequence.key, sequence.field))
    key = tuple(names[k] for k in sequence.key)
    return replace(sequence, key=key, field=names[sequence.field])


def kept_names(of: HistorySet) -> dict[str, str]:
    """Return the columns of a set as files keep them, with the names they are given back."""
    if isinstance(of, KeySet):
        return dict(zip(neutral_key_set(of).columns(), of.columns(), strict=True))
    kept = neutral_sequence(of)
    return dict(zip([*kept.places, kept.size], [*of.places, of.size], strict=True))
