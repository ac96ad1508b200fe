"""Charts as SVG, drawn without a library: lines, points with intervals, bars.

Colours are variables of the page, so that light and dark are its own; no series is told by its
colour alone, but by its dashes and its marks too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from clickthrough.report.scale import Scale, scale

WIDTH, HEIGHT = 360, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 18, 10, 40
_ROW, _NAMES = 22, 166
"""Of a chart with a row a name: its height, and the room for names."""
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "12 3")
_MARKS = ("circle", "square", "diamond", "triangle", "circle", "square")
_LONGEST = 23
"""Characters of a name in a chart; the table beside has it whole."""


@dataclass(frozen=True)
class Line:
    """A series.

    Attributes:
        name: what it is.
        points: x and y.
        intervals: of each point, the ends of its interval.
        dots: whether points are marked.
    """

    name: str
    points: Sequence[Sequence[float]]
    intervals: Sequence[tuple[float, float]] = ()
    dots: bool = False


@dataclass(frozen=True)
class Bar:
    """A row of a chart with names: a value, and the ends of its interval."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Axes:
    """What the axes of a line chart are.

    Attributes:
        x: what lies along.
        y: what lies up.
        zero: whether 0 is on both.
        diagonal: whether a line shows where both are equal.
        labels: texts of x at its values, instead of numbers.
        whole: whether x counts: ticks between whole numbers are left out.
    """

    x: str
    y: str
    zero: bool = False
    diagonal: bool = False
    labels: Sequence[tuple[float, str]] = ()
    whole: bool = False


def lines(series: Sequence[Line], axes: Axes, title: str) -> Markup:
    """Draw series of points over two axes."""
    points = [point for line in series for point in line.points]
    ends = [end for line in series for pair in line.intervals for end in pair]
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    x = scale(xs, _LEFT, WIDTH - _RIGHT, axes.zero)
    y = scale([*ys, *ends], HEIGHT - _BOTTOM, _TOP, axes.zero)
    if axes.labels:
        low, high = axes.labels[0][0], axes.labels[-1][0]
        x = Scale(low, max(high, low + 1), _LEFT + 8, WIDTH - _RIGHT - 8, ())
    parts = [_frame(x, y, axes)]
    if axes.diagonal:
        most = min(x.high, y.high)
        parts.append(_path([(x(0), y(0)), (x(most), y(most))], "guide"))
    for place, line in enumerate(series):
        parts.append(_series(line, place, x, y))
    return _svg(HEIGHT, title, parts)


def bars(rows: Sequence[Bar], x_name: str, title: str) -> Markup:
    """Draw a row for each name: a bar from 0 to its value, and its interval."""
    height = _TOP + _ROW * len(rows) + _BOTTOM
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    x = scale([*(row.value for row in rows), *ends], _NAMES, WIDTH - _RIGHT, zero=True, most=4)
    parts = [_ticks(x, height - _BOTTOM, _TOP, x_name, height)]
    for place, row in enumerate(rows):
        middle = _TOP + _ROW * place + _ROW / 2
        left, right = sorted((x(0), x(row.value)))
        parts += [
            Markup('<text class="name" x="{}" y="{}">{}</text>').format(
                _NAMES - 6, middle + 4, _short(row.name)
            ),
            Markup('<rect class="bar s0" x="{}" y="{}" width="{}" height="12"/>').format(
                left, middle - 6, round(max(right - left, 0.5), 2)
            ),
        ]
        if row.low is not None and row.high is not None:
            parts.append(_path([(x(row.low), middle), (x(row.high), middle)], "interval"))
    parts.append(_path([(x(0), _TOP), (x(0), height - _BOTTOM)], "axis"))
    return _svg(height, title, parts)


