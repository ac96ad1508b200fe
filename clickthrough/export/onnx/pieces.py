"""Calibration as a table of linear pieces, which a graph looks up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.export.calibration import Curve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """Curves of a calibrator by their pieces: before the first knot, between two, after the last.

    Attributes:
        knots: rising scores, infinity where a curve has fewer, shape (curves, knots).
        starts: a score on each piece, shape (curves, knots + 1).
        values: the calibrated logit at that score, the same shape.
        slopes: of each piece, the same shape.
        column: which id column says by which curve a row is calibrated; None where there is one.
        curve_of: id of that column -> its curve, shape (ids,).
    """

    knots: Floats
    starts: Floats
    values: Floats
    slopes: Floats
    column: int | None
    curve_of: NDArray[np.int64]


def pieces_of(calibration: Mapping[str, Any], id_sizes: Mapping[str, int]) -> Pieces:
    """Return the pieces of a calibrator.

    Args:
        calibration: see :func:`clickthrough.export.calibration.calibration_of`.
        id_sizes: the number of ids of each id column, in the order of the model.
    """
    own: Mapping[str, Curve] = calibration["slices"]
    curves = [calibration["whole"], *own.values()]
    most = max(len(curve["scores"]) for curve in curves)
    tables = [_table(curve, most) for curve in curves]
    by = calibration["by"]
    curve_of = np.zeros(id_sizes[by] if by is not None else 1, np.int64)
    for place, id_ in enumerate(own, 1):
        curve_of[int(id_)] = place
    knots, starts, values, slopes = (np.stack(part) for part in zip(*tables, strict=True))
    column = None if by is None else list(id_sizes).index(by)
    return Pieces(knots, starts, values, slopes, column, curve_of)


def _table(curve: Curve, most: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return knots, starts, values and slopes of one curve, filled up to so many knots."""
    scores, at = np.array(curve["scores"]), np.array(curve["values"])
    between = np.diff(at) / np.diff(scores)
    slopes = np.concatenate([[curve["slope"]], between, [curve["slope"]]])
    rest = most - len(scores)
    return (
        np.append(scores, np.full(rest, np.inf)),
        np.pad(np.insert(scores, 0, scores[0]), (0, rest)),
        np.pad(np.insert(at, 0, at[0]), (0, rest)),
        np.pad(slopes, (0, rest)),
    )
