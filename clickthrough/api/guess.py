"""From what a caller gives to a configuration and a log: guessed as ``clickthrough init`` does."""

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickthrough.api.frames import AnyFrame, Frame, read_frame
from clickthrough.config.data import FRAME, TabularData
from clickthrough.config.load import load_config, load_text, load_values, with_data
from clickthrough.config.root import Config
from clickthrough.data.labels import ONE
from clickthrough.errors import ConfigError, DataError
from clickthrough.init.roles import Named
from clickthrough.init.run import Looked, look, look_at_frame


class GuessWarning(UserWarning):
    """Columns were taken for requests, times, users or items that nobody named."""


ConfigSource = str | Path | Mapping[str, Any] | Config
Settings = Mapping[str, Any] | Sequence[str]
_ROLES = {"label": "label", "request": "request_id", "time": "time", "user": "user", "item": "item"}


@dataclass(frozen=True)
class Source:
    """A log, and how it is to be trained on.

    Attributes:
        config: the whole configuration.
        frame: the log, where it is one.
        looked: what was guessed of it; None where a configuration was given.
    """

    config: Config
    frame: Frame | None = None
    looked: Looked | None = None


def tell_guesses(roles: Mapping[str, str], named: Named, notes: Sequence[str] = ()) -> None:
    """Warn of columns that were taken for a part which nobody named.

    Args:
        roles: part -> column.
        named: what was.
        notes: what else may be wrong about the guesses.
    """
    given = {*named.columns.values()}
    guessed = [f"{role}='{name}'" for role, name in roles.items() if name not in given]
    told = [f"taken by their names and values: {', '.join(guessed)}"] if guessed else []
    told += notes
    if told:
        way = "name columns to be sure, or say how all are read with 'config'"
        warnings.warn(in_python("; ".join([*told, way])), GuessWarning, stacklevel=3)


def source_of(
    data: AnyFrame, named: Named, config: ConfigSource | None, settings: Settings
) -> Source:
    """Find out what a caller's log is, and how it is trained on.

    Args:
        data: a frame, or the path of a file or directory, or several.
        named: columns whose part is given.
        config: a file, a preset's name, sections or a configuration; guessed by default.
        settings: what replaces parts of it.

    Raises:
        ConfigError: the configuration cannot be used, or not with such a log.
        DataError: the log cannot be read, or nothing can be made of it.
    """
    lines = setting_lines(settings)
    if isinstance(data, list | tuple) and data and all(isinstance(p, str | Path) for p in data):
        return _of_paths([Path(place) for place in data], named, config, lines)
    if isinstance(data, str | Path):
        return _of_path(Path(data), named, config, lines)
    frame = read_frame(data)
    if config is None:
        with _said_in_python():
            looked = look_at_frame(frame.rows, named, "the frame")
        made = load_text(looked.text, "the guess", None, lines)
        return Source(made, frame, looked)
    made = _of_frame(given_config(config, lines, frame=True))
    roles = _roles(named)
    return Source(given_config(made, roles, frame=True) if roles else made, frame)


_FLAG = re.compile(
    r"--(label-at-least|label-is|label|time|request|user|item)\b( (?=(?:COLUMN|NUMBER|TEXT)\b))?"
)


def in_python(text: str) -> str:
    """Name keywords where a message names the flags of ``clickthrough init``.

    >>> in_python("name another with --label COLUMN, or say --request and --time ts")
    'name another with label=COLUMN, or say request_id and time ts'
    """

    def keyword(found: re.Match[str]) -> str:
        name = "request_id" if found[1] == "request" else found[1].replace("-", "_")
        return name if found[2] is None else f"{name}="

    return _FLAG.sub(keyword, text)


@contextmanager
def _said_in_python() -> Iterator[None]:
    """Let errors of a guess name keywords instead of flags."""
    try:
        yield
    except DataError as error:
        raise DataError(in_python(str(error))) from None


def _of_paths(
    data: Sequence[Path], named: Named, config: ConfigSource | None, lines: list[str]
) -> Source:
    """Take several files for one log; what is guessed is guessed of the first."""
    if config is not None:
        return Source(given_config(config, [*lines, *_roles(named)], data))
    first = _of_path(data[0], named, None, lines)
    return Source(with_data(first.config, data), None, first.looked)


def _of_path(data: Path, named: Named, config: ConfigSource | None, lines: list[str]) -> Source:
    if config is None:
        with _said_in_python():
            looked = look(data, named)
        return Source(load_text(looked.text, "the guess", Path(), lines), None, looked)
    return Source(given_config(config, [*lines, *_roles(named)], data))


def given_config(
    config: ConfigSource,
    settings: Sequence[str] = (),
    data: Path | Sequence[Path] | None = None,
    frame: bool = False,
) -> Config:
    """Read a configuration in whatever form it is given.

    Args:
        config: a file, a preset's name, sections by name, or the configuration itself.
        settings: what replaces parts of it, each as ``section.key=value``.
        data: where the log lies, instead of where the configuration says; several are one log.
        frame: whether the log is a frame, so that a place need not be told.

    Raises:
        ConfigError: it cannot be used.
    """
    if isinstance(config, str | Path):
        return load_config(config, data, settings)
    if isinstance(config, Config):
        values = config.model_dump(mode="json", exclude_unset=True)
    elif isinstance(config, Mapping):
        values = {name: deepcopy(section) for name, section in config.items()}
    else:
        raise ConfigError(
            "config: expected a file, the name of a preset or sections by their names, found "
            f"{type(config).__name__}"
        )
    own = values.get("data")
    if (frame or data is not None) and isinstance(own, dict) and not {"path", "files"} & {*own}:
        own["path"] = str(FRAME)
    made = load_values(values, "config", settings)
    return made if data is None else with_data(made, data)


def places(data: str | Path | Sequence[str | Path] | None) -> list[Path] | None:
    """Return where a log lies, if that is said."""
    if data is None:
        return None
    return [Path(data)] if isinstance(data, str | Path) else [Path(place) for place in data]


def setting_lines(settings: Settings) -> list[str]:
    """Return settings as the command line takes them: ``section.key=value``, the value in YAML.

    >>> setting_lines({"training.epochs": 3, "model": "mlp"})
    ['training.epochs=3', 'model="mlp"']
    """
    if isinstance(settings, Mapping):
        return [f"{key}={_written(value)}" for key, value in settings.items()]
    if not isinstance(settings, Sequence):
        raise ConfigError(f"set: expected settings by their names, found {type(settings).__name__}")
    return [settings] if isinstance(settings, str) else list(settings)


def _written(value: object) -> str:
    """Return a value as YAML reads it; those of numpy as Python's."""

    def plain(other: Any) -> Any:  # noqa: ANN401
        return other.tolist() if hasattr(other, "tolist") else str(other)

    return json.dumps(value, default=plain, ensure_ascii=False)


def _roles(named: Named) -> list[str]:
    """Return named columns as settings."""
    roles = [f"data.roles.{_ROLES[f]}={_written(c)}" for f, c in named.columns.items()]
    if named.click != ONE:  # the one replaces the other
        roles.append(f"data.label_at_least={_written(named.at_least)}")
        roles.append(f"data.label_is={_written(named.label_is or None)}")
    return roles


def _of_frame(config: Config) -> Config:
    """Let a configuration read a frame instead of files."""
    if not isinstance(config.data, TabularData):
        raise ConfigError(
            f"data.reader: '{config.data.reader}' reads files; for a frame expected 'tabular'"
        )
    return config.model_copy(update={"data": config.data.of_frame(config.data.cache)})
