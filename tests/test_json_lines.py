"""JSON lines are read rightly, or refused in a line that names the file and the line."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough import json_lines
from clickthrough.errors import DataError
from clickthrough.json_lines import read_rows
from clickthrough.nested import DEPTH

A = b'{"a": 1}\n'


def read(data: bytes) -> list[dict[str, object]]:
    return [row for rows in read_rows(io.BytesIO(data), "log.jsonl") for row in rows]


READ: list[tuple[bytes, list[dict[str, object]]]] = [
    (b"", []),
    (b"\n \r\n", []),
    (A + b'{"a": 2}', [{"a": 1}, {"a": 2}]),
    (A + b"\n\r\n", [{"a": 1}]),
    (b"\xef\xbb\xbf" + A.replace(b"\n", b"\r\n") * 2, [{"a": 1}] * 2),
    (b'{"a": 1, "b": {}, "a": 2}', [{"a": 2}]),
    (b'{"a": {"b": 1, "c": {"d": [1]}}, "e.f": 2}', [{"a.b": 1, "a.c.d": [1], "e.f": 2}]),
    (b'{"a.b": 1, "a": {"b": 2}}', [{"a.b": 2}]),
    (b'{"a": Infinity}\n{"a": -Infinity, "b": "NaN"}',
     [{"a": float("inf")}, {"a": float("-inf"), "b": "NaN"}]),
    (b'{"a": 1e999}', [{"a": float("inf")}]),
    (b'{"a": 18446744073709551617, "b": -9223372036854775809}',
     [{"a": 2**64 + 1, "b": -(2**63) - 1}]),
    (rb'{"\u0041": "\u0000\n\"\\\ud83d\ude00"}', [{"A": '\0\n"\\\U0001f600'}]),
    (b'{"a": "' + b"x" * 10_000_000 + b'"}', [{"a": "x" * 10_000_000}]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "rows"), READ)
def test_lines_are_read(data: bytes, rows: list[dict[str, object]]) -> None:
    assert read(data) == rows


NAMED = b", ".join(b'"%d": 1' % place for place in range(1_000))

REFUSED: list[tuple[bytes, str]] = [
    (b'[{"a": 1}]', "line 1: is an array of JSON; expected an object a line"),
    (b"[\n" + A + b"]", "line 1: is an array of JSON"),
    (b'{\n  "a": 1\n}\n', "line 1: not JSON"),
    (A + b"7\n", "line 2: expected an object a line, .*found 7"),
    (A + A[:-1] + A, "line 2: not JSON: .*trailing characters"),
    (A + b"\n" + A, "line 2: is blank"),
    (A + b'{"a": ', "line 2: not JSON: .*; the file seems to be cut"),
    (A + b'{"a": \n' + A, "line 2: not JSON: .*expected an object a line"),
    (A + b'{"a": "\xff"}\n', "row 2: not UTF-8"),
    ('{"a": 1}\n'.encode("utf-16"), "row 1: expected UTF-8, found UTF-16"),
    (A + rb'{"a": "\ud800"}', "line 2: not JSON: half of a surrogate pair"),
    (A + b'{"a": ' * 20 + b"1" + b"}" * 20, f"line 2: 'a.a.*': objects nest more than {DEPTH}"),
    (
        A + b'{"' + b"k" * 9_000 + b'": {' + NAMED + b"}}",
        "line 2: 'k{60}[.]{3}': the paths of what it holds would have 9,001,000 signs, of 16,895",
    ),
    (A + b'{"a": ' + b"[" * 9_000 + b"]" * 9_000 + b"}", "line 2: not JSON: .*recursion"),
    (A + b'{"a": 01}', "line 2: not JSON"),
]


@pytest.mark.parametrize(("data", "says"), REFUSED)
def test_an_odd_line_is_named(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=rf"^log\.jsonl: {says}") as caught:
        read(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_the_line_is_named_wherever_parts_end(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "_ROWS", rows)
    with pytest.raises(DataError, match="line 7: not JSON"):
        read(A * 6 + b"{\n" + A)
    with pytest.raises(DataError, match="line 5: is blank"):
        read(A * 4 + b"\n" * 5 + A)
    assert read(A * 4 + b"\n" * 5) == [{"a": 1}] * 4


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LONGEST", 100)
    with pytest.raises(DataError, match="line 2: has no end within 100 bytes"):
        read(A + b'{"a": "' + b"x" * 200 + b'"}\n')


def test_nan_is_read() -> None:
    ((value,),) = ([*row.values()] for row in read(b'{"a": NaN}'))
    assert isinstance(value, float)
    assert value != value  # noqa: PLR0124


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
NAMES = st.text(st.characters(exclude_characters=".", codec="utf-8"), max_size=3)
ROWS = st.dictionaries(
    NAMES,
    st.recursive(
        SCALARS | st.lists(SCALARS, max_size=3),
        lambda inner: st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@given(rows=st.lists(ROWS, max_size=5), ascii_only=st.booleans())
def test_what_python_writes_is_read_by_path(
    rows: list[dict[str, object]], ascii_only: bool
) -> None:
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    assert read(text.encode()) == [dict(by_path(row)) for row in rows]


def by_path(row: dict[str, object], before: str = "") -> list[tuple[str, object]]:
    found = list[tuple[str, object]]()
    for name, value in row.items():
        own = [(before + name, value)]
        found += by_path(value, f"{before}{name}.") if isinstance(value, dict) else own
    return found
