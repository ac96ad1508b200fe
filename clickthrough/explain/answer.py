"""What an explained answer holds, as it goes over the wire."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clickthrough.config.explain import Source


class Reason(msgspec.Struct, frozen=True, gc=False):
    """A declared feature, or a family of them, and its share in a logit."""

    feature: Annotated[str, Meta(description="a declared feature, or a family")]
    words: str
    logit: Annotated[float, Meta(description="its share: above 0 it raises the probability")]
    without: Annotated[float, Meta(description="the probability less this share")]
    source: Annotated[Source, Meta(description="past: counted from what happened before")]
    changeable: Annotated[bool, Meta(description="whether the user can change it")]
    features: Annotated[Sequence[str], Meta(description="the declared features in it")]


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """The strongest reasons; the baseline, the reasons and ``others`` add up to the logit."""

    against: Annotated[str, Meta(description="what the answer is explained against")]
    baseline_logit: Annotated[float, Meta(description="the logit of that")]
    baseline_probability: Annotated[float, Meta(description="the probability of that")]
    reasons: list[Reason]
    others: Annotated[float, Meta(description="the share of all other features, a logit")]
    candidate: Annotated[
        int | UnsetType, Meta(description="of the runner-up: its position in the candidates")
    ] = UNSET
    runner_up: Annotated[
        "Explanation | UnsetType", Meta(description="against the candidate ranked next")
    ] = UNSET
