"""Files of impressions: read as the log was, a request whole, whatever its rows call it."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clickthrough import scoring
from clickthrough.errors import DataError
from clickthrough.features.rows import RowColumns
from clickthrough.scoring import score_file
from clickthrough.serving.predictor import Predictor, Scores
from tests.logs import raw_rows


class Watched:
    """A predictor that remembers how many rows came at once."""

    def __init__(self, predictor: Predictor) -> None:
        self.bundle, self.scorer = predictor.bundle, predictor.scorer
        self._own, self.sizes = predictor, list[int]()

    def score(self, said: RowColumns) -> Scores:
        self.sizes.append(len(said.places))
        return self._own.score(said)


def sizes_of(
    bundle: Path, folder: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    monkeypatch.setattr(scoring, "_CHUNK", 2)
    source, watched = folder / "in.jsonl", Watched(Predictor.load(bundle))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    score_file(watched, source, folder / "out.jsonl")  # type: ignore[arg-type]
    return watched.sizes


@pytest.mark.parametrize("missing", [None, "", float("nan"), ...])
def test_rows_that_name_no_request_are_no_request(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: object
) -> None:
    row = {"ad": 100} if missing is ... else {"ad": 100, "display_id": missing}
    assert sizes_of(bundle_path, tmp_path, [row] * 6, monkeypatch) == [2, 2, 2]


def test_a_request_stays_whole_whichever_name_and_type_its_id_has(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids: list[dict[str, object]] = [
        {"display_id": 7}, {"display_id": "7"}, {"request_id": None, "display_id": 7},
        {"display_id": "7", "request_id": 1}, {"request_id": 1, "display_id": "7"},
        {"display_id": 8},
    ]  # fmt: skip
    rows = [{"ad": 100 + place, **named} for place, named in enumerate(ids)]
    assert sizes_of(bundle_path, tmp_path, rows, monkeypatch) == [5, 1]


@pytest.mark.parametrize(
    ("encoding", "says"), [("latin1", "row 2: not UTF-8"), ("utf-16", "row 1: .*found UTF-16")]
)
def test_lines_that_are_not_utf8_are_named(
    bundle_path: Path, tmp_path: Path, encoding: str, says: str
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes('{"ad": 100}\n{"ad": "\xe9"}\n'.encode(encoding))
    with pytest.raises(DataError, match=rf"in\.jsonl: {says}"):
        score_file(Predictor.load(bundle_path), source, tmp_path / "out.jsonl")


@pytest.mark.parametrize("line", [r'{"\ud800": 1}', r'{"note": "\ud800"}'])
@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_what_cannot_be_kept_is_refused_in_a_line(
    bundle_path: Path, tmp_path: Path, line: str, end: str
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / f"out.{end}"
    source.write_text('{"ad": 100}\n' + line + "\n")
    with pytest.raises(DataError, match=r"in\.jsonl"):
        score_file(Predictor.load(bundle_path), source, out, ["*"])
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("line", ["[" * 200_000, json.dumps(["x" * 10**6]), "{"])
def test_a_line_that_is_no_row_is_named(bundle_path: Path, tmp_path: Path, line: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"ad": 100}\n' + line + "\n")
    with pytest.raises(DataError, match="line 2: ") as caught:
        score_file(Predictor.load(bundle_path), source, tmp_path / "out.jsonl")
    assert len(str(caught.value)) < 400


@pytest.fixture(scope="module")
def predictor(bundle_path: Path) -> Predictor:
    return Predictor.load(bundle_path)


@pytest.fixture
def rows(log: pl.DataFrame) -> pl.DataFrame:
    return log.tail(60)


def scores_of(predictor: Predictor, source: Path, keep: Sequence[str] = ()) -> list[dict[str, Any]]:
    out = source.parent / "out.jsonl"
    score_file(predictor, source, out, keep)
    return [json.loads(line) for line in out.read_text().splitlines()]


def as_training_reads(predictor: Predictor, log: pl.DataFrame) -> list[float]:
    return [p.logit for p in predictor.predict(raw_rows(log)).predictions]


def as_csv(path: Path, rows: pl.DataFrame, **form: Any) -> Path:  # noqa: ANN401
    rows.write_csv(path, **form)
    return path


DIALECTS: dict[str, Callable[[pl.DataFrame, Path], Path]] = {
    "commas": lambda rows, folder: as_csv(folder / "some.csv", rows),
    "tabs called csv": lambda rows, folder: as_csv(folder / "some.csv", rows, separator="\t"),
    "semicolons": lambda rows, folder: as_csv(folder / "some.csv", rows, separator=";"),
    "byte order mark": lambda rows, folder: as_csv(folder / "some.csv", rows, include_bom=True),
    "columns in another order": lambda rows, folder: as_csv(
        folder / "some.csv", rows.select(reversed(rows.columns))
    ),
    "our names": lambda rows, folder: as_csv(
        folder / "some.csv", rows.rename({"ad": "item", "uuid": "user", "ts": "time"})
    ),
    "gzip": lambda rows, folder: packed(as_csv(folder / "some.csv", rows)),
    "lines": lambda rows, folder: as_lines(folder / "some.jsonl", rows),
    "packed lines": lambda rows, folder: packed(as_lines(folder / "some.json", rows)),
    "parquet": lambda rows, folder: as_parquet(folder / "some.parquet", rows),
    "parquet with moments and an enum": lambda rows, folder: as_parquet(
        folder / "some.parquet",
        rows.with_columns(
            pl.col("ts").str.to_datetime(time_zone="UTC"), pl.col("platform").cast(pl.Categorical)
        ),
    ),
}


def packed(path: Path) -> Path:
    to = path.with_name(path.name + ".gz")
    to.write_bytes(gzip.compress(path.read_bytes()))
    return to


def as_lines(path: Path, rows: pl.DataFrame) -> Path:
    rows.write_ndjson(path)
    return path


def as_parquet(path: Path, rows: pl.DataFrame) -> Path:
    rows.write_parquet(path)
    return path


def with_a_column_called_user(rows: pl.DataFrame, first: bool) -> pl.DataFrame:
    """Another column by our name of a field, before the owner's or after it."""
    other = pl.format("name of {}", pl.col("uuid")).alias("user")
    return rows.select(other, pl.all()) if first else rows.select(pl.all(), other)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("end", ["csv", "parquet", "jsonl"])
