"""Callers of another server, scored together: each is read, bounded and answered as if alone."""

from collections.abc import Callable, Sequence
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


def read_within(
    predictor: Predictor, size: int, read: Callable[[], list[Row]]
) -> list[Row] | Refused:
    """Return the impressions of a caller, or what is wrong with them.

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


def score_each(
    predictor: Predictor, bodies: Sequence[list[Row] | Refused]
) -> list[Scored | Refused]:
    """Score those that could be read; what is wrong with one is that caller's answer alone."""
    whole = [body for body in bodies if not isinstance(body, Refused)]
    scored = iter(predictor.predict_each(whole))
    answers = [body if isinstance(body, Refused) else next(scored) for body in bodies]
    return [Refused(422, str(a)) if isinstance(a, RequestError) else a for a in answers]
