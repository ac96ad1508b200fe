"""Factorization machines: each pair of fields alike (fm), or weighed (fm with fwfm)."""

import torch
from torch import Tensor, nn

from clickthrough.config.model import DeepFm, Fm
from clickthrough.models.net import Fed, Net, added_up
from clickthrough.models.shape import InputShape


class FmNet(Net):
    """A factorization machine (Rendle, 2010), field-weighted on request (FwFM, Pan et al., 2018).

    z = b + sum w_i + sum over i < j of r_ij <v_i, v_j>; r_ij = 1, or learned with ``fwfm``. A field
    is a slot of a table, whose rows (n, dim + 1) hold v_i and then w_i, or a number, whose value
    times a learned vector is v_i. To take where logs are small and ids many: pairs that no row
    showed together have a product too. FM is half (sum v)^2 - sum v^2, next to nothing; FwFM costs
    (fields x fields) multiplications for each of the dim numbers.
    """

    def __init__(self, settings: Fm | DeepFm, shape: InputShape) -> None:
        super().__init__(shape)
        self.dim = settings.embedding_dim
        self.linear = nn.Linear(shape.numeric, 1, bias=False) if shape.numeric else None
        if self.linear is not None:
            nn.init.normal_(self.linear.weight, std=0.01)
            self.vectors = nn.Parameter(0.01 * torch.randn(shape.numeric, self.dim))
        fields = len(shape.dims) + shape.numeric
        weighed = isinstance(settings, Fm) and settings.fwfm
        self.pairs = nn.Parameter(torch.ones(fields, fields)) if weighed else None

    def beside(self, fed: Fed) -> Tensor:
        """See :meth:`Net.beside`."""
        given = [fed.embedded[:, :0]]
        if self.shape.dims:
            given.append(self.fields(fed.embedded)[:, :, -1])
        if self.linear is not None:
            given.append(self.linear(fed.numeric))
        crossed = self._summed(fed) if self.pairs is None else self._weighed(fed, self.pairs)
        return added_up(torch.cat(given, dim=1)) + crossed

    def vectors_of(self, fed: Fed) -> Tensor:
        """Return the v_i of the slots of tables, side by side, shape (n, slots * dim)."""
        if not self.shape.dims:
            return fed.embedded
        return self.fields(fed.embedded)[:, :, :-1].flatten(1)

    def _summed(self, fed: Fed) -> Tensor:
        """Return the sum of <v_i, v_j> over all pairs, shape (n,)."""
        own = self.vectors_of(fed)
        eye = torch.eye(self.dim, device=own.device, dtype=own.dtype)
        total = own @ eye.repeat(len(self.shape.dims), 1)
        squares = added_up(own * own)
        if self.linear is not None:
            total = total + fed.numeric @ self.vectors
            squares = squares + (fed.numeric * fed.numeric) @ (self.vectors * self.vectors).sum(1)
        return 0.5 * (added_up(total * total) - squares)

    def _weighed(self, fed: Fed, pairs: Tensor) -> Tensor:
        """Return the sum of r_ij <v_i, v_j> over all pairs, shape (n,)."""
        own = self.vectors_of(fed).view(fed.embedded.shape[0], len(self.shape.dims), self.dim)
        if self.linear is not None:
            own = torch.cat([own, fed.numeric.unsqueeze(2) * self.vectors], dim=1)
        by_number = own.transpose(1, 2)
        return added_up((by_number * (by_number @ torch.triu(pairs, 1))).flatten(1))
