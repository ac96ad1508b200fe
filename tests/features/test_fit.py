from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.errors import ConfigError
from clickthrough.features.columns import BagColumn, IdColumn
from clickthrough.features.fit import fit_encoder, fit_prior, fit_vocabulary, kin_of
from clickthrough.features.history.stage import HistoryStage
from clickthrough.features.plan import Plan, make_plan
from clickthrough.features.rows import RowParser
from clickthrough.features.table import encoder_columns, request_offsets
from clickthrough.schema import FieldType, Schema

SCHEMA = Schema.model_validate(
    {
        "roles": {"request_id": "r", "time": "t", "user": "u", "item": "ad", "label": "y"},
        "fields": {
            "request_id": "int",
            "user": "str",
            "item": "int",
            "price": "float",
            "member": "bool",
            "tags": "strs",
            "numbers": "ints",
            "shares": "floats",
        },
    }
)
NAN = float("nan")


def words(
    values: Sequence[str | None], min_count: int = 1, max_size: int | None = None
) -> list[bytes]:
    column = IdColumn("city", "field", "city", min_count, max_size)
    schema = Schema(roles={}, fields={"city": "str"})
    frame = pl.DataFrame({"city": values}, schema={"city": pl.String})
    found: list[bytes] = fit_vocabulary(frame.lazy(), column, schema).values.tolist()
    return found


def test_a_vocabulary_holds_what_is_frequent_enough_sorted() -> None:
    cities = ["rome", "oslo", "oslo", "rome", "bonn", None, None, None]
    assert words(cities, min_count=2) == [b"oslo", b"rome"]
    assert words(cities, min_count=1) == [b"bonn", b"oslo", b"rome"]
    assert words(cities, min_count=3) == []


def test_too_many_values_leave_the_most_frequent_and_ties_the_smallest() -> None:
    cities = ["d", "c", "b", "a"] * 2 + ["d"]
    assert words(cities, max_size=3) == [b"a", b"b", b"d"]


def test_texts_are_sorted_as_bytes_and_long_ones_found_again() -> None:
    long = "ø" * 60
    column = IdColumn("city", "field", "city")
    schema = Schema(roles={}, fields={"city": "str"})
    vocabulary = fit_vocabulary(pl.LazyFrame({"city": [long, "Z", "é", "a"]}), column, schema)
    asked = np.array([text.encode() for text in (long, "Z", "é", "a")])
    assert sorted(vocabulary.encode(asked).tolist()) == [2, 3, 4, 5]


@pytest.mark.parametrize("name", ["n", "count", "label", "index", "literal"])
def test_a_field_may_have_any_name(name: str) -> None:
    schema = Schema(roles={}, fields={name: "int"})
    vocabulary = fit_vocabulary(
        pl.LazyFrame({name: [4, 4, 5, None]}), IdColumn(name, "field", name, 2), schema
    )
    assert vocabulary.values.tolist() == [4]


def test_a_field_that_is_always_missing_has_an_empty_vocabulary() -> None:
    assert words([None, None]) == []


def test_the_prior_is_the_click_rate_of_the_labels_that_are_known() -> None:
    labels = pl.Series([1, 0, 0, None, 0] * 1_000, dtype=pl.Int8)
    assert fit_prior(labels) == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], [None], []])
def test_the_prior_is_never_0_or_1(labels: list[int | None]) -> None:
    assert 0 < fit_prior(pl.Series(labels, dtype=pl.Int8)) < 1


def bag_words(
    values: Sequence[object], kind: FieldType, min_count: int = 1, max_size: int | None = None
) -> list[object]:
    column = BagColumn("tags_bag", "tags", "tags", 5, None, min_count, max_size)
    schema = Schema(roles={}, fields={"tags": kind})
    inner = {"ints": pl.Int64, "strs": pl.String}[kind]
    frame = pl.DataFrame({"tags": values}, schema={"tags": pl.List(inner)})
    found: list[object] = fit_vocabulary(frame.lazy(), column, schema).values.tolist()
    return found


def test_the_vocabulary_of_a_list_counts_its_entries() -> None:
    texts = [["b", "a"], ["b"], [], None, ["c", None, "c"]]
    assert bag_words(texts, "strs") == [b"a", b"b", b"c"]
    assert bag_words(texts, "strs", min_count=2) == [b"b", b"c"]
    assert bag_words([[9, 7], [9], None, [None]], "ints") == [7, 9]
    assert bag_words([[3, 2], [1]], "ints", max_size=2) == [1, 2]
    assert bag_words([None, []], "ints") == []


def test_the_vocabulary_of_a_sequence_is_that_of_its_field() -> None:
    column = BagColumn("user_item_sequence", "user:last:item", "item", 5, None, 2)
    frame = pl.DataFrame({"item": [4, 4, 5, None, None]})
    assert fit_vocabulary(frame.lazy(), column, SCHEMA).values.tolist() == [4]


