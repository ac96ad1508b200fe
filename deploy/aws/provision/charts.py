"""The charts that a cluster gets, at one version each: deploy/aws/charts.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml

from deploy.aws.provision import templates
from deploy.aws.provision.errors import RefusedError

FILE = templates.AWS / "charts.yaml"


@dataclass(frozen=True)
class Chart:
    """A chart with what it is given.

    Attributes:
        name: of the chart, and of what is installed.
        repository: the address of its repository.
        version: of the chart.
        namespace: where it is installed.
        values: what it is given.
    """

    name: str
    repository: str
    version: str
    namespace: str
    values: dict[str, Any]


def charts(file: Path, known: Mapping[str, str]) -> list[Chart]:
    """Read the charts, in order.

    Args:
        file: names each with its repository, version, namespace and values.
        known: parameters and outputs of stacks, which are put where ``${Name}`` stands.

    Raises:
        RefusedError: the file is none of these.
    """
    try:
        listed = _put(yaml.safe_load(file.read_text(encoding="utf-8")), known)
        return [Chart(name=name, **each) for name, each in listed.items()]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RefusedError(f"{file}: {error}") from error
    except KeyError as error:
        raise RefusedError(
            f"{file}: ${{{error.args[0]}}}: no parameter or output has this name"
        ) from error
    except (AttributeError, TypeError, ValueError) as error:
        expected = "expected NAME: {repository, version, namespace, values} for each chart"
        raise RefusedError(f"{file}: {expected}: {error}") from error


def _put(node: object, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - what YAML holds
    """Put what is known into every text of a document.

    >>> _put({"a": ["${B}", 1]}, {"B": "b"})
    {'a': ['b', 1]}
    """
    if isinstance(node, dict):
        return {key: _put(value, known) for key, value in node.items()}
    if isinstance(node, list):
        return [_put(value, known) for value in node]
    return Template(node).substitute(known) if isinstance(node, str) else node
