"""The schema that editors know takes what the loader takes, and knows the same keys."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from clickthrough.config import (
    Config,
    data,
    evaluation,
    explain,
    features,
    model,
    root,
    serving,
    training,
    tune,
)
from clickthrough.config.base import Strict, parse_duration, sentences
from clickthrough.config.json_schema import DIALECT, config_schema, written
from clickthrough.config.load import load_config, preset_names, yaml_value
from clickthrough.config.model import family_names
from tests.conftest import ROOT

FILES = {
    path.stem: path
    for folder in ("clickthrough/presets", "benchmarks")
    for path in sorted((ROOT / folder).glob("*.yaml"))
}
SCHEMA = config_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
Values = dict[str, Any]
Place = tuple[str | int, ...]

ODD: list[Any] = [
    None, "", "x", "mlp", "user", "10m", "0.3", "1e-3", " 5 ", "yes", "ON", "2023-05-24",
    "2023-05-24T07:00Z", "2023-05-24 07:00:00+02:00", "auto", 0, 1, 5, -1, 0.5, 5.0, True, False,
    [], ["user"], ["1h", 60], [64, 32], [[], []], {}, {"a": "int"}, {"a": 8},
]  # fmt: skip
"""Values, each of which is right somewhere and wrong nearly everywhere."""


def values_of(path: Path) -> Values:
    made: Values = yaml_value(path.read_text(), path.name)
    return made


def loads(values: Values) -> bool:
    """Tell whether the loader takes a configuration."""
    try:
        Config.model_validate(values)
    except ValidationError:
        return False
    return True


def fits(values: Values) -> bool:
    """Tell whether an editor does, which sees a moment as a text."""
    seen: bool = VALIDATOR.is_valid(json.loads(json.dumps(values, default=str)))
    return seen


def parts(node: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:  # noqa: ANN401
    """Yield what a configuration is made of, with its place."""
    yield place, node
    entries = node.items() if isinstance(node, dict) else ()
    for key, part in enumerate(node) if isinstance(node, list) else entries:
        yield from parts(part, (*place, key))


def put(values: Values, place: Place, value: object) -> Values:
    """Return a configuration with another value at a place."""
    made = copy.deepcopy(values)
    node: Any = made
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return made


@pytest.mark.parametrize("name", FILES)
def test_every_configuration_here_fits(name: str) -> None:
    load_config(FILES[name])
    assert fits(values_of(FILES[name]))
    assert set(preset_names()) < set(FILES)


def test_it_is_of_the_draft_that_it_names() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(written()) == SCHEMA
    assert SCHEMA["$schema"] == DIALECT


@pytest.mark.parametrize("name", FILES)
def test_an_unknown_key_is_refused_in_every_section(name: str) -> None:
    values, tried = values_of(FILES[name]), 0
    for place, part in parts(values):
        if isinstance(part, dict) and not loads(put(values, (*place, "no_such_key"), None)):
            assert not fits(put(values, (*place, "no_such_key"), None)), place
            tried += 1
    assert tried >= 5 + len(values["features"])


BASE = values_of(FILES["synthetic"])
PLACES = [place for path in FILES.values() for place, _ in parts(values_of(path)) if place]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(drawn=st.data())
def test_what_loads_fits_whatever_is_put_anywhere(drawn: st.DataObject) -> None:
    values = values_of(FILES[drawn.draw(st.sampled_from([*FILES]))])
    places = {place: part for place, part in parts(values) if place}
    place = drawn.draw(st.sampled_from([*places]))
    odd = drawn.draw(st.sampled_from(ODD))
    assume(not isinstance(odd, bool) or isinstance(places[place], bool))  # see json_schema.py
    changed = put(values, place, odd)
    assert fits(changed) or not loads(changed), (place, odd)


def known(ref: str) -> list[str]:
    return [*SCHEMA["$defs"][ref]["properties"]]


SETTINGS = [(name, key) for name in ("training", "calibration", "evaluation", "counters", "serving",
                                     "explain", "tune") for key in known(name.title())]  # fmt: skip
SETTINGS += [("data", key) for key in known("TabularData")]


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(where=st.sampled_from(SETTINGS), odd=st.sampled_from(ODD))
def test_what_loads_fits_whatever_a_setting_is(where: tuple[str, str], odd: object) -> None:
    section, key = where
    changed = put(BASE, (section,), {**BASE.get(section, {}), key: odd})
    numbers = isinstance(odd, bool) and not isinstance(default_of(section, key), bool)
    assert fits(changed) or not loads(changed) or numbers, (where, odd)


def default_of(section: str, key: str) -> object:
    name = "TabularData" if section == "data" else section.title()
    return SCHEMA["$defs"][name]["properties"][key].get("default")


@given(text=st.text("0123456789.eE+-_ smhd", max_size=6))
@settings(max_examples=120, deadline=None, derandomize=True, database=None)
def test_numbers_and_durations_in_quotes_fit_where_they_load(text: str) -> None:
    for place in (("training", "epochs"), ("training", "learning_rate"), ("counters", "tick")):
        section = BASE.get(place[0], {})
        changed = put(BASE, (place[0],), {**section, place[1]: text})
        assert fits(changed) or not loads(changed), (place, text)


@pytest.mark.parametrize(
    ("place", "value", "good"),
    [
        (("counters",), {"tick": "10m"}, True),
        (("counters",), {"tick": 600}, True),
        (("counters",), {"tick": "10 minutes"}, False),
        (("data", "split"), {"validation": 0.2, "test": "2023-05-24T07:00Z"}, True),
        (("data", "split"), {"validation": "2023-05-24", "test": None}, True),
        (("data", "split"), {"validation": 1.5}, False),
        (("data", "split"), {"validation": "May"}, False),
        (("features",), [{"kind": "age", "key": "item"}], True),
        (("features",), [{"kind": "age", "key": ["user", "item"]}], True),
        (("features",), [{"kind": "age"}], False),
        (("features",), [{"key": "item"}], False),
        (("features",), [{"kind": "old", "key": "item"}], False),
        (("model",), "fm", True),
        (("model",), {"embedding_dim": 8}, True),
        (("model",), {"hidden": [8], "dropout": 0.5}, True),
        (("model",), {"name": "lr", "hidden": [8]}, False),
        (("model",), {"name": "blend", "members": ["lr", {"name": "fm"}]}, True),
        (("model",), {"name": "blend", "members": ["lr", "blend"]}, False),
        (("model",), "no_family", False),
        (("training",), {"learning_rate": "1e-3"}, True),
        (("training",), {"epochs": "many"}, False),
        (("training",), {"epochs": 0}, False),
    ],
)
def test_both_agree(place: Place, value: object, good: bool) -> None:
    changed = put(BASE, place, value)
    assert (loads(changed), fits(changed)) == (good, good)


@pytest.mark.parametrize("name", family_names())
def test_each_family_is_known_by_its_name(name: str) -> None:
    for form in (name, {"name": name}):
        assert fits(put(BASE, ("model",), form))
    assert not fits(put(BASE, ("model",), {"name": name, "no_such_key": 1}))


def settings_in(node: object) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield from node["properties"].items()
        for part in node.values():
            yield from settings_in(part)
    elif isinstance(node, list):
        for part in node:
            yield from settings_in(part)


def test_every_setting_has_its_sentence() -> None:
    found = [*settings_in(SCHEMA)]
    assert len(found) > 200
    for name, setting in found:
        text = setting.get("description", "")
        assert text.endswith("."), (name, text)
        assert not re.search(r"``|:\w+:`|\n", text), (name, text)


def classes() -> Iterator[type[BaseModel]]:
    """Yield the classes of sections, and those above them."""
    own = [data, evaluation, explain, features, model, root, serving, training, tune]
    for module in own:
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, Strict):
                yield found


def test_no_sentence_is_of_a_setting_that_is_gone() -> None:
    seen = 0
    for cls in classes():
        told = (cls.__doc__ or "").partition("Attributes:")[2]
        names = re.findall(r"^        (\w+): ", told, re.MULTILINE)
        assert set(names) <= set(cls.model_fields), cls
        seen += len(names)
    assert seen > 150


def test_a_sentence_goes_on_over_lines_and_classes() -> None:
    class Above(BaseModel):
        """Has one setting.

        Attributes:
            one: is said
                in two lines.
            gone: is not there.
        """

        one: int = 0

    class Below(Above):
        """Has two.

        Attributes:
            two: is its own.
        """

        two: int = 0
        kind: Literal["below"] = "below"

    assert sentences(Below) == {"one": "is said in two lines.", "two": "is its own.",
                                "kind": "Has two."}  # fmt: skip


def test_a_duration_is_told_as_people_write_it() -> None:
    window = SCHEMA["$defs"]["Serving"]["properties"]["attribution_window"]
    assert window["default"] == "1d"
    assert parse_duration(window["default"]) == 86_400
