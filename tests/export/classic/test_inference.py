"""The script answers as the bundle does, without this package."""

import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.open import open_dataset
from clickthrough.export.classic import inference
from clickthrough.export.classic.example import make_example
from clickthrough.export.classic.example import plain as plain_value
from clickthrough.features.encoding.hashing import hashed_ids
from clickthrough.features.encoding.vocabulary import Vocabulary, shorten
from clickthrough.features.table import encoder_columns, request_offsets
from clickthrough.schema import MISSING_INT, Columns
from clickthrough.training.prepare import feature_rows
from tests.export.made import Exported, alone


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
