"""What the environment says of one process of the service."""

import math
import os
from dataclasses import dataclass
from typing import Self

from clickthrough.errors import ConfigError


@dataclass(frozen=True)
class Environment:
    """What belongs to a process and to no bundle: how it lives, and its secrets.

    Attributes:
        drain_seconds: ``CTR_DRAIN_SECONDS``: how long requests are still taken after SIGTERM, with
            readiness off.
        watch_seconds: ``CTR_WATCH``: how often the place of the bundle is looked at; 0 for never.
        reload_token: ``CTR_RELOAD_TOKEN``: who knows it may have the bundle reloaded.
        events_token: ``CTR_EVENTS_TOKEN``: who knows it may send events; without it, everybody.
        json_log: ``CTR_LOG=json``: one JSON line an answer.
        in_cluster: a pod of Kubernetes, which sets ``KUBERNETES_SERVICE_HOST`` in each.
    """

    drain_seconds: float = 5.0
    watch_seconds: float = 5.0
    reload_token: str | None = None
    events_token: str | None = None
    json_log: bool = False
    in_cluster: bool = False

    @classmethod
    def read(cls) -> Self:
        """Read the environment.

        Raises:
            ConfigError: a variable is malformed.
        """
        if (form := os.environ.get("CTR_LOG", "")) not in ("", "json"):
            raise ConfigError(f"CTR_LOG: expected json, found {form!r}")
        return cls(
            drain_seconds=_seconds("CTR_DRAIN_SECONDS", cls.drain_seconds),
            watch_seconds=_seconds("CTR_WATCH", cls.watch_seconds),
            reload_token=os.environ.get("CTR_RELOAD_TOKEN") or None,
            events_token=os.environ.get("CTR_EVENTS_TOKEN") or None,
            json_log=form == "json",
            in_cluster=bool(os.environ.get("KUBERNETES_SERVICE_HOST")),
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
