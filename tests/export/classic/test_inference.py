"""The script answers as the bundle does, without this package."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.open import open_dataset
from clickthrough.export.classic import inference
from clickthrough.export.classic.example import make_example
from clickthrough.export.classic.example import plain as plain_value
from clickthrough.export.run import export_bundle
from clickthrough.features.encoding.hashing import hashed_ids
from clickthrough.features.encoding.vocabulary import Vocabulary, shorten
from clickthrough.features.table import encoder_columns, request_offsets
from clickthrough.schema import MISSING_INT, Columns
from clickthrough.training.prepare import feature_rows
from tests.export.made import CLASSIC, Exported, alone

pytestmark = pytest.mark.slow


def test_the_script_agrees_with_the_bundle_without_this_package(exported: Exported) -> None:
    found = alone(exported.folder)
    assert len(found) == len(exported.example.rows) > 200
    assert np.ptp(found) > 1e-2
    np.testing.assert_allclose(found, exported.example.probabilities, rtol=0, atol=1e-6)


def test_the_script_says_how_far_it_is_from_the_bundle(rich: Exported) -> None:
    command = [sys.executable, str(rich.folder / "inference.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert f"{len(rich.example.rows)} rows, at most " in done.stderr
    assert float(done.stderr.split("at most ")[1].split()[0]) < 1e-6


Change = Callable[[Columns], None]


def _put(name: str, value: object) -> Change:
    def change(columns: Columns) -> None:
        columns[name] = np.full_like(columns[name], value)

    return change


CHANGES: dict[str, tuple[Change, str, object]] = {
    "unseen id": (_put("item", 987_654_321), "item", 987_654_321),
    "missing id": (_put("item", MISSING_INT), "item", None),
    "missing hashed value": (_put("advertiser_id", MISSING_INT), "advertiser_id_hashed", None),
    "missing number": (_put("ad_published", MISSING_INT), "ad_published_elapsed", None),
    "missing key": (_put("item:age", np.nan), "item_impressions", None),
    "number far off": (_put("item:impressions", 1e15), "item_impressions", ...),
    "infinite number": (_put("user:age", np.inf), "user_age", None),
    "empty bag": (_put("topic_ids", MISSING_INT), "topic_ids_bag", []),
    "unseen values": (_put("topic_ids", 987_654), "topic_ids_bag", ...),
    "weights of zero": (_put("topic_confidences", 0.0), "topic_ids_bag", ...),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_missing_or_unseen_is_scored_as_the_bundle_does(rich: Exported, name: str) -> None:
    bundle, (change, column, value) = rich.bundle, CHANGES[name]
    dataset = open_dataset(bundle.config.data)
    frame = feature_rows(dataset, bundle.config, bundle.plan, "live").tail(200).collect()
    columns, offsets = encoder_columns(frame, bundle.plan, dataset.schema), request_offsets(frame)
    before = make_example(bundle, columns, offsets)
    if name == "missing key":
        for counter in ("item:impressions", "item:clicks"):
            _put(counter, np.nan)(columns)
    change(columns)
    changed = make_example(bundle, columns, offsets)
    assert np.abs(changed.probabilities - before.probabilities).max() > 1e-4
    assert value is ... or changed.rows[0][column] == value
    rows = json.loads(json.dumps(changed.rows))
    found = inference.probabilities(rows, rich.files)
    np.testing.assert_allclose(found, changed.probabilities, rtol=0, atol=1e-6)


def said(folder: Path, text: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Return what the script says of lines."""
    place.write_bytes(text.encode())
    command = [sys.executable, str(folder / "inference.py"), str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_what_is_left_out_or_nan_is_missing_and_whole_floats_are_ints(rich: Exported) -> None:
    row = next(row for row in rich.example.rows if all(v is not None for v in row.values()))
    for name, value in row.items():
        bare = {other: v for other, v in row.items() if other != name}
        nothing = [bare, bare | {name: None}]
        nothing += [] if isinstance(value, list) else [bare | {name: float("nan")}]
        found = inference.probabilities([*nothing, row], rich.files)
        assert len(set(found[:-1].tolist())) == 1, name
        if isinstance(value, int):
            whole = inference.probabilities([row | {name: float(value)}], rich.files)
            assert whole[0] == pytest.approx(found[-1], abs=1e-12)
            half = inference.probabilities([row | {name: 0.5}], rich.files)
            assert np.isfinite(half).all()
    assert inference.id_of(float("nan"), "item", rich.files) == rich.files.model["missing_id"]


def test_a_value_of_a_bag_without_a_weight_weighs_nothing(rich: Exported) -> None:
    (value, *_) = rich.files.vocabularies["topic_ids_bag"]
    known = inference.bag_entries([[value, 2.0]], "topic_ids_bag", rich.files)
    for odd in (-1.0, None, float("nan"), float("inf")):
        pairs = [[value, 2.0], [value, odd], [None, 5.0]]
        entries = inference.bag_entries(pairs, "topic_ids_bag", rich.files)
        assert [entry for entry in entries if entry[1]] == known == [(2, 1.0)]


def test_lines_end_where_files_have_ends_of_lines(rich: Exported, tmp_path: Path) -> None:
    rows = [dict(row) for row in rich.example.rows[:3]]
    rows[1]["platform"] = "a\u2028b\x85cé"
    text = "".join(json.dumps({"features": row}, ensure_ascii=False) + "\r\n" for row in rows)
    done = said(rich.folder, text + "\n", tmp_path / "rows.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert [*map(float, done.stdout.split())] == pytest.approx(
        inference.probabilities(rows, rich.files).tolist(), abs=1e-7
    )


def test_no_rows_are_no_answers(rich: Exported, tmp_path: Path) -> None:
    done = said(rich.folder, "", tmp_path / "rows.jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_an_example_the_script_says_what_it_wants(rich: Exported, tmp_path: Path) -> None:
    export_bundle(rich.bundle, CLASSIC, tmp_path / "out")
    command = [sys.executable, str(tmp_path / "out" / "inference.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "example.jsonl: no such file; expected a line" in done.stderr


INTS = st.integers(MISSING_INT + 1, 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=90)


@given(value=INTS | TEXTS, buckets=st.integers(1, 10**6))
def test_the_script_hashes_as_the_encoder_does(value: int | str, buckets: int) -> None:
    held = np.array([value.encode() if isinstance(value, str) else value])
    assert inference.hashed(value) % buckets + 2 == hashed_ids(held, buckets)[0]


@given(values=st.lists(TEXTS, min_size=1, max_size=8, unique=True), other=TEXTS)
def test_the_script_looks_up_as_a_vocabulary_does(values: list[str], other: str) -> None:
    held = np.array([value.encode() for value in values], np.bytes_)
    vocabulary = Vocabulary(np.unique(shorten(held)))
    ids = {plain_value(value): place for place, value in enumerate(vocabulary.values.tolist(), 2)}
    for value in [*values, other]:
        expected = vocabulary.encode(np.array([value.encode()], np.bytes_))[0]
        assert ids.get(inference.shortened(value), 1) == expected
