"""The stacks of deploy/aws, as the commands read them."""

from collections.abc import Iterator

import yaml

from deploy.aws.provision import templates
from deploy.aws.provision.parameters import FILE as PARAMETERS
from deploy.aws.provision.templates import AWS, Node, outputs, parameters, path, stack

__all__ = ["AWS", "ORDER", "PARAMETERS", "Node", "outputs", "parameters", "path", "stack"]

ORDER = (*templates.ORDER, *templates.OPTIONAL)
"""All stacks, those too that are made only if they are named."""


def given() -> Node:
    """Read parameters.yaml."""
    return dict(yaml.safe_load(PARAMETERS.read_text()))


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
    text: str | list[Node] = node["Fn::Sub"]
    if isinstance(text, list):  # with names of its own, each a value or one of two
        own = text[1]
        text = str(text[0])
        values = values | {key: _chosen(each, values) for key, each in own.items()}
    for name in {part.split("}")[0] for part in text.split("${")[1:]}:
        text = text.replace(f"${{{name}}}", values[name])
    return text


def _chosen(node: Node, values: dict[str, str]) -> str:
    """Return what a name of a text's own is: the second of two if the first is empty."""
    if "Fn::If" in node:
        _, first, second = node["Fn::If"]
        return substituted(first, values) or substituted(second, values)
    return substituted(node, values)


def tags(listed: list[Node], values: dict[str, str]) -> dict[str, str]:
    """Return tags by name."""
    return {substituted(tag["Key"], values): substituted(tag["Value"], values) for tag in listed}
