"""Logistic regression (lr)."""

import torch
from torch import Tensor, nn

from clickthrough.config.model import Lr
from clickthrough.models.net import Fed, Net, added_up
from clickthrough.models.shape import InputShape


class LrNet(Net):
    """Logistic regression on ids and numbers (Richardson et al., 2007; McMahan et al., 2013).

    z = b + sum w_id + u' numbers. A row of a table is an id's weight, (n, ids) of them a row; a bag
    gives the mean weight of its ids. Nothing is crossed: what two columns say together must be a
    column of its own. The one to be beaten, and to take where a weight an id must be read out.
    """

    def __init__(self, settings: Lr, shape: InputShape) -> None:
        super().__init__(shape)
        self.linear = nn.Linear(shape.numeric, 1, bias=False) if shape.numeric else None
        if self.linear is not None:
            nn.init.normal_(self.linear.weight, std=0.01)

    def beside(self, fed: Fed) -> Tensor:
        """See :meth:`Net.beside`."""
        given = [] if self.linear is None else [self.linear(fed.numeric)]
        return added_up(torch.cat([fed.embedded, *given], dim=1))
