"""Pieces say what the calibrators say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.calibration.base import Calibrator
from clickthrough.calibration.curves import AnyCurve
from clickthrough.calibration.identity import Identity
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.sliced import Slice, Sliced
from clickthrough.calibration.temperature import Temperature
from clickthrough.export.calibration import calibration_of
from clickthrough.export.onnx.pieces import Pieces, pieces_of

SIZES = {"item": 5, "platform": 4}
NUMBERS = st.floats(-8, 8)
SLOPES = st.floats(0.01, 4)


@st.composite
def isotonic(draw: st.DrawFn) -> Isotonic:
    steps = st.lists(st.floats(0.01, 2), min_size=1, max_size=6)
    rises = draw(steps)
    climbs = draw(st.lists(st.floats(0.01, 2), min_size=len(rises), max_size=len(rises)))
    scores, values = (np.cumsum(part) + draw(NUMBERS) for part in (rises, climbs))
    return Isotonic(
        scores=tuple(scores.tolist()), values=tuple(values.tolist()), slope=draw(SLOPES)
    )


CURVES: st.SearchStrategy[AnyCurve] = st.one_of(
    st.just(Identity()),
    st.builds(Platt, slope=SLOPES, intercept=NUMBERS),
    st.builds(Temperature, temperature=SLOPES),
    isotonic(),
)


@st.composite
def calibrators(draw: st.DrawFn) -> Calibrator:
    whole = draw(CURVES)
    if draw(st.booleans()):
        return whole
    chosen = draw(st.dictionaries(st.integers(0, 3), CURVES, max_size=4))
    slices = {
        id_: Slice(value=str(id_), impressions=1, clicks=1, curve=curve)
        for id_, curve in chosen.items()
    }
    return Sliced(by="platform", column=1, whole=whole, slices=slices)


def pieces(calibrator: Calibrator) -> Pieces:
    return pieces_of(calibration_of(calibrator.model_dump(), list(SIZES)), SIZES)


def looked_up(own: Pieces, score: float, ids: NDArray[np.int32]) -> float:
    """Look a score up as the graph does."""
    curve = 0 if own.column is None else own.curve_of[ids[own.column]]
    piece = int((score >= own.knots[curve]).sum())
    start, value, slope = (t[curve, piece] for t in (own.starts, own.values, own.slopes))
    return float(value + slope * (score - start))


@given(calibrator=calibrators(), scores=st.lists(st.floats(-25, 25, width=32), min_size=1))
def test_a_piece_says_what_the_calibrator_says(calibrator: Calibrator, scores: list[float]) -> None:
    own = pieces(calibrator)
    knots = [float(np.float32(knot)) for knot in own.knots.ravel() if np.isfinite(knot)]
    every = np.array([*scores, *knots], np.float32)
    ids = np.array([[0, place % 4] for place in range(len(every))], np.int32)
    expected = calibrator.logit(every, ids)
    found = [looked_up(own, float(score), row) for score, row in zip(every, ids, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
