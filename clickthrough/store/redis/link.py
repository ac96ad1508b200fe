"""Connections to the server that holds a store: found, checked, and found again after a failure."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as AwayError
from redis.exceptions import TimeoutError as LateError
from redis.retry import Retry

from clickthrough.errors import StoreAwayError, StoreError
from clickthrough.store.base import Durability, T
from clickthrough.store.redis.address import PASSWORD, Address
from clickthrough.store.redis.line import Line, end_all

FORMAT = b"1"
"""Of what stands under our keys; a store of another one is refused."""
_SECONDS = 5.0
"""How long a connection, and a command that changes something, may take."""
_KEEPS_ALL = "noeviction"


class Link:
    """The server that holds a store, in a cluster the one that holds its keys.

    All keys of a store have one hash tag, ``{prefix}``: they lie on one server, where a change of
    many takes effect at once.

    Args:
        address: where it is.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.tag = b"{%b}" % address.prefix.encode()
        self.durability: Durability = "unknown"
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._stale = True
        self._idle: deque[Line] = deque()

    def find(self, seconds: float = _SECONDS) -> None:
        """Find the server, and refuse one that will not do; nothing is asked where it is known.

        Args:
            seconds: that each of some commands may take.

        Raises:
            StoreError: it will not do: says why, in a line.
            RedisError: it cannot be reached.
        """
        if not self._stale:
            return
        with self._lock:
            if self._stale:
                client = self._found(seconds)
                self._check(client)
                self.durability = _durability(client)
                self._known = client.connection_pool.connection_kwargs
                self._stale = False
                client.close()

    def ask(self, do: Callable[[Line], T], again: bool = True) -> T:
        """Ask the server by a line that nobody else uses meanwhile.

        Args:
            do: asks.
            again: whether it may be asked twice, where a line was closed since it was used last.

        Raises:
            RedisError: there is no answer, or a refusal.
        """
        self.find()
        try:
            line = self._idle.pop()
        except IndexError:
            line, again = self.line(), False
        try:
            made = do(line)
        except AwayError:
            if not again:
                raise
            self.renew()  # it may be another server by now
            self.find()
            line = self.line()
            made = do(line)
        self._idle.append(line)
        return made

    def run(
        self, script: str, keys: Sequence[bytes], values: Sequence[bytes | int], again: bool = True
    ) -> Any:  # noqa: ANN401
        """Run a script; see :mod:`clickthrough.store.redis.scripts`."""
        return self.ask(lambda line: line.run(script, keys, values, _SECONDS), again)

    def values(self, names: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of some keys, however long it takes."""
        return self.ask(lambda line: line.values(names, _SECONDS))

    def command(self, *parts: bytes | int) -> Any:  # noqa: ANN401
        """Return the answer to a command, however long it takes."""
        return self.ask(lambda line: line.ask(parts, _SECONDS))

    def line(self, seconds: float = _SECONDS) -> Line:
        """Return a new connection to where the server was found last.

        Args:
            seconds: within which it must be made.

        Raises:
            RedisError: there is none.
        """
        times = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
        return Line(self.address.tls, self._known | times)

    def renew(self) -> None:
        """Look for the server again before the next command: another may have its place."""
        self._stale = True
        end_all(self._idle)

    @contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Turn the client's errors into ours."""
        try:
            yield
        except (RedisError, OSError, ValueError) as error:
            said = f"{self.address.shown}: {self.why(error)}"
            if isinstance(error, AwayError | LateError | MovedError | ReadOnlyError | OSError):
                self.renew()
                raise StoreAwayError(said) from None
            raise StoreError(said) from None

    def _found(self, seconds: float) -> Redis:
        """Return a client of the server that holds our keys."""
        own = self._settings(seconds)
        client = Redis(host=self.address.host, port=self.address.port, **own)
        if not self._info(client).get("cluster_enabled"):
            return client
        client.close()
        settings = {name: value for name, value in own.items() if name != "db"}
        cluster = RedisCluster(host=self.address.host, port=self.address.port, **settings)
        node = cluster.get_node_from_key(self.tag.decode())  # type: ignore[no-untyped-call]
        cluster.close()
        if node is None:
            raise StoreError(f"{self.address.shown}: no server of the cluster holds our keys")
        return Redis(host=node.host, port=node.port, **own)

    def _settings(self, seconds: float) -> dict[str, Any]:
        own = self.address
        secured = {"ssl": True, "ssl_ca_certs": own.ca} if own.tls else {}
        return secured | {
            "db": own.database,
            "username": own.user,
            "password": own.password,
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry": Retry(NoBackoff(), 0),  # a change is not to be made twice
            "protocol": 2,
            "client_name": "clickthrough",
        }

    def _check(self, client: Redis) -> None:
        """Refuse what would lose or mistake something; see :meth:`find`."""
        info = self._info(client)
        if info.get("role", "master") != "master":
            raise StoreError(
                f"{self.address.shown}: is a replica, which takes no changes; name its primary"
            )
        policy = info.get("maxmemory_policy", _KEEPS_ALL)
        if policy != _KEEPS_ALL and info.get("maxmemory", 0):
            raise StoreError(
                f"{self.address.shown}: forgets keys where memory is full (maxmemory-policy "
                f"{policy}), and events would be lost or counted twice; expected {_KEEPS_ALL}"
            )
        name = self.tag + b":format"
        found = client.get(name)
        if found is None:
            client.set(name, FORMAT, nx=True)
            found = client.get(name)
        if found != FORMAT:
            raise StoreError(
                f"{self.address.shown}: what lies under the prefix '{self.address.prefix}' is of "
                f"format {found!r:.80}, this version reads {FORMAT!r}; name another (?prefix=...)"
            )

    def _info(self, client: Redis) -> dict[str, Any]:
        """Return what the server says of itself; nothing where we may not ask."""
        try:
            return dict(client.info())
        except NoPermissionError:
            return {}

    def why(self, error: Exception) -> str:
        """Return what went wrong, in a line and without secrets, with what to do if it is known."""
        said = " ".join(self.address.without_secrets(str(error)).split()) or type(error).__name__
        if isinstance(error, MovedError):
            return f"its keys have moved to {error.host}:{error.port}"
        if isinstance(error, AuthenticationError | AuthorizationError) or "NOAUTH" in said:
            asked = "the password is wrong" if self.address.password else "a password is needed"
            return f"{asked} ({PASSWORD}): {said}"
        if isinstance(error, AwayError | LateError):
            other = "redis" if self.address.tls else "rediss"
            late = self.address.tls and isinstance(error, LateError)  # it waits for a greeting
            closed = late or any(part in said for part in ("closed by server", "SSL", "reset"))
            hint = f"; does the port want {other}://?" if closed else ""
            return f"cannot be reached: {said}{hint}"
        return said


def _durability(client: Redis) -> Durability:
    """Return what of an acknowledged change the server may lose."""
    try:
        found = client.config_get("*append*")
    except ResponseError:  # as where a provider keeps its configuration to itself
        return "unknown"
    if found.get("appendonly") != "yes" or found.get("no-appendfsync-on-rewrite") == "yes":
        return "memory"
    kinds: dict[str, Durability] = {"always": "disk", "everysec": "second"}
    return kinds.get(str(found.get("appendfsync")), "memory")
