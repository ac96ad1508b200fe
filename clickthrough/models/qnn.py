"""Quadratic layers (qnn)."""

from torch import Tensor, nn

from clickthrough.config.model import Qnn
from clickthrough.models.dropout import FastDropout
from clickthrough.models.net import Fed, Net
from clickthrough.models.shape import InputShape


class Quadratic(nn.Module):
    """x -> x * (1 + sum of the parts of H), H = dropout(relu(BatchNorm(W x))): (n, width) each.

    Args:
        width: of x.
        rank: parts of H, each as wide as x.
        dropout: of H.
    """

    def __init__(self, width: int, rank: int, dropout: float) -> None:
        super().__init__()
        self.rank = rank
        self.layers = nn.Sequential(
            nn.Linear(width, rank * width, bias=False),
            nn.BatchNorm1d(rank * width),
            nn.ReLU(),
            FastDropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Multiply x by what it says of itself."""
        factor = 1.0
        for part in self.layers(x).chunk(self.rank, dim=1):
            factor = factor + part
        return x * factor


class QnnNet(Net):
    """QNN-alpha (Li et al., 2025): the activation lies within the product, not behind it.

    z = w' x_L, see :class:`Quadratic`; the degree doubles with each layer. To take on logs of a few
    id columns, where it is the best network of the published ones that is this small. A layer costs
    rank * width^2: published ranks (4 to 13) are for some ten fields. With 486 inputs the default
    takes twice the time of ``mlp``, 3 layers of rank 4 five times.
    """

    def __init__(self, settings: Qnn, shape: InputShape) -> None:
        super().__init__(shape)
        self.layers = nn.Sequential(
            *(
                Quadratic(self.width, settings.rank, settings.dropout)
                for _ in range(settings.layers)
            )
        )
        self.widths = (self.width,)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        return [self.layers(fed.joined)]
