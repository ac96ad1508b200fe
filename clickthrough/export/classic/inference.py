"""Score impressions with the files beside this one: torch, scikit-learn, numpy, pickle, no more.

    python inference.py [ROWS.jsonl]

Prints a click probability a row. The files:

ctr_model.pth           weights, for ``Net`` of ``model_def.py``
cat_vocab.pkl           column -> value -> id; a hashed column has none, its ids are computed
cat_num_classes.pkl     column -> number of ids, those of missing and unseen values included
numeric_scaler.pkl      a StandardScaler over the numeric columns, fed after known numbers are held
                        to the bounds of model.json, and missing ones filled
final_categorical.pkl   the categorical columns in the order of the model: ids, then bags
final_numeric.pkl       the numeric columns, in the order of the scaler
model.json              sizes of the net, ids of missing and unseen values, the bounds of numbers,
                        what fills a missing one, which columns have an indicator, the calibration
example.jsonl           rows to try, each with the probability that its bundle gives

A row has the raw value of each id column (``hour`` 0 to 23, ``weekday`` 0 for Monday, on the clock
of ``time_zone``), the ``[value, weight]`` pairs of each bag, and each number as it is before
scaling, that is after log1p or logit; what is null, NaN or left out is missing. A line holds it as
``features``. Unpickle nothing that a stranger made: it can run code.
"""

import hashlib
import json
import math
import pickle
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clickthrough.export.classic.model_def import Net

Row = dict[str, Any]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Files:
    """What the files hold, as the list above names it."""

    model: dict[str, Any]
    vocabularies: dict[str, dict[int | str, int]]
    num_classes: dict[str, int]
    scaler: Any
    categorical: list[str]
    numeric: list[str]
    weights: dict[str, Tensor]


def load_files(folder: Path) -> Files:
    """Read the files of a directory."""

    def unpickled(name: str) -> Any:  # noqa: ANN401
        return pickle.loads((folder / name).read_bytes())  # noqa: S301

    return Files(
        model=json.loads((folder / "model.json").read_text()),
        vocabularies=unpickled("cat_vocab.pkl"),
        num_classes=unpickled("cat_num_classes.pkl"),
        scaler=unpickled("numeric_scaler.pkl"),
        categorical=unpickled("final_categorical.pkl"),
        numeric=unpickled("final_numeric.pkl"),
        weights=torch.load(folder / "ctr_model.pth", weights_only=True),
    )


def probabilities(rows: list[Row], files: Files) -> Floats:
    """Return the calibrated click probability of each row."""
    net = Net(files.model, files.num_classes, files.numeric)
    net.load_state_dict(files.weights)
    net.eval()
    with torch.inference_mode():
        entries = [column_entries(rows, name, files) for name in files.categorical]
        logits = net(entries, numeric_inputs(rows, files)).double().numpy()
    calibration = files.model["calibration"]
    calibrated = on_curve(logits, calibration["whole"])
    for value, curve in calibration["slices"].items():  # by the ids of a column, where it has any
        own = entries[files.categorical.index(calibration["by"])][0][:, 0].numpy() == int(value)
        calibrated[own] = on_curve(logits[own], curve)
    return 1 / (1 + np.exp(-calibrated))


def on_curve(logits: Floats, curve: dict[str, Any]) -> Floats:
    """Return logits calibrated by lines between knots; a slope goes on beyond them."""
    first, last = curve["scores"][0], curve["scores"][-1]
    beyond = np.minimum(logits - first, 0) + np.maximum(logits - last, 0)
    made: Floats = np.interp(logits, curve["scores"], curve["values"]) + curve["slope"] * beyond
    return made


def numeric_inputs(rows: list[Row], files: Files) -> Tensor:
    """Return numbers held within bounds, filled and standardized, then the indicators."""
    model, names = files.model, files.numeric
    said = [[row.get(name) for name in names] for row in rows]
    raw = [[np.nan if value is None else value for value in own] for own in said]
    values = np.array(raw, np.float64).reshape(len(rows), len(names))
    low, high, fill = ([model[what][name] for name in names] for what in ("low", "high", "fill"))
    missing = ~np.isfinite(values)
    filled = np.where(missing, fill, np.minimum(np.maximum(values, low), high))
    with warnings.catch_warnings():  # the array has the names' order, but not the names
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        scaled = files.scaler.transform(filled) if names else filled
    marks = missing[:, [names.index(name) for name in model["indicators"]]]
    return torch.from_numpy(np.concatenate([scaled, marks], axis=1, dtype=np.float32))


