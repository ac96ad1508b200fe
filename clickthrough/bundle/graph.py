"""Whether a graph scores what the encoder gives it, whatever that is."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.refusal import refusing
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.bundle.weights import weights_of
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoded, Encoder

_LARGEST = 1e15
"""No trained weight comes near it; products of larger ones could overflow to no number at all."""


def check_graph(path: Path, model: OnnxModel, encoder: Encoder) -> None:
    """Refuse a graph that does not score the least and the greatest ids of the encoder.

    Args:
        path: its file.
        model: that file, loaded.
        encoder: what feeds it.

    Raises:
        BundleError: names, widths or numbers of ids are not those of the encoder, the result is no
            logit a row, or a weight is absurd.
    """
    with refusing(path):  # before anything of it runs
        absurd = [weights for weights in weights_of(path) if not _bounded(weights)]
    if absurd:
        raise BundleError(f"{path}: expected weights that are finite and below {_LARGEST:g}")
    rows = extremes(encoder)
    with refusing(path):
        logits = model.logits(rows)
    if logits.shape != (len(rows),) or logits.dtype != np.float32 or not np.isfinite(logits).all():
        raise BundleError(f"{path}: expected a finite logit for each impression")


def extremes(encoder: Encoder) -> Encoded:
    """Return an impression of which nothing is known, and one with the last id of each column."""
    last = np.array([*encoder.id_sizes.values()], np.int32) - 1
    bags = list(encoder.bag_shapes.values())
    lengths = [length for _, length in bags]
    last_in_bags = np.repeat(np.array([size for size, _ in bags], np.int32) - 1, lengths)
    shares = np.repeat(1 / np.array(lengths, np.float32), lengths).astype(np.float32)
    ones = np.ones(len(encoder.numeric_names), np.float32)
    return Encoded(
        np.stack([0 * last, last]),
        np.stack([0 * ones, ones]),
        np.stack([0 * last_in_bags, last_in_bags]),
        np.stack([0 * shares, shares]),
    )


def _bounded(weights: NDArray[np.floating]) -> bool:
    # the least and the greatest are no numbers where any weight is none
    return not weights.size or bool(weights.min() > -_LARGEST and weights.max() < _LARGEST)
