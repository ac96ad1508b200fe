"""Which tables are made of feature rows: the same in this process and in those of a cluster."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from clickthrough.data.split import PARTS, TRAIN, VALIDATION
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.in_turn import in_turn
from clickthrough.schema import Schema
from clickthrough.training.rows.chunks import Chunks
from clickthrough.training.rows.table import Table, encode_table

SEEN = "seen"
"""The validation part as training sees it, with the places of candidates."""
TABLES = (*PARTS, SEEN)
TO_TRAIN = (PARTS[TRAIN], SEEN)
"""Those that hold the places of candidates, where the encoder reads them."""
Add = Callable[[str, Table], None]
"""Appends rows to a table, by its name."""


@dataclass(frozen=True)
class Encoding:
    """What makes encoded tables of feature rows.

    Args:
        encoder: a fitted one.
        schema: the log's columns.
        parts: which to encode.
        weight: the field of weights.
    """

    encoder: Encoder
    schema: Schema
    parts: frozenset[int]
    weight: str | None = None

    def tables(self, chunk: pl.DataFrame) -> Iterator[tuple[str, Table]]:
        """Yield the tables that rows go to, by name.

        Args:
            chunk: whole requests of one part, in order of ``row``, with their history.

        Raises:
            DataError: a weight is missing or negative.
        """
        for name in self.names(chunk["part"][0]):
            to_train, weight = name in TO_TRAIN, None if name == SEEN else self.weight
            yield name, encode_table(chunk, self.encoder, self.schema, to_train, weight)

    def names(self, part: int) -> list[str]:
        """Return the tables that rows of a part go to."""
        sees_places = any(measure.kind == "position" for measure in self.encoder.plan.measures)
        return [PARTS[part], SEEN] if sees_places and part == VALIDATION else [PARTS[part]]


def encode_here(chunks: Chunks, encoding: Encoding, add: Add) -> None:
    """Encode rows in this process, some chunks at once, and add them to their tables in order."""
    for made in in_turn(lambda chunk: [*encoding.tables(chunk)], chunks.of_parts(encoding.parts)):
        for name, table in made:
            add(name, table)
