"""The hot routes in the service's OpenAPI, from the very structs that are read and written."""

from collections.abc import Sequence
from typing import Any

import msgspec

from clickthrough.serving import contract
from clickthrough.serving.handlers import Route

_FAULTS = {
    "400": "The body is no text in UTF-8",
    "401": "The token is missing or wrong",
    "408": "The body did not come in time",
    "413": "The body is too large",
    "415": "The body is not called JSON in UTF-8",
    "422": "A field is malformed, or too many rows",
    "503": "Too many requests in flight, or the store is away: try again",
}
_REF = "#/components/schemas/{name}"


def add_routes(document: dict[str, Any], routes: Sequence[Route]) -> dict[str, Any]:
    """Document the hot routes beside those that FastAPI serves.

    Args:
        document: what FastAPI says of its own; changed.
        routes: the table.
    """
    types = [contract.Fault, *(t for route in routes for t in (route.body, route.answer))]
    named, components = msgspec.json.schema_components(types, ref_template=_REF)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update({name: schema for name, schema in components.items() if name != "Fault"})
    schemas["Fault"] = components["Fault"]
    fault = named[0]
    for place, route in enumerate(routes):
        body, answer = named[1 + 2 * place], named[2 + 2 * place]
        document["paths"][route.path] = {"post": _operation(route, body, answer, fault)}
    return document


def _operation(
    route: Route, body: dict[str, Any], answer: dict[str, Any], fault: dict[str, Any]
) -> dict[str, Any]:
    asked = {"schema": body, "example": route.example}
    faults = {
        status: {"description": text, "content": {"application/json": {"schema": fault}}}
        for status, text in _FAULTS.items()
        if status != "401" or route.kind == "events"
    }
    made = {"description": "OK", "content": {"application/json": {"schema": answer}}}
    return {
        "summary": route.text,
        "operationId": route.path.strip("/"),
        "requestBody": {"required": True, "content": {"application/json": asked}},
        "responses": {"200": made, **faults},
    }
