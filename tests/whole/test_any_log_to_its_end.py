"""A log of any sound shape goes through every verb, or is refused in one line that says why."""

import bz2
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.whole.logs import CLICK, ROW, plain, with_ids
from tests.whole.verbs import all_verbs

LABELLED = pl.when(ROW < 170).then(CLICK)
TIMELESS = plain().drop("time")
WIDE = plain().with_columns(
    pl.Series(f"f{n}", np.random.default_rng(n).random(200)) for n in range(200)
)
BOTH_CLASSES = pl.DataFrame({"click": [0, 1, 0, 1, 1], "slot": ["a", "b", "a", "b", "a"]})

WELL = {
    "plain": plain(),
    "no time": TIMELESS,
    "one user": plain().with_columns(user_id=pl.lit(1)),
    "one item": plain().with_columns(item_id=pl.lit(1)),
    "two requests of a hundred": plain().with_columns(request_id=ROW // 100),
    "30 rows": plain(30),
    "5 rows of two values": BOTH_CLASSES,
    "one feature": plain().select("click", "slot", "time"),
    "a column of nulls, a constant one": plain().with_columns(
        empty=pl.lit(None, pl.Float64), constant=pl.lit(3.5)
    ),
    "200 columns": WIDE,
    "no click in the test part": plain().with_columns(click=LABELLED.otherwise(0)),
    "all clicked in the test part": plain().with_columns(click=LABELLED.otherwise(1)),
    "rows thrice": pl.concat([plain()] * 3),
    "a request's rows twice": pl.concat([plain()] * 2)
    .with_columns(request_id=ROW // 4 * 4)
    .sort("request_id"),
    "greatest ids": with_ids(lambda one: 2**63 - 1 - one),
    "least ids": with_ids(lambda one: one - 2**63 + 1),
    "unicode ids": with_ids(lambda one: f"søster-日本-😀{one}"),
    "ids with blanks around": with_ids(lambda one: " " * (one % 4) + f"{one} "),
    "ids with separators and newlines": with_ids(lambda one: f'a,"b"\n{one};\t|x'),
    "ids with carriage returns": with_ids(lambda one: f"a\r{one}\r\nb"),
}


@pytest.mark.parametrize("name", WELL)
def test_a_sound_log_goes_through_every_verb(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    WELL[name].write_csv(log)
    ended = all_verbs(log, tmp_path)
    assert ended.refused == {}
    assert len(ended.scores) == len(WELL[name])


@pytest.mark.parametrize("name", ["30 rows", "no click in the test part"])
def test_so_do_its_baselines(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    WELL[name].write_csv(log)
    assert all_verbs(log, tmp_path, baselines=True).refused == {}


SAME_MOMENT = plain().with_columns(time=plain()["time"][0])
REFUSED = {
    "no clicks": (plain().with_columns(click=pl.lit(0)), "init", "'click' holds 0 in every row"),
    "clicks alone": (plain().with_columns(click=pl.lit(1)), "init", "'click' holds 1 in every row"),
    "no labels": (plain().with_columns(click=pl.lit(None)), "init", "'click' holds no values"),
    "2 rows": (BOTH_CLASSES[:2], "init", "no feature can be made.*a value a row"),
    "one moment": (SAME_MOMENT, "train", "the train part is empty: all .* one moment.*roles.time"),
    "one request": (
        SAME_MOMENT.with_columns(request_id=pl.lit(5)),
        "train",
        "the train part is empty: the log is one request.*request_id",
    ),
    "no labels to validate with": (
        plain().with_columns(click=pl.when(~ROW.is_between(160, 180)).then(CLICK)),
        "train",
        "no impression of the validation part has a label; see 'data.split'",
    ),
    "no labels to train on": (
        plain().with_columns(click=pl.when(ROW > 170).then(CLICK)),
        "train",
        "no impression of the train part has a label; see 'data.split'",
    ),
    "no click to train on": (
        plain().with_columns(click=pl.when(ROW < 162).then(0).otherwise(CLICK)),
        "train",
        "in the train part no impression is clicked.*data.split",
    ),
    "nothing but clicks to train on": (
        plain().with_columns(click=pl.when(ROW < 162).then(1).otherwise(CLICK)),
        "train",
        "in the train part every impression is clicked.*data.split",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_log_of_which_nothing_can_be_learned_is_refused_with_its_name(
    name: str, tmp_path: Path
) -> None:
    frame, verb, says = REFUSED[name]
    log = tmp_path / "log.csv"
    frame.write_csv(log)
    ended = all_verbs(log, tmp_path)
    assert [*ended.refused] == [verb]
    assert ended.refused[verb].startswith(f"{log}: ")
    assert re.search(says, ended.refused[verb]), ended.refused[verb]


def test_without_labels_in_the_test_part_only_what_needs_them_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    plain().with_columns(click=LABELLED).write_csv(log)
    ended = all_verbs(log, tmp_path)
    says = f"{log}: no impression of the test part has a label; see 'data.split'"
    assert ended.refused == {"evaluate": says, "replay": says}


def test_so_it_is_without_a_test_part(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    plain().write_csv(log)
    ended = all_verbs(log, tmp_path, settings=("data.split.test=null",))
    says = f"{log}: the log has no test part; see 'data.split.test'"
    assert ended.refused == {"evaluate": says, "replay": says}


@pytest.mark.slow
def test_ids_that_the_service_holds_for_too_long_are_scored_where_it_is_told_so(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log.csv"
    with_ids(lambda one: f"{one:0300d}").with_columns(pl.col("user_id", "item_id") + "x").write_csv(
        log
    )
    ended = all_verbs(log, tmp_path / "usual")
    assert [*ended.refused] == ["predict", "serve", "replay"]
    assert all("at most 256 (serving.max_id_bytes)" in said for said in ended.refused.values())
    longer = all_verbs(log, tmp_path / "longer", settings=("serving.max_id_bytes=301",))
    assert longer.refused == {}


OTHER_FORMATS = {
    "log.parquet.br": (b"\x1b\x00", "looks like Brotli"),
    "log.csv.zst": (b"\x28\xb5\x2f\xfd\x04", "looks like zstd"),
    "log.csv.bz2": (bz2.compress(b"click,slot\n0,a\n"), "looks like bzip2"),
    "log.csv.xz": (b"\xfd7zXZ\x00\x00", "looks like xz"),
    "log.csv": (b"\x1f\x8b\x08", "looks like gzip"),
    "log.xlsx": (b"PK\x03\x04", "looks like zip, as of a spreadsheet"),
    "log.pq": (b"PAR1\x15", "looks like Parquet"),
    "log.feather": (b"ARROW1", "looks like Arrow"),
}


@pytest.mark.parametrize("name", OTHER_FORMATS)
def test_a_file_of_another_format_is_refused_with_what_is_read(name: str, tmp_path: Path) -> None:
    content, says = OTHER_FORMATS[name]
    (tmp_path / name).write_bytes(content)
    said = all_verbs(tmp_path / name, tmp_path).refused["init"]
    assert said == (
        f"{tmp_path / name}: {says}; "
        "expected CSV or JSON lines (plain, .gz or .zip), or Parquet, under a name that ends in "
        ".parquet, JSON lines under .jsonl"
    )


def test_parquet_in_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.parquet.gz").write_bytes(b"\x1f\x8b\x08")
    said = all_verbs(tmp_path / "log.parquet.gz", tmp_path).refused["init"]
    assert said.endswith("log.parquet.gz: is Parquet in an archive, which is not read; unpack it")
