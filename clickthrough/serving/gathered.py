"""Small bodies that arrive together are scored together.

Nobody waits for others to come: what lies ready when the event loop turns is taken at once, so an
idle service answers as soon as it would alone, and a busy one does the work of many bodies in
little more than the time of one. Each is answered as it would be alone, to the last bit.
"""

import asyncio
from collections.abc import Sequence

from clickthrough.features.rows import RawRow
from clickthrough.serving.predictor import Predictor, Scored

_MOST_ROWS = 64
"""Rows scored before the event loop turns again."""
_Asked = tuple[Sequence[RawRow], asyncio.Future[Scored]]


class Gathered:
    """Scores on the event loop.

    Args:
        predictor: what scores.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self._waiting: list[_Asked] = []

    async def predict(self, impressions: Sequence[RawRow]) -> Scored:
        """Score impressions; see :meth:`Predictor.predict`."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._score)
        answered: asyncio.Future[Scored] = loop.create_future()
        self._waiting.append((impressions, answered))
        return await answered

    def _score(self) -> None:
        taken = self._take()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._score)
        try:
            scored = self.predictor.predict_each([impressions for impressions, _ in taken])
        except Exception as error:  # whoever asked must hear of it
            scored = [error] * len(taken)  # type: ignore[list-item]
        for (_, answered), answer in zip(taken, scored, strict=True):
            if answered.done():  # the caller has gone
                continue
            if isinstance(answer, Exception):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)

    def _take(self) -> list[_Asked]:
        """Return the first of those who wait."""
        rows, count = 0, 0
        while count < len(self._waiting) and rows < _MOST_ROWS:
            rows += len(self._waiting[count][0])
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken
