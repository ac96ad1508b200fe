"""Which model is trained: the families and their settings, told apart by ``name``.

Each is written down where its module is: ``models/``, a file a family.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from clickthrough.config.base import Strict, unknown_name

_WIDTH = 16

Width = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Hidden = Annotated[list[Width], Field(min_length=1)]


class TorchFamily(Strict):
    """What every family of torch has: tables, and an ensemble of any number of members.

    Attributes:
        embedding_dim: numbers that an id is embedded as: one width for all columns; ``auto``, 32
            to 128 by cardinality and frequency; or column -> width, with 16 for the others. The
            bundle's configuration names the widths that ``auto`` came to.
        embedding_dropout: share of these numbers that a training step sets to 0.
        members: how many networks; each has a loss of its own, and their mean logit is the
            model's. Several vary less from seed to seed, which tells on small logs.
        share: what members have in common: nothing, the embedding ``tables``, or ``all`` but a
            scale of each input and the last layer (TabM-mini, Gorishniy et al., 2024).
        distill: weight of a second loss of each member: to say what the members' mean says.
        self_ensemble: whether a step sees each row twice, under two draws of dropout, and each
            pass is also to say what their mean says.
    """

    embedding_dim: Width | Literal["auto"] | dict[str, Width] = _WIDTH
    embedding_dropout: Share = 0.0
    members: int = Field(default=1, ge=1)
    share: Literal["none", "tables", "all"] = "tables"
    distill: float = Field(default=0.0, ge=0)
    self_ensemble: bool = False

    def dims(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the width of each column's rows in its table.

        Raises:
            ValueError: ``auto`` has not been settled on a log yet.
        """
        given = self.embedding_dim
        if given == "auto":
            raise ValueError("embedding_dim: auto is settled on a log's training rows")
        if isinstance(given, int):
            return (given,) * len(columns)
        return tuple(given.get(column, _WIDTH) for column in columns)

    @model_validator(mode="after")
    def _of_several(self) -> Self:
        if self.distill and self.members == 1:
            raise ValueError("distill: members learn from each other; expected 2 or more")
        return self


class OneWidth(TorchFamily):
    """A family that compares embeddings with one another: all have one width."""

    embedding_dim: Width = _WIDTH


class Lr(TorchFamily):
    """Logistic regression: a weight an id and a weight a number."""

    name: Literal["lr"] = "lr"
    embedding_dim: Literal[1] = 1


