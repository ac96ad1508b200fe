"""What a caller is told of what was wrong, in each of the forms that routes have."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

JSON = b"application/json"
_LONGEST = 2_000
"""Characters of what a caller is told."""


@dataclass(frozen=True)
class Answer:
    """An answer that is to be sent.

    Attributes:
        media: what its body is.
    """

    status: int
    body: bytes
    media: bytes = JSON


Faults = Callable[[int, object], Answer]
"""Makes an answer of a status and of what was wrong: a text, or findings as FastAPI has them."""


def detailed(status: int, detail: object) -> Answer:
    """Say what was wrong, in the form of FastAPI's errors, and not at length."""
    if isinstance(detail, str):
        detail = _short(detail)
    return Answer(status, msgspec.json.encode({"detail": detail}))


def as_error(status: int, detail: object) -> Answer:
    """Say what was wrong as the Open Inference Protocol does, which knows no 422."""
    if isinstance(detail, list):
        detail = "; ".join(map(_told, detail))
    error = {"error": _short(str(detail))}
    return Answer(400 if status == 422 else status, msgspec.json.encode(error))


def _told(finding: dict[str, object]) -> str:
    """Return a finding as a text: its place, and what is wrong there."""
    steps = finding["loc"]
    place = ".".join(map(str, steps)) if isinstance(steps, list) else "body"
    return f"{place}: {finding['msg']}"


def _short(text: str) -> str:
    return f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text
