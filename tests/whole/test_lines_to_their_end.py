"""A log in JSON lines is to the bit the log that a CSV or Parquet of dotted names holds."""

import gzip
import json
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickthrough.bundle import load_bundle
from clickthrough.bundle.log import log_of
from clickthrough.config.load import load_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import ClickthroughError
from clickthrough.init.run import init
from clickthrough.replay import InProcess, replay
from clickthrough.scoring import score_file
from clickthrough.serving.predictor import Predictor
from clickthrough.training.evaluating.evaluate import evaluate_bundle
from clickthrough.training.run import train
from tests.whole.logs import plain
from tests.whole.verbs import SMALL, Ended, all_verbs, predicted

NAMES = {"user_id": "user.id", "item_id": "ad.no", "slot": "page.slot", "price": "ad.cost.now"}


def dotted(rows: int = 200, seed: int = 0) -> pl.DataFrame:
    """Return a log whose columns have dotted names."""
    frame = plain(rows, seed).rename(NAMES).with_columns(pl.col("time").dt.to_string())
    return frame.select("time", *NAMES.values(), "click")


def nested(row: dict[str, Any], full: bool = False) -> dict[str, Any]:
    """Return what a row says as nested objects; unless full, it lacks keys that have no value."""
    made: dict[str, Any] = {}
    for path, value in row.items():
        *objects, name = path.split(".")
        inner = made
        for one in objects:
            inner = inner.setdefault(one, {})
        if value is not None or full:
            inner[name] = value
    return made


def lines_of(frame: pl.DataFrame, full: bool = False) -> bytes:
    return "".join(json.dumps(nested(row, full)) + "\n" for row in frame.to_dicts()).encode()


def as_lines(frame: pl.DataFrame, path: Path) -> Path:
    path.write_bytes(lines_of(frame))
    return path


def with_nulls(frame: pl.DataFrame, path: Path) -> Path:
    path.write_bytes(lines_of(frame, full=True))
    return path


