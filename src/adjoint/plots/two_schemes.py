"""A picture in two schemes is an SVG that follows the reader's choice of light or dark.

Its light colours are those of the figure, written out, which every program reads. A style sheet
puts others in their place where the reader prefers dark: greys change places with those of the
opposite lightness, and colours become lighter until they can be told from a dark page.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from ..errors import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASS = "adjoint-plot"
PAPER, INK = "#16161a", "#ececf2"  # the darkest and the lightest of a drawing's
# What is not text needs this contrast with what is behind it (Web Content Accessibility Guidelines
# 2.2, criterion 1.4.11).
LEAST_CONTRAST = 3.0
_GREY = 0.05  # colours are grey whose parts differ by no more


def svg_in_two_schemes(figure: Figure, *, name: str, transparent: bool = False) -> str:
    """Return a figure as SVG that a page can hold; the same figure gives the same text.

    Parameters
    ----------
    figure : matplotlib Figure
    name : str
        Tells the ids of one picture from those of others in the page.
    transparent : bool
        Whether the page shows through behind it.
    """
    matplotlib = require("matplotlib", extra="plot", purpose="drawing")
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(
            buffer, format="svg", dpi=150, metadata={"Date": None}, transparent=transparent
        )
    text = buffer.getvalue().decode()
    head, _, body = text[text.index("<svg") :].partition(">")
    return f'{head} class="{CLASS}">\n<style>\n{_sheet(body)}</style>{body}'


def _sheet(body: str) -> str:
    """Return the rules of the dark scheme, for each colour that occurs."""
    found = sorted(set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", body)))
    rules = [
        f'.{CLASS} [style*="{what}: {colour}"] {{ {what}: {in_the_dark(colour)} !important; }}'
        for what, colour in found
    ]
    # What has no colour of its own is black.
    rules.insert(0, f".{CLASS} {{ fill: {in_the_dark('#000000')}; }}")
    return "@media screen and (prefers-color-scheme: dark) {\n" + "\n".join(rules) + "\n}\n"


def in_the_dark(colour: str) -> str:
    """Return what stands for a colour on a dark page.

    >>> in_the_dark("#000000"), in_the_dark("#ffffff"), in_the_dark("#ff8c00")
    ('#ececf2', '#16161a', '#ff8c00')
    """
    parts = _parts(colour)
    if max(parts) - min(parts) <= _GREY:
        share = sum(parts) / 3
        return _mixed(_parts(INK), _parts(PAPER), share)
    for white in range(101):
        lighter = _mixed(parts, (1.0, 1.0, 1.0), white / 100)
        if contrast(lighter, PAPER) >= LEAST_CONTRAST:
            return lighter
    return INK


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours' luminances, each with the light of a screen, 1 to 21.

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted(_luminance(_parts(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(parts: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _parts(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def _mixed(one: tuple[float, ...], other: tuple[float, ...], share: float) -> str:
    """Return a colour between two: the first at 0, the other at 1."""
    mixed = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return "#" + "".join(f"{round(255 * c):02x}" for c in mixed)
