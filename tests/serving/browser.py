"""Pages of a service in a browser that reaches no other host, as where there is no internet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Route


@dataclass
class Tab:
    """A page, and what went wrong in it.

    Attributes:
        faults: errors and warnings of the console, and exceptions.
        elsewhere: what it asked of other hosts.
    """

    page: "Page"
    faults: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def heard(self, message: "ConsoleMessage") -> None:
        """Keep what the console says is wrong."""
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def asked(self, route: "Route") -> None:
        """Let a request through to the service alone; a browser that is offline reaches neither."""
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            self.elsewhere.append(route.request.url)
            route.abort()


@contextmanager
def tab(chromium: "Browser", width: int) -> Iterator[Tab]:
    """Open a page of a width."""
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        made = Tab(context.new_page())
        context.route("**/*", made.asked)
        made.page.on("console", made.heard)
        made.page.on("pageerror", lambda error: made.faults.append(str(error)))
        yield made
