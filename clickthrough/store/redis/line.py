"""One connection that reads values: what redis-py leaves untyped, in one place."""

from collections.abc import Sequence
from typing import Any

from redis.connection import Connection, SSLConnection


class Line:
    """A connection, asked for one thing at a time.

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
        self._connection.send_command(b"MGET", *names)  # type: ignore[no-untyped-call]
        found: list[bytes | None] = self._connection.read_response(
            disable_decoding=True, timeout=seconds
        )
        return found

    def end(self) -> None:
        """End the connection."""
        self._connection.disconnect()  # type: ignore[no-untyped-call]
