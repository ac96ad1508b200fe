"""One step: from a batch to the next weights, however many processes share the batch."""

import torch
from torch import Tensor

from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel
from clickthrough.training.distributed.place import Place
from clickthrough.training.distributed.share import Share, share_of
from clickthrough.training.machine.device import Rows, sent
from clickthrough.training.optim.loss import Totals
from clickthrough.training.optim.objective import Target, objective
from clickthrough.training.optim.optimizers import Optimizers
from clickthrough.training.rows.batches import Batch
from clickthrough.training.rows.unseen import Unseen


class Step:
    """Takes steps.

    Args:
        model: on the place's device.
        rows: what batches name.
        settings: loss, precision, rates.
        place: where training runs.
        pos_weight: of a click in the binary cross-entropy.

    Attributes:
        optimizers: hold what they remember between steps.
        unseen: holds its generator.
    """

    def __init__(
        self,
        model: CtrModel,
        rows: Rows,
        settings: Training,
        place: Place,
        pos_weight: float = 1.0,
    ) -> None:
        self._model, self._rows, self._settings, self._place = model, rows, settings, place
        self._pos_weight = pos_weight
        self.optimizers = Optimizers(model, settings, place)
        self.unseen = Unseen(settings, place.device)

    def take(self, batch: Batch, factor: float, due: bool = False) -> Tensor:
        """Train on a batch.

        Args:
            batch: the global one; a process trains on its share.
            factor: what the learning rate is multiplied by.
            due: whether this process wants a checkpoint to be taken.

        Returns:
            The mean loss of the batch, and how many processes want one, shape (2,).
        """
        share = share_of(batch, self._place.group)
        places = sent(batch.rows, self._place.device)
        own = places[share.rows]
        passes = [self._logits(own, share) for _ in range(1 + self._model.self_ensemble)]
        loss = objective(
            passes,
            self._target(batch, places, share),
            self._model,
            self._settings,
            self._pos_weight,
        )
        return self.optimizers.step(loss, factor, due)

    def _logits(self, places: Tensor, share: Share) -> list[list[Tensor]]:
        """Return the logits of a share by each part of each member, shape (b,)."""
        ids, numeric, bag_ids, bag_weights = self._rows.inputs(places)
        ids, bag_ids = (self.unseen.replaced(each, share) for each in (ids, bag_ids))
        reduced = self._settings.precision == "bf16"
        with torch.autocast(self._place.device.type, torch.bfloat16, enabled=reduced):
            said = self._model.part_logits(ids, numeric, bag_ids, bag_weights)
        return [[part.float() for part in parts] for parts in said]

    def _target(self, batch: Batch, places: Tensor, share: Share) -> Target:
        """Return what a share's rows are; the losses of all shares add up to the batch's."""
        labels, weights = self._rows.labels(places), self._rows.weights(places)
        request = None
        if batch.request is not None:
            own = batch.request[share.rows]
            request = sent(own - own[:1], self._place.device)
        return Target(
            labels[share.rows],
            request,
            None if weights is None else weights[share.rows],
            Totals.of(labels, weights),
            self._place.group,
        )
