"""Weights that nothing depends on are not trained."""

from itertools import pairwise

from torch import nn


def still_redundant_biases(model: nn.Module) -> None:
    """Leave biases that BatchNorm takes away again as they are.

    Their gradient is 0 but for rounding, and Adam, which divides by its size, makes steps of that:
    a random walk that no prediction sees, but that no two ways of summing agree on.

    Args:
        model: its biases before a BatchNorm lose their gradient.
    """
    for module in model.modules():
        if isinstance(module, nn.Sequential):
            for layer, after in pairwise(module):
                takes_away = isinstance(after, nn.BatchNorm1d)
                if takes_away and isinstance(layer, nn.Linear) and layer.bias is not None:
                    layer.bias.requires_grad_(False)
