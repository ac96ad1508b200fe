"""What every model of torch is: slots in, a logit out, by one network or several."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from clickthrough.config.model import TorchFamily
from clickthrough.models.dropout import FastDropout
from clickthrough.models.embeddings import Embeddings
from clickthrough.models.net import Fed, Net
from clickthrough.models.shape import InputShape


class CtrModel(nn.Module):
    """A click model: embeddings, networks over them, and last layers of each member.

    Embedding tables have sparse gradients and belong to :meth:`table_parameters`; an optimizer
    of their own touches only the rows of a batch.

    Args:
        settings: of its family.
        shape: what it is fed.
        make: makes a network of the family, with fresh weights.

    Attributes:
        shift: is added to every logit but those of training; it undoes what weights and sampling
            of the training rows did to the odds, shape ().
        nets: one a member; a single one where members share all.
        distill: see :class:`clickthrough.config.model.TorchFamily`; ``self_ensemble`` too.
    """

    shift: Tensor

    def __init__(self, settings: TorchFamily, shape: InputShape, make: Callable[[], Net]) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(()))
        self.shape, self.members = shape, settings.members
        self.distill, self.self_ensemble = settings.distill, settings.self_ensemble
        apart = settings.members if settings.share == "none" else 1
        tables = apart if shape.dims else 0
        self.embeddings = nn.ModuleList(Embeddings(shape) for _ in range(tables))
        self.embedding_dropout = FastDropout(settings.embedding_dropout)
        own = 1 if settings.share == "all" else settings.members
        self.nets = nn.ModuleList(make() for _ in range(own))
        self.lasts = nn.ModuleList(
            nn.ModuleList(nn.Linear(width, 1) for width in self.net.widths)
            for _ in range(settings.members)
        )
        self.bias = nn.Parameter(torch.zeros(settings.members)) if not self.net.widths else None
        self.scales = self._scales() if settings.share == "all" and self.members > 1 else None

    @property
    def net(self) -> Net:
        """The first network."""
        net = self.nets[0]
        assert isinstance(net, Net)  # noqa: S101
        return net

    def forward(self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor) -> Tensor:
        """Score impressions.

        Args:
            ids: int32, shape (n, id columns).
            numeric: float32, shape (n, numeric inputs).
            bag_ids: int32, shape (n, lengths of all bags).
            bag_weights: float32, the same shape.

        Returns:
            Logits, float32, shape (n,).
        """
        parts = self.part_logits(ids, numeric, bag_ids, bag_weights)
        return mean_of([mean_of(own) for own in parts]) + self.shift

    def member_logits(
        self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor
    ) -> Tensor:
        """Score impressions by each member, shape (n, members); ``shift`` is not added."""
        parts = self.part_logits(ids, numeric, bag_ids, bag_weights)
        return torch.stack([mean_of(own) for own in parts], dim=1)

    def part_logits(
        self, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor
    ) -> list[list[Tensor]]:
        """Score impressions by each part of each member, shape (n,); ``shift`` is not added."""
        given = ids, numeric, bag_ids, bag_weights
        if self.scales is not None:
            return self._all_shared(self._fed(0, *given))
        feds = [self._fed(place, *given) for place in range(max(len(self.embeddings), 1))]
        return [
            self._scored(member, feds[member % len(feds)], net)
            for member, net in enumerate(self.nets)
        ]

    def table_parameters(self) -> list[nn.Parameter]:
        """Return the embedding tables."""
        return list(self.embeddings.parameters())

    def tables_of(self) -> dict[str, list[str]]:
        """Return the name of each weight -> the tables whose rows follow one another in it."""
        made: dict[str, list[str]] = {}
        for place, embeddings in enumerate(self.embeddings):
            assert isinstance(embeddings, Embeddings)  # noqa: S101
            own = embeddings.tables_of().items()
            made |= {f"embeddings.{place}.{name}": tables for name, tables in own}
        return made

    def dense_parameters(self) -> list[nn.Parameter]:
        """Return every parameter that is not an embedding table."""
        tables = {id(parameter) for parameter in self.table_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in tables]

    def _scales(self) -> nn.Parameter:
        """Return what tells members apart that share all: a sign for each input of each."""
        drawn = torch.randint(0, 2, (self.members, self.net.width)) * 2 - 1
        return nn.Parameter(drawn.float())

    def _fed(
        self, place: int, ids: Tensor, numeric: Tensor, bag_ids: Tensor, bag_weights: Tensor
    ) -> Fed:
        """Embed impressions by one of the tables."""
        if not self.embeddings:
            return Fed(numeric[:, :0], numeric)
        embeddings = self.embeddings[place]
        assert isinstance(embeddings, Embeddings)  # noqa: S101
        embedded = self.embedding_dropout(embeddings(ids, bag_ids, bag_weights))
        sequences = [sequence for _, sequence in self.net.attends]
        held = [bag_ids[:, self.shape.places(sequence)] for sequence in sequences]
        keys = [embeddings.places(*each) for each in zip(sequences, held, strict=True)]
        return Fed(
            embedded,
            numeric,
            tuple(self.embedding_dropout(rows) for rows in keys),
            tuple((own != 0).to(numeric.dtype) for own in held),
        )

    def _scored(self, member: int, fed: Fed, net: nn.Module) -> list[Tensor]:
        assert isinstance(net, Net)  # noqa: S101
        return self._last(member, net.hidden(fed), net.beside(fed))

    def _last(self, member: int, hidden: Sequence[Tensor], beside: Tensor | None) -> list[Tensor]:
        """Score the hidden layers of a member's parts."""
        lasts = self.lasts[member]
        assert isinstance(lasts, nn.ModuleList)  # noqa: S101
        made = [last(own).squeeze(1) for last, own in zip(lasts, hidden, strict=True)]
        if beside is None:
            return made
        return [logits + beside for logits in made] or [beside + self.bias[member]]  # type: ignore[index]

    def _all_shared(self, fed: Fed) -> list[list[Tensor]]:
        """Score by members that differ in the scale of inputs and in last layers alone."""
        assert self.scales is not None  # noqa: S101
        count, width = self.members, fed.embedded.shape[1]
        scaled = (fed.joined.unsqueeze(0) * self.scales.unsqueeze(1)).flatten(0, 1)
        masks = tuple(torch.cat([mask] * count) for mask in fed.masks)
        wide = Fed(scaled[:, :width], scaled[:, width:], self._scaled_keys(fed), masks)
        hidden = [own.view(count, -1, own.shape[1]) for own in self.net.hidden(wide)]
        beside = self.net.beside(wide)
        apart = None if beside is None else beside.view(count, -1)
        return [
            self._last(
                member,
                [own[member] for own in hidden],
                None if apart is None else apart[member],
            )
            for member in range(count)
        ]

    def _scaled_keys(self, fed: Fed) -> tuple[Tensor, ...]:
        """Scale what is attended to as the id that asks: they stay comparable."""
        assert self.scales is not None  # noqa: S101
        spans = [self.shape.span(asking) for asking, _ in self.net.attends]
        return tuple(
            (keys.unsqueeze(0) * self.scales[:, None, None, span]).flatten(0, 1)
            for keys, span in zip(fed.keys, spans, strict=True)
        )


def mean_of(logits: Sequence[Tensor]) -> Tensor:
    """Return a mean, added up one after another.

    ONNX Runtime takes the mean of a single row in another order than of several.
    """
    total = logits[0]
    for other in logits[1:]:
        total = total + other
    return total / len(logits) if len(logits) > 1 else total
