"""What the service logs: faults always, each answer where ``CTR_LOG=json`` asks for it."""

import json
import logging
import sys
import time
from collections.abc import Mapping

from clickthrough.errors import StoreAwayError

log = logging.getLogger("clickthrough.serving")
_SECONDS_BETWEEN = 1.0
"""The same fault is logged at most so often: a full disk fails every request."""


class FaultLog:
    """An observer that logs what went wrong, with the cause, but never in a flood."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}
        self._silent: dict[tuple[str, str], int] = {}

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """Say nothing."""

    def refused(self, route: str, cause: str) -> None:
        """Say nothing: metrics count it."""

    def recorded(self, receipt: Mapping[str, int]) -> None:
        """Say nothing."""

    def failed(self, route: str, error: BaseException) -> None:
        """Log a fault; the same kind again only after a while, with how many were left out."""
        key, now = (route, type(error).__name__), time.monotonic()
        if now - self._last.get(key, -_SECONDS_BETWEEN) < _SECONDS_BETWEEN:
            self._silent[key] = self._silent.get(key, 0) + 1
            return
        self._last[key] = now
        more = self._silent.pop(key, 0)
        note = f" (and {more} more since the last line)" if more else ""
        # a store that is away is no fault of ours: its error says all, and where it was met nothing
        trace = None if isinstance(error, StoreAwayError) else error
        log.error("%s: %s: %s%s", route, type(error).__name__, error, note, exc_info=trace)

    def frozen(self, route: str) -> None:
        """Say nothing: it is counted, and the store says when it goes away and comes back."""

    def reloaded(self, version: str) -> None:
        """Say nothing: who reloads says it."""


class AccessLog:
    """An observer that logs each answer."""

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """Log an answer."""
        log.info(
            "", extra={"told": {"route": route, "status": status, "ms": seconds and seconds * 1e3}}
        )

    def refused(self, route: str, cause: str) -> None:
        """Log a refusal."""
        log.info("", extra={"told": {"route": route, "refused": cause}})

    def recorded(self, receipt: Mapping[str, int]) -> None:
        """Log what became of events."""
        log.info("", extra={"told": {"events": dict(receipt)}})

    def failed(self, route: str, error: BaseException) -> None:
        """Say nothing: the fault is logged as such."""

    def frozen(self, route: str) -> None:
        """Say nothing: it is counted, and the store says when it goes away and comes back."""

    def reloaded(self, version: str) -> None:
        """Log a bundle that took over."""
        log.info("", extra={"told": {"reloaded": version}})


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {"time": record.created, "level": record.levelname}
        line |= getattr(record, "told", None) or {
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_json() -> None:
    """Let every logger of the process write JSON lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
