"""Lists of several fields, gathered at once, are each what it is alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.features.lists import ListBlock, cut, padded
from clickthrough.features.values import LISTS, Scalar, Value
from clickthrough.schema import MISSING_INT, FieldType

ENTRIES: dict[FieldType, st.SearchStrategy[Value]] = {
    "ints": st.none() | st.integers(-3, 3),
    "floats": st.none() | st.floats(-2, 2),
    "strs": st.none() | st.sampled_from(["a", "Århus", "\U0001f600" * 9]),
}
MISSING = {"ints": MISSING_INT, "floats": np.nan, "strs": b""}


def fields(kind: FieldType, rows: int) -> st.SearchStrategy[list[list[Value]]]:
    """Lists of some fields: of all rows, or of the one that all share."""
    field = st.none() | st.lists(ENTRIES[kind], max_size=5)
    size = st.sampled_from([1, rows])
    return st.lists(size.flatmap(lambda n: st.lists(field, min_size=n, max_size=n)), min_size=1)  # type: ignore[arg-type]


def as_defined(rows: list[Value], width: int, kind: FieldType) -> list[list[object]]:
    """Return lists entry by entry, cut or filled up."""
    missing, made = MISSING[kind], list[list[object]]()
    for row in rows:
        own = [missing if v is None else v for v in (row or [])[:width]]  # type: ignore[index]
        own = [v.encode() if isinstance(v, str) else v for v in own]
        made.append(own + [missing] * (width - len(own)))
    return made


@pytest.mark.parametrize("kind", LISTS)
@given(st.data())
def test_fields_gathered_at_once_are_each_what_they_are_alone(
    kind: FieldType, data: st.DataObject
) -> None:
    given = data.draw(fields(kind, data.draw(st.integers(1, 7))))
    values = {str(place): rows for place, rows in enumerate(given)}
    widths = {name: data.draw(st.integers(1, 6)) for name in values}
    block = ListBlock.read(values, kind, 4_096)
    assert block is not None
    assert block == ListBlock.of(values)
    assert block.rows() == {n: [row or [] for row in rows] for n, rows in values.items()}
    made = block.arrays(LISTS[kind], widths)
    for name, rows in values.items():
        expected = as_defined(rows, widths[name], kind)
        assert made[name].dtype.kind == np.array(expected).dtype.kind
        np.testing.assert_array_equal(made[name], expected)
        np.testing.assert_array_equal(padded(rows, widths[name], LISTS[kind]), expected)


def test_lists_that_rows_share_are_not_multiplied() -> None:
    long: list[Scalar] = [1] * 3_000
    assert ListBlock.read({"tags": [long] * 2}, "ints", 64) is None
    assert ListBlock.read({"tags": [long, [*long]]}, "ints", 64) is not None
    rows = cut([long] * 1_000, 4)
    assert sum(map(len, rows)) == 4_000  # type: ignore[arg-type]


@pytest.mark.parametrize("odd", [[True], [1.0], ["1"], [2**63], (1,), "1", 1])
def test_what_is_no_list_of_the_type_is_left_to_others(odd: object) -> None:
    assert ListBlock.read({"tags": [[1], odd], "more": [None]}, "ints", 64) is None


def test_no_rows_have_lists_of_no_rows() -> None:
    assert padded([], 3, "int").shape == (0, 3)
    assert padded([[], []], 3, "str").tolist() == [[b""] * 3] * 2
    both = ListBlock.of({"none": [], "some": [[1], [2]]}).arrays("int", {"none": 1, "some": 1})
    assert both["none"].shape == (0, 1)
    assert both["some"].tolist() == [[1], [2]]


def test_fields_that_a_file_lacks_hold_nothing() -> None:
    block = ListBlock.of({"tags": [[1], [2, 3]]}).beside({"more": [None]})
    made = block.arrays("int", {"tags": 2, "more": 1})
    assert made["more"].tolist() == [[MISSING_INT]]
    assert made["tags"].tolist() == [[1, MISSING_INT], [2, 3]]
