import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.training.optim.loss import listwise_loss, training_loss

numbers = st.floats(-30, 30, width=32)
requests = st.lists(
    st.lists(st.tuples(numbers, st.sampled_from([0.0, 0.0, 1.0])), min_size=1, max_size=6),
    min_size=1,
    max_size=6,
)


def tensors(
    drawn: list[list[tuple[float, float]]],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows = [(s, y, i) for i, request in enumerate(drawn) for s, y in request]
    logits, labels, request = zip(*rows, strict=True)
    return torch.tensor(logits), torch.tensor(labels), torch.tensor(request)


@settings(max_examples=60, deadline=None)
@given(drawn=requests)
def test_the_listwise_loss_is_the_cross_entropy_of_each_click(
    drawn: list[list[tuple[float, float]]],
) -> None:
    terms = []
    for request in drawn:
        scores = np.array([s for s, _ in request])
        log_share = scores - np.log(np.sum(np.exp(scores - scores.max()))) - scores.max()
        terms += [-share for share, (_, y) in zip(log_share, request, strict=True) if y == 1]
    expected = float(np.mean(terms)) if terms else 0.0
    assert float(listwise_loss(*tensors(drawn))) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_score_that_all_candidates_share_changes_nothing() -> None:
    logits, labels, request = tensors([[(0.3, 1.0), (1.0, 0.0)], [(2.0, 0.0), (0.1, 1.0)]])
    moved = logits + torch.tensor([5.0, -5.0])[request]
    torch.testing.assert_close(
        listwise_loss(logits, labels, request), listwise_loss(moved, labels, request)
    )


def test_extreme_scores_have_a_finite_loss_and_gradient() -> None:
    logits, labels, request = tensors([[(1e4, 0.0), (-1e4, 1.0)], [(-1e4, 1.0), (-1e4, 0.0)]])
    logits.requires_grad_()
    loss = listwise_loss(logits, labels, request)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert logits.grad is not None and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_two_losses_are_weighed(weight: float) -> None:
    logits, labels, request = tensors([[(0.3, 1.0), (1.0, 0.0)], [(2.0, 0.0), (0.1, 1.0)]])
    point = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    expected = (1 - weight) * point + weight * listwise_loss(logits, labels, request)
    torch.testing.assert_close(training_loss(logits, labels, request, weight), expected)
