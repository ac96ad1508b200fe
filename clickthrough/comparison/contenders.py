"""Who is compared: families, or settings of one, as they are named on the command line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from clickthrough.config.base import unknown_name
from clickthrough.config.load import explained, yaml_value
from clickthrough.config.model import Blend, Model, family_names, fitting, settings_of
from clickthrough.errors import ConfigError

_FAMILY = re.compile(r"([^\[\]]+?)\s*(?:\[(.*)\])?", re.DOTALL)
_OPENED, _CLOSED = "[{(", "]})"


@dataclass(frozen=True)
class Contender:
    """A model with its settings.

    Attributes:
        name: as it was asked for: ``dcn_v2``, ``mlp[members=4, distill=1]``, ``mlp+lightgbm``.
        model: the settings.
    """

    name: str
    model: Model


def contenders(text: str, given: Model) -> list[Contender]:
    """Read who is compared.

    Args:
        text: families, divided by commas, each with settings in brackets where it has some:
            ``mlp, mlp[members=4, distill=1], dcn_v2``. Families joined by ``+`` are one blend.
        given: the configuration's model. What it says holds for every family that knows the
            setting, unless the brackets say otherwise.

    Raises:
        ConfigError: an unknown family, a setting that it does not have, or one named twice.

    >>> [one.name for one in contenders("lr, mlp[members=2] + lightgbm", settings_of("mlp"))]
    ['lr', 'mlp[members=2]+lightgbm']
    """
    parts = _parts(text, ",")
    named = parts if parts[-1] else parts[:-1]  # the last comma may end the text
    return _distinct([_contender(part, given) for part in named])


def _contender(text: str, given: Model) -> Contender:
    """Read one of those who are compared: a family, or a blend of several."""
    some = [_family(part, given) for part in _parts(text, "+")]
    if len(some) == 1:
        return some[0]
    name = "+".join(one.name for one in some)
    return Contender(name, Blend(members=[one.model for one in some]))


def _family(text: str, given: Model) -> Contender:
    entry = _FAMILY.fullmatch(text)
    if entry is None:
        raise ConfigError(f"--models: expected family[key=value, ...], found '{text}'")
    family, inside = entry.groups()
    own: dict[str, Any] = {}
    for key, value in map(_setting, filter(None, _parts(inside or "", ","))):
        if key in own or key == "name":
            raise ConfigError(f"--models: {text}: {key} is given already")
        own[key] = value
    said = ", ".join(f"{key}={value}" for key, value in own.items())
    return Contender(f"{family}[{said}]" if own else family, _model(family, own, given))


def _parts(text: str, mark: str) -> list[str]:
    """Divide a text at a mark outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in _OPENED) - (letter in _CLOSED)
        if letter == mark and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _setting(pair: str) -> tuple[str, Any]:
    key, equals, value = pair.partition("=")
    if not equals:
        raise ConfigError(f"--models: expected key=value, found '{pair.strip()}'")
    return key.strip(), yaml_value(value, f"--models: {pair.strip()}")


def _model(family: str, own: dict[str, Any], given: Model) -> Model:
    if family not in family_names():
        raise ConfigError(f"--models: {unknown_name(family, 'family', family_names())}")
    said = given.model_dump(include=given.model_fields_set - {"name"})
    try:
        return settings_of(family, **fitting(family, said) | own)
    except ValidationError as error:
        text = explained(error, f"--models: {family}").replace(": top level:", ":")
        raise ConfigError(text) from None


def _distinct(made: Sequence[Contender]) -> list[Contender]:
    names = [one.name for one in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not made:
        raise ConfigError(f"--models: {'named twice: ' + twice[0] if twice else 'names nobody'}")
    return list(made)
