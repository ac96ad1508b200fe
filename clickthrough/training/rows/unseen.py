"""Ids that are taken away at random, so that the row of the unseen id is trained."""

import torch
from torch import Tensor

from clickthrough.config.training import Training
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.training.distributed.share import Share


class Unseen:
    """Replaces a small share of ids by the unseen id.

    Every process draws for the whole batch from the same generator and keeps what concerns its
    own rows, so that it does not matter how many share a batch.

    Args:
        settings: ``unseen_share`` and the seed.
        device: where ids are.

    Attributes:
        generator: what it draws from, on the device.
    """

    def __init__(self, settings: Training, device: torch.device) -> None:
        self.generator = torch.Generator(device).manual_seed(settings.seed)
        self._share = settings.unseen_share

    def replaced(self, ids: Tensor, share: Share) -> Tensor:
        """Return the ids of a share, shape (b, columns), some of them replaced."""
        if not self._share or not ids.shape[1]:
            return ids
        shape = (share.of, ids.shape[1])
        drawn = torch.rand(shape, generator=self.generator, device=ids.device)
        return ids.masked_fill(drawn[share.rows] < self._share, UNSEEN)
