"""Steps: who is told, of what, and what is left."""

import logging
from collections.abc import Iterator

import pytest

from clickthrough.steps import Step, advance, counted, listening, step


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A clock that stands until it is set."""
    now = [100.0]
    monkeypatch.setattr("clickthrough.steps.time.monotonic", lambda: now[0])
    yield now


def test_listeners_are_told_of_beginning_advance_and_end() -> None:
    seen = list[tuple[str, float, float | None, bool]]()

    def listen(one: Step) -> None:
        seen.append((one.text, one.done, one.total, one.ended))

    with listening(listen), step("encoding") as at:
        at(3, 10, "train")
    assert seen == [
        ("encoding", 0, None, False),
        ("encoding: train", 3, 10, False),
        ("encoding: train", 3, 10, True),
    ]


def test_a_step_ends_where_it_fails_and_nobody_listens_after() -> None:
    seen = list[bool]()

    def listen(one: Step) -> None:
        seen.append(one.ended)

    with pytest.raises(ValueError, match="broken"), listening(listen), step("encoding"):
        raise ValueError("broken")
    with step("another"):
        pass
    assert seen == [False, True]


def test_what_lies_deep_tells_of_the_innermost_step() -> None:
    told = list[tuple[str, float, float | None]]()
    with listening(lambda one: told.append((one.name, one.done, one.total))), step("outer"):
        assert list(counted("ab", 2)) == ["a", "b"]
        with step("inner"):
            advance(1, 4)
        advance(2, 2)
    advance(1, 1)  # nothing runs
    assert told[1:3] == [("outer", 1, 2), ("outer", 2, 2)]
    assert told[4] == ("inner", 1, 4)
    assert told[-2] == ("outer", 2, 2)


def test_items_count_as_done_once_they_are_worked_on() -> None:
    with step("some") as at:
        for item in counted([1, 2], 2):
            assert at.done == item - 1
    assert at.done == 2


def test_time_left_goes_on_as_it_went(clock: list[float]) -> None:
    with step("encoding") as at:
        assert at.left is None
        clock[0] += 6
        at(2, 10)
        assert at.seconds == 6
        assert at.left == pytest.approx(24)
        at(10, 10)
        assert at.left == 0


def test_what_another_run_did_says_nothing_of_how_fast_this_one_is(clock: list[float]) -> None:
    with step("training") as at:
        at.before = 6
        clock[0] += 3
        at(6, 10)
        assert at.left is None
        at(7, 10)
        assert at.left == pytest.approx(9)


def test_log_lines_say_how_far_and_how_long(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="clickthrough"), step("encoding") as at:
        for done in range(1, 11):
            clock[0] += 4
            at(done, 10)
        with step("quick"):
            pass
    assert caplog.messages == [
        "encoding, 30%, 28 s left",
        "encoding, 60%, 16 s left",
        "encoding, 90%, 4 s left",
        "quick: 0.0 s",
        "encoding: 40.0 s",
    ]
    ended = [record.told for record in caplog.records if hasattr(record, "told")]
    assert [(told["step"], told["seconds"]) for told in ended] == [("quick", 0), ("encoding", 40)]


def test_a_listener_that_fails_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    ended = list[bool]()

    def broken(one: Step) -> None:
        raise OSError("no terminal")

    with listening(broken), listening(lambda one: ended.append(one.ended)):
        with step("encoding"):
            pass
        with pytest.raises(ValueError, match="work"), step("training"):
            raise ValueError("work")
    assert ended == [False, True, False, True]
    assert "a listener of the step encoding failed" in caplog.text
    assert "no terminal" in caplog.text
