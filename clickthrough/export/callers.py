"""Callers of another server, scored together: each is read, bounded and answered as if alone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from clickthrough.errors import RequestError
from clickthrough.serving.bodies import WrongBody
from clickthrough.serving.contract import Row
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.scored import Scored


class Refused(NamedTuple):
    """What a caller is told whose impressions cannot be scored.

    Attributes:
        status: as HTTP has it.
        detail: a text, or findings as FastAPI has them.
    """

    status: int
    detail: Any


class Asked(NamedTuple):
    """What a caller asks: impressions to score, and how many reasons each answer gets."""

    rows: list[Row]
    explain: int | None = None


def read_within(predictor: Predictor, size: int, read: Callable[[], Asked]) -> Asked | Refused:
    """Return what a caller asks, or what is wrong with it.

    Args:
        predictor: whose limits hold.
        size: bytes that came.
        read: reads them.
    """
    if size > (most := predictor.settings.max_body_bytes):
        return Refused(413, f"{size} bytes: at most {most} (serving.max_body_bytes)")
    try:
        return read()
    except WrongBody as error:
        return Refused(error.status, error.detail)
    except RequestError as error:
        return Refused(422, str(error))


def score_each(predictor: Predictor, bodies: Sequence[Asked | Refused]) -> list[Scored | Refused]:
    """Score those that could be read; what is wrong with one is that caller's answer alone."""
    plain = [b.rows for b in bodies if isinstance(b, Asked) and b.explain is None]
    scored = iter(predictor.predict_each(plain))
    answers = [_answered(predictor, body, scored) for body in bodies]
    return [Refused(422, str(a)) if isinstance(a, RequestError) else a for a in answers]


def _answered(
    predictor: Predictor, body: Asked | Refused, scored: Iterator[Scored | RequestError]
) -> Scored | RequestError | Refused:
    """Return the answer to one: explained, or the next of those that were scored together."""
    if isinstance(body, Refused):
        return body
    if body.explain is None:
        return next(scored)
    try:
        return predictor.predict(body.rows, body.explain)
    except RequestError as error:
        return error
