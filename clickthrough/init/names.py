"""What the name of a column hints at."""

import re
from collections.abc import Sequence
from functools import lru_cache

from clickthrough.init.vocabulary import (
    CLICKS,
    COUNTING,
    ENDS,
    ENTITIES,
    IDS,
    ITEMS,
    JOINS,
    KNOWN,
    LABELS,
    LATER,
    PAST,
    QUANTITIES,
    REQUESTS,
    USERS,
)

_DECLARED = re.compile(r"(.+):(token|float|token_seq|float_seq)")
_INDEX = re.compile(r"unnamed: ?\d+|index|idx|row|row_?(id|num|number|no|index)|level_0|"
                    r"__index_level_\d+__|column_1", re.IGNORECASE)  # fmt: skip
_ONE_OF_MANY = {*IDS, *ENTITIES, *USERS, *ITEMS, *REQUESTS}


def words(name: str) -> list[str]:
    """Divide a name into words; those joined without a sign as well, where they are known.

    >>> words("adId"), words("next_read_time"), words("UUID2"), words("adgroupid")
    (['ad', 'id'], ['next', 'read', 'time'], ['uuid', '2'], ['adgroup', 'id'])
    """
    plain = _DECLARED.fullmatch(name)
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", plain[1] if plain else name)
    return [word for part in parts for word in _divided(part.lower())]


def declared_type(name: str) -> str | None:
    """Return the type that a name declares as RecBole's files do.

    >>> declared_type("user_id:token"), declared_type("user_id")
    ('token', None)
    """
    found = _DECLARED.fullmatch(name)
    return found[2] if found else None


def hint(name: str, known: Sequence[str]) -> str | None:
    """Return the first known word that a name holds, if any."""
    held = words(name)
    return next((word for word in known if word in held), None)


def rank(name: str, known: Sequence[str]) -> int:
    """Return how sure a hint is: 0 for the first known word, more for later ones."""
    found = hint(name, known)
    return known.index(found) if found is not None else len(known)


def leak(name: str, label: str) -> str | None:
    """Return the word by which a column may be known only after the impression, if any.

    A click is no such thing where the label comes after it: an install, a purchase.

    >>> leak("click_time", "clicked"), leak("click_time", "is_attributed"), leak("last_click", "y")
    ('click', None, None)
    """
    if hint(name, PAST):
        return None
    of_clicks = any(hint(label, level) for level in LABELS) and not hint(label, LATER)
    return hint(name, (*LATER, *CLICKS) if of_clicks else LATER)


def one_of_many(name: str) -> bool | None:
    """Tell names of ids and codes from names of quantities; None where a name says neither.

    The last word that is known decides: a user's age is an age.

    >>> one_of_many("city"), one_of_many("user_age"), one_of_many("num_ads"), one_of_many("x")
    (True, False, False, None)
    """
    held = words(name)
    if len(held) > 1 and held[0] in COUNTING:
        return False
    known = [word for word in held if word in _ONE_OF_MANY or word in QUANTITIES]
    return known[-1] in _ONE_OF_MANY if known else None


def names_rows(name: str) -> bool:
    """Tell names that the index of a table has: none, Unnamed: 0, row_id."""
    return _INDEX.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _divided(word: str) -> tuple[str, ...]:
    return (word,) if word in KNOWN else _joined(word) or (word,)


def _joined(word: str) -> tuple[str, ...] | None:
    """Divide a word into known ones, the first as long as may be; None where it is not of such."""
    for size in range(len(word) - 2, 1, -1):
        head, rest = word[:size], word[size:]
        if head in JOINS:
            after = (rest,) if rest in ENDS else _joined(rest)
            if after is not None:
                return (head, *after)
    return None
