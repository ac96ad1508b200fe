"""Callers who have gone away: nothing more is done for them."""

from starlette.types import Receive


class Gone(Exception):  # noqa: N818 - no error
    """The caller has gone: nobody waits for an answer."""


def has_gone(receive: Receive) -> bool:
    """Say whether a caller has gone, without waiting.

    Args:
        receive: the request's channel, its body already read: only the caller's going is left.
    """
    steps = receive().__await__()
    try:
        next(steps)
    except StopIteration as said:
        return bool(said.value["type"] == "http.disconnect")
    steps.close()  # it would wait for the caller to go
    return False
