"""One connection, asked for many values or changes at once.

A command of thousands of arguments is packed by hiredis itself: redis-py would look at each of them
in Python first, which takes longer than the server does.
"""

import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha1
from typing import Any

from hiredis import Reader, pack_command
from redis.connection import Connection, DefaultParser, SSLConnection
from redis.exceptions import ConnectionError as AwayError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as LateError

_PIECE = 1 << 18
"""Bytes that are read at a time."""


class Line:
    """A connection.

    Args:
        tls: whether it is encrypted.
        settings: of redis-py's connection.

    Raises:
        RedisError: it cannot be made.
    """

    def __init__(self, tls: bool, settings: dict[str, Any]) -> None:
        self._connection = (SSLConnection if tls else Connection)(**settings)
        self._connection.connect()  # type: ignore[no-untyped-call]

    def values(self, names: Sequence[bytes], seconds: float) -> list[bytes | None]:
        """Return the values of some keys; see :meth:`ask`."""
        found: list[bytes | None] = self.ask((b"MGET", *names), seconds)
        return found

    def run(
        self, script: str, keys: Sequence[bytes], values: Sequence[bytes | int], seconds: float
    ) -> Any:  # noqa: ANN401
        """Run a script of :mod:`clickthrough.store.redis.scripts`; see :meth:`ask`."""
        text = script.encode()
        asked = (len(keys), *keys, *values)
        digest = sha1(text, usedforsecurity=False).hexdigest()
        try:
            return self.ask((b"EVALSHA", digest, *asked), seconds)
        except NoScriptError:  # the server is new
            return self.ask((b"EVAL", text, *asked), seconds)

    def end(self) -> None:
        """End the connection."""
        self._connection.disconnect()  # type: ignore[no-untyped-call]

    def ask(self, parts: Sequence[Any], seconds: float) -> Any:  # noqa: ANN401
        """Return the answer to a command.

        Raises:
            RedisError: it is a refusal, or does not come within so many seconds; then the
                connection has ended.
        """
        try:
            answer = self._answer(pack_command(tuple(parts)), time.monotonic() + seconds)
        except TimeoutError:
            self.end()  # what still comes would answer another question
            raise LateError(f"no answer within {seconds * 1e3:.0f} ms") from None
        except OSError as error:
            self.end()
            raise AwayError(str(error)) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, asked: bytes, end: float) -> Any:  # noqa: ANN401
        """Send a command and read its answer, however many pieces that comes in, until a moment."""
        socket = self._connection._sock  # redis-py waits anew for each piece
        if socket is None:
            raise AwayError("the connection has ended")
        socket.settimeout(_left(end))
        socket.sendall(asked)
        reader = Reader(replyError=DefaultParser.parse_error)
        while (answer := reader.gets()) is False:
            socket.settimeout(_left(end))
            piece = socket.recv(_PIECE)
            if not piece:
                raise ConnectionResetError("Connection closed by server")
            reader.feed(piece)
        return answer


def end_all(lines: deque[Line]) -> None:
    """End the lines that nobody uses, while others may take some."""
    with suppress(IndexError):
        while True:
            lines.pop().end()


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
