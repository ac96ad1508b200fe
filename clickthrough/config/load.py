"""From a YAML file or the name of a preset to a checked configuration."""

import logging
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clickthrough.config.base import unknown_name
from clickthrough.config.model import family_names, fitting
from clickthrough.config.root import Config
from clickthrough.config.yaml_text import YamlTextError, read_yaml, read_yaml_file
from clickthrough.errors import ConfigError
from clickthrough.presets.places import is_log, logs_at, placed, present

_log = logging.getLogger(__name__)

_PATHS = "tune.space."
"""What comes after it is one key, with dots of its own."""
_MOST_TOLD = 20
"""Faults of a configuration, a line each."""


def load_config(
    source: str | Path, data: Path | Sequence[Path] | None = None, settings: Sequence[str] = ()
) -> Config:
    """Read a configuration.

    Args:
        source: path of a YAML file, or the name of a preset that ships with the package.
        data: replaces ``data.path``; for a preset also the directory in which a log of its
            layout lies, or a file of any name. The side tables of a preset lie beside its log.
            Several are one log.
        settings: what replaces the file's, each as ``section.key=value`` with the value in YAML.

    Returns:
        The checked configuration. Paths in a file are relative to that file.

    Raises:
        ConfigError: the file is missing, is not YAML, or says something unknown or wrong.
    """
    path, name = _locate(source)
    values = _sections(lambda: read_yaml_file(path), name)
    given = _listed(data)
    if isinstance(values.get("data"), dict):
        if Path(source).is_file():
            anchor(values["data"], Path(source).resolve().parent)
            given = _as_before(values["data"], given)
        elif given:
            given = placed(values, given)
        if given:
            values["data"]["path"] = [str(path) for path in given]
            values["data"].pop("files", None)
    return load_values(values, name, settings)


def load_text(
    text: str, name: str, folder: Path | None = None, settings: Sequence[str] = ()
) -> Config:
    """Read a configuration that is no file yet.

    Args:
        text: YAML.
        name: how errors call it.
        folder: what its paths are relative to; by default they stay as they are.
        settings: what replaces the text's; see :func:`load_config`.

    Raises:
        ConfigError: it is not YAML, or says something unknown or wrong.
    """
    values = _sections(lambda: read_yaml(text), name)
    if folder is not None and isinstance(values.get("data"), dict):
        anchor(values["data"], folder.resolve())
    return load_values(values, name, settings)


def load_values(values: dict[str, Any], name: str, settings: Sequence[str] = ()) -> Config:
    """Read a configuration that is a program's; see :func:`load_config`.

    Args:
        values: sections, which change as settings say.
        name: how errors call it.
        settings: what replaces some of them.
    """
    keys = [_put(values, setting) for setting in settings]
    if "model.name" in keys:
        values["model"] = _of_another_family(values.get("model") or {"name": "mlp"}, keys)
    return parse_config(values, name, keys)


def parse_config(values: dict[str, Any], name: str, settings: Sequence[str] = ()) -> Config:
    """Check a configuration that was read already.

    Args:
        values: sections.
        name: where they are from, in errors.
        settings: the keys of those that the command line gave.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explained(error, name, settings)) from None


def _of_another_family(model: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Leave out what the file says of its own family, and another one that was asked for lacks."""
    name = str(model["name"])
    asked = {key: value for key, value in model.items() if f"model.{key}" in settings}
    rest = {key: value for key, value in model.items() if key not in asked}
    if name not in (*family_names(), "blend"):
        return model
    kept = {} if name == "blend" else fitting(name, rest)
    left = ", ".join(key for key in rest if key not in kept)
    if left:
        _log.info("model.name=%s: what the file says of %s is left out", name, left)
    return kept | asked


def with_data(config: Config, path: Path | Sequence[Path] | None) -> Config:
    """Return a configuration whose log lies elsewhere; unchanged without a path.

    A directory stands for the files in it that are called as the log was. Side tables that lie
    beside it under their names replace the former ones.

    Raises:
        ConfigError: the log cannot lie there.
    """
    given = _listed(path)
    if not given:
        return config
    data = config.data.model_dump(exclude_none=True)
    files = data.pop("files", None)
    if data["reader"] == "tabular" and files is None:
        given = logs_at(given, config.data.paths)
        for join in data["joins"]:
            beside = present(given[0].parent / join["file"].name)
            join["file"] = beside if beside.is_file() else join["file"]
    data["path"] = given
    try:
        made = type(config.data).model_validate(data)
    except ValidationError as error:
        raise ConfigError(explained(error, "data")) from None
    return config.model_copy(update={"data": made})


