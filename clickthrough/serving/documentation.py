"""``/docs``: the OpenAPI document in Swagger UI, all of it from the package itself.

Nothing is asked of any other host, and the page's own policy forbids it: so it works where the
internet cannot be reached, and no other host can put a script beside the service.
"""

import gzip
from collections.abc import Callable
from importlib import resources

from fastapi import FastAPI, Request, Response

PATH = "/docs"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load and ask; the pictures in its style sheet are ``data:``."""
_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "contrast.css": "text/css",
    "start.js": "text/javascript",
}
_PACKED = ("swagger-ui-bundle.js", "swagger-ui.css")
"""What lies packed: 0.5 MB instead of 1.9."""
_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
_KEPT = "public, max-age=3600"


def add_documentation(app: FastAPI) -> None:
    """Add the page and what it loads."""

    @app.get(PATH, include_in_schema=False)
    def page() -> Response:
        """Show the page."""
        headers = {**_HEADERS, "content-security-policy": POLICY}
        return Response(_read("docs.html"), media_type="text/html", headers=headers)

    for name in _FILES:
        app.get(f"{PATH}/{name}", include_in_schema=False)(_giver(name))


def _giver(name: str) -> Callable[[Request], Response]:
    """Return what gives a file of the page."""

    def give(request: Request) -> Response:
        headers = {**_HEADERS, "cache-control": _KEPT, "vary": "accept-encoding"}
        if name not in _PACKED:
            return Response(_read(name), media_type=_FILES[name], headers=headers)
        packed = _read(f"{name}.gz")
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        else:
            packed = gzip.decompress(packed)
        return Response(packed, media_type=_FILES[name], headers=headers)

    return give


def _read(name: str) -> bytes:
    return (resources.files("clickthrough.serving") / "swagger" / name).read_bytes()