def zipped(frame: pl.DataFrame, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("of_today.jsonl", lines_of(frame))
    return path


def gzipped(frame: pl.DataFrame, path: Path) -> Path:
    path.write_bytes(gzip.compress(lines_of(frame)))
    return path


def as_csv(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_csv(path)
    return path


def as_parquet(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_parquet(path)
    return path


FORMS: dict[str, Callable[[pl.DataFrame, Path], Path]] = {
    "log.csv": as_csv, "log.parquet": as_parquet, "log.jsonl": as_lines, "log.json": as_lines,
    "full.jsonl": with_nulls, "log.ndjson.gz": gzipped, "log.gz": gzipped,
    "log.zip": zipped, "log.jsonl.zip": zipped,
}  # fmt: skip


def ended(frame: pl.DataFrame, name: str, folder: Path) -> Ended:
    folder.mkdir()
    return all_verbs(FORMS[name](frame, folder / name), folder)


@pytest.fixture(scope="module")
def of_csv(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return ended(dotted(), "log.csv", tmp_path_factory.mktemp("csv") / "of")


@pytest.mark.parametrize("name", [*FORMS][1:])
def test_every_form_of_a_log_gives_the_same_bits(name: str, of_csv: Ended, tmp_path: Path) -> None:
    found = ended(dotted(), name, tmp_path / "of")
    assert found.refused == of_csv.refused == {}
    assert found.scores == of_csv.scores


CELLS: list[st.SearchStrategy[Any]] = [
    st.none() | st.integers(-3, 9),
    st.none() | st.integers(-(2**62), 2**62),
    st.none() | st.sampled_from(["a", "b c", "0x", "søster", 'q"', "\\"]),
    st.none() | st.booleans(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.integers(-5, 5).map(lambda number: number / 4),
    st.none() | st.lists(st.integers(0, 5), max_size=3),
    st.none() | st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
]


@st.composite
def logs(draw: st.DrawFn) -> pl.DataFrame:
    """Draw a log of three columns more, nested anywhere, of any types."""
    frame, seed = dotted(40, draw(st.integers(0, 5))), draw(st.randoms(use_true_random=False))
    for name in ("x", "user.x", "page.of.x"):
        cell = draw(st.sampled_from(CELLS))
        some = draw(st.lists(cell, min_size=1, max_size=6))
        frame = frame.with_columns(pl.Series(name, [seed.choice(some) for _ in range(40)]))
    return frame


def opened(frame: pl.DataFrame, name: str, folder: Path) -> pl.DataFrame | str:
    """Return the log as its verbs see it, with the types of its fields; or why it is refused."""
    try:
        made = init(FORMS[name](frame, folder / name), folder / f"{name}.yaml", force=True)
        dataset = open_dataset(load_config(made.config).data)
    except ClickthroughError as error:
        return str(error).replace(name, "log")
    fields = {field: str(kind) for field, kind in dataset.schema.fields.items()}
    types = pl.lit(json.dumps(fields, sort_keys=True))
    return dataset.impressions().collect().with_columns(types=types)


@pytest.mark.slow
@settings(max_examples=50, deadline=None, suppress_health_check=[*HealthCheck])
@given(frame=logs())
def test_any_log_is_read_as_its_parquet_is(frame: pl.DataFrame, tmp_path: Path) -> None:
    one, other = (opened(frame, name, tmp_path) for name in ("log.parquet", "log.jsonl"))
    if isinstance(one, str) or isinstance(other, str):
        assert isinstance(one, str)
        assert isinstance(other, str)
        return
    assert {*one.columns} == {*other.columns}
    assert one.to_dicts() == other.select(one.columns).to_dicts()


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[*HealthCheck])
@given(frame=logs())
def test_any_log_is_scored_as_its_parquet_is(
    frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    one, other = (
        ended(frame.select(sorted(frame.columns)), name, folder / name)
        for name in ("log.parquet", "full.jsonl")  # the order in which columns are met is the same
    )
    assert {*one.refused} == {*other.refused}
    assert one.scores == other.scores


def trained(log: Path, folder: Path) -> Path:
    config = load_config(init(log, folder / "c.yaml").config, settings=SMALL)
    train(config, folder / "bundle", baselines=False)
    return folder / "bundle"


def figures(bundle: Path, dataset: Dataset) -> dict[str, Any]:
    return evaluate_bundle(load_bundle(bundle), dataset, "live", False) | {"made": "now"}


@pytest.mark.parametrize(("name", "other"), [*pairwise(["log.jsonl", "log.csv", "log.jsonl"])])
def test_a_later_log_may_be_of_the_other_form(name: str, other: str, tmp_path: Path) -> None:
    frame = dotted(300)
    bundle = trained(FORMS[name](frame[:200], tmp_path / name), tmp_path)
    records, scores = [], []
    for form in (name, other):
        later = FORMS[form](frame[200:], tmp_path / f"later_{form}")
        dataset = log_of(load_bundle(bundle), later)
        assert dataset.known is not None
        records.append(figures(bundle, dataset))
        live = InProcess(Predictor.load(bundle))
        assert replay(load_bundle(bundle), dataset, live)["largest_difference"] < 1e-12
        scores.append(predicted(bundle, later, tmp_path))
    assert records[0] == records[1]
    assert scores[0] == scores[1]


def test_a_later_log_may_lack_a_key(tmp_path: Path) -> None:
    frame = dotted(300)
    bundle = trained(as_lines(frame[:200], tmp_path / "log.jsonl"), tmp_path)
    lacking = frame[200:].drop("page.slot")
    none = frame[200:].with_columns(pl.lit(None, pl.String).alias("page.slot"))
    logs_of = [
        log_of(load_bundle(bundle), as_lines(lacking, tmp_path / "lacking.jsonl")),
        log_of(load_bundle(bundle), as_csv(none, tmp_path / "none.csv")),
    ]
    records = [figures(bundle, log) for log in logs_of]
    assert records[0] == records[1]


def test_files_are_one_log_though_one_lacks_a_key(tmp_path: Path) -> None:
    frame = dotted()
    frame = frame.with_columns(pl.when(pl.int_range(pl.len()) < 100).then("page.slot"))
    halves = [
        as_lines(frame[:100], tmp_path / "a.jsonl"),
        as_lines(frame[100:], tmp_path / "b.json"),
    ]
    config = load_config(init(halves[0], tmp_path / "c.yaml").config, data=halves)
    united = open_dataset(config.data).impressions().collect()
    config = load_config(init(as_csv(frame, tmp_path / "w.csv"), tmp_path / "w.yaml").config)
    whole = open_dataset(config.data).impressions().collect()
    assert united.select(whole.columns).to_dicts() == whole.to_dicts()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_side_tables_are_lines_or_stand_beside_them(form: str, tmp_path: Path) -> None:
    """A table that a service looks up, and one that only files are joined with."""
    frame = dotted()
    ads = frame.select("ad.no").unique("ad.no", maintain_order=True)
    ads = ads.with_columns(pl.format("t{}", pl.col("ad.no") % 3).alias("ad.topic"))
    slots = pl.DataFrame({"page.slot": ["a", "b", "c"], "page.size": [3, 1, 2]})
    found = []
    for name, side in (("log.csv", "csv"), ("log.jsonl", form)):
        folder = tmp_path / name
        folder.mkdir()
        FORMS[name](frame, folder / name)
        for table, of in (("ads", ads), ("slots", slots)):
            FORMS[f"log.{side}"](of, folder / f"{table}.{side}")
        bundle = trained(folder, folder)
        assert {"ad.topic", "page.size"} <= {*load_bundle(bundle).schema.fields}
        dataset = log_of(load_bundle(bundle))
        live = InProcess(Predictor.load(bundle))
        assert replay(load_bundle(bundle), dataset, live)["largest_difference"] < 1e-12
        found.append(predicted(bundle, folder / name, tmp_path))
    assert found[0] == found[1]


REFUSED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (
        lambda row: {**row, "click": [row["click"]]},
        r"'click' has the type List\(Int64\); expected a label",
    ),
    (lambda row: {**row, "click": [{}]}, "'click' holds lists of objects; expected a label"),
    (lambda row: {**row, "user": {"id": [{"no": 1}]}}, "'user.id' holds lists of objects"),
]


@pytest.mark.parametrize(("bent", "says"), REFUSED)
def test_a_column_of_a_role_that_no_field_can_hold_is_named(
    bent: Callable[[dict[str, Any]], object], says: str, tmp_path: Path
) -> None:
    log = as_lines(dotted(), tmp_path / "log.jsonl")
    config = load_config(init(log, tmp_path / "c.yaml").config)
    rows = [bent(nested(row)) for row in dotted().to_dicts()]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ClickthroughError, match=says) as caught:
        open_dataset(config.data)
    assert "\n" not in str(caught.value)


def test_what_no_field_can_hold_is_left_out_and_told(tmp_path: Path) -> None:
    log, rows = tmp_path / "log.jsonl", [nested(row) for row in dotted().to_dicts()]
    log.write_text("".join(json.dumps({**row, "seen": [{"ad": 1}]}) + "\n" for row in rows))
    made = init(log, tmp_path / "c.yaml")
    why = {line.column: line.why for line in made.lines}["seen"]
    assert why == "holds lists of objects, of which no feature can be made"
    config = load_config(made.config)
    data = config.data.model_copy(update={"drop": []})
    (note,) = (note for note in open_dataset(data).report.notes if "seen" in note)
    assert note == "column 'seen' is left out: it holds lists of objects, which a field cannot have"


def test_ids_that_are_sometimes_quoted_mean_the_same_everywhere(tmp_path: Path) -> None:
    frame, log = dotted(), tmp_path / "log.jsonl"
    rows = [nested(row) for row in frame.to_dicts()]
    for place, row in enumerate(rows):
        row["user"]["id"] = str(row["user"]["id"]) if place % 3 else row["user"]["id"]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = all_verbs(log, tmp_path)
    texts = as_csv(
        frame.with_columns(pl.format("u{}", "user.id").alias("user.id")), tmp_path / "t.csv"
    )
    (tmp_path / "of_texts").mkdir()
    assert found.refused == {}
    assert load_bundle(tmp_path / "bundle").schema.fields["user"] == "str"
    assert len({*found.scores}) > 100
    one = all_verbs(texts, tmp_path / "of_texts")
    assert found.scores == pytest.approx(one.scores, abs=0.3)
    predictor = Predictor.load(tmp_path / "bundle")
    asked = [{**rows[-1], "user": {"id": value}} for value in (7, "7")]
    assert len({p.logit for p in predictor.predict(asked).predictions}) == 1


def test_every_name_is_kept_by_path(tmp_path: Path) -> None:
    log = as_lines(dotted(), tmp_path / "log.jsonl")
    bundle = trained(log, tmp_path)
    done = score_file(Predictor.load(bundle), log, tmp_path / "out.csv", ["*"])
    assert {*dotted().columns} <= {*pl.read_csv(tmp_path / "out.csv").columns}
    assert done.rows == 200
