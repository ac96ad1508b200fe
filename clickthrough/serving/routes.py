"""What a hot route is: its path, what it takes, what it answers, and what does it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from clickthrough.serving.admission import Kind
from clickthrough.serving.batcher import Gone
from clickthrough.serving.faults import JSON, Faults, detailed
from clickthrough.serving.own_fields import Sample

Handler = Callable[[bytes, Gone], Awaitable[bytes]]
"""Makes the body of an answer of the body of a request."""


class Form(NamedTuple):
    """What is done with a body of a media type.

    Attributes:
        answered: the media type of the answer.
        example: makes a body of rows that are taken, for the documentation.
    """

    handle: Handler
    answered: bytes = JSON
    example: Callable[[Sample], str] | None = None


class OfVersion(NamedTuple):
    """A second path of a route, in which ``{version}`` is the bundle that is meant.

    Attributes:
        route: makes the route that answers who names a version.
    """

    path: str
    route: Callable[[str], "Route"]


@dataclass(frozen=True)
class Route:
    """A hot route: what it takes, what it answers, and what does it.

    Attributes:
        kind: which places and which size of body are its own.
        body: what a body of JSON is, which every route takes.
        answers: what such a body is answered with: one of these.
        example: makes such a body of rows that are taken, for whoever asks in another way.
        handle: what does it.
        forms: what is taken beside, by media type; ``; header=absent`` belongs to it, and an
            empty one is a body that is not called anything.
        faults: how it says what was wrong.
        unwanted: headers that are refused, each with the reason.
        of_version: its other path, if it has one.
    """

    path: str
    kind: Kind
    body: type
    answers: tuple[type, ...]
    example: Callable[[Sample], dict[str, Any]]
    handle: Handler
    forms: Mapping[str, Form] = field(default_factory=dict)
    faults: Faults = detailed
    unwanted: Mapping[bytes, str] = field(default_factory=dict)
    of_version: OfVersion | None = None

    @property
    def text(self) -> str:
        """What it does, in a line."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]

    @property
    def media(self) -> list[str]:
        """The media types that it takes."""
        named = (form.partition(";")[0] for form in self.forms if form)
        return [*dict.fromkeys([JSON.decode(), *named])]