def legend(series: Sequence[Line]) -> Markup:
    """Return what tells the series of a chart, as HTML."""
    items = [
        Markup(
            '<li><svg viewBox="0 0 34 12" width="34" height="12" aria-hidden="true">'
            '<path class="line s{0}" stroke-dasharray="{1}" d="M1 6H33"/>{2}</svg>{3}</li>'
        ).format(place % 6, _DASHES[place % 6], _mark(17, 6, place) if line.dots else "", line.name)
        for place, line in enumerate(series)
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _svg(height: float, title: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, title, Markup("").join(parts)
    )


def _series(line: Line, place: int, x: Scale, y: Scale) -> Markup:
    found = [(x(px), y(py)) for px, py in line.points]
    parts = [
        _path([(x(point[0]), y(low)), (x(point[0]), y(high))], f"interval s{place % 6}")
        for point, (low, high) in zip(line.points, line.intervals, strict=False)
    ]
    parts.append(_path(found, f"line s{place % 6}", _DASHES[place % 6]))
    if line.dots:
        parts += [_mark(px, py, place) for px, py in found]
    return Markup("").join(parts)


def _path(points: Sequence[tuple[float, float]], kind: str, dashes: str = "") -> Markup:
    if not points:
        return Markup("")
    steps = "L".join(f"{round(px, 2):g} {round(py, 2):g}" for px, py in points)
    dashed = Markup(' stroke-dasharray="{}"').format(dashes) if dashes else ""
    return Markup('<path class="{}"{} d="M{}"/>').format(kind, dashed, steps)


def _mark(px: float, py: float, place: int) -> Markup:
    shape, colour = _MARKS[place % 6], f"mark s{place % 6}"
    if shape == "circle":
        return Markup('<circle class="{}" cx="{}" cy="{}" r="3"/>').format(colour, px, py)
    if shape == "square":
        return Markup('<rect class="{}" x="{}" y="{}" width="6" height="6"/>').format(
            colour, round(px - 3, 2), round(py - 3, 2)
        )
    steps = "m0-4l4 4-4 4-4-4z" if shape == "diamond" else "m0-4l4 7h-8z"
    return Markup('<path class="{}" d="M{:g} {:g}{}"/>').format(colour, px, py, steps)


def _frame(x: Scale, y: Scale, axes: Axes) -> Markup:
    bottom = HEIGHT - _BOTTOM
    parts = [_ticks(x, bottom, _TOP, axes.x, HEIGHT, axes)]
    for tick in y.ticks:
        parts.append(_path([(_LEFT, y(tick)), (WIDTH - _RIGHT, y(tick))], "grid"))
        parts.append(
            Markup('<text class="tick end" x="{}" y="{}">{}</text>').format(
                _LEFT - 5, y(tick) + 4, y.label(tick)
            )
        )
    middle = (_TOP + bottom) / 2
    parts.append(
        Markup('<text class="axis-name" transform="translate(12 {}) rotate(-90)">{}</text>').format(
            middle, axes.y
        )
    )
    return Markup("").join(parts)


def _ticks(
    x: Scale, bottom: float, top: float, name: str, height: float, axes: Axes | None = None
) -> Markup:
    """Draw the ticks of the axis along the bottom, and its name below."""
    told = [(tick, x.label(tick)) for tick in x.ticks]
    if axes is not None and axes.labels:
        told = _spread(axes.labels)
    elif axes is not None and axes.whole:
        told = [(tick, f"{tick:g}") for tick, _ in told if tick == int(tick)]
    parts = []
    for tick, text in told:
        parts.append(_path([(x(tick), top), (x(tick), bottom)], "grid"))
        parts.append(
            Markup('<text class="tick" x="{}" y="{}">{}</text>').format(x(tick), bottom + 15, text)
        )
    middle = (x.start + x.end) / 2
    parts.append(
        Markup('<text class="axis-name" x="{}" y="{}">{}</text>').format(middle, height - 6, name)
    )
    return Markup("").join(parts)


def _spread(labels: Sequence[tuple[float, str]], most: int = 4) -> list[tuple[float, str]]:
    """Return a few labels, evenly spread, both ends among them."""
    if len(labels) <= most:
        return [*labels]
    return [labels[round(place * (len(labels) - 1) / (most - 1))] for place in range(most)]


def _short(name: str) -> Markup:
    """Shorten a name in its middle: names begin alike, and end each in its own way."""
    half = _LONGEST // 2
    return escape(name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half:]}")
