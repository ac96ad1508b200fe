"""The hot routes in the service's OpenAPI, from the very structs that are read and written."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from clickthrough.serving import contract
from clickthrough.serving.faults import JSON, Faults, as_error, detailed
from clickthrough.serving.routes import Route

_FAULTS = {
    "400": "The body is no text in UTF-8",
    "401": "The token is missing or wrong",
    "408": "The body did not come in time",
    "413": "The body is too large",
    "415": "The body is not called what the route takes, in UTF-8",
    "422": "A field is malformed, or too many rows",
    "503": "Too many requests in flight, or the store is away: try again",
}
_REF = "#/components/schemas/{name}"
_TEXT = {"type": "string"}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": _TEXT}


def add_routes(document: dict[str, Any], routes: Sequence[Route]) -> dict[str, Any]:
    """Document the hot routes beside those that FastAPI serves.

    Args:
        document: what FastAPI says of its own; changed.
        routes: the table.
    """
    made: list[type] = [contract.Fault, contract.Refusal]
    made += [kind for route in routes for kind in (route.body, *route.answers)]
    named, components = msgspec.json.schema_components(made, ref_template=_REF)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update({name: schema for name, schema in components.items() if name != "Fault"})
    schemas["Fault"] = components["Fault"]
    refs = iter(named)
    faults: dict[Faults, dict[str, Any]] = {detailed: next(refs), as_error: next(refs)}
    for route in routes:
        body, answers = next(refs), [next(refs) for _ in route.answers]
        answer = answers[0] if len(answers) == 1 else {"anyOf": answers}
        fault = faults[route.faults]
        operation = _operation(route, body, answer, fault)
        document["paths"][route.path] = {"post": operation}
        if route.of_version is not None:
            document["paths"][route.of_version.path] = {"post": _of_version(operation, fault)}
    return document


def _operation(
    route: Route, body: dict[str, Any], answer: dict[str, Any], fault: dict[str, Any]
) -> dict[str, Any]:
    return {
        "summary": route.text,
        "operationId": route.path.strip("/").replace("/", "_"),
        "requestBody": {"required": True, "content": _asked(route, body)},
        "responses": {
            "200": {"description": "OK", "content": _answered(route, answer)},
            **{status: _fault(text, fault) for status, text in _faults(route)},
        },
    }


def _of_version(operation: dict[str, Any], fault: dict[str, Any]) -> dict[str, Any]:
    """Return an operation whose path names a version too."""
    responses = operation["responses"] | {"404": _fault("No such version", fault)}
    name = f"{operation['operationId']}_version"
    return {**operation, "operationId": name, "parameters": [_VERSION], "responses": responses}


def _asked(route: Route, body: dict[str, Any]) -> dict[str, Any]:
    """Return what a route takes, by media type."""
    taken: dict[str, Any] = {JSON.decode(): {"schema": body, "example": route.example}}
    for media, form in route.forms.items():
        if media and form.example:
            taken[media] = {"schema": _TEXT, "example": form.example}
    return taken


def _answered(route: Route, answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a route answers, by media type."""
    others = {form.answered.decode(): {"schema": _TEXT} for form in route.forms.values()}
    return {**others, JSON.decode(): {"schema": answer}}


def _faults(route: Route) -> Iterator[tuple[str, str]]:
    """Yield the statuses of a route's faults, and when they are given."""
    for status, text in _FAULTS.items():
        if status == "401" and route.kind != "events":
            continue
        if route.faults is detailed:
            yield status, text
        elif status != "422":  # which the other form does not know
            more = ", a field is malformed, or too many rows" if status == "400" else ""
            yield status, f"{text}{more}"


def _fault(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
