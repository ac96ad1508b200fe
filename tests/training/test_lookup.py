"""Which side tables a bundle holds, what of them, and how a wrong setting is refused."""

from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from clickthrough.config.load import load_config, parse_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError
from clickthrough.features.plan import Plan
from clickthrough.features.sides import SideTable, packed
from clickthrough.training.lookup import chosen, side_tables
from clickthrough.training.prepare import plan_of
from clickthrough.training.run import train
from tests.data.outbrain.made import SMALL, opened, write
from tests.logs import make_log, make_values, write_log
from tests.serving.sided import LOOKUP, Sided, train_sided


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sided:
    return train_sided(tmp_path_factory.mktemp("sided"))


def plan(dataset: Dataset, *features: dict[str, Any]) -> Plan:
    """Return what features read; of Outbrain's log, unless it is said otherwise."""
    preset = load_config("outbrain").model_dump(mode="json")
    return plan_of(parse_config(preset | {"features": [*features]}, "test"), dataset.schema)


def said(table: SideTable, *key: object) -> object:
    (row,) = table.rows.read([packed(key)])
    return None if row is None else msgspec.msgpack.decode(row)


@pytest.mark.parametrize(
    ("lookup", "says"),
    [
        ({"ad.csv": "ad"}, "unknown table 'ad.csv'; did you mean 'ads.csv'"),
        ({"ads.csv": "page"}, "'ads.csv' is read by ad; found page"),
        ({"ads.csv": ["ad", "page"]}, "'ads.csv' is read by ad; found ad, page"),
        ({"spots.csv": "page"}, "'spots.csv' is read by page and platform; found page"),
        ({"ads.csv": []}, "'ads.csv' is read by ad; found nothing"),
        ({"ads.csv": "Item"}, "'ads.csv' is read by ad; found Item"),
    ],
)
def test_a_wrong_name_or_key_is_refused_in_a_line(
    made: Sided, lookup: dict[str, Any], says: str, tmp_path: Path
) -> None:
    values = made.bundle.config.model_dump(mode="json")
    config = parse_config(values | {"serving": {"lookup": lookup}}, "test")
    with pytest.raises(ConfigError, match=f"^serving.lookup: {says}") as refused:
        train(config, tmp_path / "bundle")
    assert "\n" not in str(refused.value)


def test_our_names_are_names_too(made: Sided) -> None:
    (form,) = chosen({"ads.csv": ["item"]}, made.dataset)
    assert form.ways[0].key == ("item",)


def test_a_log_without_tables_has_none_to_name(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=20))
    values = make_values(tmp_path)
    values["data"].pop("joins")
    dataset = open_dataset(
        parse_config(values | {"features": [{"kind": "request_size"}]}, "t").data
    )
    with pytest.raises(ConfigError, match=r"'a\.csv': the log has no table with a key"):
        chosen({"a.csv": ["ad"]}, dataset)


def test_two_tables_of_a_name_are_not_told_apart(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=20))
    other = tmp_path / "other" / "advertisers.csv"
    other.parent.mkdir()
    pl.DataFrame({"uuid": ["u1"], "age": [40]}).write_csv(other)
    values = make_values(tmp_path)
    values["data"]["joins"].append({"file": str(other), "on": "uuid"})
    dataset = open_dataset(parse_config(values, "test").data)
    with pytest.raises(ConfigError, match=r"'advertisers\.csv': so are 2 tables called"):
        chosen({"advertisers.csv": ["ad"]}, dataset)


def test_tables_hold_what_is_read_and_the_keys_of_others(made: Sided) -> None:
    ads, makers, spots = made.bundle.sides
    assert {*ads.form.columns} == {"advertiser", "item_maker", "fee", "adult", "topics"}
    assert "item_maker" not in made.bundle.plan.fields
    assert {*makers.form.columns} == {"maker_land", "founded", "numbers"}
    assert said(makers, 14) == ["dk", 1_900, [3, 1, 2]]
    assert said(makers, 10) == [None, 1_950, []]
    assert said(makers, 11) is None
    first = pl.read_csv(made.folder / "spots.csv").row(0, named=True)
    assert said(spots, first["page"], first["platform"]) == [first["spot"]]
    topics = pl.read_csv(made.folder / "ads.csv").drop_nulls("topics").row(0, named=True)
    row = said(ads, topics["ad"])
    assert isinstance(row, list)
    assert topics["topics"].split("|")[:2] in row  # of lists as much as is read


def test_a_table_of_which_nothing_is_read_is_left_out(made: Sided) -> None:
    forms = chosen({name: [*([on] if isinstance(on, str) else on)] for name, on in LOOKUP.items()},
                   made.dataset)  # fmt: skip
    own = plan(made.dataset, {"kind": "categorical", "fields": ["maker_land"]})
    found = side_tables(forms, made.dataset, own)
    assert [(t.form.name, t.form.columns) for t in found] == [
        ("ads.csv", ("item_maker",)), ("makers.parquet", ("maker_land",)),
    ]  # fmt: skip
    none = plan(made.dataset, {"kind": "categorical", "fields": ["platform"]})
    assert side_tables(forms, made.dataset, none) == []


def test_documents_are_known_by_the_page_and_by_what_an_ad_leads_to(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path / "log"))
    lookup = {"promoted_content": ["ad_id"], "documents": ["document_id", "ad_document_id"]}
    own = plan(
        dataset,
        {"kind": "categorical", "fields": ["source_id", "ad_topic_id", "advertiser_id"]},
        {"kind": "bag", "field": "ad_topic_ids", "length": 1},
    )
    ads, documents = side_tables(chosen(lookup, dataset), dataset, own)
    assert said(ads, 12) == [7, 201]
    assert documents.form.columns == ("source_id", "topic_id", "topic_ids")
    by_page, by_ad = documents.form.ways
    assert (by_page.key, by_page.gives) == (("document_id",), {"source_id": "source_id"})
    assert by_ad.gives == {"topic_id": "ad_topic_id", "topic_ids": "ad_topic_ids"}
    assert said(documents, 100) == [5, 140, [140]]
    assert said(documents, 201) == [None, None, None]
    (only,) = chosen({"documents": ["document_id"]}, dataset)
    assert [way.key for way in only.ways] == [("document_id",)]
    (made,) = side_tables([only], dataset, own)
    assert made.form.columns == ("source_id",)


def test_a_preset_goes_without_the_tables_that_are_not_there(tmp_path: Path) -> None:
    lookup = load_config("outbrain").serving.lookup
    bare = {n: SMALL[n] for n in ("clicks_train", "events", "promoted_content")}
    dataset = opened(write(tmp_path / "log", bare))
    own = plan(dataset, {"kind": "categorical", "fields": ["advertiser_id"]})
    (only,) = side_tables(chosen(lookup, dataset), dataset, own)
    assert only.form.name == "promoted_content"
