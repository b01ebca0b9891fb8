"""The look is what all pictures share: colours, markers, serif letters and a dashed grid.

It is set on the artists themselves, never in Matplotlib's global settings, so that a picture leaves
the next one, and the user's own style, alone.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .contrast import in_the_dark, is_dark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

FIGURE_SIZE = (8.0, 6.0)  # inches
CURVE_COLOUR = "#9b95c9"
CURVE_SHADE = "#5b4fa8"  # a darker relative, told apart from the curve in grey and by its dashes
BOUNDARY_COLOUR = "#7B68EE"
REGION_ALPHA = 0.4
POINT_ALPHA = 0.7
LINE_WIDTH = 2.0
POINT_SIZE = 36.0  # square points

# Orange and blue stay apart in every common colour blindness; then come the members of the palette
# of Okabe and Ito that stay apart from these two, and colours of other lightness. Markers cycle out
# of step with the colours, so that no two classes share both.
COLOURS = (
    "darkorange",
    "royalblue",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#4D4D4D",
    "#F0E442",
    "#8C2D04",
    "#332288",
    "#B2DF8A",
)
MARKERS = ("^", "o", "s", "D", "v", "P", "X")
# A legend may cover this part of the points before it has to leave the axes.
MOST_COVERED = 0.01
MOST_CLASSES = len(COLOURS) * len(MARKERS)

# Fonts in order of preference; the later ones serve the characters that the first one lacks.
SERIF_FAMILIES = (
    "Times New Roman",
    "Times",
    "Nimbus Roman",
    "Liberation Serif",
    "TeX Gyre Termes",
    "STIXGeneral",
    "DejaVu Serif",
    "Songti SC",
    "SimSun",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    # Matplotlib knows only the first font of a collection, which has the same characters.
    "Noto Serif CJK JP",
    "Noto Sans CJK JP",
    "DejaVu Sans",
)


def colour(index: int, ax: Axes | None = None) -> str:
    """Return the colour of class number ``index``, on axes as `seen_on` has it."""
    found = COLOURS[index % len(COLOURS)]
    return found if ax is None else seen_on(ax, found)


def seen_on(ax: Axes, colour: str) -> str:
    """Return a colour, or what stands for it on axes that are dark."""
    colours = require("matplotlib.colors", extra="plot", purpose="drawing")
    behind = colours.to_rgba(ax.get_facecolor())
    if behind[3] == 0 or not is_dark(colours.to_hex(behind)):
        return colour
    return in_the_dark(colours.to_hex(colour))


def shades(count: int) -> list[tuple[float, ...]]:
    """Return this many colours from dark to light, for things that have an order."""
    matplotlib = require("matplotlib", extra="plot", purpose="drawing")
    # The lightest tenth is too light on white.
    found = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, count))
    return [tuple(colour) for colour in found]


def marker(index: int) -> str:
    """Return the marker of class number ``index``."""
    return MARKERS[index % len(MARKERS)]


@functools.cache
def families() -> tuple[str, ...]:
    """Return the serif families present; naming an absent one makes Matplotlib complain."""
    manager = require("matplotlib.font_manager", extra="plot", purpose="drawing")
    present = set(manager.get_font_names())
    return tuple(family for family in SERIF_FAMILIES if family in present) or ("serif",)


def axes_or_new(ax: Axes | None) -> Axes:
    """Return ``ax``, or the axes of a new figure that a notebook shows by itself."""
    if ax is not None:
        return ax
    pyplot = require("matplotlib.pyplot", extra="plot", purpose="drawing")
    new: Axes = set_up(pyplot.figure(figsize=FIGURE_SIZE))
    return new


def set_up(figure: Figure) -> Axes:
    """Return the only axes of a figure, which keep clear of its edges whatever they show."""
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    ax: Axes = figure.subplots()
    return ax


def full_names(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return a line's keyword arguments with ``lw`` as ``linewidth``, so that they meet ours."""
    cbook = require("matplotlib.cbook", extra="plot", purpose="drawing")
    lines = require("matplotlib.lines", extra="plot", purpose="drawing")
    full: dict[str, Any] = cbook.normalize_kwargs(kwargs, lines.Line2D)
    return full


