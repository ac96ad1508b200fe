"""Names that mean nothing to the model, as their sender is told of them.

There may be any number of them, of any length; what is told is short.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from clickthrough.features.shown import cut, shown

_MOST_TOLD, _NAME_BYTES = 100, 256
_MOST_SHOWN = 5
"""Names in a message."""
_MOST_READ = 20
"""Of the fields that the model reads, in a message."""


def told_of(names: Sequence[str]) -> list[str]:
    """Return names as an answer lists them: the first hundred, each cut, and how many more."""
    told = list(dict.fromkeys(map(_told, names[:_MOST_TOLD])))
    more = len(names) - _MOST_TOLD
    return [*told, f"… and {more:,} more"] if more > 0 else told


def nothing_known(lead: str, names: Sequence[str], fields: Sequence[str]) -> str:
    """Return what to say where none of some fields means anything to the model.

    Args:
        lead: what begins the message.
        names: of the fields.
        fields: what the model reads, by the names that the owner of the log gave.
    """
    sent = _listed([shown(name) for name in names[:_MOST_SHOWN]], len(names) - _MOST_SHOWN)
    near = _near(names[:_MOST_SHOWN], fields)
    hint = f"; did you mean {' or '.join(map(shown, near))}?" if near else "."
    read = _listed([shown(name) for name in fields[:_MOST_READ]], len(fields) - _MOST_READ)
    return f"{lead}: {sent}{hint} It reads {read}"


def _near(names: Iterable[str], fields: Sequence[str]) -> list[str]:
    """Return the fields that names seem to mean: spelled alike, or alike before a colon."""
    found: dict[str, None] = {}
    for name in names:
        sent = cut(name, _NAME_BYTES) if isinstance(name, str) else shown(name)
        stem = sent.partition(":")[0]
        same = [field for field in fields if stem and field.partition(":")[0] == stem]
        found |= dict.fromkeys(same or get_close_matches(sent, fields, n=1))
    return list(found)[:_MOST_SHOWN]


def _listed(texts: Sequence[str], more: int) -> str:
    return ", ".join([*texts, f"… and {more:,} more"] if more > 0 else texts)


def _told(name: object) -> str:
    """Return a name that can be sent back: of half a surrogate pair it could not be."""
    text = name if isinstance(name, str) else shown(name)
    whole = text[: _NAME_BYTES + 1].encode(errors="replace")
    if len(whole) <= _NAME_BYTES:
        return whole.decode()
    return whole[: _NAME_BYTES - len("…".encode())].decode(errors="ignore") + "…"