class Fm(OneWidth):
    """A factorization machine; ``fwfm`` weighs each pair of fields."""

    name: Literal["fm"] = "fm"
    fwfm: bool = False

    def dims(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the widths: the last number of a row is the id's own weight."""
        return (self.embedding_dim + 1,) * len(columns)


class Mlp(TorchFamily):
    """Embeddings and a multi-layer perceptron."""

    name: Literal["mlp"] = "mlp"
    hidden: Hidden = [512, 256, 128]
    dropout: Share = 0.1

    @model_validator(mode="before")
    @classmethod
    def _wide_is_a_family(cls, values: Any) -> Any:  # noqa: ANN401
        if isinstance(values, dict) and "wide" in values and values.get("name") == "mlp":
            raise ValueError("wide: is a family of its own now: write 'name: wide_deep' instead")
        return values


class WideDeep(TorchFamily):
    """A perceptron beside a linear path from the numeric inputs."""

    name: Literal["wide_deep"] = "wide_deep"
    hidden: Hidden = [512, 256, 128]
    dropout: Share = 0.1


class DeepFm(OneWidth):
    """A factorization machine and a perceptron over the same embeddings."""

    name: Literal["deepfm"] = "deepfm"
    hidden: Hidden = [512, 256, 128]
    dropout: Share = 0.1

    def dims(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the widths: the last number of a row is the id's own weight."""
        return (self.embedding_dim + 1,) * len(columns)


class DcnV2(TorchFamily):
    """Crossing layers beside a perceptron.

    Attributes:
        cross: crossing layers.
        rank: of their matrices; whole ones by default.
        gate: whether each crossing passes a gate (GDCN).
        hidden: of the perceptron; an empty list leaves the crossing layers alone.
    """

    name: Literal["dcn_v2"] = "dcn_v2"
    cross: int = Field(default=3, ge=1)
    rank: Width | None = None
    gate: bool = False
    hidden: list[Width] = [256, 128]
    dropout: Share = 0.1


class Fcn(TorchFamily):
    """A linear and an exponential crossing network (DCNv3).

    Attributes:
        linear: layers of the linear one.
        exponential: layers of the exponential one.
    """

    name: Literal["fcn"] = "fcn"
    linear: int = Field(default=3, ge=1)
    exponential: int = Field(default=3, ge=1)
    dropout: Share = 0.1


class FinalNet(TorchFamily):
    """Factorized interaction layers, in one branch or two.

    Attributes:
        branches: 2: the second sees the fields behind a gate, and both learn from their mean.
    """

    name: Literal["final_net"] = "final_net"
    branches: Literal[1, 2] = 2
    hidden: Hidden = [256, 128]
    dropout: Share = 0.1


class FinalMlp(TorchFamily):
    """Two perceptrons with a gate each, joined by a product.

    Attributes:
        hidden: of the first.
        other: of the second.
        heads: parts that the last layers of both are cut into, to be multiplied.
        context: the columns whose embeddings decide of the first gate, and of the second; a
            learned vector where none is named.
    """

    name: Literal["final_mlp"] = "final_mlp"
    hidden: Hidden = [256, 128]
    other: Hidden = [256, 128]
    heads: int = Field(default=4, ge=1)
    context: tuple[list[str], list[str]] = ([], [])
    dropout: Share = 0.1

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        for name, width in (("hidden", self.hidden[-1]), ("other", self.other[-1])):
            if width % self.heads:
                raise ValueError(
                    f"{name}: the last layer, {width}, has no {self.heads} equal heads; "
                    f"expected a multiple of 'heads'"
                )
        return self


class MaskNet(TorchFamily):
    """Blocks that an instance-guided mask goes over, side by side.

    Attributes:
        blocks: how many.
        block: numbers that each makes.
        reduction: how many times as wide as its input a mask's hidden layer is.
    """

    name: Literal["mask_net"] = "mask_net"
    blocks: int = Field(default=3, ge=1)
    block: Width = 64
    reduction: float = Field(default=0.5, gt=0)
    hidden: Hidden = [128]
    dropout: Share = 0.1


class Qnn(TorchFamily):
    """Quadratic layers.

    Attributes:
        layers: how many.
        rank: parts of each.
    """

    name: Literal["qnn"] = "qnn"
    layers: int = Field(default=2, ge=1)
    rank: int = Field(default=2, ge=1)
    dropout: Share = 0.1


class Din(TorchFamily):
    """Attention of the candidate over the user's last items, then a perceptron.

    Attributes:
        attention: hidden layers of what weighs a place of a sequence.
    """

    name: Literal["din"] = "din"
    attention: Hidden = [32]
    hidden: Hidden = [512, 256, 128]
    dropout: Share = 0.1


Family = (
    Lr | Fm | Mlp | WideDeep | DeepFm | DcnV2 | Fcn | FinalNet | FinalMlp | MaskNet | Qnn | Din
)
_FAMILIES: dict[str, type[TorchFamily]] = {
    str(family.model_fields["name"].default): family for family in get_args(Family)
}


def family_names() -> list[str]:
    """Return the names of all families."""
    return list(_FAMILIES)


def settings_of(name: str, **settings: Any) -> "Model":  # noqa: ANN401
    """Return the settings of a family, by its name."""
    return _FAMILIES[name].model_validate({"name": name, **settings})  # type: ignore[return-value]


def _told_apart(values: Any) -> Any:  # noqa: ANN401
    """Take a model without a name for a perceptron; name the nearest family where there is none."""
    if not isinstance(values, dict):
        return values
    name = values.get("name", "mlp")
    if name not in _FAMILIES:
        raise ValueError(f"name: {unknown_name(str(name), 'family', family_names())}")
    return {**values, "name": name}


Model = Annotated[
    Annotated[Family, Field(discriminator="name")],
    BeforeValidator(_told_apart),
]
