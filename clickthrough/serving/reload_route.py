"""``POST /model/reload``: for those who know the token of the environment."""

import asyncio
import hmac
import os
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from clickthrough.errors import ClickthroughError
from clickthrough.serving.about import FAULT
from clickthrough.serving.reload import Current

PATH = "/model/reload"
_FAULTS: dict[int | str, dict[str, Any]] = {
    401: {**FAULT, "description": "The token is missing or wrong"},
    403: {**FAULT, "description": "The service has no token: CTR_RELOAD_TOKEN"},
    422: {**FAULT, "description": "The bundle cannot be used"},
}
_bearer = HTTPBearer(auto_error=False, description="The value of CTR_RELOAD_TOKEN")


class ReloadOut(BaseModel):
    """Which bundle served before, and which serves now."""

    previous: str
    version: str


def add_reload(app: FastAPI, current: Current, token: str | None) -> None:
    """Add the route.

    Args:
        app: what gets it.
        current: what is replaced.
        token: what a caller must know; None where nobody may reload.
    """

    @app.post(PATH, response_model=ReloadOut, responses=_FAULTS)
    async def reload(
        given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> dict[str, str]:
        """Let the bundle at the service's path take over; a bad one leaves the old one serving."""
        _authorize(given.credentials if given else "", token)
        try:
            before, now = await asyncio.to_thread(current.reload)
        except ClickthroughError:
            text = f"{current.refused}; {current.version} goes on serving"
            raise HTTPException(422, text) from None
        return {"previous": before, "version": now}


def _authorize(given: str, token: str | None) -> None:
    if token is None:
        raise HTTPException(403, "reloading is off: the service was started without "
                                 "CTR_RELOAD_TOKEN")  # fmt: skip
    # headers arrive as Latin-1, the environment as the system's bytes
    if not hmac.compare_digest(given.encode("latin-1"), os.fsencode(token)):
        raise HTTPException(401, "the token is missing or wrong", {"www-authenticate": "Bearer"})
