"""Draw the way of the data: python docs/pictures/way.py docs/pictures/way.svg"""

import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

BATCH, LIVE, BOTH = "#dbe9f6", "#fde3cf", "#e3f1de"
WIDTH, HEIGHT = 1.55, 0.62

BOXES = {
    "log": (0, 2, "raw logs", BATCH),
    "impressions": (2.1, 2, "impressions\nchecked, sorted", BATCH),
    "history": (4.2, 2, "history\nas of each", BATCH),
    "encoding": (6.3, 1, "encoding\none code", BOTH),
    "model": (8.4, 2, "model,\ncalibrator", BATCH),
    "bundle": (10.5, 1, "bundle\nno pickle", BOTH),
    "events": (0, 0, "events\nshown, clicked", LIVE),
    "store": (2.1, 0, "online store", LIVE),
    "state": (4.2, 0, "state as of now", LIVE),
    "request": (6.3, -0.9, "request\nraw fields", LIVE),
    "answer": (8.4, 0, "calibrated\nprobability", LIVE),
}
ARROWS = [
    ("log", "impressions", "read"),
    ("impressions", "history", ""),
    ("history", "encoding", ""),
    ("encoding", "model", "train"),
    ("model", "bundle", ""),
    ("events", "store", ""),
    ("store", "state", ""),
    ("state", "encoding", ""),
    ("request", "encoding", ""),
    ("encoding", "answer", "score"),
    ("bundle", "answer", "serve"),
]


def box(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    style = "round,pad=0.02,rounding_size=0.09"
    corner = (x - WIDTH / 2, y - HEIGHT / 2)
    axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, style, facecolor=colour, edgecolor="0.4"))
    axes.text(x, y, text, ha="center", va="center", fontsize=9)


def edge(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Return where the line from one box to another leaves the first."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = min(
        (WIDTH / 2 + 0.06) / abs(dx) if dx else 9, (HEIGHT / 2 + 0.06) / abs(dy) if dy else 9
    )
    return start[0] + share * dx, start[1] + share * dy


def arrow(axes: Axes, start: str, end: str, text: str) -> None:
    one, other = BOXES[start][:2], BOXES[end][:2]
    tail, head = edge(one, other), edge(other, one)
    axes.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": "0.3"})
    middle = (tail[0] + head[0]) / 2, (tail[1] + head[1]) / 2 + 0.13
    axes.text(*middle, text, ha="center", fontsize=8, style="italic", color="0.3")


def main() -> None:
    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for x, y, text, colour in BOXES.values():
        box(axes, x, y, text, colour)
    for each in ARROWS:
        arrow(axes, *each)
    line = {"arrowstyle": "-|>", "color": "0.3", "connectionstyle": "bar,fraction=-0.16"}
    axes.annotate("", (0, -0.4), (8.4, -0.4), arrowprops=line)
    note = {"ha": "center", "fontsize": 8, "style": "italic", "color": "0.3"}
    axes.text(4.2, -1.95, "what was shown and clicked comes back", note)
    for y, text in ((2, "batch"), (1, "the same for both"), (0, "live")):
        axes.text(-0.95, y, text, ha="right", va="center", fontsize=9, color="0.35")
    axes.set(xlim=(-2.3, 11.5), ylim=(-2.2, 2.5), aspect="equal")
    axes.axis("off")
    path = Path(sys.argv[1])
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
