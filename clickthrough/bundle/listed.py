"""What the JSON files of an encoder say: its scalers, and the columns of the model's input."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from clickthrough.bundle import layout
from clickthrough.bundle.refusal import read
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.scaler import Scaler

_NAMES: TypeAdapter[list[str]] = TypeAdapter(list[str])
_COUNTS: TypeAdapter[dict[str, int]] = TypeAdapter(dict[str, int])


class Fitted(BaseModel):
    """The contents of ``numeric_scaler.json``.

    Attributes:
        prior: click rate of the training period.
        columns: numeric column -> its scaler.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    prior: float
    columns: dict[str, Scaler]


def class_counts(encoder: Encoder) -> dict[str, int]:
    """Return the number of ids of each categorical column: ids, then bags."""
    return encoder.id_sizes | {name: size for name, (size, _) in encoder.bag_shapes.items()}


def check_listed(folder: Path, encoder: Encoder) -> None:
    """Refuse lists of columns that are not those that the encoder makes.

    Raises:
        BundleError: one is not; names the file.
    """
    counts = class_counts(encoder)
    for name, adapter, made in (
        (layout.CLASS_COUNTS, _COUNTS, counts),
        (layout.CATEGORICAL, _NAMES, list(counts)),
        (layout.NUMERIC, _NAMES, encoder.numeric_names),
    ):
        path = folder / name
        found = read(path, adapter.validate_json)
        if found != made:
            raise BundleError(f"{path}: is not of this encoder: {_difference(found, made)}")


def _difference(found: object, made: object) -> str:
    """Name the first entry in which two lists or mappings differ."""
    pairs = zip([*_entries(found), "no more"], [*_entries(made), "no more"], strict=False)
    one, other = next(pair for pair in pairs if pair[0] != pair[1])
    return f"holds {one}, expected {other}"


def _entries(listed: object) -> list[str]:
    if isinstance(listed, dict):
        return [f"'{name}': {count}" for name, count in sorted(listed.items())]
    return list(map(repr, listed)) if isinstance(listed, list) else []
