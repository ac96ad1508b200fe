from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.data import TabularData
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.split import with_part
from clickthrough.errors import DataError
from clickthrough.schema import to_microseconds
from tests.logs import make_advertisers

ROLES = {"label": "clicked", "request_id": "display", "time": "ts", "user": "who", "item": "ad"}
NOON = to_microseconds(datetime(2024, 1, 1, 12, tzinfo=UTC))
HEADER = "display,ts,who,ad,place,price,clicked"
ROWS = """\
1,2024-01-01T12:00:00,ann,118,top,1.5,0
1,2024-01-01T12:00:00,ann,119,side,,1
2,2024-01-01T12:05:00,bob,118,,2.5,1
"""


def opened(folder: Path, text: str | None = None, **settings: object) -> Dataset:
    """Open a log; ``text`` is written as its file first."""
    path = folder / "log.csv"
    if text is not None:
        path.write_text(text)
    given = {"reader": "tabular", "path": path, "cache": folder / "cache", "roles": ROLES}
    return open_dataset(TabularData.model_validate(given | settings))


def rows_of(dataset: Dataset) -> pl.DataFrame:
    return dataset.impressions().collect()


def test_columns_get_the_names_of_their_roles_and_keep_their_own(tmp_path: Path) -> None:
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}")
    rows = rows_of(dataset)
    assert rows["request_id"].to_list() == [1, 1, 2]
    assert rows["time"].to_list() == [NOON, NOON, NOON + 300_000_000]
    assert rows["user"].to_list() == ["ann", "ann", "bob"]
    assert rows["item"].to_list() == [118, 119, 118]
    assert rows["label"].to_list() == [0, 1, 1]
    assert dataset.schema.fields == {
        "request_id": "int", "user": "str", "item": "int", "place": "str", "price": "float",
    }  # fmt: skip
    assert (dataset.report.impressions, dataset.report.requests, dataset.report.clicks) == (3, 2, 2)


def test_blanks_become_null(tmp_path: Path) -> None:
    rows = rows_of(opened(tmp_path, f"{HEADER}\n{ROWS}"))
    assert rows["place"].to_list() == ["top", "side", None]
    assert rows["price"].to_list() == [1.5, None, 2.5]


