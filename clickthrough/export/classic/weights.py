"""The weights of a model under names that say what they are."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from clickthrough.errors import BundleError
from clickthrough.export.classic.model_def import table_key
from clickthrough.models.base import CtrModel
from clickthrough.models.embeddings import Embeddings
from clickthrough.models.mlp import MlpNet, WideDeepNet


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
    nets = _perceptrons(model)
    keys = [table_key(*placed) for placed in enumerate(columns)]
    made = {
        f"embeddings.{key}.weight": table.clone()  # else each would carry the whole fused table
        for key, table in zip(keys, _tables(model), strict=True)
    }
    for place, (net, last) in enumerate(zip(nets, model.lasts, strict=True)):
        assert isinstance(last, nn.ModuleList)  # noqa: S101
        made |= {f"members.{place}.{name}": tensor for name, tensor in _layers(net, last[0])}
        made[f"members.{place}.output.bias"] += model.shift
    paths = [net.linear for net in nets if isinstance(net, WideDeepNet)]
    if any(path is not None for path in paths):
        made["wide.weight"] = torch.cat([path.weight.detach() for path in paths if path])
    _refuse_loss(model, made)
    return made


def _perceptrons(model: CtrModel) -> list[MlpNet]:
    nets = [net for net in model.nets if isinstance(net, MlpNet)]
    if len(nets) != len(model.nets) or len(nets) != model.members or len(model.embeddings) > 1:
        raise BundleError(
            "the classic layout holds models of the families mlp and wide_deep, whose members "
            "have networks of their own and share their embeddings; this is another one"
        )
    return nets


def _tables(model: CtrModel) -> list[Tensor]:
    _perceptrons(model)
    for embeddings in model.embeddings:
        assert isinstance(embeddings, Embeddings)  # noqa: S101
        return embeddings.tables()
    return []


def _layers(net: MlpNet, last: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a perceptron, statistics of BatchNorm included."""
    linears = [layer for layer in net.layers if isinstance(layer, nn.Linear)]
    norms = [layer for layer in net.layers if isinstance(layer, nn.BatchNorm1d)]
    named: dict[str, nn.Module] = {f"hidden_{i}": layer for i, layer in enumerate(linears)}
    named |= {f"norm_{i}": layer for i, layer in enumerate(norms)}
    for name, layer in {**named, "output": last}.items():
        for part, tensor in layer.state_dict().items():
            yield f"{name}.{part}", tensor.detach().clone()


def _refuse_loss(model: CtrModel, made: dict[str, Tensor]) -> None:
    """Refuse to leave out a weight: as many numbers must come out as went in.

    Columns of one field share a table, which here each has for itself.
    """
    tables = model.tables_of()
    state = {n: v for n, v in model.state_dict().items() if n not in tables and n != "shift"}
    held = sum(tensor.numel() for tensor in state.values())  # the shift is part of every bias
    named = sum(v.numel() for n, v in made.items() if not n.startswith("embeddings."))
    if named != held:
        raise BundleError(f"the classic layout has names for {named:,} of {held:,} weights")
