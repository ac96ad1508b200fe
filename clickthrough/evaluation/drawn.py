"""A picture as a whole file."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clickthrough.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


def write_figure(figure: "FigureBase", path: Path, tight: bool = False) -> None:
    """Write a picture: the same bytes for the same figure, and whole or not at all.

    Args:
        figure: what was drawn.
        path: .svg, .png or .pdf.
        tight: whether its margins are cut.

    Raises:
        ClickthroughError: it cannot be written.
    """
    content, kind = io.BytesIO(), path.suffix.removeprefix(".")
    undated = {"Date": None} if kind == "svg" else None
    size: dict[str, Any] = {"bbox_inches": "tight"} if tight else {"dpi": 150}
    figure.figure.savefig(content, format=kind, metadata=undated, **size)  # type: ignore[union-attr]
    write_whole(path, content.getvalue())
