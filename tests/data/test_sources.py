"""A log tells of each field whose it is: the candidate's, the user's, or the moment's."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.config.explain import FieldSource
from clickthrough.config.load import parse_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.sources import field_sources
from tests.logs import make_log, make_values, write_log


def opened(folder: Path, log: pl.DataFrame, **data: object) -> Dataset:
    write_log(folder, log)
    values = make_values(folder)
    values["data"] |= data
    return open_dataset(parse_config(values, "test").data)


def told(folder: Path, log: pl.DataFrame) -> dict[str, FieldSource]:
    return field_sources(opened(folder, log))


@pytest.fixture
def log() -> pl.DataFrame:
    made = make_log()
    country = pl.col("uuid").str.slice(1).cast(pl.Int64) % 5
    return made.with_columns(country=pl.lit("c") + country.cast(pl.String), same=pl.lit("x"))


def test_what_a_side_table_says_of_an_item_is_the_candidates(
    tmp_path: Path, log: pl.DataFrame
) -> None:
    """A log that knows no requests has none within which its fields could differ."""
    roles = {"label": "clicked", "time": "ts", "user": "uuid", "item": "ad"}
    found = field_sources(opened(tmp_path, log.drop("display_id"), roles=roles))
    assert found["advertiser"] == "candidate"
    assert found["platform"] == "context"


def test_fields_are_told_by_what_they_are_the_same_for(tmp_path: Path, log: pl.DataFrame) -> None:
    assert told(tmp_path, log) == {
        "request_id": "context",
        "user": "profile",
        "item": "candidate",
        "platform": "context",
        "price": "candidate",
        "advertiser": "candidate",
        "country": "profile",
        "same": "context",  # tells nothing of anybody
    }


def test_a_few_mistakes_of_the_log_change_nothing(tmp_path: Path, log: pl.DataFrame) -> None:
    wrong = np.random.default_rng(0).random(log.height) < 0.002
    mended = log.with_columns(
        platform=pl.when(pl.Series(wrong)).then(pl.lit("odd")).otherwise("platform")
    )
    assert told(tmp_path, mended)["platform"] == "context"


def test_where_each_request_has_one_row_only_roles_tell_a_candidate(
    tmp_path: Path, log: pl.DataFrame
) -> None:
    found = told(tmp_path, log.unique("display_id", keep="first", maintain_order=True))
    assert found["item"] == "candidate"
    assert found["price"] == "context"


def test_users_who_never_come_again_tell_nothing(tmp_path: Path, log: pl.DataFrame) -> None:
    once = log.with_columns(uuid=pl.lit("u") + pl.col("display_id").cast(pl.String))
    assert told(tmp_path, once)["country"] == "context"


def test_lists_are_compared_whole(tmp_path: Path, log: pl.DataFrame) -> None:
    ads = (pl.col("ad") % 3).cast(pl.String)
    lists = {"tags": {"separator": "|"}, "page": {"separator": "|"}}
    made = log.with_columns(tags=ads + "|t", page=pl.col("display_id").cast(pl.String) + "|p")
    found = field_sources(opened(tmp_path, made, lists=lists))
    assert (found["tags"], found["page"]) == ("candidate", "context")
