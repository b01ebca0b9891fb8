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
from .contrast import in_the_dark

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASS = "adjoint-plot"
_COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")
# What is drawn again and again, as a tick. Each use has the same colours, and no rule about the
# picture reaches into a copy; without colours of its own it takes those of its use.
_MARKER = re.compile(r'(<path id="m\w+"[^>]*style=")([^"]*)')


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
    body = _MARKER.sub(lambda found: found[1] + _COLOUR.sub("", found[2]), body)
    return f'{head} class="{CLASS}">\n<style>\n{_sheet(body)}</style>{body}'


def _sheet(body: str) -> str:
    """Return the rules of the dark scheme, for each colour that occurs."""
    found = sorted(set(_COLOUR.findall(body)))
    rules = [
        f'.{CLASS} [style*="{what}: {colour}"] {{ {what}: {in_the_dark(colour)} !important; }}'
        for what, colour in found
    ]
    # What has no colour of its own is black.
    rules.insert(0, f".{CLASS} {{ fill: {in_the_dark('#000000')}; }}")
    return "@media screen and (prefers-color-scheme: dark) {\n" + "\n".join(rules) + "\n}\n"
