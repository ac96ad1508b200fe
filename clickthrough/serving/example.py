"""An impression that a bundle takes, for whoever asks how one is written."""

from typing import Any

from clickthrough.bundle.load import Bundle
from clickthrough.schema import FieldType

_VALUES: dict[FieldType, Any] = {
    "int": 1, "float": 1.5, "str": "a", "bool": True, "ints": [1], "floats": [1.5], "strs": ["a"],
}  # fmt: skip
_MOST = 4


def example_row(bundle: Bundle) -> dict[str, Any]:
    """Return some fields of an impression, as the log calls them."""
    schema = bundle.schema
    chosen = sorted(bundle.plan.fields, key=lambda name: name not in ("item", "user"))[:_MOST]
    return {schema.input_name(name): _VALUES[schema.fields[name]] for name in chosen}
