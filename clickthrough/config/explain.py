"""What reasons say of the log's fields: where each comes from, and whether the user can change it.

Article 26(1)(d) of the EU's Digital Services Act asks for both, for each advertisement shown.
"""

from typing import Literal

from pydantic import Field

from clickthrough.config.base import Strict

FieldSource = Literal["profile", "context", "candidate"]
"""Of the user; of the moment and the page; of what is shown."""
Source = Literal[FieldSource, "past"]
"""Of a field, or counted from what happened before."""


class About(Strict):
    """What is said of a field; what is left out is found out or follows from the rest.

    Attributes:
        source: by default found in the log: what differs within a request is of the candidate,
            what stays with a user is of the profile, all else of the context.
        changeable: whether the user can change it; by default what is of the profile, and what the
            user did.
        words: what a reader calls it, a noun such as "device"; by default its column's name.
    """

    source: FieldSource | None = None
    changeable: bool | None = None
    words: str | None = Field(default=None, min_length=1, max_length=100)


class Explain(Strict):
    """How answers are explained.

    Attributes:
        fields: what is to be said of fields, by our names.
        most_groups: of more declared features than these, reasons name families of them; each
            costs time.
    """

    fields: dict[str, About] = {}
    most_groups: int = Field(default=12, ge=12, le=100)
