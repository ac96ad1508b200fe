"""Which model is trained: the families and their settings, told apart by ``name``.

Each is written down where its module is: ``models/``, a file a family.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from clickthrough.config.base import Strict, unknown_name

DEFAULT_FAMILY = "mlp"
"""What settings without a name are of."""
_WIDTH = 16

Width = Annotated[int, Field(ge=1, le=65_536)]
Count = Annotated[int, Field(ge=1, le=100)]
Share = Annotated[float, Field(ge=0, lt=1)]
Hidden = Annotated[list[Width], Field(min_length=1, max_length=100)]


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
    members: Count = 1
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
    """A family that compares embeddings with one another: all have one width.

    Attributes:
        embedding_dim: numbers that an id is embedded as, the same for all columns.
    """

    embedding_dim: Width = _WIDTH


class OwnWeight(OneWidth):
    """A family in which an id has a weight of its own beside what it is embedded as."""

    def dims(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the widths: the last number of a row is the id's own weight."""
        return (self.embedding_dim + 1,) * len(columns)


class Lr(TorchFamily):
    """Logistic regression: a weight an id and a weight a number.

    Attributes:
        embedding_dim: 1: an id is its weight.
    """

    name: Literal["lr"] = "lr"
    embedding_dim: Literal[1] = 1


class Fm(OwnWeight):
    """A factorization machine; ``fwfm`` weighs each pair of fields.

    Attributes:
        fwfm: whether each pair of fields has a weight of its own (FwFM).
    """

    name: Literal["fm"] = "fm"
    fwfm: bool = False


class Mlp(TorchFamily):
    """Embeddings and a multi-layer perceptron.

    Attributes:
        hidden: neurons of each hidden layer of the perceptron.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

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
    """A perceptron beside a linear path from the numeric inputs.

    Attributes:
        hidden: neurons of each hidden layer of the perceptron.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

    name: Literal["wide_deep"] = "wide_deep"
    hidden: Hidden = [512, 256, 128]
    dropout: Share = 0.1


class DeepFm(OwnWeight):
    """A factorization machine and a perceptron over the same embeddings.

    Attributes:
        hidden: neurons of each hidden layer of the perceptron.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

    name: Literal["deepfm"] = "deepfm"
    hidden: Hidden = [512, 256, 128]
    dropout: Share = 0.1


class DcnV2(TorchFamily):
    """Crossing layers beside a perceptron.

    Attributes:
        cross: how many crossing layers.
        rank: of the matrices of crossing layers; they are whole by default.
        gate: whether each crossing passes a gate (GDCN).
        hidden: neurons of each hidden layer of the perceptron; an empty list leaves the
            crossing layers alone.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

    name: Literal["dcn_v2"] = "dcn_v2"
    cross: Count = 3
    rank: Width | None = None
    gate: bool = False
    hidden: list[Width] = [256, 128]
    dropout: Share = 0.1


class Fcn(TorchFamily):
    """A linear and an exponential crossing network (DCNv3).

    Attributes:
        linear: how many layers the linear network has.
        exponential: how many layers the exponential network has.
        dropout: share of each crossing layer's numbers that a training step leaves out.
    """

    name: Literal["fcn"] = "fcn"
    linear: Count = 3
    exponential: Count = 3
    dropout: Share = 0.1


class FinalNet(TorchFamily):
    """Factorized interaction layers, in one branch or two.

    Attributes:
        branches: 2: the second sees the fields behind a gate, and both learn from their mean.
        hidden: neurons of each hidden layer of each branch.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

    name: Literal["final_net"] = "final_net"
    branches: Literal[1, 2] = 2
    hidden: Hidden = [256, 128]
    dropout: Share = 0.1


class FinalMlp(TorchFamily):
    """Two perceptrons with a gate each, joined by a product.

    Attributes:
        hidden: neurons of each hidden layer of the first perceptron.
        other: those of the second.
        heads: parts that the last layers of both are cut into, to be multiplied.
        context: the columns whose embeddings decide of the first gate, and of the second; a
            learned vector where none is named.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

    name: Literal["final_mlp"] = "final_mlp"
    hidden: Hidden = [256, 128]
    other: Hidden = [256, 128]
    heads: Width = 4
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
        blocks: how many blocks.
        block: numbers that each block makes.
        reduction: how many times as wide as its input a mask's hidden layer is.
        hidden: neurons of each hidden layer of the perceptron over the blocks.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

    name: Literal["mask_net"] = "mask_net"
    blocks: Count = 3
    block: Width = 64
    reduction: float = Field(default=0.5, gt=0, le=100)
    hidden: Hidden = [128]
    dropout: Share = 0.1


