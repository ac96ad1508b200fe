"""What an answer is explained against: an impression of which nothing particular is known."""

import numpy as np

from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.vocabulary import MISSING, UNSEEN


def typical_row(encoder: Encoder) -> Encoded:
    """Return an impression of medians and unseen ids, one row.

    Ids have no mean: a value that was never met stands for them, the embedding of which was
    trained on all values alike. Bags and sequences are empty. A number is the training rows'
    median, or their mean where a missing value is told by -1; none is missing. A place is that
    which evaluation and serving see.
    """
    plan = encoder.plan
    places = {m.name: float(np.log1p(m.at)) for m in plan.measures if m.kind == "position"}
    values = []
    for column in plan.numeric:
        scaler = encoder.scalers[column.name]
        usual = scaler.fill if column.missing == "median" else scaler.mean
        values.append(places.get(column.measure, usual))
    width = sum(bag.length for bag in plan.bags)
    return Encoded(
        np.full((1, len(plan.ids)), UNSEEN, np.int32),
        encoder.scale(np.array(values).reshape(1, -1)),
        np.full((1, width), MISSING, np.int32),
        np.zeros((1, width), np.float32),
    )