def test_the_owners_name_goes_before_ours(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path, end: str, first: bool
) -> None:
    source, both = tmp_path / f"some.{end}", with_a_column_called_user(rows, first)
    write = {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}[end]
    getattr(both, write)(source)
    expected = as_training_reads(predictor, rows)
    assert [one["logit"] for one in scores_of(predictor, source)] == expected


def test_a_number_where_the_log_had_texts_counts_seconds_as_online(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path
) -> None:
    moments = pl.col("ts").str.to_datetime(time_zone="UTC").dt.epoch("s")
    source = as_csv(tmp_path / "some.csv", rows.with_columns(ts=moments))
    found = scores_of(predictor, source)
    assert [one["logit"] for one in found] == as_training_reads(predictor, rows)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_means_what_it_means_in_training_whatever_its_dialect(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path, dialect: str
) -> None:
    found = scores_of(predictor, DIALECTS[dialect](rows, tmp_path))
    assert [one["logit"] for one in found] == as_training_reads(predictor, rows)
    first = 1 if "parquet" in dialect or "lines" in dialect else 2  # the header is row 1
    assert [one["row"] for one in found] == list(range(first, first + 60))


def test_requests_that_stand_apart_are_scored_whole_and_answered_in_the_order_of_the_file(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path
) -> None:
    mixed = rows.sample(fraction=1, shuffle=True, seed=5)
    expected = dict(zip(mixed.rows(), as_training_reads(predictor, mixed), strict=True))
    assert list(expected.values()) != as_training_reads(predictor, rows)
    for end in ("csv", "jsonl"):
        source = tmp_path / f"mixed.{end}"
        mixed.write_csv(source) if end == "csv" else source.write_text(
            "".join(json.dumps(row) + "\n" for row in raw_rows(mixed))
        )
        found = scores_of(predictor, source)
        assert [one["logit"] for one in found] == list(expected.values())
        assert [one["row"] for one in found] == sorted(one["row"] for one in found)


def test_columns_of_the_caller_are_kept(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path
) -> None:
    source = as_csv(tmp_path / "some.csv", rows.with_columns(note=pl.lit("x, y")))
    (first, *_) = scores_of(predictor, source, ["note", "price"])
    assert list(first) == ["row", "note", "price", "request_id", "item", "probability", "logit"]
    assert (first["note"], first["price"]) == ("x, y", rows["price"][0])
    (first, *_) = scores_of(predictor, source, ["*"])
    assert {*rows.columns, "note"} <= set(first)
    with pytest.raises(DataError, match="unknown column 'nota'; did you mean 'note'"):
        score_file(predictor, source, tmp_path / "out.csv", ["nota"])


