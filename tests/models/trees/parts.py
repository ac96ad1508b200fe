"""Parts of a log, made up for tests of trees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees import FittedTrees, Sizes, TreeSettings

SIZES = Sizes((5, 300, 40), ((20, 3), (7, 2)))
SMALL = TreeSettings(rounds=30, leaves=8, min_child=5, threads=1)


@dataclass(frozen=True)
class Part:
    """Encoded impressions with their labels, those of a request side by side."""

    inputs: Encoded
    labels: NDArray[np.int8]
    offsets: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None


def inputs_of(sizes: Sizes, numeric: int, rows: int, seed: int = 0) -> Encoded:
    """Return random impressions; the weights of a bag sum to 1, or to 0 if it is empty."""
    rng = np.random.default_rng(seed)
    bag_weights = [
        rng.dirichlet(np.ones(length), rows) * (rng.random((rows, 1)) < 0.9)
        for _, length in sizes.bags
    ]
    none = np.empty((rows, 0))
    return Encoded(
        np.hstack([none, *(rng.integers(0, s, (rows, 1)) for s in sizes.ids)]).astype(np.int32),
        rng.normal(0.0, 2.0, (rows, numeric)).astype(np.float32),
        np.hstack([none, *(rng.integers(0, s, (rows, n)) for s, n in sizes.bags)]).astype(np.int32),
        np.hstack([none, *bag_weights]).astype(np.float32),
    )


def part_of(inputs: Encoded, chances: NDArray[np.float64], seed: int = 0, size: int = 5) -> Part:
    """Return impressions with clicks drawn by their chances, in requests of a size."""
    rng = np.random.default_rng(seed)
    offsets = np.append(np.arange(0, len(inputs), size), len(inputs))
    return Part(inputs, (rng.random(len(inputs)) < chances).astype(np.int8), offsets)


def random_part(sizes: Sizes, numeric: int, rows: int, seed: int = 0) -> Part:
    """Return impressions whose clicks hang on the last id, the last number and the first bag."""
    inputs = inputs_of(sizes, numeric, rows, seed)
    logits = np.full(rows, -0.5)
    if sizes.ids:
        logits += np.sin(inputs.ids[:, -1])
    if numeric:
        logits += np.where(inputs.numeric[:, -1] > 0.3, 1.0, -1.0)
    if sizes.bags:
        logits += np.cos(inputs.bag_ids[:, 0]) * inputs.bag_weights[:, 0]
    return part_of(inputs, 1 / (1 + np.exp(-logits)), seed)


def written(trees: FittedTrees, name: str) -> NDArray[np.float64]:
    """Return the numbers of all trees that LightGBM writes under a name, such as ``threshold``."""
    text = trees.booster.model_to_string().split("\nend of trees")[0]
    lines = [line.split("=")[1] for line in text.splitlines() if line.startswith(f"{name}=")]
    return np.array(" ".join(lines).split(), np.float64)
