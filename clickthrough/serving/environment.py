"""What the environment says of one process of the service."""

import math
import os
from dataclasses import dataclass
from typing import Self

from clickthrough.errors import ConfigError


@dataclass(frozen=True)
class Environment:
    """Settings of a process, not of a bundle.

    Attributes:
        drain_seconds: ``CTR_DRAIN_SECONDS``: how long requests are still taken after SIGTERM, with
            readiness off.
        watch_seconds: ``CTR_WATCH``: how often the place of the bundle is looked at; 0 for never.
        reload_token: ``CTR_RELOAD_TOKEN``: who knows it may have the bundle reloaded.
    """

    drain_seconds: float = 5.0
    watch_seconds: float = 5.0
    reload_token: str | None = None

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigError: a variable is malformed.
        """
        return cls(
            drain_seconds=_seconds("CTR_DRAIN_SECONDS", cls.drain_seconds),
            watch_seconds=_seconds("CTR_WATCH", cls.watch_seconds),
            reload_token=os.environ.get("CTR_RELOAD_TOKEN") or None,
        )


def _seconds(name: str, default: float) -> float:
    given = os.environ.get(name)
    if not given:
        return default
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigError(f"{name}: expected seconds, 0 or more, found {given!r}")
    return seconds
