"""Raw fields of impressions, as a caller sends them, checked and turned into columns."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clickthrough.errors import RequestError
from clickthrough.features.gather import UNSENT, Names, RawColumns, RawRow
from clickthrough.features.grouping import apart, grouped, together
from clickthrough.features.lists import ListBlock, cut, scalar_arrays
from clickthrough.features.lookup import Lookups
from clickthrough.features.reader import NOT_A_VALUE, FieldReader, plain_row, plain_rows
from clickthrough.features.sides import SideTable
from clickthrough.features.unknown import nothing_known, told_of
from clickthrough.features.values import LISTS, USUAL_LIMITS, Scalar, TextLimits, Value, are_exact
from clickthrough.nested import NestingError, flat, nest, parents
from clickthrough.schema import Columns, FieldType, Schema
from clickthrough.time_range import possible

__all__ = [
    "LISTS",
    "RawRow",
    "RowParser",
    "Rows",
    "Scalar",
    "TextLimits",
    "Value",
]


@dataclass(frozen=True)
class Rows:
    """Impressions of one or more requests, those of a request side by side, each of them once.

    Attributes:
        values: our field name -> a value a row, of the schema's type or None; or a single value
            that all rows share.
        request_ids: the request that each row names, if any.
        time: microseconds since 1970 UTC, shape (n,), or (1,) where all rows share it.
        offsets: where each request starts, and the end, shape (requests + 1,).
        row_of: for each of the callers' rows, in their order, the row here that is scored for it:
            of those that repeat an item of their request, the first.
        ignored: of each caller, fields that were sent and mean nothing to the model.
        odd_times: whether each row named a time that cannot be, and that was taken as now; empty
            where none did.
        lists: type -> all lists of the callers' rows, where they were gathered as they were read;
            of lists that a file's reader gathered, ``values`` holds none.
        order: which of the callers' rows each row is; None where all are in their order.
    """

    values: dict[str, Sequence[Value]]
    request_ids: Sequence[str | None]
    time: NDArray[np.int64]
    offsets: NDArray[np.int64]
    row_of: Sequence[int]
    ignored: list[list[str]]
    odd_times: Sequence[bool] = ()
    lists: Mapping[FieldType, ListBlock] = field(default_factory=dict)
    order: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.request_ids)

    def columns(
        self, schema: Schema, lengths: Mapping[str, int], fields: Iterable[str] | None = None
    ) -> Columns:
        """Return fields as arrays, for the encoder; lists are cut to their ``lengths``.

        Args:
            schema: their types.
            lengths: of the fields that are lists.
            fields: which; all by default.
        """
        made: Columns = {"time": self.time}
        for kind, names in _by_kind(schema, self.values if fields is None else fields).items():
            if kind not in LISTS:
                made |= scalar_arrays({name: self.values[name] for name in names}, kind)
                continue
            made |= self._arrays_of_lists(kind, names, lengths)
        return made

    def _arrays_of_lists(
        self, kind: FieldType, names: Sequence[str], lengths: Mapping[str, int]
    ) -> Columns:
        block = self.lists.get(kind)
        if block is None or not block.sizes.keys() <= lengths.keys():
            block = ListBlock.of({n: cut(self.values[n], lengths[n]) for n in names})
            return block.arrays(LISTS[kind], lengths)
        made = block.arrays(LISTS[kind], lengths)
        if self.order is None:
            return made
        order, rows = np.array(self.order, np.int64), len(self.row_of)
        return {n: own if len(own) != rows else own[order] for n, own in made.items()}


def _by_kind(schema: Schema, fields: Iterable[str]) -> dict[FieldType, list[str]]:
    """Return the fields of each type."""
    kinds: dict[FieldType, list[str]] = {}
    for name in fields:
        kinds.setdefault(schema.fields[name], []).append(name)
    return kinds


NO_LISTS: Mapping[FieldType, ListBlock] = {}


class RowColumns(NamedTuple):
    """What the rows of a caller say, by columns.

    Attributes:
        columns: our field name -> what each row says of it, or one value that all share.
        places: what errors call the rows.
        moments: of each row in microseconds since 1970 UTC, None where it has none; by default
            what ``time`` says.
        lists: type -> lists that were gathered before, beside those of ``columns``.
    """

    columns: RawColumns
    places: Sequence[int]
    moments: Sequence[int | None] | None = None
    lists: Mapping[FieldType, ListBlock] = NO_LISTS

    @property
    def gathered(self) -> list[str]:
        """The fields of ``lists``."""
        return [name for block in self.lists.values() for name in block.sizes]


class _Read(NamedTuple):
    """What rows say: see :class:`Rows`."""

    values: dict[str, Sequence[Value]]
    lists: dict[FieldType, ListBlock]
    time: NDArray[np.int64]
    odd: Sequence[bool]


class RowParser(FieldReader):
    """Reads raw rows by a schema; a field may go by the owner's name or by ours.

    Args:
        schema: the names and types of fields.
        fields: our names of those that are read.
        limits: how long texts may be.
        strict_times: whether a time that cannot be is refused; else it is taken as now.
        sides: side tables, which say what rows do not; their keys are read as well.
    """

    def __init__(
        self,
        schema: Schema,
        fields: Sequence[str],
        limits: TextLimits = USUAL_LIMITS,
        strict_times: bool = False,
        sides: Sequence[SideTable] = (),
    ) -> None:
        keys = [name for side in sides for way in side.form.ways for name in way.key]
        super().__init__(schema, [*fields, *keys], limits, strict_times)
        self._lookups = Lookups(sides, schema, self.longest)
        self._kinds = list(_by_kind(schema, self.fields).items())
        self._least = min(limits)
        named = {"item"} & set(schema.roles) & set(self.fields)
        self._unites = any(schema.fields[name] not in LISTS for name in named)
        told = {schema.roles.get("label"), "label", "type"}
        known = schema.aliases()
        self._names = Names(known, told, self._lookups.fields)
        self._objects = parents(known)
        self._parents = self._objects - {*known}
        self._plain = self._flat_rows if self._objects else plain_rows

    def parse(self, raw: Sequence[RawRow], now: int) -> Rows:
        """Check and order the rows of one caller; see :meth:`parse_each`."""
        return self.parse_each([raw], now)

    def parse_each(self, bodies: Sequence[Sequence[RawRow]], now: int) -> Rows:
        """Check and order the rows of several callers, whose requests are apart whatever their ids.

        Args:
            bodies: of each caller one mapping a row; rows that share a ``request_id`` are one
                request, and a row without one is a request of its own.
            now: the time of a request that has none, in microseconds since 1970 UTC.

        Raises:
            RequestError: a row is no mapping, no field of a caller's is known, or a value is wrong:
                the first of them is named.
        """
        if self._plain is not plain_rows:
            bodies = [self._plain(rows) for rows in bodies]
        raw = plain_rows([row for rows in bodies for row in rows])
        columns, unknown = self._names.gather(raw)
        ignored = [self._ignored(rows) if unknown else [] for rows in bodies]
        try:
            said = RowColumns(columns, range(len(raw)))
            return self._grouped(said, [*map(len, bodies)], ignored, now)
        except NOT_A_VALUE:
            self.refuse_first(enumerate(map(self._names.renamed, raw)), now, ids=True)
            raise

    def gather(self, raw: Sequence[RawRow]) -> tuple[RawColumns, list[str]]:
        """Return what rows say of each of our fields, and the names that mean nothing.

        Raises:
            RequestError: a row is no mapping, or nothing that was sent is known.
        """
        rows = self._plain(raw)
        columns, unknown = self._names.gather(rows)
        return columns, self._ignored(rows) if unknown else []

    def parse_columns(
        self,
        said: RowColumns,
        now: int,
    ) -> Rows:
        """Check and order the rows of a file; see :meth:`parse_each`.

        Args:
            said: what the rows say.
            now: the time of a request that has none, in microseconds since 1970 UTC.

        Raises:
            RequestError: a value is wrong: the first of them is named.
        """
        try:
            return self._grouped(said, [len(said.places)], [[]], now)
        except NOT_A_VALUE:
            rows: dict[str, Sequence[object]] = {**said.columns}
            for block in said.lists.values():
                rows |= block.rows()
            if said.moments is not None:
                rows.pop("time", None)
            each = (
                {n: v for n, v in zip(rows, row, strict=True) if v is not UNSENT}
                for row in zip(*rows.values(), strict=True)
            )
            self.refuse_first(zip(said.places, each, strict=True), now, ids=True)
            raise

    def _grouped(
        self, said: RowColumns, sizes: Sequence[int], ignored: list[list[str]], now: int
    ) -> Rows:
        """Return the rows of several callers, those of a request side by side."""
        rows, sent = len(said.places), said.columns.get("request_id")
        ids = [None] * rows if sent is None else self.request_ids(sent)
        read = self._read(said, now)
        if sent is None or max(sizes) <= 1:
            grouping = apart(rows)
        else:
            grouping = grouped(ids, sizes, self._items(read.values))
        return Rows(
            grouping.taken(read.values),
            grouping.of(ids),
            grouping.moments(read.time),
            grouping.offsets,
            grouping.row_of,
            ignored,
            grouping.of(read.odd) if len(read.odd) == rows else read.odd,
            read.lists,
            None if grouping.is_as_given else grouping.order,
        )

    def parse_request(
        self, context: RawRow, candidates: Sequence[RawRow], request_id: str, now: int
    ) -> Rows:
        """Check the candidates of one request; what its context says is read once.

        Args:
            context: raw fields of the request; a candidate's own go before them.
            candidates: raw fields of each, at least one.
            request_id: whatever any of them says.
            now: the time of a request that has none, in microseconds since 1970 UTC.

        Raises:
            RequestError: a candidate is no mapping, no field is known, or a value is wrong: the
                first of them is named.
        """
        shared, rows = plain_row(context, "context"), self._plain(candidates, "candidate")
        if self._plain is not plain_rows:
            shared = self._flat(shared, "context")
        columns, unknown = self._names.gather([shared])
        held = {name: value for name, (value,) in columns.items()}
        own, own_unknown = self._names.gather(rows, held)
        if unknown or own_unknown:
            self._check_known(shared, rows)
        try:
            read = self._read(RowColumns(columns | own, range(len(rows))), now)
        except NOT_A_VALUE:
            self._refuse_first_of(held, [self._names.renamed(row) for row in rows], now)
            raise
        grouping = together(len(rows), self._items(read.values))
        return Rows(
            grouping.taken(read.values),
            [request_id] * int(grouping.offsets[-1]),
            read.time.min(keepdims=True),
            grouping.offsets,
            grouping.row_of,
            [told_of(list(dict.fromkeys([*unknown, *own_unknown])))],
            [True] * int(grouping.offsets[-1]) if any(read.odd) else (),
            read.lists,
            None if grouping.is_as_given else grouping.order,
        )

    def rename(self, raw: Sequence[RawRow]) -> list[dict[str, object]]:
        """Return the rows by our names.

        Raises:
            RequestError: a row is no mapping.
        """
        return [self._names.renamed(row) for row in self._plain(raw)]

    def _flat_rows(self, raw: Sequence[RawRow], what: str = "row") -> list[dict[str, object]]:
        """Return rows as dictionaries whose names are the paths of what they nest."""
        rows = plain_rows(raw, what)
        if self._parents.isdisjoint(chain.from_iterable(rows)) and not nest(rows):
            return rows
        return [self._flat(row, f"{what} {place}") for place, row in enumerate(rows)]

    def _flat(self, row: dict[str, object], place: str) -> dict[str, object]:
        """Return a row by paths; where an object may stand that is null, it says nothing."""
        try:
            row = flat(row, self._objects)
        except NestingError as error:
            raise RequestError(f"{place}: {error}") from None
        if self._parents.isdisjoint(row):
            return row
        return {n: v for n, v in row.items() if v is not None or n not in self._parents}

    @property
    def keys(self) -> Sequence[str]:
        """Our names of the fields that hold the keys of side tables."""
        return self._lookups.keys

    def known_by(self, sent: Collection[str]) -> list[str]:
        """Return our names of the fields that side tables tell where only some are sent."""
        return self._lookups.known_by(sent)

    def complete(self, renamed: Sequence[RawRow]) -> Sequence[RawRow]:
        """Return rows that go by our names with what side tables say beside.

        What has a key of the wrong type is left as it is: whoever reads it is told.

        Raises:
            RequestError: a side table holds a text that is longer than any may be.
        """
        if not self._lookups.fields or not renamed:
            return renamed
        try:
            return self._lookups.complete(renamed, self.values)
        except NOT_A_VALUE:
            return renamed

    def columns(
        self, renamed: Sequence[RawRow], fields: Sequence[str], places: Sequence[int]
    ) -> dict[str, Sequence[Value]]:
        """Return some fields of rows that go by our names.

        Raises:
            RequestError: a value has the wrong type; named by its place.
        """
        columns: RawColumns = {name: [row.get(name) for row in renamed] for name in fields}
        try:
            return self._fields(columns, [None] * len(renamed))[0]
        except NOT_A_VALUE:  # which of them, says what follows
            return {name: self.read(name, columns[name], places) for name in fields}

    def _read(self, said: RowColumns, now: int) -> "_Read":
        """Return all fields, the time of each row (or the one that all share), which are odd.

        Raises:
            ValueError: a value is wrong, or :class:`OverflowError`.
        """
        unsent: list[object] = [None] * min(1, len(said.places))
        if said.moments is None:
            moments = self.moments(said.columns.get("time", unsent), now)
        else:
            moments = [now if moment is None else moment for moment in said.moments]
        odd: Sequence[bool] = ()
        low, high = possible(self.schema, now)
        if moments and not low <= min(moments) <= max(moments) <= high:
            if self._strict_times:
                raise ValueError
            odd = [not low <= moment <= high for moment in moments]
            moments = [now if wrong else own for own, wrong in zip(moments, odd, strict=True)]
        sent = said.columns
        if self._lookups.fields:
            sent = self._lookups.filled(sent, self.values, said.gathered)
        return _Read(*self._fields(sent, unsent, said.lists), np.array(moments, np.int64), odd)

    def _fields(
        self,
        columns: RawColumns,
        unsent: Sequence[object],
        gathered: Mapping[FieldType, ListBlock] = NO_LISTS,
    ) -> tuple[dict[str, Sequence[Value]], dict[FieldType, ListBlock]]:
        """Return all fields, and the lists of each type where all are as they are to be read."""
        values: dict[str, Sequence[Value]] = {}
        lists: dict[FieldType, ListBlock] = {}
        for kind, names in self._kinds:
            given = {name: columns.get(name, unsent) for name in names}
            if self.marks:
                marked = {n: own for n, own in given.items() if n in self.marks}
                given |= {n: self.without_marks(n, own) for n, own in marked.items()}
            if kind in LISTS:
                block = gathered.get(kind)
                if block is None:
                    block = ListBlock.read(given, kind, self._least)
                elif are_exact(block.entries, LISTS[kind], self._least):
                    others = {n: own for n, own in given.items() if n not in block.sizes}
                    block = block.beside(others)  # type: ignore[arg-type]
                else:
                    given, block = given | block.rows(), None
                exact = block is not None
                if block is not None:
                    lists[kind] = block
            else:
                exact = are_exact([*chain.from_iterable(given.values())], kind, self._least)
            if exact:
                values |= given  # type: ignore[arg-type]
                continue
            for name, own in given.items():
                values[name] = self.values(name, own)
        return values, lists

    def _items(self, values: Mapping[str, Sequence[Value]]) -> Sequence[Value]:
        """Return what tells repeats, of which there are none where the log names no items."""
        return values["item"] if self._unites else [None]

    def _ignored(self, rows: Sequence[RawRow]) -> list[str]:
        """Return the names in a caller's rows that mean nothing, unless none means anything."""
        unknown = self._names.unknown(rows)
        if unknown and not self._names.mean_something(rows):
            raise self._nothing_known("none of the fields sent is known to the model", unknown)
        return told_of(unknown)

    def _check_known(self, context: RawRow, candidates: Sequence[RawRow]) -> None:
        """Refuse what would be scored all alike, without a word of what was sent."""
        own = self._names.unknown(candidates)
        if self._names.mean_something(candidates):
            return
        if not self._names.mean_something([context]):
            every = self._names.unknown([context, *candidates])
            raise self._nothing_known("none of the fields sent is known to the model", every)
        if own and len(candidates) > 1:
            lead = "none of the candidates' fields is known to the model, and all would be tied"
            raise self._nothing_known(lead, own)

    def _nothing_known(self, lead: str, unknown: Sequence[str]) -> RequestError:
        names = [self.schema.input_name(name) for name in self.fields]
        return RequestError(nothing_known(lead, unknown, names))

    def _refuse_first_of(
        self, context: Mapping[str, object], candidates: Sequence[RawRow], now: int
    ) -> None:
        """Name the first wrong value of a request: of its context what no candidate overrules."""
        used = {n: value for n, value in context.items() if any(n not in r for r in candidates)}
        own = ((f"candidate {place}", row) for place, row in enumerate(candidates))
        self.refuse_first([("context", used), *own], now, ids=False)
