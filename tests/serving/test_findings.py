"""What is missing, where rows share what is asked about."""

from typing import Any

from clickthrough.serving.findings import _empty


def test_a_list_that_rows_share_is_looked_through_once() -> None:
    class Entries(list[Any]):
        looks = 0

        def __iter__(self) -> Any:  # noqa: ANN401
            Entries.looks += 1
            return super().__iter__()

    shared = Entries([None] * 3)
    assert _empty([*[shared] * 50, [1], [], None, [None]]) == [
        *[True] * 50,
        False,
        True,
        True,
        True,
    ]
    assert Entries.looks == 1
