"""The HTTP service."""

import os
import signal
import sys
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from clickthrough._version import __version__
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.manifest import read_manifest
from clickthrough.config.serving import Runtime
from clickthrough.errors import ClickthroughError
from clickthrough.serving.about import add_about
from clickthrough.serving.admission import Admission
from clickthrough.serving.batcher import MicroBatcher
from clickthrough.serving.documentation import add_documentation
from clickthrough.serving.draining import closing
from clickthrough.serving.endpoint import Endpoint, Versioned
from clickthrough.serving.environment import Environment
from clickthrough.serving.event_queue import EventQueue
from clickthrough.serving.handlers import Handlers
from clickthrough.serving.life import lifespan
from clickthrough.serving.logs import AccessLog, FaultLog, log_json
from clickthrough.serving.metrics import CONTENT_TYPE, Metrics
from clickthrough.serving.observers import Observer, Observers
from clickthrough.serving.open_inference_about import add_open_inference
from clickthrough.serving.openapi import add_routes
from clickthrough.serving.reload import Current
from clickthrough.serving.reload_route import add_reload
from clickthrough.serving.routes import Route
from clickthrough.serving.settings import Overrides, Setting
from clickthrough.store import Store, open_store
from clickthrough.store.shared import claim_memory


def from_environment() -> FastAPI:
    """Make the app that ``uvicorn app:app`` serves; end the process where it cannot be made.

    ``CTR_BUNDLE`` names the bundle (``models`` by default), ``CTR_STORE`` the store: ``memory``,
    an SQLite file (beside the bundle by default) or ``redis://HOST``, ``CTR_CONFIG`` a file of
    settings; each setting is also a variable (:mod:`clickthrough.serving.settings`).
    """
    bundle = Path(os.environ.get("CTR_BUNDLE", "models"))
    try:
        return create_app(bundle, os.environ.get("CTR_STORE"))
    except ClickthroughError as error:
        _end_supervisor()
        sys.exit(f"clickthrough: {error}")


def _end_supervisor() -> None:
    """Let a supervisor of this process (``--reload``, ``--workers``) not try for ever."""
    if (parent := parent_process()) is not None and parent.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(parent.pid, signal.SIGTERM)


def default_store(bundle: Path) -> Path:
    """Return where the store of a bundle lies unless another is named: beside the bundle."""
    resolved = bundle.resolve()
    return resolved.with_name(f"{resolved.name}.store.sqlite")


def create_app(
    bundle: Path,
    store: str | Path | None = None,
    runtime: Runtime | None = None,
    overrides: Overrides | None = None,
) -> FastAPI:
    """Load a bundle and make the service around it.

    Args:
        bundle: the bundle's directory.
        store: ``memory``, an SQLite file, ``redis://HOST``, or by default the file beside the
            bundle.
        runtime: what computes the model's graph; by default what the settings say.
        overrides: what goes before the bundle's settings; by default what the environment says.

    Raises:
        ClickthroughError: the bundle or the store cannot be used, or a setting is wrong.
    """
    environment = Environment.read()
    said = overrides or Overrides.read()
    if runtime is not None:
        said = Overrides({**said.said, "runtime": Setting(runtime, "runtime")})
    read_manifest(bundle)  # before a store is made beside it
    kept = store or default_store(bundle)
    if str(kept) == "memory":
        claim_memory()
    return Service(bundle, kept, said, environment)


class Service(FastAPI):
    """The application: the hot routes, and what FastAPI serves beside them.

    Args:
        bundle: the bundle's directory.
        kept: where events are kept.
        overrides: what goes before the bundle's settings.
        environment: what belongs to this process.
    """

    def __init__(
        self, bundle: Path, kept: str | Path, overrides: Overrides, environment: Environment
    ) -> None:
        super().__init__(
            title="clickthrough",
            version=__version__,
            description="Calibrated click probabilities, learning from events.",
            lifespan=lifespan(environment),
            docs_url=None,  # they load scripts from another host
            redoc_url=None,
        )
        self._documented: Bundle | None = None
        store: Store = open_store(kept)
        try:
            self.current = Current(bundle, store, overrides)
        except BaseException:
            store.close()
            raise
        self.batcher = MicroBatcher()
        self.admission = Admission(
            lambda: self.current.settings,
            lambda: self.batcher.waiting_seconds,
            lambda: self.current.patience,
        )
        self.metrics = Metrics(self.current.version, self.admission.in_flight, lambda: store.away)
        self.observer = _observers(self.metrics, environment)
        self.current.on_reload = self.observer.reloaded
        self.hot = self._hot_routes(environment)
        self.state.current, self.state.admission = self.current, self.admission
        self.state.ready = self.state.draining = False
        add_about(self, self.current)
        add_open_inference(self, self.current)
        add_reload(self, self.current, environment.reload_token)
        add_documentation(self)
        self._add_pages()

    def _hot_routes(self, environment: Environment) -> dict[str, Endpoint]:
        events = EventQueue(lambda: self.current.predictor, lambda: self.batcher.busy)
        handlers = Handlers(self.current, self.batcher, events, self.observer)
        endpoints: dict[str, Endpoint] = {}

        def made(route: Route) -> Endpoint:
            token = environment.events_token if route.kind == "events" else None
            return Endpoint(route, self.current, self.admission, self.observer, token)

        for route in handlers.routes():
            endpoints[route.path] = made(route)
            self._add_hot(route.path, endpoints[route.path])
            if route.of_version is not None:
                self._add_hot(route.of_version.path, Versioned(made, route.of_version.route))
        return endpoints

    def _add_hot(self, path: str, made: Endpoint | Versioned) -> None:
        self.router.routes.append(StarletteRoute(path, made, include_in_schema=False))

    def _add_pages(self) -> None:
        @self.get("/metrics", include_in_schema=False)
        def metrics() -> Response:
            """Say what happened, to Prometheus."""
            return Response(self.metrics.text(), media_type=CONTENT_TYPE)

        @self.get("/", include_in_schema=False)
        async def root() -> Response:
            """Lead to the documentation."""
            return RedirectResponse("docs")

    def openapi(self) -> dict[str, Any]:
        """Return the document of all routes, with the fields of the bundle that serves now."""
        bundle = self.current.predictor.bundle
        if self.openapi_schema is None or self._documented is not bundle:
            self.openapi_schema = None  # what FastAPI keeps is of another bundle
            routes = [endpoint.route for endpoint in self.hot.values()]
            self.openapi_schema = add_routes(super().openapi(), routes, bundle)
            self._documented = bundle
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        A hot route is asked at once where no middleware wants to see its requests: FastAPI's own
        take longer than a small body takes to be scored.
        """
        if scope["type"] == "http":
            if self.state.draining:
                send = closing(send)
            if not self.user_middleware and (endpoint := self.hot.get(scope["path"])) is not None:
                await endpoint(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def _observers(metrics: Metrics, environment: Environment) -> Observer:
    listeners: list[Observer] = [metrics, FaultLog()]
    if environment.json_log:
        log_json()
        listeners.append(AccessLog())
    return Observers(listeners)