class Qnn(TorchFamily):
    """Quadratic layers.

    Attributes:
        layers: how many quadratic layers.
        rank: parts that each layer is the sum of.
        dropout: share of each quadratic layer's numbers that a training step leaves out.
    """

    name: Literal["qnn"] = "qnn"
    layers: Count = 2
    rank: Count = 2
    dropout: Share = 0.1


class Din(TorchFamily):
    """Attention of the candidate over the user's last items, then a perceptron.

    Attributes:
        attention: neurons of each hidden layer of what weighs a place of a sequence.
        hidden: neurons of each hidden layer of the perceptron.
        dropout: share of the neurons of a hidden layer that a training step leaves out.
    """

    name: Literal["din"] = "din"
    attention: Hidden = [32]
    hidden: Hidden = [512, 256, 128]
    dropout: Share = 0.1


class LightGbm(Strict):
    """Boosted trees (Ke et al., 2017).

    Attributes:
        objective: ``binary`` learns the click probability, ``lambdarank`` the order within a
            request; its scores become probabilities by calibration alone.
        rounds: the most trees.
        leaves: the most leaves of a tree. Time to score grows with ``rounds``.
        min_child: the least training rows of a leaf; ``auto`` is a thousandth of them, from 10 to
            100.
        row_fraction: share of the rows that a tree is fitted to; with ``lambdarank``, of requests.
        feature_fraction: share of the columns that a tree sees.
        l2: strength of L2 on the values of leaves.
        max_bin: the most thresholds of a column.
        patience: rounds without improvement on validation before stopping; null grows all rounds,
            and keeps them.
        learning_rate: by how much each tree's values are scaled.
    """

    name: Literal["lightgbm"] = "lightgbm"
    objective: Literal["binary", "lambdarank"] = "binary"
    rounds: int = Field(default=300, ge=1, le=100_000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    leaves: int = Field(default=31, ge=2, le=131_072)
    min_child: Annotated[int, Field(ge=1, le=2**31 - 1)] | Literal["auto"] = "auto"
    row_fraction: float = Field(default=0.8, gt=0, le=1)
    feature_fraction: float = Field(default=0.8, gt=0, le=1)
    l2: float = Field(default=10.0, ge=0)
    max_bin: int = Field(default=255, ge=2, le=65_535)
    patience: int | None = Field(default=50, ge=1)


TorchModel = (
    Lr | Fm | Mlp | WideDeep | DeepFm | DcnV2 | Fcn | FinalNet | FinalMlp | MaskNet | Qnn | Din
)
_FAMILIES: dict[str, type[Strict]] = {
    str(family.model_fields["name"].default): family for family in (*get_args(TorchModel), LightGbm)
}


def family_names() -> list[str]:
    """Return the names of all families."""
    return list(_FAMILIES)


def settings_of(name: str, **settings: Any) -> "Family":  # noqa: ANN401
    """Return the settings of a family, by its name."""
    return _FAMILIES[name].model_validate({"name": name, **settings})  # type: ignore[return-value]


def fitting(name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return those settings of another family that a family can have."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        try:
            settings_of(name, **{**kept, key: value})
        except ValidationError:
            continue
        kept[key] = value
    return kept


def _member(values: Any) -> Any:  # noqa: ANN401
    """Take a name alone for a family; a blend is none."""
    name = values.get("name") if isinstance(values, dict) else values
    if name == "blend":
        raise ValueError(f"a blend holds families ({', '.join(family_names())}), found a blend")
    return _named(values)


def _named(values: Any) -> Any:  # noqa: ANN401
    """Take a name alone for a family; name the nearest where there is none of that name."""
    values = {"name": values} if isinstance(values, str) else values
    if not isinstance(values, dict):
        return values
    name, known = values.get("name", DEFAULT_FAMILY), [*family_names(), "blend"]
    if name not in known:
        raise ValueError(f"name: {unknown_name(str(name), 'family', known)}")
    return {**values, "name": name}


class _OrItsName:
    """Says in a JSON schema that a name alone will do: all settings are the default ones."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        made = handler(schema)
        names = [*made["discriminator"]["mapping"]]
        return {"anyOf": [{"type": "string", "enum": names}, made]}


Family = TorchModel | LightGbm
_Member = Annotated[
    Annotated[Family, Field(discriminator="name")],
    BeforeValidator(_member),
    _OrItsName(),
]


class Blend(Strict):
    """Several families as one model.

    Attributes:
        members: families by name, or with settings; each is fitted by itself, and their logits are
            added up with weights fitted on the validation part.
    """

    name: Literal["blend"] = "blend"
    members: Annotated[list[_Member], Field(min_length=2)]


Model = Annotated[
    Annotated[Family | Blend, Field(discriminator="name")],
    BeforeValidator(_named),
    _OrItsName(),
]