@pytest.mark.parametrize(
    "name", ["out.csv", "out.jsonl", "out.csv.gz", "out.jsonl.gz", "out.parquet"]
)
def test_predictions_are_the_same_in_every_kind_of_file(
    predictor: Predictor,
    rows: pl.DataFrame,
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scoring, "_CHUNK", 7)
    out = tmp_path / name
    score_file(predictor, as_csv(tmp_path / "some.csv", rows), out, ["platform"])
    if name.endswith("parquet"):
        frame = pl.read_parquet(out)
    elif "csv" in name:
        frame = pl.read_csv(out, schema_overrides={"platform": pl.String})
    else:
        content = gzip.decompress(out.read_bytes()) if name.endswith("gz") else out.read_bytes()
        frame = pl.read_ndjson(content, infer_schema_length=None)
    assert frame.columns == ["row", "platform", "request_id", "item", "probability", "logit"]
    assert frame["logit"].to_list() == as_training_reads(predictor, rows)
    assert frame["platform"].to_list() == rows["platform"].to_list()


def test_predictions_go_to_the_standard_output(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score_file(predictor, as_csv(tmp_path / "some.csv", rows), Path("-"))
    frame = pl.read_csv(capsys.readouterr().out.encode())
    assert frame["logit"].to_list() == as_training_reads(predictor, rows)


@pytest.mark.parametrize("end", ["csv", "parquet", "jsonl"])
def test_a_file_of_something_else_is_refused(
    predictor: Predictor, tmp_path: Path, end: str
) -> None:
    other = pl.DataFrame({"Daily Time Spent on Site": [1.0, 2.0], "plattform": ["a", "b"]})
    source = tmp_path / f"other.{end}"
    write = {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}[end]
    getattr(other, write)(source)
    with pytest.raises(DataError, match=r"none of .* known to the model.*did you mean 'platform'"):
        score_file(predictor, source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_what_is_ignored_and_what_is_absent_is_told(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path
) -> None:
    part = rows.drop("ts", "price").with_columns(colour=pl.lit("red"))
    source = as_csv(tmp_path / "some.csv", part, separator="\t")
    notes = score_file(predictor, source, tmp_path / "out.csv").notes
    assert notes == [
        "read with '\\t' between fields",
        "ignored, for they mean nothing to the model: colour",
        "absent, and taken as missing (a time as now): price, ts",
    ]


def test_a_value_of_another_type_is_named_by_its_row(
    predictor: Predictor, rows: pl.DataFrame, tmp_path: Path
) -> None:
    odd = rows.with_columns(pl.col("price").cast(pl.String)).with_columns(
        price=pl.when(pl.int_range(pl.len()) == 41).then(pl.lit("cheap")).otherwise("price")
    )
    with pytest.raises(
        DataError, match=r"row 43, column 'price': expected a number.*found 'cheap'"
    ):
        score_file(predictor, as_csv(tmp_path / "odd.csv", odd), tmp_path / "out.csv")
    late = rows.with_columns(
        ts=pl.when(pl.int_range(pl.len()) == 6).then(pl.lit("soon")).otherwise("ts")
    )
    with pytest.raises(DataError, match="row 8, column 'ts': 'soon' is no time"):
        score_file(predictor, as_csv(tmp_path / "odd.csv", late), tmp_path / "out.csv")
    truths = as_parquet(tmp_path / "odd.parquet", rows.with_columns(ts=pl.lit(True)))
    with pytest.raises(DataError, match=r"odd.parquet: column 'ts' is of type Boolean"):
        score_file(predictor, truths, tmp_path / "out.csv")


def test_a_file_without_a_row_gives_one_of_none(predictor: Predictor, tmp_path: Path) -> None:
    source = tmp_path / "none.jsonl"
    source.write_text("")
    assert score_file(predictor, source, tmp_path / "out.csv").rows == 0
    header = (tmp_path / "out.csv").read_text()
    assert header.strip() == "row,request_id,item,probability,logit"


def test_every_name_of_json_lines_is_kept_wherever_it_stands_first(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_CHUNK", 2)
    source = tmp_path / "in.jsonl"
    rows: list[dict[str, object]] = [{"ad": place, "note": "x"} for place in range(5)]
    source.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"ad": 9, "late": [1]}]))
    score_file(predictor, source, tmp_path / "out.csv", ["*"])
    found = pl.read_csv(tmp_path / "out.csv")
    assert found.columns[:4] == ["row", "ad", "note", "late"]
    assert found["late"].to_list() == [None] * 5 + ["[1]"]
    assert found["note"].to_list() == ["x"] * 5 + [None]


def test_a_directory_is_refused_by_name(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory; predict takes a file at a time"):
        score_file(predictor, tmp_path, tmp_path / "scores.csv")
