"""One connection, asked for many values or changes at once.

A command of thousands of arguments is packed by hiredis itself: redis-py would look at each of them
in Python first, which takes longer than the server does.
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from hiredis import pack_command
from redis.connection import Connection, SSLConnection
from redis.exceptions import NoScriptError


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
        """Return the values of some keys.

        Raises:
            RedisError: they do not come within so many seconds; the connection has ended then.
        """
        found: list[bytes | None] = self._ask((b"MGET", *names), seconds)
        return found

    def run(
        self, script: str, keys: Sequence[bytes], values: Sequence[bytes | int], seconds: float
    ) -> Any:  # noqa: ANN401
        """Run a script; see :mod:`clickthrough.store.redis.scripts`.

        Raises:
            RedisError: it fails, or takes longer than so many seconds.
        """
        text = script.encode()
        asked = (len(keys), *keys, *values)
        digest = sha1(text, usedforsecurity=False).hexdigest()
        try:
            return self._ask((b"EVALSHA", digest, *asked), seconds)
        except NoScriptError:  # the server is new
            return self._ask((b"EVAL", text, *asked), seconds)

    def end(self) -> None:
        """End the connection."""
        self._connection.disconnect()  # type: ignore[no-untyped-call]

    def _ask(self, parts: tuple[Any, ...], seconds: float) -> Any:  # noqa: ANN401
        packed = [pack_command(parts)]
        self._connection.update_current_socket_timeout(seconds)  # sending may wait as well
        self._connection.send_packed_command(packed, check_health=False)  # type: ignore[no-untyped-call]
        return self._connection.read_response(disable_decoding=True, timeout=seconds)
