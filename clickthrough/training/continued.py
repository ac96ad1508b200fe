"""Training that goes on from a bundle: on new days, with new ids, from the old weights."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from clickthrough.bundle import layout
from clickthrough.bundle.load import Bundle
from clickthrough.config.root import Config
from clickthrough.errors import ConfigError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, UNSEEN, Vocabulary
from clickthrough.features.plan import Plan
from clickthrough.models.base import CtrModel
from clickthrough.schema import to_microseconds


@dataclass(frozen=True)
class Start:
    """Where training goes on from.

    Attributes:
        bundle: an earlier run's.
    """

    bundle: Bundle

    @property
    def since(self) -> int:
        """The first moment that the bundle has not seen, in microseconds since 1970 UTC."""
        return to_microseconds(datetime.fromisoformat(self.bundle.manifest.counters_until))

    def check(self, config: Config, plan: Plan) -> None:
        """Refuse a configuration that the weights do not fit.

        Raises:
            ConfigError: it declares other features or another model.
        """
        for differs, what in (
            (plan != self.bundle.plan, "features or counters"),
            (config.model != self.bundle.config.model, "model"),
        ):
            if differs:
                raise ConfigError(
                    f"{self.bundle.path}: was trained with another declaration of {what}; "
                    "its weights cannot be gone on from"
                )

    def encoder(self, fitted: Encoder) -> Encoder:
        """Return the bundle's encoder, grown by the ids that another met.

        Numbers keep their scale and rates their prior: the weights were learned for these.
        """
        old = self.bundle.encoder
        vocabularies = {
            name: Vocabulary(_united(old.vocabularies[name].values, vocabulary.values))
            for name, vocabulary in fitted.vocabularies.items()
        }
        return Encoder(fitted.plan, vocabularies, old.scalers, old.prior)

    def load(self, model: CtrModel, encoder: Encoder) -> None:
        """Put the bundle's weights into a model; new ids begin where unseen ones stood.

        Args:
            model: of the same kind, with tables for the encoder's ids.
            encoder: see :meth:`encoder`.
        """
        weights = load_file(self.bundle.path / layout.WEIGHTS)
        rows = torch.from_numpy(_old_rows(self.bundle.encoder, encoder))
        tables = {id(table) for table in model.table_parameters()}
        state = model.state_dict(keep_vars=True)
        with torch.no_grad():
            for name, value in state.items():
                given = weights.get(name)
                if given is not None and name != "shift":
                    value.copy_(given[rows] if id(value) in tables else given)


def _united(old: NDArray[np.generic], new: NDArray[np.generic]) -> NDArray[np.generic]:
    if not len(old) or not len(new):
        return new if len(new) else old
    return np.union1d(old, new)


def _old_rows(old: Encoder, new: Encoder) -> NDArray[np.int64]:
    """Return, for each row of the new fused table, the row of the old one that it begins with."""
    made, start = [], 0
    bags = {name: size for name, (size, _) in old.bag_shapes.items()}
    for name, size in (old.id_sizes | bags).items():
        vocabulary = new.vocabularies.get(name)
        rows = np.arange(size)
        if vocabulary is not None:
            known = old.vocabularies[name].encode(vocabulary.values).astype(np.int64)
            known[known < FIRST_KNOWN] = UNSEEN
            rows = np.concatenate([np.arange(FIRST_KNOWN), known])
        made.append(start + rows)
        start += size
    return np.concatenate(made) if made else np.zeros(1, np.int64)
