"""The weights of a model under names that say what they are."""

from collections.abc import Iterator

from torch import Tensor, nn

from clickthrough.bundle.classic.score import table_key
from clickthrough.errors import BundleError
from clickthrough.models.base import CtrModel
from clickthrough.models.mlp import MlpModel


def embedding_dims(model: CtrModel, columns: list[str]) -> dict[str, int]:
    """Return the width of each column's embedding, in the order in which they are joined."""
    return {name: table.shape[1] for name, table in zip(columns, _tables(model), strict=True)}


def classic_weights(model: CtrModel, columns: list[str]) -> dict[str, Tensor]:
    """Return a state dict: a table a column instead of a fused one, layers by their kind.

    Args:
        model: any that a bundle can hold.
        columns: the names of id columns and bags, in the order of the model.

    Raises:
        BundleError: the model is of another kind, or has weights that have no name here.
    """
    perceptrons = _mlp(model)
    keys = [table_key(*placed) for placed in enumerate(columns)]
    made = {
        f"embeddings.{key}.weight": table.clone()  # else each would carry the whole fused table
        for key, table in zip(keys, _tables(model), strict=True)
    }
    for place, member in enumerate(perceptrons.members):
        made |= {f"members.{place}.{name}": tensor for name, tensor in _layers(member)}
        made[f"members.{place}.output.bias"] += model.shift
    if perceptrons.linear is not None:
        made["wide.weight"] = perceptrons.linear.weight.detach().clone()
    _refuse_loss(model, made)
    return made


def _mlp(model: CtrModel) -> MlpModel:
    if not isinstance(model, MlpModel):
        found = type(model).__name__
        raise BundleError(f"the classic layout holds perceptrons over embeddings; found {found}")
    return model


def _tables(model: CtrModel) -> list[Tensor]:
    embedding = _mlp(model).embedding
    return [] if embedding is None else embedding.tables()


def _layers(member: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a perceptron, statistics of BatchNorm included."""
    linears = [layer for layer in member.children() if isinstance(layer, nn.Linear)]
    norms = [layer for layer in member.children() if isinstance(layer, nn.BatchNorm1d)]
    named: dict[str, nn.Module] = {f"hidden_{i}": layer for i, layer in enumerate(linears[:-1])}
    named |= {f"norm_{i}": layer for i, layer in enumerate(norms)}
    for name, layer in {**named, "output": linears[-1]}.items():
        for part, tensor in layer.state_dict().items():
            yield f"{name}.{part}", tensor.detach().clone()


def _refuse_loss(model: CtrModel, made: dict[str, Tensor]) -> None:
    """Refuse to leave out a weight: as many numbers must come out as went in."""
    state = {name: tensor for name, tensor in model.state_dict().items() if name != "shift"}
    held = sum(tensor.numel() for tensor in state.values())  # the shift is part of every bias
    named = sum(tensor.numel() for tensor in made.values())
    if named != held:
        raise BundleError(f"the classic layout has names for {named:,} of {held:,} weights")
