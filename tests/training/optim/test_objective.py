"""What training minimizes of an ensemble, term by term, against numbers made by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel
from clickthrough.training.distributed.group import ALONE, Group
from clickthrough.training.optim.loss import Totals, listwise_loss
from clickthrough.training.optim.objective import Target, objective
from tests.models.families import built

LABELS = [1.0, 0.0, 0.0, 1.0]
ONE, OTHER = [0.5, -1.0, 2.0, 0.0], [1.5, 0.2, -0.4, -2.0]
GOOD = [2.0, -1.0, -2.0, 1.0]


def entropy(logits: Sequence[float], targets: Sequence[float], clicks: float = 1.0) -> float:
    """Return the mean cross-entropy of logits."""
    p = 1 / (1 + np.exp(-np.array(logits)))
    y = np.array(targets)
    return float(np.mean(-clicks * y * np.log(p) - (1 - y) * np.log(1 - p)))


def sigmoid(logits: Sequence[float]) -> list[float]:
    return [float(p) for p in 1 / (1 + np.exp(-np.array(logits)))]


def mean(*several: Sequence[float]) -> list[float]:
    return [float(value) for value in np.mean(several, axis=0)]


def target(labels: Sequence[float] = LABELS, **more: Any) -> Target:  # noqa: ANN401
    told = torch.tensor(labels)
    totals = Totals.of(told, more.get("weights"))
    given = {"request": None, "weights": None, "totals": totals, "group": ALONE}
    return Target(told, **(given | more))


def loss(
    passes: Sequence[Sequence[Sequence[Sequence[float] | Tensor]]],
    model: CtrModel,
    told: Target | None = None,
    pos_weight: float = 1.0,
    **settings: Any,  # noqa: ANN401
) -> Tensor:
    """Return the objective of passes, members, parts."""
    logits = [
        [[torch.as_tensor(part) for part in parts] for parts in members] for members in passes
    ]
    return objective(logits, told or target(), model, Training(**settings), pos_weight)


def model_of(form: str = "mlp", members: int = 1, distill: float = 0.0) -> CtrModel:
    model = built(form, "tables" if members > 1 else "one")
    model.distill = distill
    return model


def test_of_one_member_it_is_its_own_cross_entropy() -> None:
    assert float(loss([[[ONE]]], model_of())) == pytest.approx(entropy(ONE, LABELS))


def test_of_several_it_is_the_mean_of_their_losses_not_the_loss_of_their_mean() -> None:
    found = float(loss([[[ONE], [OTHER]]], model_of(members=3)))
    assert found == pytest.approx((entropy(ONE, LABELS) + entropy(OTHER, LABELS)) / 2)
    assert found > entropy(mean(ONE, OTHER), LABELS) + 0.05


def test_a_member_is_also_to_say_what_the_mean_of_all_says() -> None:
    found = float(loss([[[ONE], [OTHER]]], model_of(members=3, distill=0.5)))
    told = sigmoid(mean(ONE, OTHER))
    expected = [entropy(own, LABELS) + 0.5 * entropy(own, told) for own in (ONE, OTHER)]
    assert found == pytest.approx(sum(expected) / 2)


def test_the_mean_that_members_learn_from_does_not_move_towards_them() -> None:
    logits = [torch.tensor(own, requires_grad=True) for own in (ONE, OTHER)]
    loss([[[own] for own in logits]], model_of(members=3, distill=0.5)).backward()  # type: ignore[no-untyped-call]
    told = np.array(sigmoid(mean(ONE, OTHER)))
    for own in logits:
        p = np.array(sigmoid(own.tolist()))
        expected = ((p - LABELS) + 0.5 * (p - told)) / 4 / 2  # a mean of rows, and of members
        assert own.grad is not None
        np.testing.assert_allclose(own.grad, expected, rtol=1e-5)


def test_two_passes_are_scored_by_their_mean_and_each_is_to_say_what_it_says() -> None:
    found = float(loss([[[ONE]], [[OTHER]]], model_of()))
    whole = mean(ONE, OTHER)
    agreeing = entropy(ONE, sigmoid(whole)) + entropy(OTHER, sigmoid(whole))
    assert found == pytest.approx(entropy(whole, LABELS) + agreeing)


def test_a_part_that_is_worse_than_the_mean_learns_by_itself() -> None:
    """FCN: L + sum of max(0, L_k - L) L_k, the factor in front being a mere number."""
    logits = [torch.tensor(own, requires_grad=True) for own in (GOOD, OTHER)]
    found = loss([[logits]], model_of("fcn"))
    whole = entropy(mean(GOOD, OTHER), LABELS)
    losses = [entropy(own, LABELS) for own in (GOOD, OTHER)]
    weights = [max(0.0, own - whole) for own in losses]
    assert min(weights) == 0 < max(weights)
    assert float(found.detach()) == pytest.approx(whole + float(np.dot(weights, losses)))
    found.backward()  # type: ignore[no-untyped-call]
    p = np.array(sigmoid(mean(GOOD, OTHER)))
    for own, weight in zip(logits, weights, strict=True):
        by_itself = weight * (np.array(sigmoid(own.tolist())) - LABELS) / 4
        assert own.grad is not None
        np.testing.assert_allclose(own.grad, (p - LABELS) / 4 / 2 + by_itself, rtol=1e-5)


def test_a_branch_is_also_to_say_what_the_mean_of_both_says() -> None:
    found = float(loss([[[ONE, OTHER]]], model_of("final_net")))
    whole = mean(ONE, OTHER)
    agreeing = entropy(ONE, sigmoid(whole)) + entropy(OTHER, sigmoid(whole))
    assert found == pytest.approx(entropy(whole, LABELS) + agreeing)


def test_parts_of_two_passes_count_once() -> None:
    found = float(loss([[[ONE, OTHER]], [[ONE, OTHER]]], model_of("final_net")))
    whole = mean(ONE, OTHER)
    of_parts = entropy(ONE, sigmoid(whole)) + entropy(OTHER, sigmoid(whole))
    of_passes = 2 * entropy(whole, sigmoid(whole))
    assert found == pytest.approx(entropy(whole, LABELS) + of_parts + of_passes)


@pytest.mark.parametrize("form", ["mlp", "final_net"])
def test_the_losses_of_shares_of_a_batch_add_up(form: str) -> None:
    model = model_of(form, members=3, distill=0.3)
    parts = [ONE, OTHER] if form == "final_net" else [ONE]
    members = [parts, [OTHER for _ in parts]]
    weights = torch.tensor([1.0, 0.5, 2.0, 3.0])
    whole = target(weights=weights)
    shares = []
    for rows in (slice(0, 1), slice(1, 4)):
        own = target(LABELS[rows], weights=weights[rows], totals=whole.totals)
        shares.append(float(loss([[[p[rows] for p in m] for m in members]], model, own)))
    assert sum(shares) == pytest.approx(float(loss([members], model, whole)))


def test_a_share_weighs_its_parts_as_the_whole_batch_would() -> None:
    model = model_of("fcn")
    once = float(loss([[[ONE, OTHER]]], model))
    totals = Totals.of(torch.tensor(LABELS * 2))

    class Twice(Group):
        def add(self, values: Tensor) -> None:
            values *= 2

    half = float(loss([[[ONE, OTHER]]], model, target(totals=totals, group=Twice())))
    assert half == pytest.approx(once / 2)


def test_weights_of_rows_and_of_clicks_hold_for_a_member_and_weights_of_rows_for_agreeing() -> None:
    weights = torch.tensor([1.0, 0.0, 0.0, 1.0])  # the clicks alone
    model = model_of(members=3, distill=0.5)
    found = float(loss([[[ONE], [OTHER]]], model, target(weights=weights), pos_weight=3.0))
    rows = [0, 3]
    told = [sigmoid(mean(ONE, OTHER))[row] for row in rows]
    expected = []
    for own in ([ONE[row] for row in rows], [OTHER[row] for row in rows]):
        expected.append(entropy(own, [1.0, 1.0], clicks=3.0) + 0.5 * entropy(own, told))
    assert found == pytest.approx(sum(expected) / 2)


def test_a_listwise_loss_is_of_each_member_too() -> None:
    request = torch.tensor([0, 0, 1, 1])
    found = loss([[[ONE], [OTHER]]], model_of(members=3), target(request=request), listwise=1.0)
    labels = torch.tensor(LABELS)
    both = [listwise_loss(torch.tensor(own), labels, request) for own in (ONE, OTHER)]
    torch.testing.assert_close(found, torch.stack(both).mean())
