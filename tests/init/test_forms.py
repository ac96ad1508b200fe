"""All tables of a log are read in one form, whatever each of them shows of it."""

from pathlib import Path

import pytest

from clickthrough.config.load import load_config
from clickthrough.data.form import TableForm
from clickthrough.data.open import open_dataset
from clickthrough.init.forms import of_all, why_otherwise
from clickthrough.init.run import init

HEADER = "time;user_id;ad_id;bid;click\n"


def rows(bid: str, day: int) -> str:
    return "".join(
        f"2024-03-{day:02d} {hour:02d}:00:00;{hour % 5};{hour % 3};{bid};{hour % 2}\n"
        for hour in range(24)
    )


def test_what_one_table_shows_holds_for_all() -> None:
    log = TableForm(";", missing=("NULL",), missing_in={"a": ["-"]})
    side = TableForm(",", missing=("?",), missing_in={"b": ["NA"]}, numbers=("b",), decimal=",")
    said = [{"missing": "NULL in a", "missing_in": "a"},
            {"missing": "?", "missing_in": "b", "numbers": "b", "decimal": "0,7"}]  # fmt: skip
    made, why = of_all([log, side], said)
    assert made == TableForm(";", missing=("NULL", "?"), missing_in={"a": ["-"], "b": ["NA"]},
                             numbers=("b",), decimal=",")  # fmt: skip
    assert why == {
        "missing": "NULL in a; ?",
        "missing_in": "a; b",
        "numbers": "b",
        "decimal": "0,7",
    }


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (TableForm(skip=2), "is written with skip 2, and the log otherwise"),
        (TableForm(quote="'"), 'is written with quote "\'", and the log otherwise'),
        (TableForm(decimal=",", trim=True, comment="#"), None),
        (TableForm(encoding="cp1252"), None),
        (TableForm(numbers=("a",), thousands=","), "has numbers with other signs than the log's"),
    ],
)
def test_what_one_configuration_cannot_read_is_told(own: TableForm, says: str | None) -> None:
    assert why_otherwise(own, TableForm(numbers=("b",), decimal=",")) == says


def test_days_of_which_one_has_fractions_are_one_log(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "day1.csv").write_text(HEADER + rows("1", 4))
    (tmp_path / "log" / "day2.csv").write_text(HEADER + rows("0,71", 5) + rows("NULL", 6))
    written = init(tmp_path / "log", tmp_path / "c.yaml")
    data = load_config(written.config).data
    dataset = open_dataset(data)
    bids = dataset.impressions().collect()["bid"].to_list()
    assert bids == [1.0] * 24 + [0.71] * 24 + [None] * 24


def test_a_side_table_is_read_in_the_form_of_the_log_and_its_own(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "log.csv").write_text(HEADER + rows("1", 4) + rows("2", 5))
    (tmp_path / "log" / "ads.csv").write_text(
        "ad_id;price;place\n0;0,5;a\n1;1.352,25;NULL\n2;3;b\n"
    )
    written = init(tmp_path / "log", tmp_path / "c.yaml")
    found = open_dataset(load_config(written.config).data).impressions().collect()
    told = found.select("item", "price", "place").unique().sort("item").rows()
    assert told == [(0, 0.5, "a"), (1, 1352.25, None), (2, 3.0, "b")]
