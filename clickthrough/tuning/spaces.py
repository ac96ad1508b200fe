"""From the ``tune`` section, and the default of each family, to a checked space."""

from collections.abc import Sequence
from typing import Any, get_args

from clickthrough.config.base import Strict, unknown_name
from clickthrough.config.model import TorchModel, family_names, settings_of
from clickthrough.config.origins import without
from clickthrough.config.root import Config
from clickthrough.config.training import Training
from clickthrough.config.tune import Searched
from clickthrough.errors import ConfigError
from clickthrough.tuning.defaults import MODEL, TRAINING
from clickthrough.tuning.parameters import Parameter, parameter
from clickthrough.tuning.space import FAMILY, Space

_APART = ("monitor", "seed", "threads", "device", "tables", "checkpoint_every", "weight")
"""Keys of ``training`` that say where, by what, or on which rows; none of them is searched."""
_TORCH = {str(family.model_fields["name"].default) for family in get_args(TorchModel)}


def space_of(config: Config) -> Space:
    """Return the space of a configuration.

    Raises:
        ConfigError: a key or a feature that there is not, values that it cannot have, a setting of
            a family that is never drawn, or nothing to search.
    """
    families = _families(config)
    space = Space(config, {family: _parameters(family, config) for family in families})
    _refuse_unused(config, families)
    _refuse_features(config)
    if not any([*space.families.values(), config.tune.drop, len(families) > 1]):
        raise ConfigError("tune.space: nothing is left to search; name a key and its values")
    return space


def _families(config: Config) -> list[str]:
    """Return the families that are drawn, the only one where there is no choice."""
    asked = config.tune.space.get(FAMILY)
    if asked is None:
        return [config.model.name]
    if asked.choices is None:
        raise ConfigError("tune.space: model.name: expected 'choices'")
    for name in asked.choices:
        if name not in family_names():
            said = unknown_name(str(name), "family", family_names())
            raise ConfigError(f"tune.space: model.name: {said}")
    return list(asked.choices)


def _parameters(family: str, config: Config) -> list[Parameter]:
    """Return what is drawn for a family: what is said of it, else of all, else its default."""
    defaults = {f"model.{family}.{key}": values for key, values in MODEL[family].items()}
    defaults |= TRAINING if family in _TORCH else {}
    found: dict[str, Searched | None] = {}
    if config.tune.default:
        found = {name: Searched.model_validate(values) for name, values in defaults.items()}
    for path, values in sorted(config.tune.space.items(), key=lambda entry: entry[0].count(".")):
        name = _in_force(path, family)
        if name is not None:
            found[name] = values
    own = _fields(family)
    return [
        parameter(
            name, (own if name.startswith("model.") else Training.model_fields)[_key(name)], values
        )
        for name, values in found.items()
        if values is not None
    ]


def _in_force(path: str, family: str) -> str | None:
    """Return the parameter that a path is for a family; None where it changes nothing.

    Raises:
        ConfigError: there is no such key, or it cannot be searched.
    """
    if path == FAMILY:
        return None
    section, _, rest = path.partition(".")
    if section == "training":
        _check_training(path, rest)
        return path if family in _TORCH or family == "blend" else None
    if section != "model" or not rest:
        raise ConfigError(f"tune.space: {path}: {_not_searched(section)}")
    named, _, key = rest.rpartition(".")
    if named and named not in family_names():
        raise ConfigError(f"tune.space: {path}: {unknown_name(named, 'family', family_names())}")
    if named and key not in _fields(named):
        known = list(_fields(named))
        raise ConfigError(f"tune.space: {path}: {unknown_name(key, 'key', known)}")
    mine = named in {"", family} and key in _fields(family)
    return f"model.{family}.{key}" if mine else None


def _check_training(path: str, key: str) -> None:
    known = [name for name in Training.model_fields if name not in _APART]
    if key in _APART:
        raise ConfigError(f"tune.space: {path}: is not searched; expected another key")
    if key not in known:
        raise ConfigError(f"tune.space: {path}: {unknown_name(key, 'key', known)}")


def _not_searched(section: str) -> str:
    known = list(Config.model_fields)
    if section not in known:
        return unknown_name(section, "section", known)
    return "data are prepared once for all trials; expected a key of 'model' or 'training'"


def _refuse_unused(config: Config, families: Sequence[str]) -> None:
    """Refuse keys that would change nothing, whichever family is drawn."""
    for path in config.tune.space:
        if path == FAMILY or any(_in_force(path, family) for family in families):
            continue
        key = path.removeprefix("model.")
        if "." in key or path.startswith("training."):
            raise ConfigError(
                f"tune.space: {path}: is never in force: model.name is {', '.join(families)}"
            )
        known = list(dict.fromkeys(name for family in families for name in _fields(family)))
        raise ConfigError(f"tune.space: {path}: {unknown_name(key, 'key', known)}")


def _refuse_features(config: Config) -> None:
    for name in config.tune.drop:
        try:
            without(config.declared, [name])
        except ValueError as error:
            raise ConfigError(f"tune.{error}") from None


def _fields(family: str) -> dict[str, Any]:
    if family == "blend":
        return {}
    kind: type[Strict] = type(settings_of(family))
    return {key: field for key, field in kind.model_fields.items() if key != "name"}


def _key(name: str) -> str:
    return name.rsplit(".", 1)[-1]
