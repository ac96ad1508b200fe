"""Side tables: what is known of an ad, a page or a user, by its key."""

from typing import NamedTuple

import msgspec

from clickthrough.config.base import Strict
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.schema import FieldType, Schema

KEYS: tuple[FieldType, ...] = ("int", "float", "str", "bool")
"""The types that a part of a key may have; a float is a whole number of a column with gaps."""

packed = msgspec.msgpack.Encoder().encode
"""Writes a key, or what a table says of it: a list of values."""


class Way(Strict):
    """How the rows of a table are found, and what they say.

    Attributes:
        key: our names of the fields that hold the key.
        gives: column of the table -> our name of the field that it is.
    """

    key: tuple[str, ...]
    gives: dict[str, str]


class SideForm(Strict):
    """What a side table is.

    Attributes:
        name: of the table.
        columns: what it holds beside the key, in order.
        ways: by which fields it is read; a table of pages by that of the request, then by that
            which an ad leads to.
    """

    name: str
    columns: tuple[str, ...]
    ways: tuple[Way, ...]


class SideTable(NamedTuple):
    """A side table, a row a key.

    Attributes:
        rows: what it says by key: both packed.
    """

    form: SideForm
    rows: Snapshot

    def described(self, schema: Schema) -> dict[str, object]:
        """Return its size, and by which fields it gives which, by the log's names."""
        ways = [
            {"by": [*map(schema.input_name, way.key)],
             "gives": [*map(schema.input_name, way.gives.values())]}
            for way in self.form.ways
        ]  # fmt: skip
        return {"rows": len(self.rows), "read": ways}


def misfit(form: SideForm, schema: Schema) -> str | None:
    """Say why a table cannot be one of a log's; None where it can."""
    for way in form.ways:
        odd = [name for name in way.key if schema.fields.get(name) not in KEYS]
        odd += [name for name in way.gives if name not in form.columns]
        odd += [name for name in way.gives.values() if name not in schema.fields]
        if odd or not way.key:
            return f"table '{form.name}' has '{odd[0]}'" if odd else f"'{form.name}' has no key"
    return None