def log() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    n = 400

    def lists(entries: Sequence[object]) -> list[list[object] | None]:
        """Return up to four entries a row, some of them null; some rows are null."""
        sizes = rng.integers(-1, 5, n)
        return [
            None if size < 0 else [entries[i] for i in rng.integers(0, len(entries), size)]
            for size in sizes
        ]

    return pl.DataFrame(
        {
            "row": np.arange(n),
            "request_id": np.arange(n) // 4,
            "time": 1_684_800_000_000_000 + np.arange(n) // 4 * 97_000_000,
            "user": [f"u{i}" if i else None for i in rng.integers(0, 9, n // 4).repeat(4)],
            "item": [int(i) or None for i in rng.integers(0, 12, n)],
            "price": [float(p) if p > 0.1 else None for p in rng.random(n)],
            "member": [[0, 1, None][i] for i in rng.integers(0, 3, n)],
            "tags": lists(["ø", "long " * 20, "", None]),
            "numbers": lists([3, 4, None]),
            "shares": lists([0.25, 2.0, -1.0, None]),
            "label": pl.Series(rng.integers(0, 5, n) == 0).cast(pl.Int8),
        },
        schema_overrides={"numbers": pl.List(pl.Int64)},
    ).with_columns(pl.col("tags").list.eval(pl.when(pl.element() != "").then(pl.element())))


def plan() -> Plan:
    features = [
        {"kind": "categorical", "fields": ["user", "item"]},
        {"kind": "hashed", "fields": ["user", "item"], "buckets": 7},
        {"kind": "bag", "field": "tags", "weights": "shares", "length": 3},
        {"kind": "bag", "field": "numbers", "length": 2},
        {"kind": "sequence", "length": 3},
        {"kind": "match", "fields": "item", "length": 5, "relative": ["rank"]},
        {"kind": "time"},
        {"kind": "numeric", "fields": "price", "relative": ["rank"]},
        {"kind": "numeric", "fields": "member", "relative": ["difference"]},
        {"kind": "request_size"},
        {"kind": "age", "key": "item"},
        {"kind": "counter", "key": ["user", "item"], "values": ["impressions"]},
        {
            "kind": "counter",
            "key": "item",
            "windows": ["30m"],
            "half_lives": ["1h"],
            "relative": ["rank"],
        },
    ]
    declared = TypeAdapter(list[Feature]).validate_python(features)
    return make_plan(declared, Counters(tick=600), SCHEMA, "Europe/Copenhagen")


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The log with its history columns."""
    folder = tmp_path_factory.mktemp("fit")
    log().write_parquet(folder / "impressions.parquet")
    stage = HistoryStage(folder / "history", folder / "impressions.parquet", plan().counters)
    columns = stage.columns(plan().key_sets, plan().sequence_sets)
    return pl.concat([log().lazy(), *columns], how="horizontal").collect()


def test_the_training_period_is_standardized_by_its_own_encoder(train: pl.DataFrame) -> None:
    encoder = fit_encoder(plan(), SCHEMA, train)
    made = encoder.encode(encoder_columns(train, plan(), SCHEMA), request_offsets(train))
    columns = len(plan().numeric)
    varying = made.numeric[:, :columns].std(axis=0) > 0
    np.testing.assert_allclose(made.numeric[:, :columns].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(made.numeric[:, :columns].std(axis=0)[varying], 1, atol=1e-5)
    assert varying.sum() == columns - 1  # all but request_size, which is always 4
    assert np.isfinite(made.numeric).all()
    sizes = np.array(list(encoder.id_sizes.values()))
    assert (made.ids >= 0).all()
    assert (made.ids < sizes).all()
    assert made.numeric.shape[1] == len(encoder.numeric_names)
    bag_sizes = np.repeat(*np.array(list(encoder.bag_shapes.values())).T)
    assert (made.bag_ids >= 0).all()
    assert (made.bag_ids < bag_sizes).all()
    assert (made.bag_ids.max(axis=0) > 1).all()
    assert made.bag_weights.shape == made.bag_ids.shape == (400, 3 + 2 + 3)


def test_an_indicator_is_there_exactly_where_training_had_gaps(train: pl.DataFrame) -> None:
    encoder = fit_encoder(plan(), SCHEMA, train)
    indicators = [name for name in encoder.numeric_names if name.endswith("_missing")]
    assert "price_missing" in indicators
    assert "item_impressions_missing" in indicators
    assert "item_in_user_clicks_missing" in indicators
    assert "request_size_missing" not in indicators


def test_a_declared_sentinel_reaches_the_encoder(train: pl.DataFrame) -> None:
    declared = [{"kind": "numeric", "fields": "price", "missing": "sentinel"}]
    features = TypeAdapter(list[Feature]).validate_python(declared)
    own = make_plan(features, Counters(tick=600), SCHEMA, "UTC")
    assert fit_encoder(own, SCHEMA, train).scalers["price"].fill == -1.0
    assert fit_encoder(plan(), SCHEMA, train).scalers["price"].fill > 0


def test_raw_rows_of_a_request_are_encoded_as_the_batch_encodes_them(train: pl.DataFrame) -> None:
    encoder = fit_encoder(plan(), SCHEMA, train)
    train = train.unique(["request_id", "item"], keep="first", maintain_order=True)
    offsets = request_offsets(train)
    batch_columns = encoder_columns(train, plan(), SCHEMA)
    batch = encoder.encode(batch_columns, offsets)

    names = {name: SCHEMA.input_name(name) for name in SCHEMA.fields}
    raw = [
        {sent: row[name] for name, sent in names.items()} | {"t": row["time"] / 1_000_000}
        for row in train.iter_rows(named=True)
    ]
    rows = RowParser(SCHEMA, plan().fields).parse(raw, now=max(train["time"].to_list()))
    # history as batch computed it
    columns = {**batch_columns, **rows.columns(SCHEMA, plan().list_lengths)}
    online = encoder.encode(columns, rows.offsets)

    assert list(rows.row_of) == list(range(train.height))
    np.testing.assert_array_equal(rows.offsets, offsets)
    for name, expected in batch.arrays().items():
        np.testing.assert_array_equal(online.arrays()[name], expected)


def test_without_a_history_nobody_is_alike() -> None:
    features = TypeAdapter(list[Feature]).validate_python([{"kind": "kinship"}])
    own = make_plan(features, Counters(), SCHEMA, "UTC")
    with pytest.raises(ConfigError, match="'kinship' needs what users clicked before the log"):
        kin_of(own, None, SCHEMA)
    assert kin_of(plan(), None, SCHEMA) is None
