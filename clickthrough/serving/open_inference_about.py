"""What the Open Inference Protocol tells of the server and of its one model."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from clickthrough._version import __version__
from clickthrough.features.shown import shown
from clickthrough.serving.open_inference import INPUT, MODEL, OUTPUTS, PLATFORM, STEM, no_version
from clickthrough.serving.reload import Current

_FAULT = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}}
_NO_SUCH: dict[int | str, dict[str, Any]] = {404: {**_FAULT, "description": "No such model"}}
_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"description": "Not ready"}}
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_COLUMN = [-1, 1]
"""The shape of each tensor: any number of impressions."""


def add_open_inference(app: FastAPI, current: Current) -> None:
    """Add ``/v2`` and what is below it, but for what scores."""

    def refused(model: str, version: str | None = None) -> JSONResponse | None:
        """Return what is said where no such model is served."""
        if model != MODEL:
            text = f"no model {shown(model)}: there is '{MODEL}'"
        elif version is None or version == current.version:
            return None
        else:
            text = no_version(version, current.version)
        return JSONResponse({"error": text}, 404)

    def well(name: str, good: bool, said: dict[str, Any] | None = None) -> JSONResponse:
        return JSONResponse({**(said or {}), name: good}, 200 if good else 503)

    @app.get("/v2")
    async def server() -> dict[str, Any]:
        """Say which server this is."""
        return {"name": PLATFORM, "version": __version__, "extensions": []}

    @app.head("/v2/health/live", include_in_schema=False)
    @app.get("/v2/health/live", responses=_NOT_READY)
    async def server_live() -> JSONResponse:
        """Say that the process is alive; see ``/health/live``."""
        return well("live", not current.predictor.store.lost)

    @app.head("/v2/health/ready", include_in_schema=False)
    @app.get("/v2/health/ready", responses=_NOT_READY)
    async def server_ready() -> JSONResponse:
        """Say whether the service takes requests; see ``/health/ready``."""
        return well("ready", app.state.ready)

    @app.get("/v2/models/{model}", responses=_NO_SUCH)
    async def model_metadata(model: str) -> JSONResponse:
        """Describe the tensors of the model."""
        return refused(model) or JSONResponse(_metadata(current.version))

    @app.head("/v2/models/{model}/ready", include_in_schema=False)
    @app.get("/v2/models/{model}/ready", responses={**_NO_SUCH, **_NOT_READY})
    async def model_ready(model: str) -> JSONResponse:
        """Say whether the model takes requests."""
        return refused(model) or well("ready", app.state.ready, {"name": model})

    @app.get("/v2/models/{model}/versions/{version}", responses=_NO_SUCH)
    async def version_metadata(model: str, version: str) -> JSONResponse:
        """Describe the tensors of the model, if it has this version."""
        return refused(model, version) or JSONResponse(_metadata(current.version))

    @app.head("/v2/models/{model}/versions/{version}/ready", include_in_schema=False)
    @app.get("/v2/models/{model}/versions/{version}/ready", responses={**_NO_SUCH, **_NOT_READY})
    async def version_ready(model: str, version: str) -> JSONResponse:
        """Say whether the model takes requests, if it has this version."""
        return refused(model, version) or well("ready", app.state.ready, {"name": model})

    @app.api_route("/v2/{rest:path}", methods=_METHODS, include_in_schema=False)  # asked last
    @app.api_route("/v2/models/{model}/infer", methods=_METHODS, include_in_schema=False)
    @app.api_route(
        "/v2/models/{model}/versions/{version}/infer", methods=_METHODS, include_in_schema=False
    )
    async def nothing(model: str = MODEL) -> JSONResponse:
        """Say what there is where something else was asked for."""
        text = f"no such route: there are /v2, /v2/health/live, /v2/health/ready, GET {STEM} and "
        return refused(model) or JSONResponse({"error": f"{text}POST {STEM}/infer"}, 404)


def _metadata(version: str) -> dict[str, Any]:
    return {
        "name": MODEL,
        "versions": [version],
        "platform": PLATFORM,
        "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": _COLUMN}],
        "outputs": [
            {"name": name, "datatype": datatype, "shape": _COLUMN}
            for name, (datatype, _) in OUTPUTS.items()
        ],
    }
