"""Columns of every type that Parquet has: read for what they say, or left out, by every verb."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.load import load_config
from clickthrough.data.open import open_dataset
from clickthrough.init.run import init
from tests.whole.logs import ROWS, plain
from tests.whole.verbs import all_verbs

CODES = [row * row % 7 for row in range(ROWS)]
TEXTS = pl.Series([f"v{code}" for code in CODES])
INTS = pl.Series(CODES)
FLOATS = pl.Series([code / 7 + row / 300 for row, code in enumerate(CODES)])
TIMES = plain()["time"]
LISTS_BEYOND = pl.Series([[2**63 + code] for code in CODES], dtype=pl.List(pl.UInt64))

FEATURES = {
    "categorical": (TEXTS.cast(pl.Categorical), "str", "categorical"),
    "enum": (TEXTS.cast(pl.Enum(sorted(set(TEXTS)))), "str", "categorical"),
    "u8": (INTS.cast(pl.UInt8), "int", "categorical"),
    "u16": (INTS.cast(pl.UInt16), "int", "categorical"),
    "u32": (INTS.cast(pl.UInt32), "int", "categorical"),
    "u64": (INTS.cast(pl.UInt64), "int", "categorical"),
    "i8": (INTS.cast(pl.Int8), "int", "categorical"),
    "i128": (INTS.cast(pl.Int128), "int", "categorical"),
    "u64_beyond": (pl.Series([2**63 + n for n in CODES], dtype=pl.UInt64), "str", "categorical"),
    "i128_beyond": (pl.Series([2**70 + n for n in CODES], dtype=pl.Int128), "str", "categorical"),
    "f32": (FLOATS.cast(pl.Float32), "float", "numeric"),
    "decimals": (FLOATS.cast(pl.Decimal(10, 3)), "float", "numeric"),
    "truth": (INTS > 2, "bool", "categorical"),
    "numbers_as_texts": (FLOATS.round(3).cast(pl.String), "float", "numeric"),
    "truth_as_texts": ((INTS > 2).cast(pl.String), "bool", "categorical"),
    "day": (TIMES.dt.date(), "moment", "drop"),
    "moments": (TIMES.dt.offset_by("3d"), "moment", "drop"),
    "clock": (TIMES.dt.time(), "other", "drop"),
    "length": (TIMES - TIMES[0], "other", "drop"),
    "raw": (TEXTS.cast(pl.Binary), "other", "drop"),
    "list_int": (pl.Series([[n, n % 3] for n in CODES]), "ints", "bag"),
    "list_beyond": (LISTS_BEYOND, "other", "drop"),
    "list_float": (pl.Series([[one] for one in FLOATS]), "floats", "drop"),
    "list_str": (pl.Series([[one, None, ""] for one in TEXTS]), "strs", "bag"),
    "list_bool": (pl.Series([[n > 2] for n in CODES]), "other", "drop"),
    "list_day": (pl.Series([[date(2024, 1, 1)]] * ROWS), "other", "drop"),
    "list_list": (pl.Series([[[n]] for n in CODES]), "other", "drop"),
    "array_int": (pl.Series([[n, 1] for n in CODES], dtype=pl.Array(pl.Int64, 2)), "other", "drop"),
    "record": (pl.Series([{"a": n} for n in CODES]), "other", "drop"),
    "nothing": (pl.Series([None] * ROWS), "str", "drop"),
    "infinite": (pl.Series([float("inf"), float("nan"), -1.5, 2.25] * 50), "float", "numeric"),
    "huge": (pl.Series([1e308, -1e308, 1e-320, 0.5] * 50), "float", "numeric"),
    "": (TEXTS, "str", "categorical"),
    "row": (INTS, "int", "drop"),
    "part": (INTS, "int", "drop"),
    "label": (INTS, "int", "drop"),
}  # fmt: skip


def test_a_log_of_all_types_goes_through_every_verb(tmp_path: Path) -> None:
    log = tmp_path / "log.parquet"
    columns = [values.alias(name) for name, (values, _, _) in FEATURES.items()]
    plain().with_columns(columns).write_parquet(log)
    assert all_verbs(log, tmp_path).refused == {}


@pytest.mark.parametrize("name", FEATURES)
def test_a_column_of_each_type_is_made_what_it_can_be(name: str, tmp_path: Path) -> None:
    values, kind, becomes = FEATURES[name]
    log = tmp_path / "log.parquet"
    plain().with_columns(values.alias(name)).write_parquet(log)
    written = init(log, tmp_path / "config.yaml")
    found = next(line for line in written.lines if line.column == name)
    assert (found.type, found.becomes) == (kind, becomes)
    fields = open_dataset(load_config(written.config).data).schema.fields
    assert (name in fields) == (becomes != "drop")
    if becomes == "numeric":
        assert fields[name] == kind


EPOCH = TIMES.dt.epoch("s")
MOMENTS = {
    **{f"{unit} {zone}": TIMES.cast(pl.Datetime(unit)).dt.replace_time_zone(zone)
       for unit in ("ns", "us", "ms") for zone in (None, "UTC")},
    "Tokyo": TIMES.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
    "text": TIMES.dt.strftime("%Y-%m-%dT%H:%M:%S"),
    "categorical": TIMES.dt.strftime("%Y-%m-%dT%H:%M:%S").cast(pl.Categorical),
    "u32": EPOCH.cast(pl.UInt32),
    "i32": EPOCH.cast(pl.Int32),
    "u64": EPOCH.cast(pl.UInt64),
    "i128": EPOCH.cast(pl.Int128),
    "f64": EPOCH.cast(pl.Float64),
    "decimal": EPOCH.cast(pl.Decimal(20, 3)),
    "digits": EPOCH.cast(pl.String),
}  # fmt: skip


@pytest.mark.parametrize("name", MOMENTS)
def test_a_time_of_each_type_is_the_same_moment(name: str, tmp_path: Path) -> None:
    assert read(plain().with_columns(time=MOMENTS[name]), tmp_path)["time"].equals(
        TIMES.dt.epoch("us")
    )


CLICKS = plain()["click"]
LABELS = {
    "bool": CLICKS == 1,
    "u8": CLICKS.cast(pl.UInt8),
    "i128": CLICKS.cast(pl.Int128),
    "f32": CLICKS.cast(pl.Float32),
    "decimal": CLICKS.cast(pl.Decimal(5, 0)),
    "digits": CLICKS.cast(pl.String),
    "true and false": (CLICKS == 1).cast(pl.String),
    "True and False": (CLICKS == 1).cast(pl.String).str.to_titlecase(),
}


@pytest.mark.parametrize("name", LABELS)
def test_a_label_of_each_type_is_the_same_click(name: str, tmp_path: Path) -> None:
    frame = plain().with_columns(LABELS[name].alias("click"))
    assert read(frame, tmp_path)["label"].to_list() == CLICKS.to_list()


@pytest.mark.parametrize("dtype", [pl.Binary, pl.Struct, pl.List, pl.Categorical])
def test_a_label_that_is_none_is_refused_with_its_name(
    dtype: type[pl.DataType], tmp_path: Path
) -> None:
    made = {
        pl.Struct: pl.struct("click"),
        pl.List: pl.concat_list("click"),
    }.get(dtype, pl.col("click").cast(pl.String).cast(dtype))
    log = tmp_path / "log.parquet"
    plain().with_columns(click=made).write_parquet(log)
    assert "column 'click' holds" in all_verbs(log, tmp_path).refused["init"]


USERS = {
    "u64 beyond": pl.Series([2**63 + n for n in CODES], dtype=pl.UInt64),
    "i128 beyond": pl.Series([2**70 + n for n in CODES], dtype=pl.Int128),
    "categorical": TEXTS.cast(pl.Categorical),
    "f32": INTS.cast(pl.Float32),
    "decimal": INTS.cast(pl.Decimal(20, 0)),
}


@pytest.mark.parametrize("name", USERS)
def test_users_of_each_type_stay_apart(name: str, tmp_path: Path) -> None:
    found = read(plain().with_columns(user_id=USERS[name]), tmp_path)["user"]
    assert [str(one) for one in found] == [
        str(int(one)) if name in ("f32", "decimal") else str(one) for one in USERS[name]
    ]


def read(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Write a log, guess its configuration and return it converted."""
    frame.write_parquet(folder / "log.parquet")
    written = init(folder / "log.parquet", folder / "config.yaml")
    return open_dataset(load_config(written.config).data).impressions().collect()


@pytest.mark.parametrize("compression", ["brotli", "zstd", "lz4", "gzip", "snappy"])
def test_parquet_is_read_whatever_compresses_its_pages(compression: str, tmp_path: Path) -> None:
    plain().write_parquet(tmp_path / "log.parquet", compression=compression)  # type: ignore[arg-type]
    written = init(tmp_path / "log.parquet", tmp_path / "config.yaml")
    assert open_dataset(load_config(written.config).data).report.impressions == ROWS
