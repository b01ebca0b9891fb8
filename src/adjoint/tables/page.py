"""A page of HTML that loads nothing: sections, tables and drawings in the reader's scheme."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import require
from ..plots.two_schemes import svg_in_two_schemes

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bar: #7b68ee; --faint: #8881; }
body { font: 16px/1.5 Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: break-word; }
h1, h2 { font-weight: normal; line-height: 1.25; } h1 { margin-bottom: .3rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.2rem; }
.verdict { border-left: .3rem solid var(--bar); background: var(--faint); padding: .1rem 1rem;
  margin: 1.2rem 0; }
.verdict p:first-child { font-size: 112%; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
th { font-weight: normal; font-style: italic; white-space: nowrap; }
.numbers td { white-space: nowrap; }
td:first-child, th:first-child { text-align: left; padding-left: 0; }
.words td, .words th, td:has(.bar) { text-align: left; }
.bar { display: inline-block; height: .7em; background: var(--bar);
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.cell { display: block; padding: 0 .4rem; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
pre { background: var(--faint); padding: .7rem 1rem; overflow-x: auto; font-size: 85%; }
figure { margin: 1rem 0; overflow-x: auto; }
figure svg { width: 100%; min-width: 26rem; height: auto; display: block; }
@media (max-width: 36rem) {
  td, th { padding: .2rem .4rem; font-size: 92%; } .numbers td:first-child { white-space: normal; }
}
footer { margin-top: 3rem; font-size: 85%; opacity: .75; }
@media print {
  :root { color-scheme: light; } body { font-size: 10.5pt; margin: 0; max-width: none; }
  figure, .verdict, .short, tr, pre { break-inside: avoid; }
  h2, figure:has(+ p), pre, p:has(+ figure), p:has(+ .short) { break-after: avoid; }
  figure svg { min-width: 0; max-height: 7.5cm; } .tall svg { max-height: 14cm; }
  pre { white-space: pre-wrap; } .scroll, figure { overflow: visible; }
  footer { margin-top: 1rem; break-before: avoid; }
}
""".strip()


# A table of so many lines is never parted in print; a drawing of more inches is larger there.
_SHORT, _TALL = 16, 4.5


def page(title: str, parts: Sequence[str]) -> str:
    """Return a whole page of parts that are HTML already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def section(title: str, body: str) -> str:
    """Return a heading and what stands under it, or nothing if nothing does."""
    return f"<h2>{text(title)}</h2>\n{body}" if body else ""


def paragraph(words: str) -> str:
    """Return a paragraph of a plain text."""
    return f"<p>{text(words)}</p>"


def figure(name: str, draw: Callable[[Any], None], *, height: float = 4.0) -> str:
    """Return a drawing as SVG, in the page's own colours.

    Parameters
    ----------
    name : str
        Tells it from the page's others.
    draw : callable
        ``draw(figure)`` draws on a figure of Matplotlib.
    height : float
        In inches, of 8 in width.
    """
    matplotlib = require("matplotlib", extra="plot", purpose="the report's drawings")
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(8, height), layout="constrained")
    # Letters stay text: a browser has fonts for scripts that those here lack.
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.fonttype": "none"}):
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        draw(drawn)
        found = svg_in_two_schemes(drawn, name=name, transparent=True)
    size = ' class="tall"' if height > _TALL else ""
    return f"<figure{size}>{found}</figure>"


def table(head: Sequence[str], lines: Sequence[Sequence[str]], *, kind: str = "numbers") -> str:
    """Return a table of HTML; of kind "markup" the cells are HTML themselves."""

    def row(cells: Sequence[str], tag: str) -> str:
        texts = cells if kind == "markup" else [text(cell) for cell in cells]
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in texts) + "</tr>"

    body = "\n".join(row(line, "td") for line in lines)
    whole = f'<table class="{kind}">\n<thead>{row(head, "th")}</thead>\n{body}\n</table>'
    # A longer one may go over the end of a printed page.
    size = " short" if len(lines) <= _SHORT else ""
    return f'<div class="scroll{size}">{whole}</div>'


def text(value: object) -> str:
    """Return a plain text as HTML."""
    return html.escape(str(value))
