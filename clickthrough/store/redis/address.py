"""Where a Redis store is: a URL, with the password in the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from clickthrough.config.base import unknown_name
from clickthrough.errors import StoreError

SCHEMES = ("redis://", "rediss://")
PASSWORD = "CTR_STORE_PASSWORD"  # noqa: S105 - the name of a variable
_PORT, _PREFIX, _DEADLINE_MS = 6379, "ctr", 5.0
_LONGEST_HOST = 253
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

    def without_secrets(self, text: str) -> str:
        """Return a text of the server's, which may repeat what it was sent."""
        if self.password is None:
            return text
        return text.replace(self.password, "***").replace(repr(self.password)[1:-1], "***")

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
        parts = _parts(url)
        host, port = _place(parts)
        database = _database(parts.path)
        shown = f"{parts.scheme}://{host}:{port}/{database}"
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name in options:
            if name not in _KNOWN:
                raise StoreError(f"{shown}: {unknown_name(name, 'option', list(_KNOWN))}")
        prefix = options.get("prefix", _PREFIX)
        if not _PLAIN.fullmatch(prefix):
            raise StoreError(
                f"{shown}: prefix: expected up to 64 letters, digits, '_', '.' or '-', "
                f"found {prefix!r:.80}"
            )
        if "ca" in options and parts.scheme != "rediss":
            raise StoreError(f"{shown}: ca: certificates are for rediss:// alone")
        if "ca" in options and not Path(options["ca"]).is_file():
            raise StoreError(f"{shown}: ca: {options['ca']}: no such file")
        return cls(
            shown=shown,
            host=host,
            port=port,
            database=database,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or "") or environment.get(PASSWORD) or None,
            tls=parts.scheme == "rediss",
            ca=options.get("ca"),
            prefix=prefix,
            deadline=_milliseconds(options.get("deadline_ms"), shown) / 1_000,
        )


def _parts(url: str) -> SplitResult:
    """Divide a URL; one whose password is not encoded is refused without showing any of it."""
    try:
        parts = urlsplit(url)
        odd = parts.fragment or "@" in parts.path + parts.query
    except ValueError:
        odd = True
    if odd:
        raise StoreError(
            f"the store's URL cannot be read: percent-encode the password, or give it as {PASSWORD}"
        )
    return parts


def _place(parts: SplitResult) -> tuple[str, int]:
    try:
        port = _PORT if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise StoreError(f"{parts.scheme}://: expected a port from 1 to 65535")
    host = parts.hostname or ""
    try:
        known = bool(host) and len(host.encode("idna")) <= _LONGEST_HOST
    except UnicodeError:
        known = False
    if not known:
        raise StoreError(f"{parts.scheme}://: expected {parts.scheme}://HOST:PORT")
    return host, port


def _database(path: str) -> int:
    text = path.strip("/")
    if not re.fullmatch(r"[0-9]{0,5}", text):
        raise StoreError(f"redis://: expected the number of a database, found {text!r:.80}")
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