def test_empty_texts_of_parquet_become_null(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame({"clicked": [0, 1], "place": ["", "top"]}).write_parquet(path)
    rows = rows_of(opened(tmp_path, path=path, roles={"label": "clicked"}))
    assert rows["place"].to_list() == [None, "top"]


def test_csv_and_parquet_are_equal(tmp_path: Path, log: pl.DataFrame) -> None:
    log.write_csv(tmp_path / "log.csv")
    log.write_parquet(tmp_path / "log.parquet")
    roles = {**ROLES, "request_id": "display_id", "user": "uuid"}
    one = opened(tmp_path, roles=roles)
    other = opened(tmp_path, path=tmp_path / "log.parquet", roles=roles)
    assert rows_of(one).equals(rows_of(other))
    assert one.schema == other.schema


def test_another_separator(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROWS}"
    commas = rows_of(opened(tmp_path, text))
    tabs = rows_of(opened(tmp_path, text.replace(",", "\t"), separator="\t"))
    assert commas.equals(tabs)


def test_unsorted_input_is_sorted_by_time_with_requests_together(tmp_path: Path) -> None:
    text = f"""{HEADER}
7,2024-01-01T12:05:00,bob,1,top,1,0
5,2024-01-01T12:00:00,ann,2,top,1,0
7,2024-01-01T12:05:00,bob,3,top,1,1
5,2024-01-01T12:00:00,ann,1,top,1,1
6,2024-01-01T12:00:00,eve,9,top,1,0
"""
    rows = rows_of(opened(tmp_path, text))
    assert rows["request_id"].to_list() == [5, 5, 6, 7, 7]
    assert rows["item"].to_list() == [2, 1, 9, 1, 3]
    assert rows["row"].to_list() == [0, 1, 2, 3, 4]


def test_a_request_is_one_moment_its_earliest(tmp_path: Path) -> None:
    text = f"""{HEADER}
1,2024-01-01T12:00:09,ann,1,top,1,0
2,2024-01-01T12:00:05,bob,1,top,1,0
1,2024-01-01T12:00:00,ann,2,top,1,0
"""
    rows = rows_of(opened(tmp_path, text))
    assert rows["request_id"].to_list() == [1, 1, 2]
    assert rows["time"].to_list() == [NOON, NOON, NOON + 5_000_000]


def test_rows_without_a_request_id_are_requests_of_their_own(tmp_path: Path) -> None:
    roles = {"label": "clicked", "time": "ts"}
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}", roles=roles)
    assert dataset.report.requests == 3


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("2024-01-01T12:00:00", {}),
        ("2024-01-01 12:00:00", {}),
        ("2024-01-01T12:00:00Z", {}),
        ("2024-01-01T13:00:00+01:00", {}),
        (str(NOON // 1_000_000), {"unit": "s"}),
        (str(NOON // 1_000), {"unit": "ms"}),
        (str(NOON), {"unit": "us"}),
        (str(12 * 3_600_000), {"unit": "ms", "origin": "2024-01-01T00:00:00Z"}),
        (str(11 * 3_600), {"unit": "s", "origin": "2024-01-01T02:00:00+01:00"}),
    ],
)
def test_a_moment_is_the_same_in_every_form(
    tmp_path: Path, written: str, form: dict[str, str]
) -> None:
    text = f"{HEADER}\n1,{written},ann,118,top,1,0\n"
    assert rows_of(opened(tmp_path, text, time=form))["time"].to_list() == [NOON]


def test_numbers_as_times_need_a_unit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'ts' holds numbers"):
        opened(tmp_path, f"{HEADER}\n1,1704110400,ann,118,top,1,0\n")


def test_an_unreadable_time_is_refused_naming_column_and_count(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROWS}3,yesterday,bob,118,top,1,0\n"
    with pytest.raises(DataError, match=r"column 'ts': missing or unreadable in 1 of 4 rows"):
        opened(tmp_path, text)


def test_one_unreadable_time_within_a_request_is_refused(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROWS}2,yesterday,bob,119,top,1,0\n"
    with pytest.raises(DataError, match=r"column 'ts'"):
        opened(tmp_path, text)


def test_a_missing_request_id_is_refused(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROWS},2024-01-01T12:07:00,bob,118,top,1,0\n"
    with pytest.raises(DataError, match=r"column 'display': missing or unreadable in 1 of 4"):
        opened(tmp_path, text)


def test_ids_with_a_fraction_of_zero_are_whole(tmp_path: Path) -> None:
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}".replace(",118,", ",118.0,"))
    assert dataset.schema.fields["item"] == "int"
    assert rows_of(dataset)["item"].to_list() == [118, 119, 118]


def test_ids_with_a_fraction_of_zero_find_their_side_rows(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("ad,firm\n118,a\n119,b\n")
    text = f"{HEADER}\n{ROWS}".replace(",118,", ",118.0,")
    dataset = opened(tmp_path, text, joins=[{"file": tmp_path / "ads.csv", "on": "ad"}])
    assert rows_of(dataset)["firm"].to_list() == ["a", "b", "a"]


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROWS}".replace("clicked", "clickd")
    with pytest.raises(DataError, match=r"lacks column 'clicked', the label by 'data\.roles'; did"):
        opened(tmp_path, text)


@pytest.mark.parametrize("label", ["2", "-1", "0.5"])
def test_a_label_that_is_no_label_is_refused_naming_it(tmp_path: Path, label: str) -> None:
    text = f"{HEADER}\n{ROWS}3,2024-01-01T12:07:00,bob,118,top,1,{label}\n"
    with pytest.raises(
        DataError, match=rf"column 'clicked': expected 0 or 1, found {label}.*1 row"
    ):
        opened(tmp_path, text)


def test_a_label_that_is_no_number_is_refused(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROWS}3,2024-01-01T12:07:00,bob,118,top,1,yes\n"
    with pytest.raises(DataError, match="yes"):
        opened(tmp_path, text)


def test_a_blank_label_is_not_known(tmp_path: Path) -> None:
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}3,2024-01-01T12:07:00,bob,118,top,1,\n")
    assert dataset.report.unlabelled == 1
    assert rows_of(dataset)["label"].to_list() == [0, 1, 1, None]


@pytest.mark.parametrize("text", ["", f"{HEADER}\n"])
def test_an_empty_file_is_refused_naming_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"log\.csv"):
        opened(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"log\.csv: no such file"):
        opened(tmp_path)


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    path.write_text("not parquet")
    with pytest.raises(DataError, match=r"log\.parquet: not readable as Parquet"):
        opened(tmp_path, path=path)


@pytest.mark.parametrize("topics", [[[[1, 2]]], [[True]], [{"a": 1}], [[{"a": 1}]]])
def test_what_no_field_can_hold_is_refused_with_the_way_out(
    tmp_path: Path, topics: list[object]
) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame({"clicked": [0], "topics": topics}).write_parquet(path)
    roles = {"label": "clicked"}
    with pytest.raises(DataError, match=r"column 'topics'.*'drop'"):
        opened(tmp_path, path=path, roles=roles)
    dataset = opened(tmp_path, path=path, roles=roles, drop=["topics"])
    assert "topics" not in rows_of(dataset).columns


