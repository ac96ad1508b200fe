"""The reference of all settings in Markdown, made of the JSON schema of the configuration."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from clickthrough.config.json_schema import Described
from clickthrough.config.root import Config

Part = dict[str, Any]
_HEAD = """\
# Settings

Every setting of a configuration: what it can be, what it is by default, and what it does. This page
is made of the code, by `clickthrough schema --reference docs/settings.md`; the [guide](guide.md)
says how settings are used together, [models](models.md) which family to take when.
"""
_COLUMNS = "| setting | what it can be | default | what it is |\n|---|---|---|---|"
_EITHER = ("a whole number or a number", "a number")
_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "`true` or `false`",
          "string": "a text", "path": "a path", "date-time": "a moment"}  # fmt: skip


def reference() -> str:
    """Return the page."""
    page = _Page(Config.model_json_schema(schema_generator=Described))
    return "\n".join([_HEAD, *page.whole()]).rstrip() + "\n"


class _Page:
    """Writes the tables of a schema.

    Args:
        schema: of the configuration.
    """

    def __init__(self, schema: Part) -> None:
        self._root, self._parts = schema, schema["$defs"]
        self._told: set[str] = set()

    def whole(self) -> Iterator[str]:
        """Yield a table of the sections, then each section."""
        yield from self._table(self._rows(self._root))
        for name, one in self._root["properties"].items():
            if choices := self._choices(one):
                told = one["description"]
                yield f"## {name}\n\n{told[0].upper()}{told[1:]}\n"
                yield from self._each(choices)
            else:
                for ref in self._refs(one):
                    yield from self._section(ref, f"## {name}")

    def _each(self, choices: list[str]) -> Iterator[str]:
        """Yield the parts that a section is one of; what most of them have, once."""
        rows = {choice: self._rows(self._parts[choice]) for choice in choices}
        counts = Counter(row for own in rows.values() for row in own)
        often = {row for row, count in counts.items() if 2 * count > len(choices) > 2}
        most = max(([row for row in own if row in often] for own in rows.values()), key=len)
        if most:
            yield "Most of them have, unless something else stands below:\n"
            yield from self._table(most)
        for choice in choices:
            named = [row for row in rows[choice] if row not in most]
            yield from self._section(choice, f"### {self._name(choice)}", named)

    def _section(self, part: str, title: str, rows: list[str] | None = None) -> Iterator[str]:
        if part in self._told:
            return
        self._told.add(part)
        schema = self._parts[part]
        yield f"{title}\n\n{schema['description']}\n"
        yield from self._table(self._rows(schema) if rows is None else rows)
        for ref in self._refs(schema["properties"]):
            yield from self._section(ref, f"#### {ref}")

    def _table(self, rows: list[str]) -> Iterator[str]:
        if rows:
            yield "\n".join([_COLUMNS, *rows, ""])

    def _rows(self, schema: Part) -> list[str]:
        """Return a row a setting, but for the one that only tells parts from one another."""
        needed = schema.get("required", [])
        return [
            f"| `{name}` | {self._form_of(name, one)} | {_default(one, name in needed)} "
            f"| {one['description']} |"
            for name, one in schema["properties"].items()
            if "const" not in one or name not in ("name", "kind", "reader")
        ]

    def _choices(self, schema: Part) -> list[str]:
        """Return the parts that a setting, or each of its entries, is one of."""
        found = schema.get("items", schema)
        found = next((one for one in found.get("anyOf", []) if "oneOf" in one), found)
        return [_last(one["$ref"]) for one in found.get("oneOf", [])]

    def _name(self, part: str) -> str:
        """Return what a configuration calls a part."""
        told = self._parts[part]["properties"]
        consts = (f"`{key}: {told[key]['const']}`" for key in ("name", "kind", "reader")
                  if "const" in told.get(key, {}))  # fmt: skip
        return next(consts, part)

    def _refs(self, node: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
        """Yield the parts that a schema refers to, less those that are told of elsewhere."""
        if isinstance(node, list):
            for one in node:
                yield from self._refs(one)
        elif isinstance(node, dict) and "oneOf" not in node:
            if "$ref" in node:
                yield _last(node["$ref"])
            for one in node.values():
                yield from self._refs(one)

    def _form_of(self, name: str, schema: Part) -> str:
        """Return in words what a setting can be; of those that it is one of, there is a list."""
        if not self._choices(schema):
            return self._form(schema)
        told = f"[one of these](#{name})" if name in self._root["properties"] else "one of these"
        return f"a list of: {told}" if schema.get("type") == "array" else told

    def _form(self, schema: Part) -> str:
        """Return in words what a value can be."""
        if "$ref" in schema:
            part = _last(schema["$ref"])
            return f"[{part}](#{part.lower()})"
        for key in ("anyOf", "oneOf"):
            if key in schema:
                forms = [self._inner(one) for one in schema[key] if one != {"type": "null"}]
                return " or ".join(dict.fromkeys(forms)).replace(*_EITHER)
        if "const" in schema:
            return f"`{schema['const']}`"
        if "enum" in schema:
            return ", ".join(f"`{value}`" for value in schema["enum"])
        return self._of_type(schema)

    def _inner(self, schema: Part) -> str:
        """Return the words that a form has of its own, if it has any."""
        return schema.get("description") or self._form(schema)

    def _of_type(self, schema: Part) -> str:
        match schema.get("type"):
            case "array" if "prefixItems" in schema:
                return f"a list of {len(schema['prefixItems'])} lists"
            case "array":
                return f"a list of: {self._inner(schema['items'])}"
            case "object":
                return f"name -> {self._inner(schema['additionalProperties'])}"
            case str(kind):
                return _WORDS[schema.get("format", kind)] + _bounds(schema)
        return "anything"


def _last(ref: str) -> str:
    return ref.rpartition("/")[2]


def _bounds(schema: Part) -> str:
    """Say between which bounds a number is."""
    words = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "at most",
             "exclusiveMaximum": "below"}  # fmt: skip
    if {"minimum", "maximum"} <= schema.keys():
        return f" from {schema['minimum']:,} to {schema['maximum']:,}"
    told = [f"{word} {schema[key]:,}" for key, word in words.items() if key in schema]
    return f" {' and '.join(told)}" if told else ""


def _default(schema: Part, needed: bool) -> str:
    if needed:
        return "needed"
    value = schema.get("default")
    if value is None:
        return ""
    words = str(value).lower() if isinstance(value, bool) else str(value).replace("'", "")
    return f"`{words}`"
