"""A log in any dialect trains to the model of the same log as plain CSV, or is refused."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough.config.load import load_config
from clickthrough.data.open import open_dataset
from clickthrough.init.run import init
from clickthrough.training.run import train
from tests.whole.dialect_cases import each
from tests.whole.dialects import CITIES, LABELS, MARKS, TIMES, Dialect, Row, a_log, plainly, write
from tests.whole.verbs import Ended, all_verbs, predicted, replayed

Outcome = list[float] | dict[str, str]
"""Probabilities, or what was refused by which verb."""
TREES = ("model={name: lightgbm, rounds: 8, learning_rate: 0.3, min_child: 2, patience: null}",)
"""A model that is made in a moment, and that every value of the log bears on."""
ENCODED = {
    "utf-8": ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"],
    "western": ["utf-8", "cp1252"],
    "gb18030": ["gb18030", "utf-8"],
    "cp1251": ["cp1251"],
    "cp932": ["cp932"],
}
"""Cities -> the encodings that they are written in."""
NUMBERS = [(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (",", "\u00a0"), (".", "'"),
           (".", " "), (".", "\u202f")]  # fmt: skip


def scores(log: Path, folder: Path, model: tuple[str, ...] = TREES) -> Outcome:
    """Take a log from init to replay; return its probabilities, or what was refused."""
    ended = Ended()
    with ended.asked("init"):
        init(log, folder / "config.yaml", force=True)
    if ended.refused:
        return ended.refused
    config = load_config(folder / "config.yaml", settings=[*model])
    with ended.asked("train"):
        train(config, folder / "bundle", baselines=False)
    if ended.refused:
        return ended.refused
    with ended.asked("predict"):
        ended.scores = predicted(folder / "bundle", log, folder)
    with ended.asked("replay"):
        replayed(folder / "bundle", open_dataset(config.data))
    return ended.refused or ended.scores


@st.composite
def csv_dialects(draw: st.DrawFn) -> tuple[str, Dialect]:
    """Draw cities and a dialect of CSV that can write them."""
    cities = draw(st.sampled_from(sorted(CITIES)))
    decimal, thousands = draw(st.sampled_from(NUMBERS))
    encoding = draw(st.sampled_from(ENCODED[cities]))
    if thousands in ("\u00a0", "\u202f") and encoding not in ("utf-8", "utf-16"):
        thousands = " "
    header: Any = draw(
        st.sampled_from(["plain", "plain", "index", "unnamed index", "twice", "mark"])
    )
    dialect = Dialect(
        separator=draw(st.sampled_from([",", ";", "\t", "|", "\x01"])),
        quoting=draw(st.sampled_from(["few", "all", "texts"])),
        quote=draw(st.sampled_from(['"', '"', '"', "'"])),
        escape=draw(st.sampled_from([False, False, True])),
        encoding=encoding,
        newline=draw(st.sampled_from(["\n", "\n", "\r\n"])),
        around=draw(st.sampled_from([("", ""), ("", ""), (" ", ""), (" ", " "), ("", "  ")])),
        missing=draw(st.sampled_from(MARKS)),
        decimal=decimal,
        thousands=thousands,
        time=draw(st.sampled_from(sorted(TIMES))),
        label=draw(st.sampled_from(sorted(LABELS))),
        comments=draw(st.sampled_from(["none", "none", "above", "between"])),
        above=draw(st.sampled_from([(), (), ("Report of March",), ("Report", "", "")])),
        header="plain" if header == "mark" and encoding != "utf-8" else header,
        blank_lines=draw(st.integers(0, 2)),
        packed=draw(st.sampled_from(["", "", ".gz"])),
        suffix=draw(st.sampled_from(["", ".tsv", ".txt"])),
    )
    return cities, dialect


@st.composite
def typed_dialects(draw: st.DrawFn) -> tuple[str, Dialect]:
    """Draw a dialect of Parquet."""
    types: Any = draw(st.sampled_from(["usual", "narrow", "coded", "wide", "zoned", "dates"]))
    time = draw(st.sampled_from(sorted(TIMES))) if types in ("usual", "narrow", "wide") else "iso"
    return "utf-8", Dialect("parquet", types=types, time=time)


@st.composite
def line_dialects(draw: st.DrawFn) -> tuple[str, Dialect]:
    """Draw a dialect of JSON lines."""
    dialect = Dialect(
        "jsonl",
        nested=draw(st.booleans()),
        missing=draw(st.sampled_from(["", "absent", "NULL"])),
        time=draw(st.sampled_from(sorted(TIMES))),
        label=draw(st.sampled_from(sorted(LABELS))),
        encoding=draw(st.sampled_from(["utf-8", "ascii"])),
        newline=draw(st.sampled_from(["\n", "\r\n"])),
        blank_lines=draw(st.integers(0, 1)),
        packed=draw(st.sampled_from(["", ".gz"])),
        suffix=draw(st.sampled_from(["", ".ndjson", ".json"])),
    )
    return "utf-8", dialect


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Row], Dialect]:
    """Draw a log and the dialect that it is written in; columns and rows come in any order."""
    kinds = st.one_of(csv_dialects(), csv_dialects(), typed_dialects(), line_dialects())
    cities, dialect = draw(kinds)
    log = a_log(draw(st.integers(0, 1)), cities=cities, gaps=draw(st.booleans()))
    if draw(st.booleans()):
        names = draw(st.permutations([*log[0]]))
        log = [{name: row[name] for name in names} for row in log]
    return log[::-1] if draw(st.booleans()) else log, dialect


PLAIN_SCORES: dict[str, Outcome] = {}


def scores_of_plain(log: Path, model: tuple[str, ...]) -> Outcome:
    """Return what a plain log comes to; many dialects have the same."""
    key = log.read_text() + str(model)
    if key not in PLAIN_SCORES:
        PLAIN_SCORES[key] = scores(log, log.parent, model)
    return PLAIN_SCORES[key]


def differing(
    log: list[Row], dialect: Dialect, folder: Path, model: tuple[str, ...] = TREES
) -> Outcome | None:
    """Return what a dialect comes to where that is not what the plain one does."""
    plain = plainly(log, dialect, folder / "plain")
    found = scores(write(log, dialect, folder / "odd"), folder / "odd", model)
    return None if found == scores_of_plain(plain, model) else found


SOUND = {name: case for name, case in each().items() if not case.refused}


@pytest.mark.parametrize("name", SOUND)
def test_each_dialect_comes_to_the_model_of_the_plain_one(name: str, tmp_path: Path) -> None:
    case, plain, odd = SOUND[name], tmp_path / "plain", tmp_path / "odd"
    expected = scores_of_plain(case.write_plainly(plain), TREES)
    found = all_verbs(case.write(odd), odd, small=TREES)
    assert found.refused == {}
    assert found.scores == expected
    assert predicted(odd / "bundle", plain / "log.csv", plain) == expected


REFUSED = {name: case for name, case in each().items() if case.refused}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_guess_can_mend_is_refused(name: str, tmp_path: Path) -> None:
    ended = all_verbs(REFUSED[name].write(tmp_path), tmp_path)
    assert [*ended.refused] == ["init"]
    assert REFUSED[name].refused in ended.refused["init"]


SAME = ("constant_column", "frame_index", "one_infinity", "semicolons_decimal_comma",
        "seventeen_digits", "tabs_called_csv", "twelve_hours", "yes_no")  # fmt: skip
"""Real logs that mean what the plain one beside them means."""


@pytest.mark.parametrize("name", SAME)
def test_the_same_clicks_in_other_clothes(name: str, real_logs: Path, tmp_path: Path) -> None:
    place = real_logs / "dialects"
    expected = scores(place / "plain.csv", tmp_path / "plain")
    assert scores(place / f"{name}.csv", tmp_path / "odd") == expected


KNOWN_REFUSALS = re.compile(
    r"^\S+: (row \d+: not UTF-8: .* say (so|which encoding it has) with 'data.encoding.*)$"
)
"""What a guess may come to: an encoding that no text of the log speaks for."""


@pytest.mark.slow
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=logs())
def test_a_log_in_any_dialect(
    drawn: tuple[list[Row], Dialect], tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = differing(*drawn, tmp_path_factory.mktemp("log"))
    if isinstance(found, dict):
        assert [*found] == ["init"]
        assert KNOWN_REFUSALS.match(found["init"])
    else:
        assert found is None
