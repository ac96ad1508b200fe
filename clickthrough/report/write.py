"""Writing the page of a bundle, and its charts as pictures beside it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from clickthrough.bundle.load import Bundle
from clickthrough.errors import ClickthroughError, install_hint
from clickthrough.report.latency import measured
from clickthrough.report.page import light_style, page, sections_of
from clickthrough.report.parts import Section
from clickthrough.whole_file import write_whole

REPORT = "report.html"
_ZOOM = 3.0


def write_report(
    bundle: Bundle, path: Path, other: Bundle | None = None, png: bool = False
) -> list[Path]:
    """Write the report of a bundle.

    Args:
        bundle: whose.
        path: the file; its directory is there.
        other: what it is compared with.
        png: whether each chart is written beside it too.

    Returns:
        What was written: the page, then the pictures.

    Raises:
        ClickthroughError: a file cannot be written, or what draws pictures is not installed.
    """
    if not path.resolve().parent.is_dir():
        raise ClickthroughError(f"{path}: no such directory")
    sections = sections_of(bundle, measured(bundle), other)
    drawn = [*_pictures(sections)] if png else []
    write_whole(path, page(bundle, sections))
    written = [path]
    for name, image in drawn:
        written.append(path.with_name(f"{path.stem}-{name}.png"))
        write_whole(written[-1], image)
    return written


def _pictures(sections: Sequence[Section]) -> Iterator[tuple[str, bytes]]:
    """Yield each chart of the page, drawn in the colours of the light one."""
    try:
        from resvg_py import svg_to_bytes
    except ModuleNotFoundError:
        raise ClickthroughError(f"--png needs resvg-py: {install_hint('plot')}") from None
    style = light_style()
    for section in sections:
        charts = [figure for figure in section.figures if figure.chart is not None]
        for place, figure in enumerate(charts, 1):
            svg = str(figure.chart).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
            name = re.sub(r"\W+", "-", section.id) + (f"-{place}" if len(charts) > 1 else "")
            yield name, bytes(
                svg_to_bytes(
                    svg, style_sheet=style, zoom=_ZOOM, background="#ffffff",
                    sans_serif_family="DejaVu Sans", font_dirs=_fonts(),
                )
            )  # fmt: skip


def _fonts() -> list[str]:
    """Return where a font lies that is always there: a bare machine has none of its own."""
    from matplotlib import get_data_path

    return [str(Path(get_data_path()) / "fonts" / "ttf")]
