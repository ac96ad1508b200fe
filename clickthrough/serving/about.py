"""What the service says of itself: its health, and the bundle that it serves."""

from typing import Any, Literal

from fastapi import FastAPI, Response
from pydantic import BaseModel

from clickthrough._version import __version__
from clickthrough.config.serving import LIMITS
from clickthrough.serving.csv_rows import field_names
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.reload import Current

FAULT: dict[str, Any] = {
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}
}
"""How an answer that says what was wrong is documented."""


class HealthOut(BaseModel):
    """Whether the service is well, and which bundle it serves."""

    status: Literal["ok"]
    version: str
    clickthrough: str
    bundle_created: str
    store: Literal["ok", "away"]


def add_about(app: FastAPI, current: Current) -> None:
    """Add ``/health``, ``/health/live``, ``/health/ready``, ``/ping`` and ``/model``."""

    @app.head("/health", include_in_schema=False)  # as some load balancers ask
    @app.get("/health", response_model=HealthOut)
    async def health() -> dict[str, str]:
        """Say that the service is up, and with which bundle."""
        manifest = current.predictor.bundle.manifest
        return {
            "status": "ok",
            "version": manifest.version,
            "clickthrough": __version__,
            "bundle_created": manifest.created,
            "store": "away" if current.predictor.store.away else "ok",
        }

    @app.head("/health/live", include_in_schema=False)  # as some load balancers ask
    @app.get(
        "/health/live",
        responses={503: {**FAULT, "description": "A new process is needed"}},
    )
    async def live(response: Response) -> dict[str, str]:
        """Say that the process is alive; not where only another one can go on counting events."""
        if current.predictor.store.lost:
            response.status_code = 503
            return {"detail": "the store was removed or replaced; start a new process"}
        return {"status": "alive"}

    @app.head("/health/ready", include_in_schema=False)  # as some load balancers ask
    @app.get("/health/ready", responses={503: {**FAULT, "description": "Not ready"}})
    async def ready(response: Response) -> dict[str, str]:
        """Say whether the service is warmed up and takes requests."""
        if not app.state.ready:
            response.status_code = 503
            return {"detail": "not ready"}
        return {"status": "ready"}

    @app.head("/ping", include_in_schema=False)  # as some load balancers ask
    @app.get("/ping", responses={503: {**FAULT, "description": "Not ready"}})
    async def ping(response: Response) -> dict[str, str]:
        """Say the same to Amazon SageMaker."""
        return await ready(response)

    @app.get("/model")
    async def model() -> dict[str, Any]:
        """Describe the bundle: its version, the raw fields it reads, its evaluation."""
        sources = current.overrides.sources()
        return {
            **describe_model(current.predictor),
            "limits_set_by": sources,
            "refused": current.refused,
        }


def describe_model(predictor: Predictor) -> dict[str, Any]:
    """Describe a bundle for people and programs."""
    bundle = predictor.bundle
    fields = {
        given: {"as": name, "type": bundle.schema.fields[name]}
        for given, name in zip(field_names(bundle), bundle.plan.fields, strict=True)
    }
    return {
        "version": bundle.manifest.version,
        "created": bundle.manifest.created,
        "counters_until": bundle.manifest.counters_until,
        "model": bundle.config.model.name,
        "fields": fields,
        "roles": bundle.schema.roles,
        "categorical": [column.name for column in bundle.plan.ids],
        "numeric": bundle.encoder.numeric_names,
        "lookup": {side.form.name: side.described(bundle.schema) for side in bundle.sides},
        "limits": predictor.settings.model_dump(mode="json", include={*LIMITS}),
        "metrics": bundle.metrics.get("test"),
    }
