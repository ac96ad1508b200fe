"""The hot routes in the service's OpenAPI, from the very structs that are read and written."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from clickthrough.bundle.load import Bundle
from clickthrough.serving import contract
from clickthrough.serving.faults import JSON, Faults, as_error, detailed
from clickthrough.serving.own_fields import ROWS, Sample, row_schemas, sample
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
_VALUE = "What a field of a row can hold"
_TOKEN = {
    "EventsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The value of CTR_EVENTS_TOKEN, where the service has one",
    }
}
_WITH_TOKEN: dict[str, Any] = {"security": [{}, {name: [] for name in _TOKEN}]}
_TEXT = {"type": "string"}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": _TEXT}


def add_routes(document: dict[str, Any], routes: Sequence[Route], bundle: Bundle) -> dict[str, Any]:
    """Document the hot routes beside those that FastAPI serves.

    Args:
        document: what FastAPI says of its own; changed.
        routes: the table.
        bundle: whose fields rows have.
    """
    rows = sample(bundle)
    made: list[type] = [contract.Fault, contract.Refusal]
    made += [kind for route in routes for kind in (route.body, *route.answers)]
    named, components = msgspec.json.schema_components(made, ref_template=_REF)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_with_rows(components, bundle))
    document["components"].setdefault("securitySchemes", {}).update(_TOKEN)
    refs = iter(named)
    faults: dict[Faults, dict[str, Any]] = {detailed: next(refs), as_error: next(refs)}
    paths: dict[str, Any] = {}
    for route in routes:
        body, answers = next(refs), [next(refs) for _ in route.answers]
        answer = answers[0] if len(answers) == 1 else {"anyOf": answers}
        fault = faults[route.faults]
        operation = _operation(route, _asked(route, body, rows), answer, fault)
        paths[route.path] = {"post": operation}
        if route.of_version is not None:
            operation = _of_version(operation, fault, bundle.manifest.version)
            paths[route.of_version.path] = {"post": operation}
    document["paths"] = paths | document["paths"]  # first what most come for
    return document


def _with_rows(components: dict[str, Any], bundle: Bundle) -> dict[str, Any]:
    """Return the schemas of bodies and answers, in which rows have the bundle's fields."""
    found: dict[str, Any] = {}
    made = {name: _referring(schema, found) for name, schema in components.items()}
    value = {"description": _VALUE, **found["additionalProperties"]}
    rows = row_schemas(bundle, {"$ref": _REF.format(name="Value")})
    return made | rows | {"Value": value}


def _referring(schema: Any, found: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Return a schema that refers to rows by their names; what they are without is found."""
    if isinstance(schema, list):
        return [_referring(part, found) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("title") in ROWS:
        found.update(schema)
        kept = {"default": schema["default"]} if "default" in schema else {}
        return {"$ref": _REF.format(name=schema["title"]), **kept}
    return {key: _referring(part, found) for key, part in schema.items()}


def _operation(
    route: Route, asked: dict[str, Any], answer: dict[str, Any], fault: dict[str, Any]
) -> dict[str, Any]:
    return {
        "summary": route.text,
        "operationId": route.path.strip("/").replace("/", "_"),
        "requestBody": {"required": True, "content": asked},
        "responses": {
            "200": {"description": "OK", "content": _answered(route, answer)},
            **{status: _fault(text, fault) for status, text in _faults(route)},
        },
        **(_WITH_TOKEN if route.kind == "events" else {}),
    }


def _of_version(operation: dict[str, Any], fault: dict[str, Any], serves: str) -> dict[str, Any]:
    """Return an operation whose path names a version too."""
    responses = operation["responses"] | {"404": _fault("No such version", fault)}
    name = f"{operation['operationId']}_version"
    version = {**_VERSION, "example": serves}
    return {**operation, "operationId": name, "parameters": [version], "responses": responses}


def _asked(route: Route, body: dict[str, Any], rows: Sample) -> dict[str, Any]:
    """Return what a route takes, by media type."""
    taken: dict[str, Any] = {JSON.decode(): {"schema": body, "example": route.example(rows)}}
    for media, form in route.forms.items():
        if media and form.example:
            taken[media] = {"schema": _TEXT, "example": form.example(rows)}
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
