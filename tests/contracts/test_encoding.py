"""Rows that Spark encodes equal those that this process encodes, to the last bit."""

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.config import Config
from clickthrough.config.load import parse_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TEST, TRAIN, VALIDATION, with_part
from clickthrough.errors import DataError
from clickthrough.features.engines import SparkEngine
from clickthrough.training.prepare import feature_rows, prepare
from clickthrough.training.rows import chunks as chunks_module
from clickthrough.training.rows.chunks import Chunks
from clickthrough.training.rows.encoding import SEEN, Encoding, encode_here
from clickthrough.training.rows.flat import FlatForm
from clickthrough.training.rows.mapped import TableWriters
from clickthrough.training.rows.spark import encode_by_spark, encoded_spans
from clickthrough.training.rows.table import Table
from tests.conftest import ROOT
from tests.lacking import need
from tests.logs import make_values, write_log
from tests.serving.rich import make_rich_log
from tests.training.rows.same import same_table

LARGE = 700
"""Rows of one request: more than a chunk holds otherwise."""
LISTS = {
    "topics": {"separator": "|"},
    "shares": {"separator": "|", "of": "float"},
    "numbers": {"of": "int"},
}
FEATURES = [
    {"kind": "categorical", "fields": ["item", "platform", "Platform"]},
    {"kind": "hashed", "fields": ["user", "a.b`c"], "buckets": 32},
    {"kind": "bag", "field": "topics", "weights": "shares", "length": 2},
    {"kind": "bag", "field": "numbers", "length": 3},
    {"kind": "sequence", "length": 5},
    {"kind": "match", "fields": ["item", "advertiser"], "relative": ["rank", "difference"]},
    {
        "kind": "counter",
        "key": "item",
        "windows": ["1d"],
        "half_lives": ["6h"],
        "relative": ["rank"],
    },
    {"kind": "age", "key": "user"},
    {"kind": "numeric", "fields": "price", "relative": ["rank", "difference"]},
    {"kind": "time"},
    {"kind": "request_size"},
    {"kind": "position"},
]


def large_log() -> pl.DataFrame:
    """Return 4,000 rows with weights, one large request, and labels that are not known.

    Two names differ in case alone, one has a dot and a backtick.
    """
    log = make_rich_log()
    rng, rows = np.random.default_rng(3), pl.int_range(pl.len())
    large = rows.is_between(900, 900 + LARGE - 1)
    own = [pl.when(large).then(pl.col(n).first().over(large)) for n in ("display_id", "ts", "uuid")]
    unknown = (rows % 7 == 0) | rows.is_between(2_000, 2_040)
    return log.with_columns(
        *(
            one.otherwise(n).alias(n)
            for one, n in zip(own, ("display_id", "ts", "uuid"), strict=True)
        ),
        ad=pl.when(large).then(rows + 1_000).otherwise("ad"),
        clicked=pl.when(~unknown).then("clicked"),
        worth=pl.Series(rng.integers(0, 4, log.height)),
        Platform=pl.col("ad") % 3,
        **{"a.b`c": pl.col("uuid").str.replace("u", "Å ")},
    )


def declared(folder: Path, **changed: object) -> Config:
    values = make_values(folder, weight="worth")
    values["data"]["lists"] = LISTS
    values["counters"] = {"tick": "10m", "label_delay": "20m"}
    return parse_config(values | {"features": FEATURES} | changed, "test")


@dataclass(frozen=True)
class Case:
    """A log with its history, and what encodes it."""

    dataset: Dataset
    chunks: Chunks
    encoding: Encoding

    def here(self) -> dict[str, Table]:
        writers = TableWriters(self.dataset.path)
        encode_here(self.chunks, self.encoding, writers.add)
        return writers.tables()

    def by_spark(self) -> dict[str, Table]:
        writers = TableWriters(self.dataset.path)
        encode_by_spark(self.chunks, self.dataset.path, self.encoding, writers.add)
        return writers.tables()