def with_topics(*topics: str) -> str:
    lines = [f"{number},2024-01-01T12:00:00,ann,118,{text},0" for number, text in enumerate(topics)]
    return "\n".join(["display,ts,who,ad,topics,clicked", *lines, ""])


LISTS: list[tuple[dict[str, str], list[str], str, list[list[object] | None]]] = [
    ({}, ["b a", "", "c"], "strs", [["b", "a"], None, ["c"]]),
    ({"separator": "|"}, ["b c|a", "", "c"], "strs", [["b c", "a"], None, ["c"]]),
    ({"of": "int"}, ["3 -1", "", "118"], "ints", [[3, -1], None, [118]]),
    ({"of": "float", "separator": ";"}, ["0.5;2", "", "3"], "floats", [[0.5, 2.0], None, [3.0]]),
    # texts that look like numbers or truth values stay texts
    ({}, ["007", "", "1"], "strs", [["007"], None, ["1"]]),
    ({}, ["true", "false"], "strs", [["true"], ["false"]]),
    ({"of": "int"}, ["7", "1"], "ints", [[7], [1]]),
    # an entry that is blank is missing
    ({}, ["a  b", " c", "d "], "strs", [["a", None, "b"], [None, "c"], ["d", None]]),
    ({"of": "int", "separator": "|"}, ["1||2", "3|"], "ints", [[1, None, 2], [3, None]]),
    ({"of": "float"}, ["1 nan"], "floats", [[1.0, None]]),
    ({"of": "int"}, ["", ""], "ints", [None, None]),
]


@pytest.mark.parametrize(("form", "texts", "kind", "expected"), LISTS)
def test_a_text_can_hold_a_list(
    tmp_path: Path,
    form: dict[str, str],
    texts: list[str],
    kind: str,
    expected: list[list[object] | None],
) -> None:
    dataset = opened(tmp_path, with_topics(*texts), lists={"topics": form})
    assert dataset.schema.fields["topics"] == kind
    assert rows_of(dataset)["topics"].to_list() == expected


def test_a_text_that_is_not_declared_a_list_is_a_text(tmp_path: Path) -> None:
    dataset = opened(tmp_path, with_topics("a b"))
    assert dataset.schema.fields["topics"] == "str"
    assert rows_of(dataset)["topics"].to_list() == ["a b"]


def test_a_side_table_can_hold_lists(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("ad,topics\n118,1\n119,2\n")
    join = {"file": tmp_path / "ads.csv", "on": "ad"}
    form = {"topics": {"of": "str"}}
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}", joins=[join], lists=form)
    assert rows_of(dataset)["topics"].to_list() == [["1"], ["2"], ["1"]]


def test_a_list_with_an_entry_of_the_wrong_type_is_refused_naming_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)log\.csv: .*\[\"x\"\].*topics"):
        opened(tmp_path, with_topics("1 x", "2"), lists={"topics": {"of": "int"}})


def test_a_list_of_a_column_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown column 'topic'; did you mean 'topics'"):
        opened(tmp_path, with_topics("a"), lists={"topic": {}})


