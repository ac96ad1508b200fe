"""Key sets are known by all that their states depend on, and by nothing else."""

from dataclasses import replace

import pytest

from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.history.counters import CounterHistory
from clickthrough.features.history.digests import DIGEST, counters_digest, sequence_digest
from clickthrough.features.history.keys import key_bytes
from clickthrough.features.history.sequences import SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.schema import FieldType, Schema
from tests.features.history.keyed import keys_of

COUNTERS = Counters(tick=600)
KEYS = KeySet(("user", "item"), windows=(3_600,), half_lives=(86_400,))
CLICKS = SequenceSet(("user",), "item", 5)


def schema(item: FieldType = "int", other: FieldType = "int") -> Schema:
    fields: dict[str, FieldType] = {"user": "str", "item": item, "page": "int", "other": other}
    return Schema(roles={}, fields=fields)


OTHER_KEYS = [
    replace(KEYS, fields=("item", "user")),
    replace(KEYS, fields=("user",)),
    replace(KEYS, fields=("user", "page")),
    replace(KEYS, windows=()),
    replace(KEYS, windows=(3_600, 7_200)),
    replace(KEYS, half_lives=(43_200,)),
    replace(KEYS, half_lives=(3_600,), windows=(86_400,)),
    replace(KEYS, of="views"),
]
OTHER_CLICKS = [
    replace(CLICKS, key=("page",)),
    replace(CLICKS, key=("user", "page")),
    replace(CLICKS, field="page"),
    replace(CLICKS, length=6),
    replace(CLICKS, of="views"),
]
OTHER_COUNTERS = [Counters(tick=300), Counters(tick=600, label_delay=600)]


def test_every_difference_makes_another_digest() -> None:
    counted = [counters_digest(k, schema(), COUNTERS) for k in (KEYS, *OTHER_KEYS)]
    counted += [counters_digest(KEYS, schema("str"), COUNTERS)]
    counted += [counters_digest(KEYS, schema(), other) for other in OTHER_COUNTERS]
    clicked = [sequence_digest(s, schema(), COUNTERS) for s in (CLICKS, *OTHER_CLICKS)]
    clicked += [sequence_digest(CLICKS, schema("str"), COUNTERS)]
    clicked += [sequence_digest(CLICKS, schema(), other) for other in OTHER_COUNTERS]
    made = counted + clicked
    assert len(set(made)) == len(made) == 21
    assert set(map(len, made)) == {DIGEST}


def test_what_states_do_not_depend_on_makes_no_difference() -> None:
    other, smoother = schema(other="str"), Counters(tick=600, smoothing=3.0)
    assert counters_digest(KEYS, schema(), COUNTERS) == counters_digest(KEYS, other, smoother)
    assert sequence_digest(CLICKS, schema(), COUNTERS) == sequence_digest(CLICKS, other, smoother)


def test_a_digest_is_the_same_in_every_process() -> None:
    """What lies in stores must be found again."""
    assert counters_digest(KEYS, schema(), COUNTERS).hex() == "fe6c91b21939"
    assert sequence_digest(CLICKS, schema(), COUNTERS).hex() == "2d5161c50033"


@pytest.mark.parametrize("parts", [["ann", 7], ["", 0], ["bob", -3]])
def test_a_key_in_a_store_is_a_snapshot_key_after_the_digest(parts: list[str | int]) -> None:
    user, item = parts
    counted = CounterHistory(KEYS, schema(), COUNTERS, Snapshot.of({}))
    clicked = SequenceHistory(CLICKS, schema(), COUNTERS, Snapshot.of({}))
    found = keys_of(counted, {"user": [user, None, user], "item": [item, item, None]})
    own = key_bytes(KEYS.name, parts)
    assert own is not None
    assert found == [counted.digest + own, None, None]
    shared = keys_of(counted, {"user": [user], "item": [item, 5]})
    assert shared == [
        counted.digest + own,
        counted.digest + (key_bytes(KEYS.name, [user, 5]) or b""),
    ]
    (key,) = keys_of(clicked, {"user": [user]})
    assert key == clicked.digest + (key_bytes(CLICKS.name, [user]) or b"")
