"""How a model is measured on the test part."""

from pydantic import Field

from clickthrough.config.base import Strict


class Evaluation(Strict):
    """Intervals and slices of an evaluation.

    Attributes:
        bootstrap: how many resamples of the requests the intervals come from; 0 for none.
        confidence: the share of resamples that an interval holds.
        seed: the seed of the resampling.
        slices: fields, or ``item_seen``, ``user_seen``, ``day``, ``hour``, ``position``: the
            metrics of each of their values stand in every record, that of training included.
    """

    bootstrap: int = Field(default=200, ge=0)
    confidence: float = Field(default=0.9, gt=0, lt=1)
    seed: int = Field(default=7, ge=0)
    slices: list[str] = []
