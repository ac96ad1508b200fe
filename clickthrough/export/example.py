"""Impressions to try a home with, each with what the bundle answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.serving.predictor import Predictor
from clickthrough.store import open_store

EXAMPLE = "example.jsonl"
TOLERANCE = 1e-6
"""The most by which a probability of a home may differ from the bundle's."""


@dataclass(frozen=True)
class Example:
    """Some impressions, and what a bundle answers.

    Attributes:
        rows: each impression as the home takes it: raw fields, or the values of columns.
        probabilities: of a click, shape (n,).
    """

    rows: list[dict[str, Any]]
    probabilities: NDArray[np.float64]

    def write(self, folder: Path, name: str) -> None:
        """Write a line of JSON an impression: what it is, by that name, and its probability."""
        pairs = zip(self.rows, self.probabilities.tolist(), strict=True)
        lines = [json.dumps({name: row, "probability": p}) + "\n" for row, p in pairs]
        (folder / EXAMPLE).write_text("".join(lines))


def raw_example(bundle: Bundle, rows: Sequence[dict[str, Any]]) -> Example:
    """Return impressions by their raw fields, with answers of the bundle's own counters.

    Args:
        bundle: what answers.
        rows: as a caller sends them; those of a ``request_id`` are one request.
    """
    predictor = Predictor(bundle, open_store("memory"))
    try:
        most = bundle.config.serving.max_impressions
        said = predictor.predict(rows[:most]).predictions
    finally:
        predictor.close()
    return Example([*rows[:most]], np.array([p.probability for p in said]))
