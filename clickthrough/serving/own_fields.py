"""The bundle's own fields for the documentation: what rows are, and rows that are taken.

Values are made up: those of the log may be people's.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from clickthrough.bundle.load import Bundle
from clickthrough.config.data import TimeFormat
from clickthrough.explain.groups import sources_of
from clickthrough.schema import FieldType
from clickthrough.serving.csv_rows import field_names
from clickthrough.streaming.steps import EventKind

Part = dict[str, Any]
_KINDS: dict[FieldType, tuple[str, Any]] = {
    "int": ("integer", 1), "float": ("number", 1.5), "str": ("string", "a"),
    "bool": ("boolean", True), "ints": ("integer", [1]), "floats": ("number", [1.5]),
    "strs": ("string", ["a"]),
}  # fmt: skip
"""Type -> what JSON calls it, or its entries, and a value."""
_REQUEST = "r1"
SHORT = 4
"""Fields of a row that stands in a line."""
_EVENT: Part = {"type": {"type": "string", "enum": [*get_args(EventKind)]}}
_IGNORED = "others mean nothing to the model and are named in `ignored`"
ROWS = {
    "Impression": f"Raw fields of an impression; {_IGNORED}",
    "Context": f"What is known of the moment and the user; {_IGNORED}",
    "Candidate": "Raw fields of a candidate, which go before those of the context",
    "Event": "Raw fields of what was shown or viewed; request and item of a click",
}
"""What ``contract.py`` calls the rows of bodies, and what they are."""


class Sample(NamedTuple):
    """Rows that the service takes, by the log's names.

    Attributes:
        context: what a request says once.
        candidate: what it says of each candidate.
    """

    impression: Part
    context: Part
    candidate: Part
    event: Part


def sample(bundle: Bundle, most: int | None = None) -> Sample:
    """Return rows with so many fields of a bundle, item and user first; with all by default."""
    schema, fields = bundle.schema, bundle.plan.fields
    chosen = sorted(fields, key=lambda name: name not in ("item", "user"))[:most]
    row = {schema.input_name(name): _KINDS[schema.fields[name]][1] for name in chosen}
    request = {schema.input_name("request_id"): _REQUEST}
    of_candidates = _of_candidates(bundle)
    context = {name: value for name, value in row.items() if name not in of_candidates}
    candidate = {name: value for name, value in row.items() if name in of_candidates}
    item = _item(bundle)
    # a column of the log may be called "type" too
    event = {"type": "impression", **request, **item, **row} | {"type": "impression"}
    return Sample(row, request | context, candidate, event)


def row_schemas(bundle: Bundle, value: Part) -> dict[str, Part]:
    """Return the JSON schemas of :data:`ROWS`.

    Args:
        bundle: whose fields they have.
        value: what refers to the schema of any field.
    """
    fields = {given: _field(given, name, bundle) for given, name in _pairs(bundle)}
    item = {given: _field(given, "item", bundle) for given in _item(bundle)}
    of_candidates, request = _of_candidates(bundle), _request(bundle)
    properties: dict[str, Part] = {
        "Impression": {**request, **fields},
        "Context": request | {name: fields[name] for name in fields if name not in of_candidates},
        "Candidate": {name: fields[name] for name in fields if name in of_candidates},
        "Event": {**_EVENT, **request, **item, **fields} | _EVENT,
    }
    made = {name: _row(text, _with_objects(properties[name]), value) for name, text in ROWS.items()}
    made["Event"]["required"] = [*_EVENT]
    return made


def _with_objects(properties: dict[str, Part]) -> dict[str, Part]:
    """Return properties with the objects beside that may stand for dotted names."""
    begins = dict.fromkeys(name.partition(".")[0] for name in properties if "." in name)
    objects = {
        name: {"type": ["object", "null"], "description": f"`{name}.…` as a nested object"}
        for name in begins
    }
    return objects | properties


def _row(text: str, properties: Part, value: Part) -> Part:
    made = {"type": "object", "description": text, "properties": properties}
    return {**made, "additionalProperties": value}


def _pairs(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield the raw fields that a bundle reads, by the log's names and by ours; keys as well."""
    yield from zip(field_names(bundle), bundle.plan.fields, strict=True)
    keys = [name for side in bundle.sides for way in side.form.ways for name in way.key]
    for name in dict.fromkeys(keys):
        if name not in bundle.plan.fields:
            yield bundle.schema.input_name(name), name


def _item(bundle: Bundle) -> Part:
    """Return the item that events name, used as a feature or not; nothing where there is none."""
    if "item" not in bundle.schema.fields:
        return {}
    return {bundle.schema.input_name("item"): _KINDS[bundle.schema.fields["item"]][1]}


def _of_candidates(bundle: Bundle) -> set[str]:
    """Return the log's names of the fields that differ among the candidates of a request."""
    sources = sources_of(bundle.schema, bundle.config.explain)
    return {given for given, name in _pairs(bundle) if sources.get(name) == "candidate"}


def _field(given: str, name: str, bundle: Bundle) -> Part:
    kind = bundle.schema.fields[name]
    word = _KINDS[kind][0]
    made: Part = {"type": [word, "null"]}
    if kind.endswith("s"):
        made = {"type": ["array", "null"], "items": {"type": [word, "null"]}}
    return made if given == name else made | {"description": f"`{name}` for clickthrough"}


def _request(bundle: Bundle) -> dict[str, Part]:
    """Return what says of which request a row is, and of which moment."""
    schema = bundle.schema
    told = "of its request: text or a whole number"
    made: dict[str, Part] = {
        schema.input_name("request_id"): {
            "type": ["string", "integer", "null"], "description": told
        }
    }  # fmt: skip
    if "time" in schema.roles:
        time = {"type": ["string", "number", "null"], "description": _time(schema.time)}
        made[schema.input_name("time")] = time
    return made


def _time(form: TimeFormat) -> str:
    """Say how a moment is written."""
    if form.format is not None:
        return f"its moment as `{form.format}`, or ISO 8601; by default now"
    if form.unit == "iso":
        return "its moment in ISO 8601, or in seconds since 1970; by default now"
    return f"its moment in {form.unit} since {form.origin.isoformat()}, or ISO 8601; else now"
