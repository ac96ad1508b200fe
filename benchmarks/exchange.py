"""Requests as they go over the wire, and what came of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

OK, SHED, HUNG_UP = 200, 503, 0


class Request(NamedTuple):
    """A request.

    Attributes:
        raw: its bytes.
        kind: what the caller calls it.
        leaves: whether its sender goes away without an answer.
    """

    raw: bytes
    kind: int = 0
    leaves: bool = False


def raw_request(
    path: str, body: bytes | None = None, kind: int = 0, leaves: bool = False
) -> Request:
    """Return a request with a JSON body, or without any."""
    if body is None:
        return Request(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode(), kind, leaves)
    length = f"content-type: application/json\r\ncontent-length: {len(body)}"
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n"
    return Request(head.encode() + body, kind, leaves)


@dataclass(slots=True)
class Asked:
    """A request on its way, and what came of it.

    Attributes:
        due: the moment at which it was to be sent, ``sent`` that at which it was, ``answered`` that
            at which its answer was whole (seconds).
        answer: its beginning, once it is whole.
    """

    due: float
    sent: float
    request: Request
    answered: float = 0.0
    answer: bytes = b""
    needed: int = 0

    @property
    def kind(self) -> int:
        return self.request.kind

    @property
    def status(self) -> int:
        """The answer's status; 0 where the server hung up before it was whole."""
        whole = self.needed and self.answer.startswith(b"HTTP/1.1 ")
        return int(self.answer[9:12]) if whole else HUNG_UP

    @property
    def body(self) -> bytes:
        """The beginning of the answer's body."""
        return self.answer.partition(b"\r\n\r\n")[2]

    @property
    def ok(self) -> bool:
        return self.status == OK

    @property
    def wait(self) -> float:
        """From the moment at which it was due to the answer, in ms."""
        return (self.answered - self.due) * 1e3

    @property
    def late(self) -> float:
        """How much of that went by before it was sent: the generator's own lag, in ms."""
        return (self.sent - self.due) * 1e3


@dataclass
class Load:
    """What was answered, and in how many seconds."""

    seconds: float = 0.0
    asked: list[Asked] = field(default_factory=list)

    def where(self, chosen: Callable[[Asked], bool]) -> "Load":
        """Return some of the requests."""
        return Load(self.seconds, [one for one in self.asked if chosen(one)])

    def of(self, *, ok: bool, kind: int = 0) -> "Load":
        """Return the requests of a kind that were answered, or those that were refused."""
        return self.where(lambda one: one.kind == kind and one.ok == ok)

    def kinds(self, kinds: Collection[int]) -> "Load":
        """Return the requests of some kinds."""
        return self.where(lambda one: one.kind in kinds)

    @property
    def failed(self) -> "Load":
        """Neither answered nor refused."""
        return self.where(lambda one: one.status not in (OK, SHED))

    def share(self, status: int) -> float:
        """Return which part of the requests was answered with a status, NaN where none was sent."""
        if not self.asked:
            return float("nan")
        return sum(one.status == status for one in self.asked) / len(self.asked)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.asked) / self.seconds

    def wait(self, share: float) -> float:
        """Return a percentile of the waits in ms, NaN where there are none."""
        return _percentile([one.wait for one in self.asked], share)

    def late(self, share: float) -> float:
        """Return a percentile of the generator's own lag in ms."""
        return _percentile([one.late for one in self.asked], share)


def together(loads: Sequence[Load]) -> Load:
    """Return several loads as one."""
    asked = [one for load in loads for one in load.asked]
    return Load(sum(load.seconds for load in loads), asked)


def _percentile(values: Sequence[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else float("nan")
