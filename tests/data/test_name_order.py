"""Files are in the order of the numbers in their names."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.config.data import TabularData
from clickthrough.data.name_order import in_order
from clickthrough.data.open import open_dataset
from clickthrough.init.one_log import looked_at, places
from tests.whole.logs import plain

NAMES = st.lists(st.text("ab-.01２", min_size=1, max_size=6).map("x".__add__), max_size=3)


@pytest.mark.parametrize(
    "names",
    [
        ["log-1.csv", "log-2.csv", "log-10.csv"],
        ["log-01.csv", "log-1.csv", "log.csv"],
        ["2024-3-4.csv", "2024-3-10.csv", "2024-10-1.csv"],
        ["dt=2/part-10.csv", "dt=10/part-2.csv"],
        ["1.csv", "a.csv"],
    ],
)
def test_numbers_are_compared_as_numbers(names: list[str]) -> None:
    expected = [Path(name) for name in names]
    assert in_order(reversed(expected)) == expected


@given(names=NAMES, seed=st.randoms(use_true_random=False))
def test_the_order_depends_on_the_names_alone(names: list[str], seed: Random) -> None:
    paths = [Path(name) for name in dict.fromkeys(names)]
    given = [*paths]
    seed.shuffle(given)
    assert in_order(given) == in_order(paths)


def test_a_log_without_a_time_is_divided_in_that_order(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    for day in range(1, 12):
        rows = plain().drop("time").head(20).with_columns(day=day)
        rows.write_csv(folder / f"log-{day}.csv")
    values = {"reader": "tabular", "path": folder, "cache": tmp_path, "roles": {"label": "click"}}
    found = open_dataset(TabularData.model_validate(values)).impressions().sort("row").collect()
    assert found["day"].is_sorted()
    files = [folder / f"log-{day}.csv" for day in range(1, 12)]
    assert looked_at(files)[-1] == files[-1]
    assert places(files, folder) == [folder / "*.csv"]
