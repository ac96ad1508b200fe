"""Where a Redis store is: a URL, with the password in the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from clickthrough.config.base import unknown_name
from clickthrough.errors import StoreError

SCHEMES = ("redis://", "rediss://")
PASSWORD = "CTR_STORE_PASSWORD"  # noqa: S105 - the name of a variable
_PORT, _PREFIX, _DEADLINE_MS = 6379, "ctr", 5.0
_LONGEST_MS = 1_000.0
_KNOWN = ("prefix", "deadline_ms", "ca")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Address:
    """A Redis server, and what of it is ours.

    Attributes:
        shown: the URL, without secrets.
        tls: whether the connection is encrypted, and the server's certificate checked.
        ca: a file of certificates to check it by; by default those of the system.
        prefix: what our keys begin with.
        deadline: seconds within which a read must be answered.
    """

    shown: str
    host: str
    port: int
    database: int
    user: str | None
    password: str | None = field(repr=False)
    tls: bool
    ca: str | None
    prefix: str
    deadline: float

    @classmethod
    def read(cls, url: str, environment: Mapping[str, str] | None = None) -> Self:
        """Read ``redis://[USER@]HOST[:PORT][/DATABASE][?prefix=ctr&deadline_ms=5&ca=FILE]``.

        Args:
            url: ``rediss://`` for TLS.
            environment: may hold the password, as ``CTR_STORE_PASSWORD``.

        Raises:
            StoreError: says what of the URL is wrong, and shows no password.
        """
        environment = os.environ if environment is None else environment
        parts = urlsplit(url)
        shown = _shown(parts)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name in options:
            if name not in _KNOWN:
                raise StoreError(f"{shown}: {unknown_name(name, 'option', list(_KNOWN))}")
        host, port = _place(parts, shown)
        prefix = options.get("prefix", _PREFIX)
        if not _PLAIN.fullmatch(prefix):
            raise StoreError(
                f"{shown}: prefix: expected up to 64 letters, digits, '_', '.' or '-', "
                f"found {prefix!r:.80}"
            )
        return cls(
            shown=shown,
            host=host,
            port=port,
            database=_database(parts.path, shown),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or "") or environment.get(PASSWORD) or None,
            tls=parts.scheme == "rediss",
            ca=options.get("ca"),
            prefix=prefix,
            deadline=_milliseconds(options.get("deadline_ms"), shown) / 1_000,
        )


def _shown(parts: SplitResult) -> str:
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


def _place(parts: SplitResult, shown: str) -> tuple[str, int]:
    try:
        port = parts.port
    except ValueError:
        raise StoreError(f"{shown}: expected a port from 1 to 65535") from None
    if not parts.hostname:
        raise StoreError(f"{shown}: expected redis://HOST:PORT")
    return parts.hostname, port or _PORT


def _database(path: str, shown: str) -> int:
    text = path.strip("/")
    if not text.isascii() or not (text.isdigit() or not text):
        raise StoreError(f"{shown}: expected the number of a database, found {text!r:.80}")
    return int(text or 0)


def _milliseconds(text: str | None, shown: str) -> float:
    try:
        found = _DEADLINE_MS if text is None else float(text)
    except ValueError:
        found = -1.0
    if not 0 < found <= _LONGEST_MS:
        raise StoreError(
            f"{shown}: deadline_ms: expected more than 0, at most {_LONGEST_MS:g}, found {text!r}"
        )
    return found
