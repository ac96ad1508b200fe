"""What a release writes down, so that another step can undo it."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from clickthrough.whole_file import write_whole
from deploy.ci.answers import Answers
from deploy.ci.errors import UsageError

State = Literal["begun", "good", "undone"]


class Release(msgspec.Struct, kw_only=True):
    """A release.

    Attributes:
        before: the revision of the Deployment that was there; None for the first. It is told,
            and not gone by: a revision that comes again gets another number.
        template: of its pods, by which it is found again; None for the first.
        answers: what the service answered then, where it did.
        after: the revision that was deployed, once it is known.
    """

    namespace: str
    image: str
    before: int | None
    template: dict[str, Any] | None
    answers: Answers | None = None
    after: int | None = None
    state: State = "begun"


def read_release(path: Path) -> Release:
    """Read a record.

    Raises:
        UsageError: there is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Release)
    except OSError as error:
        raise UsageError(f"--record {path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise UsageError(f"--record {path}: no record of a release: {error}") from None


def write_release(release: Release, path: Path | None) -> None:
    """Write a record, where one is wanted."""
    if path is not None:
        write_whole(path, msgspec.json.encode(release))