def case_of(config: Config, parts: set[int] | None = None) -> Case:
    """Open a log and fit an encoder."""
    dataset = open_dataset(config.data)
    encoder = prepare(dataset, config, "live").encoder
    rows = with_part(dataset, config.data.split)
    index = rows.select("request_id", "part").collect()
    chunks = Chunks.of(feature_rows(dataset, config, encoder.plan, "live").drop("part"), index)
    wanted = frozenset({TRAIN, VALIDATION, TEST} if parts is None else parts)
    encoding = Encoding(encoder, dataset.schema, wanted, config.training.weight)
    return Case(dataset, chunks, encoding)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of about 400 rows: a partition of Spark each."""
    need("spark")
    SparkEngine("local[2]")
    monkeypatch.setattr(chunks_module, "CHUNK_ROWS", 400)


def check(case: Case) -> dict[str, Table]:
    found, expected = case.by_spark(), case.here()
    assert found.keys() == expected.keys()
    for name, table in expected.items():
        same_table(found[name], table)
    assert [path.name for path in case.dataset.path.glob("encoding-*")] == []
    return found


@pytest.mark.slow
def test_spark_equals_this_process(tmp_path: Path, small_chunks: None) -> None:
    log = large_log()
    write_log(tmp_path, log)
    case = case_of(declared(tmp_path))
    tables = check(case)
    assert len([*case.chunks.spans(case.encoding.parts)]) > 8
    assert np.diff(case.chunks.offsets).max() == LARGE
    assert [*tables] == ["train", "validation", SEEN, "test"]
    known = log["clicked"].is_not_null().sum()
    assert sum(len(table) for name, table in tables.items() if name != SEEN) == known < log.height
    place = case.encoding.encoder.numeric_names.index("position")
    assert len(np.unique(tables[SEEN].inputs.numeric[:, place])) > 3
    assert len(np.unique(tables["validation"].inputs.numeric[:, place])) == 1
    assert tables["train"].weights is not None


@pytest.mark.slow
def test_a_log_without_requests_and_times_is_encoded_alike(
    tmp_path: Path, small_chunks: None
) -> None:
    write_log(tmp_path, large_log())
    data = make_values(tmp_path)["data"] | {"roles": {"label": "clicked", "item": "ad"}}
    only_ids = [{"kind": "categorical", "fields": ["item", "uuid"]}]
    case = case_of(declared(tmp_path, data=data, features=only_ids, training={}))
    tables = check(case)
    assert np.diff(tables["train"].offsets).max() == 1
    assert tables["train"].inputs.numeric.shape == (len(tables["train"]), 0)
    assert tables["train"].weights is None


@pytest.mark.slow
def test_a_part_without_a_label_is_a_table_without_rows(tmp_path: Path, small_chunks: None) -> None:
    log = large_log()
    early = pl.int_range(pl.len()) < 0.8 * log.height
    write_log(tmp_path, log.with_columns(clicked=pl.when(early).then("clicked")))
    config = declared(tmp_path, training={})
    tables = check(case_of(config, {TEST}))
    assert {name: len(table) for name, table in tables.items()} == {"test": 0}
    assert check(case_of(config, {9})) == {}


@pytest.mark.slow
def test_a_wrong_weight_is_told_as_in_this_process(tmp_path: Path, small_chunks: None) -> None:
    log = large_log()
    write_log(
        tmp_path, log.with_columns(worth=pl.when(pl.int_range(pl.len()) != 1_300).then("worth"))
    )
    case = case_of(declared(tmp_path, training={}))
    weighted = replace(case, encoding=replace(case.encoding, weight="worth"))
    with pytest.raises(DataError) as here:
        weighted.here()
    with pytest.raises(DataError) as found:
        weighted.by_spark()
    assert str(found.value) == str(here.value)
    assert str(here.value).startswith("training.weight: row ")
    assert list(case.dataset.path.glob("encoding-*")) == []


@pytest.mark.slow
def test_a_log_is_prepared_on_spark_alone(tmp_path: Path, small_chunks: None) -> None:
    write_log(tmp_path, large_log())
    counts = [{"kind": "counter", "key": "item"}, {"kind": "sequence", "length": 3}]
    made = {}
    for engine in ("spark", "polars"):  # whole numbers are the same whichever engine counts
        config = declared(tmp_path, engine=engine, features=[*counts, {"kind": "position"}])
        made[engine] = prepare(open_dataset(config.data), config, "live")
    found, expected = made["spark"], made["polars"]
    assert [*found.tables] == [*expected.tables] == ["train", "validation", "test"]
    for name, table in expected.tables.items():
        same_table(found.tables[name], table)
    same_table(found.watched, expected.watched)
    assert found.seen is not None


def test_a_worker_may_be_given_any_ranges_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow")
    monkeypatch.setattr(chunks_module, "CHUNK_ROWS", 400)
    write_log(tmp_path, large_log())
    case = case_of(declared(tmp_path))
    spans, form = list(case.chunks.spans({TRAIN})), FlatForm.of(case.encoding.encoder)
    rows = case.chunks.rows.with_columns(part=pl.lit(TRAIN, pl.Int8))

    def encoded(*batches: list[int]) -> Table:
        numbers = (pa.RecordBatch.from_arrays([pa.array(batch)], ["id"]) for batch in batches)
        made = pa.Table.from_batches(encoded_spans(numbers, rows, spans, case.encoding))
        ((_, table),) = form.tables(pl.DataFrame(pl.from_arrow(made)))
        return table

    assert LARGE in [span.stop - span.start for span in spans]
    same_table(encoded([0], [1, 2], [3]), encoded([0, 1, 2, 3]))
    assert len(encoded([2])) + len(encoded([0, 1])) == len(encoded([0, 1, 2]))


WORKER = """
import pickle, sys
from pathlib import Path
import pyarrow as pa
work = pickle.loads(Path(sys.argv[1]).read_bytes())
numbers = pa.RecordBatch.from_arrays([pa.array([0])], ["id"])
assert pa.Table.from_batches(work(iter([numbers]))).num_rows > 100
lacks = {"torch", "lightgbm", "sklearn", "scipy", "onnxruntime", "pyspark"}
print(sorted(lacks & {name.split(".")[0] for name in sys.modules}))
"""


def test_a_worker_loads_what_encodes_and_nothing_of_training(tmp_path: Path) -> None:
    pickled = pytest.importorskip("pyspark.cloudpickle")  # as Spark sends work to its workers
    write_log(tmp_path, large_log())
    case = case_of(declared(tmp_path))
    spans = list(case.chunks.spans({TRAIN}))
    rows = case.chunks.rows.with_columns(part=pl.lit(TRAIN, pl.Int8))
    work = partial(encoded_spans, rows=rows, spans=spans, encoding=case.encoding)
    (tmp_path / "work").write_bytes(pickled.dumps(work))
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(tmp_path / "work")],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
