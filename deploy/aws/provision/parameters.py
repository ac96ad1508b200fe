"""What the stacks are given: one file, and what the command line says instead of it."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

import yaml

from deploy.aws.provision import templates
from deploy.aws.provision.errors import RefusedError

FILE = templates.AWS / "parameters.yaml"
_COMMAND = {"Region"}
"""Parameters of the commands, of no stack."""
_LIKE = (
    "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2023/x86_64/standard/recommended/image_id"
)
_IMAGE = re.compile(_LIKE.replace("VERSION", r"(?P<version>1\.\d{2})"))
_PRIVATE = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_PRIVATE_TOLD = "within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
_AWS_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def read(file: Path, said: Iterable[str] = ()) -> dict[str, str]:
    """Read parameters and hold them to what the stacks allow.

    Args:
        file: a mapping of names to values.
        said: ``Name=value``, each in the place of the file's.

    Raises:
        RefusedError: something is unknown, missing, or not allowed.
    """
    given = _file(file)
    for each in said:
        name, equals, value = each.partition("=")
        if not equals:
            raise RefusedError(f"--set {each}: expected Name=value")
        given[name] = value
    known = {key for name in _stacks() for key in templates.parameters(name)} | _COMMAND
    for name in given:
        if name not in known:
            raise RefusedError(f"{name}: no such parameter; there are {', '.join(sorted(known))}")
    _complete(given, file)
    _check(given)
    return given


def _stacks() -> tuple[str, ...]:
    return templates.ALL


def _file(file: Path) -> dict[str, str]:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefusedError(f"{file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RefusedError(f"{file}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(read, dict):
        raise RefusedError(f"{file}: expected a line 'Name: value' for each parameter")
    for name, value in read.items():
        if isinstance(value, (dict, list)) or value is None:
            raise RefusedError(f'{file}: {name}: expected a text or a number; nothing is ""')
        if isinstance(value, bool | float):  # 1.30 would have become 1.3
            raise RefusedError(
                f"{file}: {name}: {value} is not read as it is written: put it in quotes"
            )
    return {str(name): str(value) for name, value in read.items()}


def _complete(given: dict[str, str], file: Path) -> None:
    """Refuse what lacks a name that no stack has a default for and none before it makes."""
    made: set[str] = set()
    needed = set(_COMMAND) | {"ClusterName"}
    for name in templates.ORDER:
        needed |= templates.needed(name) - made
        made |= set(templates.outputs(name))
    for key in sorted(needed - set(given)):
        raise RefusedError(f"{file}: {key} is missing")


def _check(given: dict[str, str]) -> None:
    if not _AWS_REGION.fullmatch(given["Region"]):
        raise RefusedError(f"Region: {given['Region']!r} is none; such as eu-central-1")
    for name in _stacks():
        for key, parameter in templates.parameters(name).items():
            if key in given and not allowed(parameter, given[key]):
                raise RefusedError(f"{key}: {given[key]!r} is not allowed: {_limits(parameter)}")
    _together(given)


def allowed(parameter: templates.Node, value: str) -> bool:
    """Say whether CloudFormation would take a value."""
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return False
    several = parameter["Type"] == "CommaDelimitedList"  # each of which is looked at
    each = value.split(",") if several else [value]
    if not all(re.fullmatch(parameter.get("AllowedPattern", ".*"), one) for one in each):
        return False
    if parameter["Type"] != "Number":
        return True
    if not re.fullmatch(r"[0-9]{1,9}", value):
        return False
    low, high = parameter.get("MinValue", value), parameter.get("MaxValue", value)
    return float(low) <= float(value) <= float(high)


def _limits(parameter: templates.Node) -> str:
    """Say what a parameter may be."""
    if "ConstraintDescription" in parameter:
        return str(parameter["ConstraintDescription"])
    if "AllowedValues" in parameter:
        return "one of " + ", ".join(map(str, parameter["AllowedValues"]))
    if "AllowedPattern" in parameter:
        return f"it has to match {parameter['AllowedPattern']}"
    low, high = parameter.get("MinValue"), parameter.get("MaxValue")
    return "a number" + (f" from {low}" if low else "") + (f" to {high}" if high else "")


def _together(given: dict[str, str]) -> None:
    """Refuse what each stack allows and all of them do not."""
    nodes, most, zones = (int(given.get(key, 0)) for key in ("NodesMin", "NodesMax", "Zones"))
    if nodes >= most:
        raise RefusedError(
            f"NodesMax: {most} is not more than NodesMin, {nodes}: nothing could roll"
        )
    if nodes < zones:
        raise RefusedError(
            f"NodesMin: {nodes} nodes for {zones} zones: after the loss of one, "
            "its successor may be in another zone than Redis' volume"
        )
    _blocks(given)
    version, image = given.get("KubernetesVersion", ""), given.get("NodeImage", "")
    if not (
        found := _IMAGE.fullmatch(image)
    ):  # no pattern in the stack: it may be held to what is found
        raise RefusedError(
            f"NodeImage: {image!r} is no image of Amazon Linux 2023 for x86_64; expected {_LIKE}"
        )
    if found["version"] != version:
        raise RefusedError(f"NodeImage: {image} is not of KubernetesVersion, {version}")


def _blocks(given: dict[str, str]) -> None:
    """Refuse addresses that are none, that are somebody's, or that are given twice."""
    network, services = (_block(given, key) for key in ("VpcCidr", "ServiceCidr"))
    if network and services and network.overlaps(services):
        raise RefusedError(f"ServiceCidr: {services} overlaps with VpcCidr, {network}")
    for key, block in (("VpcCidr", network), ("ServiceCidr", services)):
        if block and not any(block.subnet_of(ours) for ours in _PRIVATE):
            raise RefusedError(f"{key}: {block} is no private block: {_PRIVATE_TOLD}")
    for one in filter(None, given.get("PublicAccessCidrs", "").split(",")):
        _read_block("PublicAccessCidrs", one)


def _block(given: dict[str, str], key: str) -> IPv4Network | None:
    return _read_block(key, given[key]) if key in given else None


def _read_block(key: str, text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise RefusedError(f"{key}: {error}") from None
