"""What the name of a column hints at."""

import re
from collections.abc import Sequence

LABELS = (("click", "clicked", "clicks"), ("label",), ("target", "y"), ("response", "outcome"))
"""Words for a label, the surest first."""
RATINGS = ("rating", "stars", "score")
TIMES = ("timestamp", "time", "datetime", "date", "ts", "hour", "day", "at", "when")
REQUESTS = ("request", "display", "impression", "auction", "query", "search", "pageview", "session",
            "slate", "srch", "page")  # fmt: skip
USERS = ("user", "uuid", "uid", "visitor", "member", "customer", "cookie", "viewer", "reader",
         "person", "client", "device", "ip")  # fmt: skip
ITEMS = ("ad", "ads", "item", "article", "movie", "product", "creative", "sku", "banner", "news",
         "offer", "listing", "document", "doc", "content", "video", "song", "book", "prop",
         "campaign")  # fmt: skip
IDS = ("id", "ids", "code", "type", "category", "cat", "kind", "class", "zip", "group", "key")
LEAKS = ("after", "next", "conversion", "converted", "conversions", "dwell", "purchase",
         "purchased", "revenue", "attributed", "attribution", "post", "outcome", "booked",
         "booking", "scroll", "watchtime", "install", "installed", "clicks", "click",
         "clicked")  # fmt: skip
"""Words for what is known only after the impression was shown."""


def words(name: str) -> list[str]:
    """Divide a name into words.

    >>> words("adId"), words("next_read_time"), words("UUID2")
    (['ad', 'id'], ['next', 'read', 'time'], ['uuid', '2'])
    """
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def hint(name: str, known: Sequence[str]) -> str | None:
    """Return the first known word that a name holds, if any."""
    held = words(name)
    return next((word for word in known if word in held), None)


def rank(name: str, known: Sequence[str]) -> int:
    """Return how sure a hint is: 0 for the first known word, more for later ones."""
    found = hint(name, known)
    return known.index(found) if found is not None else len(known)
