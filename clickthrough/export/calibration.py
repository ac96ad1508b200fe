"""Any calibrator in one form: lines between knots, for all rows or for each value of a column."""

from collections.abc import Mapping, Sequence
from typing import Any

from clickthrough.errors import BundleError

Curve = dict[str, Any]


def calibration_of(saved: Mapping[str, Any], id_columns: Sequence[str]) -> dict[str, Any]:
    """Return a calibrator as ``model.json`` says it: maps from logit to calibrated logit.

    Args:
        saved: what the bundle's ``calibrator.json`` holds.
        id_columns: their names in the order of the model.

    Returns:
        ``whole``: a curve, with ``scores`` and ``values`` of its knots and the ``slope`` beyond
        the first and the last; ``by``: a column whose values have curves of their own, or None;
        ``slices``: id -> curve.

    Raises:
        BundleError: it is of a kind that has no such form.
    """
    if saved.get("method") != "sliced":
        return {"whole": _curve(saved), "by": None, "slices": {}}
    slices = {str(id_): _curve(own["curve"]) for id_, own in saved["slices"].items()}
    by = id_columns[saved["column"]]
    return {"whole": _curve(saved["whole"]), "by": by, "slices": slices}


def _curve(saved: Mapping[str, Any]) -> Curve:
    match saved:
        case {"method": "none"}:
            return {"scores": [0.0], "values": [0.0], "slope": 1.0}
        case {"method": "platt", "slope": slope, "intercept": intercept}:
            return {"scores": [0.0], "values": [intercept], "slope": slope}
        case {"method": "temperature", "temperature": temperature}:
            return {"scores": [0.0], "values": [0.0], "slope": 1.0 / temperature}
        case {"method": "isotonic", "scores": scores, "values": values, "slope": slope}:
            return {"scores": list(scores), "values": list(values), "slope": slope}
    raise BundleError(
        f"a calibrator '{saved.get('method')}' has no form in an export; expected one of lines "
        "between knots"
    )
