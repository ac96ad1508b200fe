"""The keys of rows, for the tests of histories."""

from collections.abc import Mapping, Sequence

from clickthrough.features.history.base import History
from clickthrough.features.history.keys import coded_fields
from clickthrough.features.rows import Value


def keys_of(history: History, values: Mapping[str, Sequence[Value]]) -> list[bytes | None]:
    """Return the key of each row, or the one that all share."""
    return history.form.of_rows(coded_fields(values, history.form.fields))
