"""Locks that nobody has to free: whoever holds them may be killed.

One lock is for changes to a study as a whole, and each worker holds one as long as it lives: that
is how the others know whether a running trial still has a worker. On one machine the kernel frees
them, in a database its server does, as the connection ends.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, text


class Guard(Protocol):
    """The locks of a study."""

    def alone(self) -> AbstractContextManager[None]:
        """Hold the lock of the study; others wait."""

    def living(self, worker: int) -> AbstractContextManager[None]:
        """Be known as alive by the number of a worker, which no other has."""

    def lives(self, worker: int) -> bool:
        """Say whether a worker is alive."""


class FileGuard:
    """Locks on files.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See :meth:`Guard.alone`."""
        with (self._folder / "study.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def living(self, worker: int) -> Iterator[None]:
        """See :meth:`Guard.living`."""
        with self._file(worker).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
            self._file(worker).unlink(missing_ok=True)

    def lives(self, worker: int) -> bool:
        """See :meth:`Guard.lives`."""
        try:
            with self._file(worker).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        self._file(worker).unlink(missing_ok=True)
        return False

    def _file(self, worker: int) -> Path:
        return self._folder / f"worker-{worker}.lock"


class PostgresGuard:
    """Advisory locks of a PostgreSQL server.

    Args:
        engine: connects to it.
        study: its name; studies of other names have other locks.
    """

    def __init__(self, engine: Engine, study: str) -> None:
        self._engine = engine
        self._study = int.from_bytes(blake2b(study.encode(), digest_size=7).digest())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See :meth:`Guard.alone`."""
        with self._engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": self._study})
            yield

    @contextmanager
    def living(self, worker: int) -> Iterator[None]:
        """See :meth:`Guard.living`."""
        with self._engine.connect() as one:
            connection = one.execution_options(isolation_level="AUTOCOMMIT")
            # by these the server notices within half a minute that a machine is gone
            for name, seconds in (("idle", 10), ("interval", 5), ("count", 4)):
                connection.execute(text(f"SET tcp_keepalives_{name} = {seconds}"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": worker})
            yield
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": worker})

    def lives(self, worker: int) -> bool:
        """See :meth:`Guard.lives`."""
        with self._engine.begin() as connection:
            taken = text("SELECT pg_try_advisory_xact_lock(:key)")
            return not connection.execute(taken, {"key": worker}).scalar_one()
