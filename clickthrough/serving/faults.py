"""What the service answers where a body is wrong or the store fails."""

import json

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse


async def malformed(request: Request, error: Exception) -> Response:
    """Say what is wrong with a row."""
    return JSONResponse({"detail": str(error)}, status_code=422)


async def invalid(request: Request, error: Exception) -> Response:
    """Say where a body is wrong, without what was found there: NaN could not be sent back."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [{key: item[key] for key in ("type", "loc", "msg")} for item in found]
    return Response(json.dumps({"detail": detail}), 422, media_type="application/json")


async def store_failed(request: Request, error: Exception) -> Response:
    """Nothing was recorded or scored: the caller may try again."""
    return JSONResponse({"detail": str(error)}, status_code=503, headers={"retry-after": "1"})
