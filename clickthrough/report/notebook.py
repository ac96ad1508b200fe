"""The figures of the report in a notebook: the same charts, legends and tables, light and dark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from clickthrough.report.page import MOST_ROWS, read, template
from clickthrough.report.parts import Figure, Section

_CLASS = "clickthrough"


@dataclass(frozen=True)
class Shown:
    """HTML that a notebook displays where it is the value of a cell."""

    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


def shown(what: Section | Sequence[Figure]) -> Shown:
    """Return the texts and figures of a section, or figures alone, as a notebook shows them.

    Each brings its style: a notebook may take what has scrolled away out of its page.
    """
    section = what if isinstance(what, Section) else Section("", "", figures=what)
    style = Markup(_scoped(read("style.css")))  # noqa: S704 - our own file
    rendered = template("notebook.html.j2").render(
        section=section, style=style, most_rows=MOST_ROWS
    )
    return Shown(rendered)


def _scoped(style: str) -> str:
    """Let the report's style hold inside its figures alone.

    >>> _scoped(":root { --page: #fff; } body { margin: 0; } p { margin: 0; }")
    '.clickthrough { & { --page: #fff; } & { margin: 0; } p { margin: 0; } }'
    """
    own = re.sub(r"(?<![\w-])(:root|body)(?= \{)", "&", style)
    return f".{_CLASS} {{ {own} }}"
