"""The verb that serves a bundle."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from clickthrough.cli.options import PortOption
from clickthrough.cli.output import say
from clickthrough.cli.root import app
from clickthrough.config.base import sentences
from clickthrough.config.serving import LIMITS, Serving


def _settings_help() -> str:
    """Return a line a setting of the service."""
    told = sentences(Serving)
    return "Settings:\n\n" + "\n\n".join(
        f"{name} (default {one.get_default()}): {told.get(name)}"
        for name, one in Serving.model_fields.items()
        if name in LIMITS
    )


@app.command(epilog=_settings_help())
def serve(
    bundle: Annotated[
        Path, typer.Argument(envvar="CTR_BUNDLE", help="The bundle's directory.")
    ] = Path("models"),
    host: Annotated[str, typer.Option(envvar="CTR_HOST")] = "127.0.0.1",
    port: PortOption = 8000,
    store: Annotated[
        str | None,
        typer.Option(
            envvar="CTR_STORE",
            help="An SQLite file, by default beside the bundle; redis://HOST; 'memory'.",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML with settings; by default what CTR_CONFIG names.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: a setting; again for more.")
    ] = None,
) -> None:
    """Serve a bundle over HTTP; http://HOST:PORT/docs describes the routes.

    Settings come from the bundle, a file, the environment (CTR_MAX_WAIT_MS, ...)
    and --set; of these the later one holds. GET /model shows them.
    """
    import uvicorn

    from clickthrough.serving.app import create_app
    from clickthrough.serving.connections import GuardedProtocol
    from clickthrough.serving.environment import Environment
    from clickthrough.serving.listening import listen
    from clickthrough.serving.settings import Overrides

    sockets = listen(host, port)
    made = create_app(bundle, store, overrides=Overrides.read(settings or [], config))
    say(f"serving {bundle} on http://{host}:{port} (docs: /docs)")
    logged: dict[str, Any] = {"log_level": "warning"}
    if Environment.read().json_log:
        logged = {"log_config": None}  # the application has set up the logs
    with suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(made, http=GuardedProtocol, **logged)).run(sockets)
