"""What the arrays and numbers of a bundle must hold, beyond being those that were sealed.

A checksum says that files are those of their manifest, not that they make sense: whoever alters one
can write another manifest. Every check is a few passes over an array, a part at a time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration import Calibrator
from clickthrough.calibration.sliced import Sliced
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.scaler import Scaler
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.state import StateLayout
from clickthrough.features.plan import Plan
from clickthrough.schema import MISSING_INT

T = TypeVar("T", bound=np.generic)

_PART = 1 << 16
_WIDEST = 48
"""The longest text of a vocabulary; longer ones are held as a digest."""
_SCORES = np.linspace(-20.0, 20.0, 41)
_FURTHEST = 1e6
"""No standard score of training rows lies further off: that would take as many rows, squared."""
_FLOAT, _ENTRY = 8, 24
"""The bytes of a number in a state, and of an entry."""


def check_vocabulary(path: Path, values: NDArray[np.generic], kind: str) -> None:
    """Refuse a vocabulary whose ids could not be looked up.

    Args:
        path: its file.
        values: what that holds.
        kind: the type of its field in the schema.
    """
    if kind in {"str", "strs"}:
        fitting = values.dtype.kind == "S" and values.dtype.itemsize <= _WIDEST
    else:
        fitting = values.dtype == np.int64
    if not fitting or values.ndim != 1:
        raise BundleError(f"{path}: holds {_described(values)}, expected values of type {kind}")
    if len(values) and values[0] in {b"", MISSING_INT}:
        raise BundleError(f"{path}: holds the missing value")
    if not all(np.less(part[:-1], part[1:]).all() for part in _overlapping(values)):
        raise BundleError(f"{path}: expected values that rise strictly")


def check_vectors(path: Path, vectors: NDArray[np.generic], users: int) -> None:
    """Refuse vectors that are not those of so many users, or no numbers up to 1."""
    if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != users:
        raise BundleError(
            f"{path}: holds {_described(vectors)}, expected a list of numbers for each of "
            f"{users} users"
        )
    if not (np.abs(vectors) <= 1).all():
        raise BundleError(f"{path}: expected numbers from -1 to 1")


def check_snapshot(folder: Path, name: str, snapshot: Snapshot, layout: StateLayout | None) -> None:
    """Refuse a snapshot whose values could not be found or would be no states.

    Args:
        folder: where its files lie.
        name: what their names begin with.
        snapshot: what they hold.
        layout: of the states; None of sequences.
    """
    keys, ends, values = Snapshot.files(folder, name)
    for path, array, dtype in (
        (keys, snapshot.digests, "S16"),
        (ends, snapshot.ends, "int64"),
        (values, snapshot.values, "uint8"),
    ):
        if array.dtype != dtype or array.ndim != 1:
            raise BundleError(f"{path}: holds {_described(array)}, expected a list of {dtype}")
    if len(snapshot.ends) != len(snapshot.digests):
        raise BundleError(
            f"{ends}: holds {len(snapshot.ends)} ends for {len(snapshot.digests)} keys"
        )
    if not all(_rise(part) for part in _overlapping(snapshot.digests)):
        raise BundleError(f"{keys}: expected digests that rise strictly")
    last = int(snapshot.ends[-1]) if len(snapshot.ends) else 0
    if last != len(snapshot.values):
        raise BundleError(f"{ends}: ends at {last}, {values.name} at {len(snapshot.values)}")
    before = 0
    for place in range(0, len(snapshot.ends), _PART):
        part = snapshot.ends[place : place + _PART]
        sizes = np.diff(part, prepend=before)
        before = part[-1]
        if sizes.min() < 1:
            raise BundleError(f"{ends}: expected ends that rise strictly")
        if layout is not None and not _fit(sizes, layout):
            raise BundleError(f"{ends}: the length of a value is that of no state of '{name}'")


def _fit(sizes: NDArray[np.int64], layout: StateLayout) -> bool:
    """Say whether each size is that of a header and a number of entries."""
    entries = sizes - layout.width * _FLOAT
    return bool(entries.min() >= 0 and not (entries % _ENTRY).any())


def check_scalers(path: Path, scalers: dict[str, Scaler], prior: float, plan: Plan) -> None:
    """Refuse scalers that would make no numbers, or are not those of a plan's columns."""
    differing = sorted({column.name for column in plan.numeric} ^ set(scalers))
    if differing:
        raise BundleError(f"{path}: is not of these features: '{differing[0]}'")
    for name, scaler in scalers.items():
        if not _makes_numbers(scaler):
            raise BundleError(
                f"{path}: '{name}': expected finite numbers, low not above high, a scale above 0, "
                f"and standard scores up to {_FURTHEST:,.0f}"
            )
    if not 0 < prior < 1:
        raise BundleError(f"{path}: prior is {prior}, expected a rate between 0 and 1")


def _makes_numbers(scaler: Scaler) -> bool:
    """Say whether all that a scaler can make is a number of a size that a model can take."""
    ends = np.array([scaler.fill, scaler.low, scaler.high])
    if not (np.isfinite([*ends, scaler.mean, scaler.scale]).all() and scaler.scale > 0):
        return False
    with np.errstate(over="ignore"):
        scores = np.abs((ends - scaler.mean) / scaler.scale)
    return bool(scaler.low <= scaler.high and scores.max() <= _FURTHEST)


def check_calibrator(path: Path, calibrator: Calibrator, encoder: Encoder) -> None:
    """Refuse a calibrator that makes no probabilities, or does not keep the order of scores."""
    curves: list[Calibrator] = [calibrator]
    if isinstance(calibrator, Sliced):
        sizes = list(encoder.id_sizes.items())
        name, size = sizes[calibrator.column] if calibrator.column < len(sizes) else (None, 0)
        if name != calibrator.by or not all(0 <= id_ < size for id_ in calibrator.slices):
            raise BundleError(f"{path}: differs by ids that column '{calibrator.by}' has not")
        curves = [calibrator.whole, *(part.curve for part in calibrator.slices.values())]
    with np.errstate(all="ignore"):
        for curve in curves:
            made = curve.logit(_SCORES)
            if not (np.isfinite(made).all() and (np.diff(made) > 0).all()):
                raise BundleError(f"{path}: expected a probability that rises with the score")


def _rise(digests: NDArray[np.bytes_]) -> bool:
    """Say whether digests rise strictly, as the bytes that they are."""
    high, low = np.ascontiguousarray(digests).view(">u8").reshape(-1, 2).astype(np.uint64).T
    rises = (high[:-1] < high[1:]) | ((high[:-1] == high[1:]) & (low[:-1] < low[1:]))
    return bool(rises.all())


def _overlapping(values: NDArray[T]) -> Iterator[NDArray[T]]:
    """Yield parts of an array, each with the first value of the next: memory stays small."""
    plain = values.view(np.ndarray)  # memory maps are slow to slice
    for start in range(0, len(plain), _PART):
        yield plain[start : start + _PART + 1]


def _described(array: NDArray[Any]) -> str:
    return f"an array of {array.dtype} of shape {array.shape}"
