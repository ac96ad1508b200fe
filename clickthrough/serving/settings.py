"""The service's settings, resolved in one place: bundle < file < environment < flag."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clickthrough.config.base import unknown_name
from clickthrough.config.serving import LIMITS, Serving
from clickthrough.config.yaml_text import YamlTextError, read_yaml, read_yaml_file
from clickthrough.errors import ConfigError

_NAMES = list(LIMITS)


@dataclass(frozen=True)
class Setting:
    """What somebody said of a setting, and who."""

    value: object
    source: str


@dataclass(frozen=True)
class Overrides:
    """What goes before the settings of a bundle; the same for every bundle that takes over.

    Attributes:
        said: by the name of a setting, what was said last.
    """

    said: Mapping[str, Setting] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        flags: Sequence[str] = (),
        file: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> "Overrides":
        """Read what a file, the environment and flags say.

        Args:
            flags: each ``name=value``.
            file: YAML; by default what ``CTR_CONFIG`` names, if anything.
            environment: by default that of the process; ``CTR_MAX_WAIT_MS`` and its like.

        Raises:
            ConfigError: the file cannot be read, or names no setting.
        """
        env = os.environ if environment is None else environment
        named = file or (Path(env["CTR_CONFIG"]) if env.get("CTR_CONFIG") else None)
        said = {} if named is None else _of_file(named)
        for name in _NAMES:
            if env.get(variable := f"CTR_{name.upper()}"):
                said[name] = Setting(_parsed(env[variable]), variable)
        for flag in flags:
            name, equals, value = flag.partition("=")
            if not equals:
                raise ConfigError(f"--set {flag:.100}: expected NAME=VALUE")
            said[_known(name, "--set")] = Setting(_parsed(value), f"--set {name.strip()}")
        made = cls(said)
        made.over(Serving())  # a wrong value is told now, whatever the bundle says
        return made

    def over(self, bundle: Serving) -> Serving:
        """Return the settings of a bundle under these.

        Raises:
            ConfigError: a value cannot be: names who said it.
        """
        values = bundle.model_dump() | {name: one.value for name, one in self.said.items()}
        try:
            return Serving.model_validate(values)
        except ValidationError as error:
            found = error.errors()[0]
            name = str(found["loc"][0]) if found["loc"] else ""
            source = self.said[name].source if name in self.said else "the bundle"
            raise ConfigError(f"{source}: {found['msg']}, found {found['input']!r:.100}") from None

    def sources(self) -> dict[str, str]:
        """Return who said each setting that is not the bundle's."""
        return {name: one.source for name, one in self.said.items()}


def _of_file(path: Path) -> dict[str, Setting]:
    try:
        values: Any = read_yaml_file(path) or {}
    except (OSError, YamlTextError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected settings by name, found {values!r:.100}")
    place = path.name  # whoever reads /model need not know the rest
    return {_known(str(k), place): Setting(v, f"{place}: {k}") for k, v in values.items()}


def _known(name: str, source: str) -> str:
    name = name.strip().removeprefix("serving.")  # as configurations and refusals call it
    if name in Serving.model_fields and name not in _NAMES:
        raise ConfigError(f"{source}: '{name}' says what a bundle holds: set it, and train anew")
    if name not in _NAMES:
        raise ConfigError(f"{source}: {unknown_name(name, 'setting', _NAMES)}")
    return name


def _parsed(text: str) -> object:
    try:
        return read_yaml(text)
    except YamlTextError:
        return text
