"""The HTTP service."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from clickthrough._version import __version__
from clickthrough.config.serving import Runtime
from clickthrough.errors import ClickthroughError, ConfigError, RequestError, StoreError
from clickthrough.serving import contract
from clickthrough.serving.about import add_about
from clickthrough.serving.environment import Environment
from clickthrough.serving.faults import invalid, malformed, store_failed
from clickthrough.serving.hot import HotRoutes
from clickthrough.serving.life import lifespan
from clickthrough.serving.limits import LimitBody, LimitInFlight
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.reload import Current, warm
from clickthrough.serving.reload_route import PATH as RELOAD
from clickthrough.serving.reload_route import add_reload
from clickthrough.serving.waiting import LimitWait

_FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": contract.Fault, "description": "The body is no text in UTF-8"},
    413: {"model": contract.Fault, "description": "The body is too large"},
    422: {"model": contract.Fault, "description": "A field is malformed, or too many rows"},
    503: {"model": contract.Fault, "description": "Too many requests in flight: try again"},
}


def from_environment() -> FastAPI:
    """Make the app that ``uvicorn app:app`` serves; end the process where it cannot be made.

    ``CTR_BUNDLE`` names the bundle (``models`` by default), ``CTR_STORE`` the store: ``memory``
    or an SQLite file (beside the bundle by default), ``CTR_RUNTIME`` what computes the model's
    graph: ``onnx`` or ``openvino`` (what the bundle's configuration says by default).
    """
    bundle = Path(os.environ.get("CTR_BUNDLE", "models"))
    try:
        return create_app(bundle, os.environ.get("CTR_STORE"), _runtime())
    except ClickthroughError as error:
        sys.exit(f"clickthrough: {error}")


def _runtime() -> Runtime | None:
    named = os.environ.get("CTR_RUNTIME") or None
    if named is not None and named not in get_args(Runtime):
        known = " or ".join(get_args(Runtime))
        raise ConfigError(f"CTR_RUNTIME: expected {known}, found {named!r}")
    return named  # type: ignore[return-value]


def default_store(bundle: Path) -> Path:
    """Return where the store of a bundle lies unless another is named: beside the bundle."""
    resolved = bundle.resolve()
    return resolved.with_name(f"{resolved.name}.store.sqlite")


def create_app(
    bundle: Path,
    store: str | Path | None = None,
    runtime: Runtime | None = None,
    *,
    hot: bool = True,
) -> FastAPI:
    """Load a bundle and make the service around it.

    Args:
        bundle: the bundle's directory.
        store: ``memory``, an SQLite file, or by default the file beside the bundle.
        runtime: what computes the model's graph; by default what the bundle says.
        hot: whether the hot routes stand before the documented ones.

    Raises:
        ClickthroughError: the bundle or the store cannot be used.
    """
    environment = Environment.read()
    predictor = Predictor.load(bundle, store or default_store(bundle), runtime)
    warm(predictor)
    current = Current(predictor, bundle, runtime)
    app = Service(
        title="clickthrough",
        version=__version__,
        description="Calibrated click probabilities, learning from events.",
        lifespan=lifespan(environment),
    )
    app.state.current = current
    app.state.ready = False
    add_about(app, current)
    _add_scoring(app, current)
    add_reload(app, current, environment.reload_token)
    app.add_exception_handler(RequestError, malformed)
    app.add_exception_handler(StoreError, store_failed)
    app.add_exception_handler(RequestValidationError, invalid)
    app.stand_before(current, hot=hot)
    return app


class Service(FastAPI):
    """The documented application, behind the limits and the hot routes.

    These stand before all that FastAPI does with a request, which takes longer than they do.
    """

    front: ASGIApp

    def stand_before(self, current: Current, *, hot: bool) -> None:
        """Put the limits, and the hot routes if wanted, before the documented routes."""
        documented = super().__call__
        behind: ASGIApp = HotRoutes(documented, current) if hot else documented
        queue = LimitWait(behind, lambda: current.limits.max_wait_ms * current.patience)
        behind = LimitBody(queue, lambda: current.limits.max_body_bytes)
        self.front = in_flight = LimitInFlight(
            behind, lambda: current.limits.max_in_flight * current.patience, but=RELOAD
        )
        self.state.queue = queue

        def refusal() -> str | None:
            return in_flight.refusal(queue.queue.arriving) or queue.refusal()

        self.state.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.front(scope, receive, send)


def _add_scoring(app: FastAPI, current: Current) -> None:
    # plain functions: FastAPI runs them on threads, so scoring never holds up the health checks
    @app.post("/predict", response_model=contract.PredictOut, responses=_FAULTS)
    def predict(body: contract.PredictBody) -> dict[str, Any]:
        """Score impressions."""
        predictor = _taken(current, body.impressions, "impressions")
        scored = predictor.predict(body.impressions)
        predictions = [msgspec.structs.asdict(prediction) for prediction in scored.predictions]
        return {
            "predictions": predictions,
            "ignored": scored.ignored,
            "version": predictor.bundle.manifest.version,
        }

    @app.post("/rank", response_model=contract.RankOut, responses=_FAULTS)
    def rank(body: contract.RankBody) -> dict[str, Any]:
        """Rank the candidates of one request, best first."""
        predictor = _taken(current, body.candidates, "candidates")
        ranking = predictor.rank(body.context, body.candidates, body.top)
        ranked = [
            {"candidate": place, **msgspec.structs.asdict(prediction)}
            for place, prediction in zip(ranking.order, ranking.predictions, strict=True)
        ]
        return {
            "request_id": ranking.request_id,
            "ranking": ranked,
            "ignored": ranking.ignored,
            "version": predictor.bundle.manifest.version,
        }

    @app.post("/events", response_model=contract.EventsOut, responses=_FAULTS)
    def events(body: contract.EventsBody) -> dict[str, int]:
        """Count impressions and clicks; what scoring reads changes with the next tick."""
        return _taken(current, body.events, "events").observe(body.events).as_dict()


def _taken(current: Current, rows: Sequence[object], what: str) -> Predictor:
    """Return the predictor that is to do it all."""
    predictor = current.predictor
    most = predictor.bundle.config.serving.max_impressions
    if len(rows) > most:
        raise RequestError(f"{len(rows)} {what}: at most {most} (serving.max_impressions)")
    return predictor