def test_lists_of_parquet_are_fields(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    columns = {
        "topics": pl.Series([["b", "", None], None, []], dtype=pl.List(pl.String)),
        "numbers": pl.Series([[3, None], [], [2]], dtype=pl.List(pl.Int16)),
        "shares": pl.Series([[0.5, float("nan")], None, [1.0]], dtype=pl.List(pl.Float32)),
        "labels": pl.Series([["x"], ["y"], None], dtype=pl.List(pl.Categorical)),
    }
    pl.DataFrame({"clicked": [0, 1, 0], **columns}).write_parquet(path)
    dataset = opened(tmp_path, path=path, roles={"label": "clicked"})
    kinds = {"topics": "strs", "numbers": "ints", "shares": "floats", "labels": "strs"}
    assert {name: dataset.schema.fields[name] for name in columns} == kinds
    rows = rows_of(dataset)
    assert rows["topics"].to_list() == [["b", None, None], None, []]
    assert rows["numbers"].to_list() == [[3, None], [], [2]]
    assert rows["shares"].to_list() == [[0.5, None], None, [1.0]]
    assert rows["labels"].to_list() == [["x"], ["y"], None]
    assert rows.schema["numbers"] == pl.List(pl.Int64)


def test_a_side_table_adds_its_columns(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("ad,firm,size\n118,a,3\n7,z,9\n")
    join = {"file": tmp_path / "ads.csv", "on": "ad"}
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}", joins=[join])
    rows = rows_of(dataset)
    assert rows["firm"].to_list() == ["a", None, "a"]
    assert rows["size"].to_list() == [3, None, 3]
    chosen = opened(tmp_path, joins=[{**join, "columns": ["size"]}])
    assert "firm" not in chosen.schema.fields


def test_a_side_table_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    twice = pl.concat([make_advertisers(), make_advertisers().head(1)])
    twice.write_csv(tmp_path / "ads.csv")
    with pytest.raises(DataError, match=r"ads\.csv: 2 rows share their ad"):
        opened(tmp_path, f"{HEADER}\n{ROWS}", joins=[{"file": tmp_path / "ads.csv", "on": "ad"}])


def test_a_side_table_without_the_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("ads,firm\n118,a\n")
    with pytest.raises(DataError, match=r"ads\.csv: unknown column 'ad'; did you mean 'ads'"):
        opened(tmp_path, f"{HEADER}\n{ROWS}", joins=[{"file": tmp_path / "ads.csv", "on": "ad"}])


def test_a_side_table_with_a_key_of_another_type_is_refused_naming_it(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("ad,firm\nx118,a\n")
    with pytest.raises(DataError, match=r"ads\.csv"):
        opened(tmp_path, f"{HEADER}\n{ROWS}", joins=[{"file": tmp_path / "ads.csv", "on": "ad"}])


def test_files_that_come_divided_stay_divided(tmp_path: Path) -> None:
    lines = ROWS.splitlines()
    names = ("train", "validation", "test")
    for name, line in zip(names, lines, strict=True):
        (tmp_path / f"{name}.csv").write_text(f"{HEADER}\n{line}\n")
    files = {name: tmp_path / f"{name}.csv" for name in names}
    # the validation row is of the same request as the training row
    dataset = opened(tmp_path, path=None, files=files)
    assert dataset.divided
    rows = with_part(dataset, TabularData.model_validate(
        {"reader": "tabular", "files": files, "roles": ROLES}).split)  # fmt: skip
    assert rows.select("item", "part").collect().rows() == [(118, 0), (119, 1), (118, 2)]


def test_files_of_different_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(f"{HEADER}\n{ROWS}")
    (tmp_path / "two.csv").write_text(f"{HEADER},more\n{ROWS}".replace("0\n", "0,1\n"))
    files = {"train": tmp_path / "one.csv", "validation": tmp_path / "two.csv"}
    with pytest.raises(DataError):
        opened(tmp_path, path=None, files=files)


def test_an_item_twice_in_a_request_is_one_impression_and_noted(tmp_path: Path) -> None:
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}".replace(",119,", ",118,"))
    assert dataset.report.notes == [
        "1 impressions that repeat an item of their request were united with it"
    ]
    rows = rows_of(dataset)
    assert rows.select("row", "request_id", "item").rows() == [(0, 1, 118), (1, 2, 118)]
    # the first row stands, clicked because the second was
    assert rows["place"].to_list() == ["top", None]
    assert rows["label"].to_list() == [1, 1]
    assert (dataset.report.impressions, dataset.report.requests, dataset.report.clicks) == (2, 2, 2)


def test_united_impressions_are_unclicked_only_if_none_is_clicked(tmp_path: Path) -> None:
    def united(*labels: str) -> int | None:
        lines = [f"1,2024-01-01T12:00:00,ann,118,top,1.5,{label}" for label in labels]
        lines.append("2,2024-01-01T12:00:00,ann,118,top,1.5,1")
        rows = rows_of(opened(tmp_path, "\n".join([HEADER, *lines, ""])))
        assert rows.height == 2
        label: int | None = rows["label"][0]
        return label

    assert united("0", "0") == 0
    assert united("1", "0") == 1
    assert united("0", "0", "1") == 1
    assert united("", "1") == 1
    assert united("", "0") == 0
    assert united("", "") is None


def test_impressions_without_an_item_are_not_united(tmp_path: Path) -> None:
    text = f"""{HEADER}
1,2024-01-01T12:00:00,ann,118,top,1.5,0
1,2024-01-01T12:00:00,ann,118,top,1.5,0
1,2024-01-01T12:00:00,ann,,top,1.5,0
1,2024-01-01T12:00:00,ann,,top,1.5,1
"""
    dataset = opened(tmp_path, text)
    assert rows_of(dataset).select("item", "label").rows() == [(118, 0), (None, 0), (None, 1)]
    assert dataset.report.notes == [
        "1 impressions that repeat an item of their request were united with it"
    ]


def test_the_same_item_in_other_requests_is_not_united(tmp_path: Path) -> None:
    dataset = opened(tmp_path, f"{HEADER}\n{ROWS}")
    assert rows_of(dataset).height == 3
    assert dataset.report.notes == []