def column_entries(rows: list[Row], column: str, files: Files) -> tuple[Tensor, Tensor]:
    """Return ids and weights of a categorical column; an id column has one entry of weight 1."""
    length = files.model["bags"].get(column)
    if length is None:
        ids = [[id_of(row.get(column), column, files)] for row in rows]
        return torch.tensor(ids), torch.ones(len(rows), 1)
    bags = [bag_entries(row.get(column), column, files) for row in rows]
    padded = [bag + [(files.model["missing_id"], 0.0)] * (length - len(bag)) for bag in bags]
    ids = [[id_ for id_, _ in bag] for bag in padded]
    return torch.tensor(ids), torch.tensor([[weight for _, weight in bag] for bag in padded])


def bag_entries(pairs: list[Any] | None, column: str, files: Files) -> list[tuple[int, float]]:
    """Return ids of a bag's first values, with weights that sum to 1."""
    first = (pairs or [])[: files.model["bags"][column]]
    known = [(id_of(value, column, files), weight) for value, weight in first]
    held = [(id_, weight_of(id_, weight, files)) for id_, weight in known]
    total = sum(weight for _, weight in held)
    return [(id_, weight / total) for id_, weight in held] if total > 0 else []


def weight_of(id_: int, weight: float | None, files: Files) -> float:
    """Return what a value of a bag weighs: nothing if it is missing or its weight is none."""
    if id_ == files.model["missing_id"] or weight is None or not 0 < weight < math.inf:
        return 0.0
    return min(float(weight), 1e100)


def id_of(value: float | str | None, column: str, files: Files) -> int:
    """Return the id of a value."""
    model = files.model
    if isinstance(value, float) and value.is_integer():  # as pandas writes what may be missing
        value = int(value)
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return int(model["missing_id"])
    if isinstance(value, float):
        return int(model["unseen_id"])
    if column in model["hashed"]:
        return int(model["first_id"]) + hashed(value) % int(model["hashed"][column])
    return files.vocabularies[column].get(shortened(value), int(model["unseen_id"]))


def shortened(value: int | str) -> int | str:
    """Return a value as vocabularies hold it: a long text by its beginning and a digest."""
    text = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else b""
    if len(text) <= 48:
        return value
    digest = hashlib.blake2b(text, digest_size=12).hexdigest()
    return text[:24].decode("utf-8", "surrogateescape") + digest


def hashed(value: int | str) -> int:
    """Return SplitMix64 of a number, or of a text's FNV-1a."""
    most = 2**64 - 1
    if isinstance(value, str):
        word = 0xCBF29CE484222325
        for letter in value.encode("utf-8", "surrogateescape").replace(b"\0", b""):
            word = (word ^ letter) * 0x100000001B3 & most
    else:
        word = value & most
    word = word + 0x9E3779B97F4A7C15 & most
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & most
    word = (word ^ word >> 27) * 0x94D049BB133111EB & most
    return word ^ word >> 31


def main() -> None:
    """Print probabilities and, where the rows state the bundle's own, how far they are from it."""
    here = Path(__file__).resolve().parent
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "example.jsonl"
    if not source.is_file():
        expected = 'expected a line {"features": {...}} an impression'
        print(f"{source}: no such file; {expected}", file=sys.stderr)
        sys.exit(2)
    with source.open(encoding="utf-8") as text:  # which has lines where str.splitlines has more
        lines = [json.loads(line) for line in text if line.strip()]
    if not lines:
        return
    found = probabilities([line["features"] for line in lines], load_files(here))
    print(*map(float, found), sep="\n")
    if all("probability" in line for line in lines):
        gap = np.abs(found - [line["probability"] for line in lines]).max()
        print(f"{len(found)} rows, at most {gap:.1e} from the bundle's answer", file=sys.stderr)


if __name__ == "__main__":
    main()
