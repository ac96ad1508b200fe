"""YAML as a person writes it: no more, no deeper and no longer than any configuration needs.

What stands behind an alias counts each time: whoever walks through the values meets it as often.
"""

import re
from pathlib import Path
from typing import Any, Protocol

import yaml

_LARGEST = 1 << 22
"""Bytes."""
_DEEPEST, _MOST = 50, 200_000
"""Levels, and values."""
_LONGEST = 400
"""Characters of a number."""
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# a scalar that says of what type it is, and is none of it: 2020-13-45
_NO_YAML = (
    yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError, OverflowError
)  # fmt: skip


class YamlTextError(ValueError):
    """No YAML, or more than is taken; says in a line what is wrong."""


class Opened(Protocol):
    """A path, or a resource of a package."""

    def open(self, mode: str, /) -> Any:  # noqa: ANN401
        """Open it."""


class _Loader(yaml.SafeLoader):
    """Safe YAML in which only true and false are booleans, as in YAML 1.2: ``on`` is a key."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = self._values = 0
        self._sizes = dict[int, int]()

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a value and those in it, and count them."""
        if self.check_event(yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if id(node) not in self._sizes:
                raise YamlTextError("an anchor stands within itself")
            self._count(self._sizes[id(node)])
            return node
        before, self._level = self._values, self._level + 1
        if self._level > _DEEPEST:
            raise YamlTextError(f"more than {_DEEPEST} levels deep")
        self._count(1)
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS:
            _check_number(node.value)
        self._level -= 1
        self._sizes[id(node)] = self._values - before
        return node

    def _count(self, more: int) -> None:
        self._values += more
        if self._values > _MOST:
            raise YamlTextError(f"more than {_MOST:,} values, those behind aliases counted")


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read_yaml(text: str) -> Any:  # noqa: ANN401
    """Read values.

    Raises:
        YamlTextError: it is no YAML, or more than is taken.

    >>> read_yaml("{a: [1, on, true]}")
    {'a': [1, 'on', True]}
    """
    if len(text) > _LARGEST:
        raise YamlTextError(f"more than {_LARGEST:,} bytes")
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except _NO_YAML as error:
        raise YamlTextError(" ".join(str(error).split())) from None


def read_yaml_file(path: Path | Opened) -> Any:  # noqa: ANN401
    """Read the values of a file.

    Raises:
        YamlTextError: it is no YAML in UTF-8, or more than is taken.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise YamlTextError(f"more than {_LARGEST:,} bytes")
    try:
        return read_yaml(content.decode())
    except UnicodeDecodeError as error:
        raise YamlTextError(str(error)) from None


def _check_number(text: str) -> None:
    if len(text) > _LONGEST:
        raise YamlTextError(f"a number of {len(text):,} characters")
