"""What is told of the service's work: one observer, and whoever listens behind it."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Observer(Protocol):
    """Hears what happened; nothing on the way of a request waits for it."""

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """A request was answered, so long after its body was whole; None where it was not read."""

    def refused(self, route: str, cause: str) -> None:
        """A request was turned away: ``in_flight``, ``wait``, ``size``, ``slow``, ``token``, ..."""

    def recorded(self, receipt: Mapping[str, int]) -> None:
        """Events were counted, so many of each kind."""

    def failed(self, route: str, error: BaseException) -> None:
        """Something went wrong that no caller is to blame for."""

    def frozen(self, route: str) -> None:
        """An answer was made without the store, which did not answer in time."""

    def reloaded(self, version: str) -> None:
        """A bundle took over."""


class Observers:
    """Tells several what happened.

    Args:
        listeners: who hears it, in this order.
    """

    def __init__(self, listeners: Sequence[Observer]) -> None:
        self._listeners = tuple(listeners)

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """See :class:`Observer`."""
        for one in self._listeners:
            one.answered(route, status, seconds)

    def refused(self, route: str, cause: str) -> None:
        """See :class:`Observer`."""
        for one in self._listeners:
            one.refused(route, cause)

    def recorded(self, receipt: Mapping[str, int]) -> None:
        """See :class:`Observer`."""
        for one in self._listeners:
            one.recorded(receipt)

    def failed(self, route: str, error: BaseException) -> None:
        """See :class:`Observer`."""
        for one in self._listeners:
            one.failed(route, error)

    def frozen(self, route: str) -> None:
        """See :class:`Observer`."""
        for one in self._listeners:
            one.frozen(route)

    def reloaded(self, version: str) -> None:
        """See :class:`Observer`."""
        for one in self._listeners:
            one.reloaded(version)
