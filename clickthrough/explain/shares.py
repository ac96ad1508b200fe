"""The shares that groups of inputs have in a logit, of many rows in one batch of the graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.explain.design import MOST_EXACT, Design, design
from clickthrough.explain.groups import Groups
from clickthrough.features.encoding.encoder import Encoded

Floats = NDArray[np.float64]
Score = Callable[[Encoded], Floats]
"""Calibrated logits of encoded rows, shape (n,)."""
PAIRS = 16
"""Permutations, each with its reverse; ``benchmarks/explain.py`` shows what more would gain."""
_ROWS = 16_384
"""Scored at a time."""


@dataclass(frozen=True)
class Shares:
    """What one row's logit is made of: ``baseline + of.sum() == logit``, but for rounding.

    Attributes:
        baseline: the logit of what the row is explained against.
        logit: its own.
        of: the share of each group, shape (groups,).
    """

    baseline: float
    logit: float
    of: Floats


def shares(
    score: Score,
    groups: Groups,
    rows: Encoded,
    against: Encoded,
    pairs: int = PAIRS,
    most_exact: int = MOST_EXACT,
) -> list[Shares]:
    """Return the Shapley values of groups of inputs.

    A coalition's value is the logit of the row in which all other groups are those of the row that
    it is explained against. Groups in which the two are equal have no share.

    Args:
        score: the graph and its calibrator.
        groups: the players.
        rows: what is explained.
        against: for each of them another row.
        pairs: permutations, each taken forwards and backwards, where there are too many groups.
        most_exact: groups up to which every coalition is valued.
    """
    tasks = [
        _Task.of(groups, rows[place : place + 1], against[place : place + 1], pairs, most_exact)
        for place in range(len(rows))
    ]
    made: list[Shares] = []
    for batch in _batches(tasks):
        values = score(Encoded.joined([task.mixed(groups) for task in batch]))
        ends = np.cumsum([len(task.design.members) for task in batch])
        parts = np.split(values, ends[:-1])
        made += [task.read(own, len(groups.every)) for task, own in zip(batch, parts, strict=True)]
    return made


def mixed(groups: Groups, members: NDArray[np.bool_], row: Encoded, other: Encoded) -> Encoded:
    """Return a row in which the inputs of some groups are another row's, for each choice of them.

    Args:
        groups: the groups.
        members: whose inputs are the row's own, shape (n, groups).
        row: one row.
        other: another.
    """
    in_bags = members.take(groups.bags, axis=1)  # contiguous, as some runtimes need
    return Encoded(
        np.where(members.take(groups.ids, axis=1), row.ids, other.ids),
        np.where(members.take(groups.numeric, axis=1), row.numeric, other.numeric),
        np.where(in_bags, row.bag_ids, other.bag_ids),
        np.where(in_bags, row.bag_weights, other.bag_weights),
    )


@dataclass(frozen=True)
class _Task:
    """One row and what it is explained against; the players are the groups that differ."""

    row: Encoded
    against: Encoded
    players: NDArray[np.intp]
    design: Design

    @classmethod
    def of(
        cls, groups: Groups, row: Encoded, against: Encoded, pairs: int, most_exact: int
    ) -> "_Task":
        differs = np.zeros(len(groups.every), bool)
        differs[groups.ids[row.ids[0] != against.ids[0]]] = True
        differs[groups.numeric[row.numeric[0] != against.numeric[0]]] = True
        weighs = row.bag_weights[0] != against.bag_weights[0]
        differs[groups.bags[weighs | (row.bag_ids[0] != against.bag_ids[0])]] = True
        players = np.flatnonzero(differs)
        return cls(row, against, players, design(len(players), pairs, most_exact))

    def mixed(self, groups: Groups) -> Encoded:
        """Return a row for each coalition, its members' inputs from the row itself."""
        members = np.zeros((len(self.design.members), len(groups.every)), bool)
        members[:, self.players] = self.design.members
        return mixed(groups, members, self.row, self.against)

    def read(self, values: Floats, groups: int) -> Shares:
        """Make shares of the coalitions' values."""
        of = np.zeros(groups)
        of[self.players] = self.design.weights @ values
        return Shares(float(values[0]), float(values[-1]), of)


def _batches(tasks: Sequence[_Task]) -> list[list[_Task]]:
    """Divide tasks, so that no batch has many more rows than the graph is to be given at once."""
    made: list[list[_Task]] = []
    rows = _ROWS
    for task in tasks:
        if rows >= _ROWS:
            made.append([])
            rows = 0
        made[-1].append(task)
        rows += len(task.design.members)
    return made
