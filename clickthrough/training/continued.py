"""Training that goes on from a bundle: on new days, with new ids, from the old weights."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.module import load_module
from clickthrough.config.model import TorchFamily
from clickthrough.config.root import Config
from clickthrough.errors import ConfigError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, UNSEEN, Vocabulary
from clickthrough.features.plan import Plan
from clickthrough.features.slots import table_sizes
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

    def settled(self, config: Config) -> Config:
        """Return a configuration with the bundle's widths where it leaves widths to the log.

        Raises:
            ConfigError: of a family whose fits cannot be gone on from.
        """
        own, old = config.model, self.bundle.config.model
        if not isinstance(own, TorchFamily):
            raise ConfigError(
                f"{self.bundle.path}: '{own.name}' is fitted anew each time; leave out --from"
            )
        if own.embedding_dim != "auto" or not isinstance(old, TorchFamily):
            return config
        widths = {"embedding_dim": old.embedding_dim}
        return config.model_copy(update={"model": own.model_copy(update=widths)})

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
        return Encoder(fitted.plan, vocabularies, old.scalers, old.prior, old.kin)

    def load(self, model: CtrModel, encoder: Encoder) -> None:
        """Put the bundle's weights into a model; new ids begin where unseen ones stood.

        Args:
            model: of the same kind, with tables for the encoder's ids.
            encoder: see :meth:`encoder`.
        """
        weights = load_module(self.bundle).state_dict()
        tables = model.tables_of()
        with torch.no_grad():
            for name, value in model.state_dict().items():
                given = weights.get(name)
                if given is None or name == "shift":
                    continue
                if name in tables:
                    given = given[_old_rows(self.bundle.encoder, encoder, tables[name])]
                value.copy_(given)


def _united(old: NDArray[np.generic], new: NDArray[np.generic]) -> NDArray[np.generic]:
    if not len(old) or not len(new):
        return new if len(new) else old
    return np.union1d(old, new)


def _old_rows(old: Encoder, new: Encoder, tables: list[str]) -> torch.Tensor:
    """Return, for each row of a new fused table, the row of the old one that it begins with."""
    made, start = [], 0
    sizes = table_sizes(old.slots)
    for name, size in [(table, sizes[table]) for table in tables]:
        vocabulary = new.vocabularies.get(name)
        rows = np.arange(size)
        if vocabulary is not None:
            known = old.vocabularies[name].encode(vocabulary.values).astype(np.int64)
            known[known < FIRST_KNOWN] = UNSEEN
            rows = np.concatenate([np.arange(FIRST_KNOWN), known])
        made.append(start + rows)
        start += size
    return torch.from_numpy(np.concatenate(made))
