"""Figures of pictures of one shape, each under its title, with a colour bar."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from whylight.models.preprocessing import Frame
from whylight.pictures.overlay import find_colormap

COLUMNS = 4
"""Most cells in a row; the picture is the first."""
LONGER_SIDE, GAP, MARGIN, FOOT = 2.7, 0.1, 0.12, 0.3
LINE, SMALL_LINE = 0.17, 0.21
BAR, BAR_LABELS = 0.11, 0.55
FRAME = 0.6
"""Points: the outline of what the model saw hides nothing of the picture."""
SEEN_WIDTH = 2.3
"""Cells of fewer inches have no room to say what the frame is."""
DPI = 160
SMALLEST = 8.0
"""Points. No text of any figure is smaller: at 100 % of its size it can be read."""
INK, PALE = "#1a1a1a", "#6b6b6b"


@dataclass(frozen=True)
class Cell:
    """One picture of a figure.

    Attributes:
        picture: what is drawn.
        title: above it, in up to three lines.
        below: a small line under the title.
        frame: outlines which part of the picture the model saw.
    """

    picture: Image.Image
    title: str
    below: str
    frame: Frame | None = None


def grid_figure(cells: Sequence[Cell], foot: str, *, colormap: str = "inferno", shows: str = "relevance") -> Figure:
    """Pictures of one shape in rows of up to four, one colour bar for all, and a line below.

    Args:
        shows: what the colours mean.

    Raises:
        UnknownName: no such colour map.
    """
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    width, height = cell_size(cells[0].picture, LONGER_SIDE)
    titles = [wrapped(cell.title, width) for cell in cells]
    head = SMALL_LINE + LINE * max(title.count("\n") + 1 for title in titles) + 0.04
    across = 2 * MARGIN + columns * (width + GAP) + BAR + BAR_LABELS
    down = MARGIN + rows * (head + height + GAP) + FOOT
    figure = Figure(figsize=(across, down), dpi=DPI)
    for index, (cell, title) in enumerate(zip(cells, titles, strict=True)):
        row, column = divmod(index, columns)
        left, top = MARGIN + column * (width + GAP), MARGIN + head + row * (head + height + GAP)
        axes = place(figure, (left, top, width, height))
        below = cell.below
        if cell.frame is not None and outline_seen(axes, cell.frame):
            below += ", framed: what the model saw" if width > SEEN_WIDTH else ", framed"
        show(axes, cell.picture, title, below)
    bar = place(figure, (MARGIN + columns * (width + GAP), MARGIN + head, BAR, height))
    color_bar(bar, colormap, shows)
    figure.text(MARGIN / across, 0.09 / down, foot, fontsize=SMALLEST, color=PALE, parse_math=False)
    return figure


def place(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Axes at (left, top, width, height) in inches from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    left, top, width, height = box
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def show(axes: Axes, picture: Image.Image, title: str, below: str) -> None:
    """A picture without ticks, and over it a title and a small, pale line."""
    axes.imshow(picture, interpolation="bicubic" if max(picture.size) < 300 else "antialiased", aspect="auto")
    axes.set_axis_off()
    for text, offset, size, color in ((below, 5.5, SMALLEST, PALE), (title, 18, 9.5, INK)):
        axes.annotate(
            text,
            (0.5, 1),
            (0, offset),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="baseline",
            fontsize=size,
            color=color,
            linespacing=1.15,
            parse_math=False,
        )


def outline_seen(axes: Axes, frame: Frame) -> bool:
    """Draw a frame about the part of the picture that the model saw, unless that is all of it; whether it was drawn."""
    left, top, right, bottom = frame.box
    height, width = frame.picture
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if (right - left) * (bottom - top) > 0.98 * width * height:
        return False
    for color, style in (("black", "solid"), ("white", (0, (4, 4)))):
        edges = (left - 0.5, top - 0.5), right - left, bottom - top
        axes.add_patch(Rectangle(*edges, fill=False, color=color, linestyle=style, linewidth=FRAME))
    return True


def color_bar(axes: Axes, colormap: str, shows: str = "relevance") -> None:
    """From the least to the greatest value of each map."""
    bar = axes.figure.colorbar(ScalarMappable(cmap=find_colormap(colormap)), cax=axes, ticks=[0, 0.5, 1])
    bar.ax.tick_params(labelsize=SMALLEST, length=0, colors=PALE)
    bar.set_label(shows, fontsize=SMALLEST, color=PALE, labelpad=2)
    bar.outline.set_visible(False)


def cell_size(picture: Image.Image, longer: float) -> tuple[float, float]:
    """Width and height in inches, in the picture's shape; panoramas are no thinner than a third."""
    ratio = picture.width / picture.height
    return max(longer * min(1, ratio), longer / 3), max(longer * min(1, 1 / ratio), longer / 3)


def wrapped(text: str, width: float, lines: int = 3) -> str:
    """A title in lines that fit over a cell of that many inches."""
    return "\n".join(textwrap.wrap(text, max(8, int(width * 12)), max_lines=lines, placeholder=" …"))


def png(figure: Figure, metadata: Mapping[str, str] | None = None) -> bytes:
    """The figure as a PNG file, with text chunks."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": "Whylight", **(metadata or {})})
    return buffer.getvalue()
