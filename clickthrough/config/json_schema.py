"""The JSON schema of the configuration, which editors complete and check YAML files by.

It takes whatever the loader takes, and knows every key. What rests on several settings together is
the loader's alone, and so is a bool where a number is expected.
"""

import inspect
import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from clickthrough.config.base import WRITTEN_NUMBER, format_duration, sentences
from clickthrough.config.model import DEFAULT_FAMILY
from clickthrough.config.root import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_YES_OR_NO = ("0", "1", "on", "off", "t", "f", "true", "false", "y", "n", "yes", "no")
_IN_ANY_CASE = ("".join(f"[{c}{c.upper()}]" for c in word) for word in _YES_OR_NO)
_QUOTED: dict[str, dict[str, Any]] = {
    "QuotedNumber": {"type": "string", "pattern": rf"^\s*{WRITTEN_NUMBER}\s*$"},
    "QuotedBool": {"type": "string", "pattern": f"^(?:{'|'.join(_IN_ANY_CASE)})$"},
}


def config_schema() -> dict[str, Any]:
    """Return the schema of a configuration as a YAML file says it."""
    made: dict[str, Any] = _referring(Config.model_json_schema(schema_generator=_AsWritten))
    made["$defs"] |= _QUOTED
    return {"$schema": DIALECT, **made, "title": "A configuration of clickthrough"}


def written() -> str:
    """Return the text of the schema's file."""
    return json.dumps(config_schema(), indent=1, ensure_ascii=False) + "\n"


def _referring(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a schema that says once what stands in quotes."""
    if isinstance(node, list):
        return [_referring(one) for one in node]
    for name, quoted in _QUOTED.items():
        if node == quoted:
            return {"$ref": f"#/$defs/{name}"}
    return {k: _referring(v) for k, v in node.items()} if isinstance(node, dict) else node


def _plain(text: str) -> str:
    """Return a docstring's text without its markup, each paragraph a line."""
    paragraphs = inspect.cleandoc(text).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


class Described(GenerateJsonSchema):
    """Makes schemas in which each setting has its sentence."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a section."""
        made = super().model_schema(schema)
        cls = schema["cls"]
        made["description"] = _plain((cls.__doc__ or "").partition("\n\n    Attributes:")[0])
        for name, text in sentences(cls).items():
            made["properties"][name]["description"] = _plain(text)
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - as above it
        """Give settings no titles: they say no more than the names."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Write default durations as people do; leave out those of whole sections."""
        made = super().default_schema(schema)
        if isinstance(schema.get("default"), BaseModel):
            del made["default"]
        if schema["schema"].get("serialization", {}).get("function") is format_duration:
            made["default"] = format_duration(made["default"])
        return made

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Require what tells the classes of a union apart, or all would be the first."""
        made = super().tagged_union_schema(schema)
        told = made["discriminator"]["propertyName"]
        for name, choice in made["discriminator"]["mapping"].items():
            if name != DEFAULT_FAMILY:
                required = self.get_schema_from_definitions(choice)
                assert required is not None  # noqa: S101
                required["required"] = sorted({*required.get("required", []), told})
        return made


class _AsWritten(Described):
    """Takes numbers, bools and moments in each form that the loader takes."""

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {"anyOf": [super().int_schema(schema), _QUOTED["QuotedNumber"]]}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), _QUOTED["QuotedNumber"]]}

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return {"anyOf": [super().bool_schema(schema), {"enum": [0, 1]}, _QUOTED["QuotedBool"]]}

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        return {"type": ["string", "number"]}
