"""A store on a Redis server, which any number of machines share.

Those who write take turns by a lease, so that nobody's work is in vain; that all of it is exact
does not hang on the lease, but on a version that each commit replaces: what was made of an older
one is made anew. Scoring reads with a deadline: what is not answered in time is not waited for.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from redis.exceptions import ConnectionError as AwayError
from redis.exceptions import RedisError

from clickthrough.errors import StoreAwayError, StoreError
from clickthrough.store.base import Breathe, Durability, T, Transaction, nothing
from clickthrough.store.redis.address import Address
from clickthrough.store.redis.breaker import Breaker
from clickthrough.store.redis.line import Line, end_all
from clickthrough.store.redis.link import Link
from clickthrough.store.redis.lookout import Lookout
from clickthrough.store.redis.scripts import COMMIT, GIVE_BACK, TAKE
from clickthrough.store.redis.tidying import Tidier
from clickthrough.store.redis.values import head_of, server_life, unpack

_MOST_KEYS = 2_000
"""Keys of one command: others on the server wait for a millisecond."""
_KEPT = 2
"""Connections that are ready to read: one for the event loop, one for the thread that scores."""
_LEAST_CONNECT = 0.002
"""Seconds that a new connection is given even where no more are left."""
_LEASE_MS, _LONGEST_LEASE_MS = 1_000, 16_000
"""Whoever writes is given so long; whoever was too slow, twice as long the next time."""
_PATIENCE = 10.0
"""Seconds in which a change must take effect."""
_PAUSE, _LONGEST_PAUSE = 0.001, 0.016
"""Seconds between two looks at the lease, at first and at last."""
_PROBE, _LEAST_PROBE = 10, 0.25
"""To find the server again, each command may take so many deadlines, and so many seconds."""


class _Staged:
    """Writes of a transaction, over what the server holds."""

    def __init__(self, read: Callable[[Sequence[bytes]], list[bytes | None]]) -> None:
        self._read = read
        self._known: dict[bytes, bytes | None] = {}
        self._lives: dict[bytes, tuple[int | None, int]] = {}

    def expect(self, keys: Sequence[bytes]) -> None:
        unknown = [key for key in keys if key not in self._known]
        if unknown:
            self._known.update(zip(unknown, self._read(unknown), strict=True))

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self.expect(keys)
        return [*map(self._known.__getitem__, keys)]

    def write(
        self, values: Mapping[bytes, bytes], expires: int | None = None, changed: int = 0
    ) -> None:
        self._known.update(values)
        self._lives.update(dict.fromkeys(values, (expires, changed)))

    def packed(self) -> tuple[list[bytes], list[bytes], list[int]]:
        """Return keys, what the server is to hold of each, and runs of how long."""
        known = self._known
        runs: dict[tuple[int | None, int], list[bytes]] = {}
        for key, life in self._lives.items():
            runs.setdefault(life, []).append(key)
        keys, values, lives = list[bytes](), list[bytes](), list[int]()
        for life, own in runs.items():
            head = head_of(*life)
            keys += own
            values += [head + known[key] for key in own]  # type: ignore[operator]
            lives += [len(own), server_life(*life)]
        return keys, values, lives


class RedisStore:
    """Values on a server, each with when it changed and expires before it.

    Args:
        address: the server.

    Raises:
        StoreError: it cannot be reached, or used as a store: says why.
    """

    waits = remote = True
    lost = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self._link = Link(address)
        self._states = self._link.tag + b"/"
        self._version, self._lease = self._link.tag + b":version", self._link.tag + b":lease"
        self._writing = threading.Lock()
        self._idle: deque[Line] = deque()
        self._breaker = Breaker(address.shown, self._again)
        self._tidier = Tidier(self._link, self._states)
        with self._link.clear_errors():
            self._link.find()
            self._connect(_PATIENCE)
        self._lookout = Lookout(self._look)

    @property
    def durability(self) -> Durability:
        """What of an acknowledged change the server may lose."""
        return self._link.durability

    @property
    def away(self) -> bool:
        """Whether the server did not answer in time, and has not since."""
        return self._breaker.is_open

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none.

        Raises:
            StoreAwayError: the server does not answer within the deadline.
        """
        if not keys:
            return []
        if self._breaker.is_open:
            raise StoreAwayError(f"{self._address.shown}: does not answer in time")
        try:
            found = self._read(keys)
        except (RedisError, OSError) as error:
            why = self._link.why(error)
            self._breaker.open(why)
            raise StoreAwayError(f"{self._address.shown}: {why}") from None
        return unpack(found)

    def read_slowly(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the same for whoever writes, and waits.

        Raises:
            StoreError: the server does not answer.
        """
        found: list[bytes | None] = []
        with self._link.clear_errors():
            for names in self._slices(keys):
                found += self._link.values(names)
        return unpack(found)

    def update(self, change: Callable[[Transaction], T]) -> T:
        """Read and write in a transaction: all of it takes effect, or nothing if it raises.

        Raises:
            StoreError: the server does not answer, or others write without end. After an answer
                that was lost the change may have taken effect.
        """
        end, lease = time.monotonic() + _PATIENCE, _LEASE_MS
        with self._writing:
            while True:
                try:
                    done, made = self._tried(change, lease, end)
                except StoreAwayError as error:
                    self._breaker.open(str(error))
                    raise
                if done:
                    return made
                if time.monotonic() > end:
                    raise self._overtaken()
                lease = min(2 * lease, _LONGEST_LEASE_MS)

    def expire(self, before: int, breathe: Breathe = nothing) -> int:
        """Forget values that expire before a moment; return how many.

        What is kept for less than a month the server forgets too, by its own clock, a week later.
        """
        return self._tidier.expire(before, breathe)

    def trim(self, most: int, breathe: Breathe = nothing) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many."""
        return self._tidier.trim(most, breathe)

    def count(self) -> int:
        """Return the number of values."""
        return self._tidier.count()

    def close(self) -> None:
        """End all connections."""
        self._lookout.end()
        self._breaker.end()
        end_all(self._idle)
        self._link.renew()

    def _tried(self, change: Callable[[Transaction], T], lease: int, end: float) -> tuple[bool, T]:
        """Make a change; return whether nobody else wrote meanwhile, and what it returned."""
        token = os.urandom(16).hex().encode()
        staged, known = _Staged(self.read_slowly), self._take(token, lease, end)
        try:
            made = change(staged)
            return self._commit(staged, known, token), made
        except BaseException:
            with suppress(StoreError):  # what went wrong first is what matters
                self._give_back(token)
            raise

    def _take(self, token: bytes, lease: int, end: float) -> bytes:
        """Wait for the lease; return the version of the store that is held by it.

        Raises:
            StoreError: others have it until the end.
        """
        names, pause = [self._lease, self._version], _PAUSE
        while True:
            with self._link.clear_errors():
                taken, said = self._link.run(TAKE, names, [token, lease])
            if taken:
                return bytes(said or b"")
            if time.monotonic() > end:
                raise self._overtaken()
            time.sleep(min(pause, max(0.0, said / 1_000) + _PAUSE))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _overtaken(self) -> StoreError:
        said = f"others wrote for {_PATIENCE:g} seconds without end"
        return StoreError(f"{self._address.shown}: {said}")

    def _commit(self, staged: _Staged, known: bytes, token: bytes) -> bool:
        """Write, and give the lease back; return whether nobody else wrote meanwhile."""
        keys, values, lives = staged.packed()
        if not keys:
            self._give_back(token)
            return True
        names = [self._version, self._lease, *map(self._states.__add__, keys)]
        with self._link.clear_errors():
            # what may have taken effect is not asked for twice
            return bool(self._link.run(COMMIT, names, [known, token, *values, *lives], again=False))

    def _give_back(self, token: bytes) -> None:
        with self._link.clear_errors():
            self._link.run(GIVE_BACK, [self._lease], [token])

    def _read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        slices = self._slices(keys)
        end = time.monotonic() + self._address.deadline * len(slices)
        found, line = self._first(slices[0], end)
        for names in slices[1:]:
            found += line.values(names, end - time.monotonic())
        self._idle.append(line)
        return found

    def _first(self, names: Sequence[bytes], end: float) -> tuple[list[bytes | None], Line]:
        """Return the values of some keys, and the line that brought them.

        A line that was closed while it was idle says nothing of the server: another is made.
        """
        with suppress(IndexError, AwayError):  # the former as many threads read as there are lines
            line = self._idle.popleft()
            return line.values(names, end - time.monotonic()), line
        line = self._link.line(max(end - time.monotonic(), _LEAST_CONNECT))
        return line.values(names, end - time.monotonic()), line

    def _slices(self, keys: Sequence[bytes]) -> list[list[bytes]]:
        states = self._states
        return [
            [states + key for key in keys[start : start + _MOST_KEYS]]
            for start in range(0, len(keys), _MOST_KEYS)
        ]

    def _look(self) -> None:
        """Look whether the server is there, with the patience and the lines of those who write."""
        if self._breaker.is_open:
            return
        try:
            with self._link.clear_errors():
                self._link.values([self._version])
        except StoreAwayError as error:
            self._breaker.open(str(error))
        except StoreError:  # it answers; what it refuses is told to whoever asks for something
            return

    def _again(self) -> None:
        """Look for the server again, and ask it as a read would."""
        seconds = max(_LEAST_PROBE, _PROBE * self._address.deadline)
        self._link.renew()
        self._link.find(seconds)
        self._connect(self._address.deadline, seconds)

    def _connect(self, within: float, seconds: float | None = None) -> None:
        """Make new connections, and ask by one of them as a read would.

        Args:
            within: seconds until the answer.
            seconds: that each connection may take.
        """
        end_all(self._idle)
        made = [self._link.line(seconds or _PATIENCE) for _ in range(_KEPT)]
        made[0].values([self._version], within)
        self._idle.extend(made)
