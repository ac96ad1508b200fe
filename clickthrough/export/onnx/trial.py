"""Rows of any ids and numbers, and what a graph says of them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from clickthrough.bundle.graph import extremes
from clickthrough.features.encoding.encoder import Encoded, Encoder

_ROWS = 1_000


def trial_rows(encoder: Encoder, rows: int = _ROWS, seed: int = 0) -> Encoded:
    """Return the extremes of an encoder's ids, and random rows: any id, any share of a bag."""
    rng = np.random.default_rng(seed)
    sizes = [*encoder.id_sizes.values()]
    bags = [size for size, length in encoder.bag_shapes.values() for _ in range(length)]
    made = Encoded(
        rng.integers(0, sizes, (rows, len(sizes))).astype(np.int32),
        rng.normal(0, 2, (rows, len(encoder.numeric_names))).astype(np.float32),
        rng.integers(0, bags, (rows, len(bags))).astype(np.int32),
        rng.random((rows, len(bags))).astype(np.float32),
    )
    return Encoded.joined([extremes(encoder), made])


def graph_outputs(path: Path, rows: Encoded) -> dict[str, NDArray[Any]]:
    """Return what a graph says of encoded rows, by the names of its outputs."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wanted = {entry.name for entry in session.get_inputs()}
    fed = {name: array for name, array in rows.arrays().items() if name in wanted}
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(names, fed), strict=True))
