"""What every part of the configuration shares: strictness and durations."""

import difflib
import inspect
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

WRITTEN_NUMBER = r"[+-]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?"
"""A number in quotes, which is taken for one."""
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Strict(BaseModel):
    """A frozen model in which an unknown key is an error that names the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, values: Any) -> Any:  # noqa: ANN401
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(unknown_name(str(key), "key", list(cls.model_fields)))
        return values


def unknown_name(found: str, what: str, known: list[str]) -> str:
    """Say that a name is unknown, and which known one it is nearest to.

    >>> unknown_name("half_live", "key", ["half_lives", "key"])
    "unknown key 'half_live'; did you mean 'half_lives'? Known: half_lives, key"
    """
    near = difflib.get_close_matches(found, known, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return f"unknown {what} '{found}'{hint} Known: {', '.join(known)}"


def parse_duration(value: object) -> int:
    """Read ``90s``, ``10m``, ``6h``, ``7d`` (or whole seconds) as seconds.

    >>> parse_duration("10m")
    600
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(r"([0-9]+)\s*([smhd])", str(value).strip())
    if match is None:
        raise ValueError(f"expected a duration such as 30s, 10m, 6h or 7d, found {value!r}")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(seconds: int) -> str:
    """Write seconds in the largest unit that divides them.

    >>> format_duration(21_600)
    '6h'
    """
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


_Seconds = Annotated[int, Field(ge=0, description="whole seconds")]
_Text = Annotated[
    str,
    Field(
        pattern=r"^\s*[0-9]+\s*[smhd]\s*$",
        description="a duration such as `90s`, `10m`, `6h`, `7d`",
    ),
]
Duration = Annotated[
    int,
    BeforeValidator(parse_duration, json_schema_input_type=_Text | _Seconds),
    PlainSerializer(format_duration, return_type=str),
]

Entry = TypeVar("Entry", str, Path)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | Path) else value


Several = Annotated[list[Entry], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
"""A list, or what would be its only entry."""


def _one_or_several(value: object) -> object:
    """Return the places of one log: one stays one, as it was before there were several."""
    given = value if isinstance(value, list | tuple) else [value]
    places = [str(one) for one in given if isinstance(one, str | Path)]
    if not places or len(places) < len(given):
        raise ValueError("expected a path, or a list of paths")
    twice = sorted({one for one in places if places.count(one) > 1})
    if twice:
        raise ValueError(f"named twice, which would count all of it twice: {', '.join(twice)}")
    return places[0] if len(places) == 1 else places


Places = Annotated[
    Path | list[Path],
    BeforeValidator(_one_or_several, json_schema_input_type=Path | list[Path]),
]
"""A path, or several whose files are one log."""


def sentences(model: type[BaseModel]) -> dict[str, str]:
    """Return what each setting is: as its class's docstring says, or that of a class above.

    A setting that only tells classes apart is what its class is.
    """
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        text = inspect.cleandoc(cls.__doc__ or "")
        told = text.partition("\nAttributes:\n")[2].partition("\n\n")[0]
        for name, said in _ENTRY.findall(told):
            found[name] = " ".join(said.split())
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            found.setdefault(name, (inspect.getdoc(model) or "").partition("\n\n")[0])
    return {name: found[name] for name in model.model_fields if name in found}


_ENTRY = re.compile(r"^    (\w+): (.*(?:\n     +.*)*)", re.MULTILINE)
