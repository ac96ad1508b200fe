"""How much disk the first read of Outbrain's tables takes at most."""

from collections.abc import Mapping
from pathlib import Path

from clickthrough.data.room import plain_bytes
from clickthrough.data.unpack import is_compressed

_CLICK = 16
"""Bytes of a row of ``clicks_train``, by which impressions are counted."""
_OF_IMPRESSION: Mapping[str, int] = {
    "clicks_train": 20,
    "documents_meta": 7,
    "documents_topics": 30,
    "documents_categories": 7,
    "documents_entities": 40,
}
"""What each table adds to an impression: a page and an ad have several of each, in lists."""
_COPIES = 2
"""Impressions lie there as they came, and in order."""
_STAGED, _VIEWS = 0.45, 0.8
"""Tables as Parquet, of their text; page views once more as they come and in order."""


def conversion_bytes(found: Mapping[str, Path]) -> int:
    """Return about how many bytes the conversion takes, given the file of each table."""
    plain = {table: plain_bytes(path) for table, path in found.items()}
    row = sum(size for table, size in _OF_IMPRESSION.items() if table in found)
    impressions = plain["clicks_train"] / _CLICK * row * _COPIES
    packed = [plain[table] for table, path in found.items() if is_compressed(path)]
    rest = _STAGED * sum(plain.values()) + _VIEWS * plain.get("page_views", 0)
    return round(impressions + rest + max(packed, default=0))
