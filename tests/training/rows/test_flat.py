"""Flat columns hold tables whole, whatever they are mixed with."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from clickthrough.training.rows.encoding import SEEN
from clickthrough.training.rows.flat import FlatForm
from clickthrough.training.rows.table import Table
from tests.training.rows.same import same_table
from tests.training.rows.test_mapped import made_table


def form_of(bags: int) -> FlatForm:
    arrays: dict[str, tuple[type[np.generic], int]] = {
        "ids": (np.int32, 2),
        "numeric": (np.float32, 4),
        "bag_ids": (np.int32, bags),
        "bag_weights": (np.float32, bags),
        "rates": (np.float32, 2),
    }
    return FlatForm(arrays, ("item", "rate of x"))


def written(form: FlatForm, *named: tuple[str, Table]) -> pl.DataFrame:
    batches = [batch for name, table in named for batch in form.batches(name, table)]
    return pl.concat([pl.DataFrame(pl.from_arrow(batch)) for batch in batches])


@pytest.mark.parametrize("bags", [0, 3])
def test_a_table_is_what_was_written_to_the_bit(bags: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clickthrough.training.rows.flat._BATCH", 17)
    form, table = form_of(bags), made_table(1, 100, bags)
    weighted = replace(table, weights=np.arange(len(table), dtype=np.float32))
    for one in (table, weighted):
        ((name, found),) = form.tables(written(form, ("train", one)))
        assert name == "train"
        same_table(found, one)


def test_tables_that_lie_together_come_apart() -> None:
    form, one, other = form_of(3), made_table(1, 20), made_table(2, 30)
    weighted = replace(one, weights=np.zeros(len(one), np.float32))
    found = dict(form.tables(written(form, ("validation", weighted), (SEEN, other))))
    same_table(found["validation"], weighted)
    same_table(found[SEEN], other)


def test_a_table_may_be_empty() -> None:
    form = form_of(0)
    assert len(form.empty()) == 0
    assert form.empty().offsets.tolist() == [0]
    assert list(form.batches("test", form.empty())) == []


def test_columns_are_named_in_the_order_of_their_values() -> None:
    form = form_of(1)
    assert form.sql.startswith("`table` TINYINT, `first` BOOLEAN, `label` TINYINT, `weight` FLOAT")
    assert form.sql.endswith(
        "`bag_ids_0` INT, `bag_weights_0` FLOAT, `rates_0` FLOAT, `rates_1` FLOAT"
    )
    assert written(form, ("test", made_table(1, 5, 1))).columns == [*form.columns]
