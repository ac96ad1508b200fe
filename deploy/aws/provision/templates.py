"""The stacks: their files, their order, what each takes and gives."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

Node = dict[str, Any]
AWS = Path(__file__).resolve().parents[1]
ORDER = ("registry", "bundles", "network", "cluster", "roles", "nodes", "addons")
"""The order in which stacks are made: what one takes, one before it gives."""
OPTIONAL = ("github", "builds", "codepipeline")
"""Stacks that are made only if they are named; after the others."""
ALL = (*ORDER, *OPTIONAL)
SHARED = ("registry", "bundles")
"""Stacks of an account and region rather than of a cluster."""


class _Loader(yaml.SafeLoader):
    """A loader that knows !Ref, !Sub and the others."""


def _long(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Node:
    """Write a short form out: !Sub x is {"Fn::Sub": x}."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long)


def path(name: str) -> Path:
    """Return the file of a stack."""
    return AWS / "stacks" / f"{name}.yaml"


@cache
def stack(name: str) -> Node:
    """Read a stack."""
    return dict(_Loader(path(name).read_text()).get_single_data())


def parameters(name: str) -> Node:
    """Return what a stack can be given."""
    return dict(stack(name).get("Parameters", {}))


def needed(name: str) -> set[str]:
    """Return what a stack has to be given, having no default for it."""
    return {key for key, parameter in parameters(name).items() if "Default" not in parameter}


def outputs(name: str) -> Node:
    """Return what a stack gives."""
    return dict(stack(name).get("Outputs", {}))


def title(name: str, cluster: str) -> str:
    """Return the name under which CloudFormation knows a stack.

    >>> title("network", "ads"), title("registry", "ads")
    ('ads-network', 'clickthrough-registry')
    """
    return f"clickthrough-{name}" if name in SHARED else f"{cluster}-{name}"


def of_type(name: str, kind: str) -> list[Node]:
    """Return the properties of all resources of a type."""
    resources = stack(name)["Resources"].values()
    return [each.get("Properties", {}) for each in resources if each["Type"] == kind]


def log_group(cluster: str) -> str:
    """Return where EKS writes what a control plane says."""
    return f"/aws/eks/{cluster}/cluster"
