"""Reasons for the answers of a model."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from clickthrough.bundle.load import Bundle
from clickthrough.calibration.base import sigmoid
from clickthrough.config.root import Config
from clickthrough.explain.answer import Explanation, Reason
from clickthrough.explain.background import typical_row
from clickthrough.explain.design import design
from clickthrough.explain.groups import Groups, groups_of
from clickthrough.explain.shares import PAIRS, Floats, Score, Shares, shares
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.schema import Schema

TYPICAL = "an impression of medians and unseen ids"
RUNNER_UP = "the candidate ranked next"
_WARM = 12
"""Groups: to choose the coalitions of all of fifty would take a second."""


class Explainer:
    """Explains the answers of a model. Safe to share among threads.

    Args:
        encoder: what feeds it.
        schema: what the log calls its fields, and where it says that they come from.
        config: the declared features, and what is said of fields.
        logits: the graph and its calibrator: logits of encoded rows, shape (n,).
        merged: see :func:`clickthrough.explain.groups.groups_of`.

    Attributes:
        groups: what reasons are about.
        typical: what answers are explained against, one row.
    """

    def __init__(
        self,
        encoder: Encoder,
        schema: Schema,
        config: Config,
        logits: Score,
        merged: bool | None = None,
    ) -> None:
        self.logits = logits
        self.groups: Groups = groups_of(
            encoder.slots, config.declared, schema, config.explain, merged
        )
        self.typical = typical_row(encoder)

    @classmethod
    def of(cls, bundle: Bundle, merged: bool | None = None) -> Self:
        """Explain the answers of a bundle."""

        def logits(rows: Encoded) -> Floats:
            return bundle.calibrator.logit(bundle.model.logits(rows), rows.ids)

        return cls(bundle.encoder, bundle.schema, bundle.config, logits, merged)

    def explain(self, rows: Encoded, most: int) -> list[Explanation]:
        """Explain rows against the typical impression.

        Args:
            rows: encoded, shape (n, ...).
            most: reasons of each.
        """
        return [self._told(own, TYPICAL, most) for own in self.shares(rows)]

    def explain_ranked(
        self, rows: Encoded, order: Sequence[int], explained: int, most: int
    ) -> list[Explanation]:
        """Explain the first of a ranking, each also against the one that is ranked next.

        Args:
            rows: encoded, in the order of the ranking; one more than is explained, if there is.
            order: the caller's place of each.
            explained: how many.
            most: reasons of each.
        """
        first, after = np.arange(explained), np.arange(1, len(rows))[:explained]
        both = rows[np.concatenate([first, first[: len(after)]])]
        against = Encoded.joined([self._typical(explained), rows[after]])
        found = shares(self.logits, self.groups, both, against)
        next_ = [
            self._told(own, RUNNER_UP, most, order[place])
            for own, place in zip(found[explained:], after.tolist(), strict=True)
        ]
        alone: list[UnsetType] = [UNSET] * (explained - len(after))
        return [
            replace(self._told(own, TYPICAL, most), runner_up=other)
            for own, other in zip(found[:explained], [*next_, *alone], strict=True)
        ]

    def shares(self, rows: Encoded) -> list[Shares]:
        """Return what the logits of rows are made of, against the typical impression."""
        return shares(self.logits, self.groups, rows, self._typical(len(rows)))

    def warm_up(self) -> None:
        """Choose the coalitions of so many groups as mostly differ: no caller waits for that."""
        for players in range(min(len(self.groups.every), _WARM) + 1):
            design(players, PAIRS)

    def _told(
        self, own: Shares, against: str, most: int, candidate: int | UnsetType = UNSET
    ) -> Explanation:
        """Tell the strongest shares as reasons."""
        strongest = np.argsort(-np.abs(own.of), kind="stable")[:most].tolist()
        reasons = [self._reason(own, place) for place in strongest if own.of[place] != 0]
        others = own.logit - own.baseline - sum(reason.logit for reason in reasons)
        before = float(sigmoid(np.array(own.baseline)))
        return Explanation(against, own.baseline, before, reasons, others, candidate)

    def _reason(self, own: Shares, place: int) -> Reason:
        group, share = self.groups.every[place], float(own.of[place])
        without = float(sigmoid(np.array(own.logit - share)))
        return Reason(
            group.name, group.words, share, without, group.source, group.changeable, group.features
        )

    def _typical(self, rows: int) -> Encoded:
        return self.typical[np.zeros(rows, np.intp)]