def _as_before(data: dict[str, Any], given: list[Path]) -> list[Path]:
    """Return where a file's log lies instead; in a directory by the names that the file gives."""
    own = data.get("path")
    own = [own] if isinstance(own, str) else own
    if data.get("reader") != "tabular" or not isinstance(own, list) or not own:
        return given
    return logs_at(given, [Path(str(path)) for path in own])


def _listed(data: Path | Sequence[Path] | None) -> list[Path]:
    given = [data] if isinstance(data, Path) else data or []
    return [path.resolve() for path in given]


def preset_names() -> list[str]:
    """Return the names of the presets that ship with the package."""
    folder = resources.files("clickthrough.presets")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def _locate(source: str | Path) -> tuple[Any, str]:
    path = Path(source)
    if path.is_file() and not is_log(path):
        return path, str(path)
    if str(source) in preset_names():
        return resources.files("clickthrough.presets") / f"{source}.yaml", f"preset '{source}'"
    if is_log(path):
        raise ConfigError(
            f"{path}: is a log, expected a configuration: 'clickthrough init {path}' writes one"
        )
    if path.suffix in {".yaml", ".yml"} or path.parent != Path():
        raise ConfigError(f"{path}: no such file")
    raise ConfigError(f"{unknown_name(str(source), 'preset', preset_names())} (nor is it a file)")


def _sections(read: Callable[[], Any], name: str) -> dict[str, Any]:
    try:
        values = read()
    except YamlTextError as error:
        raise ConfigError(f"{name}: not readable as YAML: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: expected sections (data, features, ...), found {values!r:.80}")
    return values


def _put(values: dict[str, Any], setting: str) -> str:
    """Put ``section.key=value`` in its place; return the key."""
    key, equals, text = setting.partition("=")
    if not equals:
        raise ConfigError(f"--set {setting:.100}: expected section.key=value")
    *sections, last = _places(key.strip())
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"--set {setting:.100}: '{section}' holds no keys")
    values[last] = yaml_value(text, f"--set {setting:.100}")
    return key.strip()


def _places(key: str) -> list[str]:
    """Divide a key at its dots.

    >>> _places("training.epochs"), _places("tune.space.model.mlp.dropout")
    (['training', 'epochs'], ['tune', 'space', 'model.mlp.dropout'])
    """
    if key.startswith(_PATHS):
        return [*_PATHS.strip(".").split("."), key.removeprefix(_PATHS)]
    return key.split(".")


def yaml_value(text: str, place: str) -> Any:  # noqa: ANN401
    """Read the value of a setting of the command line.

    Raises:
        ConfigError: it is no YAML; names the place.
    """
    try:
        return read_yaml(text)
    except YamlTextError as error:
        raise ConfigError(f"{place}: not readable as YAML: {error}") from None


def anchor(data: dict[str, Any], folder: Path) -> None:
    """Make the paths of the data section absolute: a config means the same from anywhere."""

    def absolute(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, list):
            return [absolute(entry) for entry in value]
        return str(folder / value) if isinstance(value, str) else value

    for key in ("path", "cache"):
        if key in data:
            data[key] = absolute(data[key])
    if isinstance(data.get("files"), dict):
        data["files"] = {part: absolute(files) for part, files in data["files"].items()}
    for join in data.get("joins") or []:
        if isinstance(join, dict) and "file" in join:
            join["file"] = absolute(join["file"])


def explained(error: ValidationError, name: str, settings: Sequence[str] = ()) -> str:
    """Return a line for each fault: where, what was expected, and what was found.

    Args:
        error: the faults.
        name: where the values are from.
        settings: the keys of those that are from the command line.
    """
    lines = []
    found = error.errors()
    for item in found[:_MOST_TOLD]:
        loc = item["loc"]
        # a family tells its settings apart, and is no key
        loc = (loc[0], *loc[2:]) if loc[:1] == ("model",) else loc
        place = ".".join(map(str, loc)) or "top level"
        message = item["msg"].removeprefix("Value error, ")
        shown = "" if isinstance(item["input"], dict) else f" (found {item['input']!r:.80})"
        own = [key for key in settings if place == key or place.startswith(f"{key}.")]
        lines.append(f"{f'--set {own[0]}' if own else name}: {place}: {message}{shown}")
    if len(found) > _MOST_TOLD:
        lines.append(f"{name}: and {len(found) - _MOST_TOLD:,} more")
    return "\n".join(lines)
