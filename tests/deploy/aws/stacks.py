"""The stacks of deploy/aws, read with CloudFormation's short forms written out."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

Node = dict[str, Any]
AWS = ROOT / "deploy" / "aws"
PARAMETERS = AWS / "parameters.yaml"
ORDER = ("registry", "bundles", "network", "cluster", "roles", "nodes", "addons")
"""The order in which stacks are made: what one takes, one before it gives."""


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
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
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


def given() -> Node:
    """Read parameters.yaml."""
    return dict(yaml.safe_load(PARAMETERS.read_text()))


def parameters(name: str) -> Node:
    """Return what a stack can be given."""
    return dict(stack(name).get("Parameters", {}))


def outputs(name: str) -> Node:
    """Return what a stack gives."""
    return dict(stack(name).get("Outputs", {}))


def properties(name: str, resource: str) -> Node:
    """Return the properties of one resource."""
    return dict(stack(name)["Resources"][resource]["Properties"])


def of_type(name: str, kind: str) -> Node:
    """Return the properties of all resources of a type, by their names."""
    found = {key: value for key, value in stack(name)["Resources"].items() if value["Type"] == kind}
    return {key: value.get("Properties", {}) for key, value in found.items()}


def everything(node: object) -> Iterator[Node]:
    """Yield each mapping inside a document, itself too."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from everything(value)
    elif isinstance(node, list):
        for value in node:
            yield from everything(value)


def substituted(node: object, values: dict[str, str]) -> str:
    """Return a text with what Fn::Sub or Ref put into it; an unknown name is a KeyError."""
    if isinstance(node, str):
        return node
    assert isinstance(node, dict), node
    if "Ref" in node:
        return values[node["Ref"]]
    text: str = node["Fn::Sub"]
    for name in {part.split("}")[0] for part in text.split("${")[1:]}:
        text = text.replace(f"${{{name}}}", values[name])
    return text


def tags(listed: list[Node], values: dict[str, str]) -> dict[str, str]:
    """Return tags by name."""
    return {substituted(tag["Key"], values): substituted(tag["Value"], values) for tag in listed}
