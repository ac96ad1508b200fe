"""Embeddings and a multi-layer perceptron (mlp), and one with a linear path (wide_deep)."""

from torch import Tensor, nn

from clickthrough.config.model import Mlp, WideDeep
from clickthrough.models.net import Fed, Net, perceptron
from clickthrough.models.shape import InputShape


class MlpNet(Net):
    """Embeddings joined with numbers; then linear, BatchNorm, ReLU, dropout a layer.

    z = w' MLP(x). The family to begin with: on counters and a few ids little is better.
    """

    def __init__(self, settings: Mlp | WideDeep, shape: InputShape) -> None:
        super().__init__(shape)
        self.layers = perceptron(self.width, settings.hidden, settings.dropout)
        self.widths = (settings.hidden[-1],)

    def hidden(self, fed: Fed) -> list[Tensor]:
        """See :meth:`Net.hidden`."""
        return [self.layers(fed.joined)]


class WideDeepNet(MlpNet):
    """A linear path from the numbers beside the perceptron (Cheng et al., 2016).

    z = w' MLP(x) + u' numbers. Where numbers are good as they are (smoothed rates in logits), the
    path hands them on, and the perceptron learns what is left.
    """

    def __init__(self, settings: WideDeep, shape: InputShape) -> None:
        super().__init__(settings, shape)
        self.linear = nn.Linear(shape.numeric, 1, bias=False) if shape.numeric else None
        if self.linear is not None:
            nn.init.zeros_(self.linear.weight)

    def beside(self, fed: Fed) -> Tensor | None:
        """See :meth:`Net.beside`."""
        return None if self.linear is None else self.linear(fed.numeric).squeeze(1)