def dress(ax: Axes, *, title: str, xlabel: str, ylabel: str) -> None:
    """Give the axes their words, the grid and the letters."""
    ax.set_title(title, fontsize=16)
    ax.set_xlabel(xlabel, fontsize=14)
    ax.set_ylabel(ylabel, fontsize=14)
    ax.grid(True, which="major", linestyle="--", linewidth=0.6, color="gray", alpha=0.5)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", which="both", labelsize=12, labelfontfamily=list(families()))
    set_letters(ax.title, ax.xaxis.label, ax.yaxis.label)
    set_letters(ax.xaxis.get_offset_text(), ax.yaxis.get_offset_text())


def add_note(ax: Axes, note: str) -> Text | None:
    """Write a line between the title and the axes, where it covers nothing; none if it is empty."""
    if not note:
        return None
    ax.set_title(ax.get_title(), pad=26, fontsize=16)
    place: dict[str, Any] = {"xy": (0.5, 1), "xycoords": "axes fraction"}
    offset: dict[str, Any] = {"xytext": (0, 6), "textcoords": "offset points"}
    text: Text = ax.annotate(note, **place, **offset, ha="center", va="bottom", fontsize=12)
    set_letters(ax.title, text)
    return text


def as_words(text: object, most: int = 48) -> str:
    """Return a text of the user's, cut and written so that Matplotlib shows it as it is.

    Between dollars it would read a formula, and a legend leaves out what begins with an underscore.

    >>> as_words("US$ or A$"), as_words("_hidden"), as_words("a" * 99, most=5)
    ('US\\\\$ or A\\\\$', ' _hidden', 'aaaa…')
    """
    words = " ".join(str(text).split()) or " "
    words = words if len(words) <= most else f"{words[: most - 1]}…"
    return " " * words.startswith("_") + words.replace("$", r"\$")


def set_letters(*texts: Text) -> None:
    """Set the texts in the serif families, and their formulas in a face that goes with these."""
    for text in texts:
        text.set_fontfamily(list(families()))
        text.set_math_fontfamily("stix")


def add_legend(ax: Axes, points: NDArray[np.float64], *, edge: float = 1.01) -> None:
    """Add a legend in the emptiest corner, or beside the axes where every corner is taken.

    Parameters
    ----------
    ax : Axes
        Axes with labelled artists and final limits.
    points : (n, 2) float array
        What the legend should not cover, in data coordinates.
    edge : float
        Where there is room for it beside the axes, in widths of theirs.
    """
    ax.autoscale_view()  # else the limits may still be those of empty axes
    handles, labels = ax.get_legend_handles_labels()
    corner, covered = _emptiest_corner(_fractions(ax, points), *_legend_size(ax, labels))
    place: dict[str, Any] = {"loc": corner}
    if covered > MOST_COVERED:
        place = {"loc": "upper left", "bbox_to_anchor": (edge, 1.0), "borderaxespad": 0.0}
    legend = ax.legend(handles, labels, fontsize=12, framealpha=0.9, **place)
    set_letters(*legend.get_texts())
    for handle in legend.legend_handles:
        # However small the points are drawn, their marker must be recognised here.
        resize = getattr(handle, "set_sizes", None)
        if resize:
            resize([POINT_SIZE])


def _legend_size(ax: Axes, labels: list[str]) -> tuple[float, float]:
    """Estimate the legend's width and height as fractions of the axes.

    Measuring would need a drawn figure, and drawing is slow; letters of 12 points are close to
    0.1 inch wide and 0.25 inch apart.
    """
    dots_per_inch = ax.figure.dpi
    width = (0.8 + 0.1 * max(map(len, labels))) * dots_per_inch / ax.bbox.width
    height = (0.25 + 0.25 * len(labels)) * dots_per_inch / ax.bbox.height
    return width, height


def _fractions(ax: Axes, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points in axes coordinates: (0, 0) lower left, (1, 1) upper right."""
    shown = points[np.isfinite(points).all(axis=1)]
    inside: NDArray[np.float64] = ax.transAxes.inverted().transform(ax.transData.transform(shown))
    return inside


def _emptiest_corner(inside: NDArray[np.float64], width: float, height: float) -> tuple[str, float]:
    """Return the corner where a box covers the smallest part of the points, and that part."""
    x, y = inside.T
    across = {"right": x > 1 - width, "left": x < width}
    up = {"upper": y > 1 - height, "lower": y < height}
    covered = {
        f"{row} {column}": float(np.mean(in_row & in_column)) if x.size else 0.0
        for row, in_row in up.items()
        for column, in_column in across.items()
    }
    best = min(covered, key=lambda corner: covered[corner])
    return best, covered[best]
