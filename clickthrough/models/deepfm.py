"""A factorization machine and a perceptron over the same embeddings (deepfm)."""

import torch
from torch import Tensor

from clickthrough.config.model import DeepFm
from clickthrough.models.fm import FmNet
from clickthrough.models.net import Fed, perceptron
from clickthrough.models.shape import InputShape


class DeepFmNet(FmNet):
    """DeepFM (Guo et al., 2017): the machine finds pairs, the perceptron what is of higher order.

    z = FM(x) + w' MLP(x), x the vectors (n, slots * dim) and the numbers: the ids' own weights are
    the machine's alone, for they are in its logit already. To take where pairs of ids matter and
    the perceptron by itself is slow to find them.
    """

    def __init__(self, settings: DeepFm, shape: InputShape) -> None:
        super().__init__(settings, shape)
        width = len(shape.dims) * self.dim + shape.numeric
        self.layers = perceptron(width, settings.hidden, settings.dropout)
        self.widths = (settings.hidden[-1],)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        return [self.layers(torch.cat([self.vectors_of(fed), fed.numeric], dim=1))]
