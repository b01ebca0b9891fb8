"""Parts of HTML for notebooks: they bring their own style, in light and dark, and load nothing.

All texts are escaped here, so that no caller has to: names and messages may come from anybody.
"""

from __future__ import annotations

from collections.abc import Sequence

_LIGHT = """\
  --paper: #fff; --ink: #1c1c22; --faint: #62626e; --line: #dcdce4; --forward: #4169e1;
  --backward: #b85200;"""
_DARK = """\
    --paper: #16161a; --ink: #e6e6ec; --faint: #a0a0ae; --line: #3a3a46; --forward: #8fa8ff;
    --backward: #ffab66;"""
# What a dark notebook is known by. JupyterLab and VS Code have themes of their own, which need not
# be what the browser prefers.
_DARK_THEMES = ('[data-jp-theme-light="false"]', ".vscode-dark")
_LIGHT_THEMES = ('[data-jp-theme-light="true"]', ".vscode-light")

_STYLE = """
.adjoint-view {
  background: var(--paper); color: var(--ink); font: .875rem/1.5 system-ui, sans-serif;
  padding: .5rem .75rem; max-width: 60rem; box-sizing: border-box; overflow-x: auto;
}
.adjoint-view table { border-collapse: collapse; margin: .25rem 0; background: none; border: 0; }
.adjoint-view th, .adjoint-view td {
  color: var(--ink); background: var(--paper); text-align: right; padding: .1rem .75rem;
  border: 0; border-bottom: 1px solid var(--line); white-space: pre;
  font: .8125rem/1.5 ui-monospace, monospace;
}
.adjoint-view th { color: var(--faint); }
.adjoint-view .left { text-align: left; }
.adjoint-view pre {
  background: none; color: var(--ink); font: .8125rem/1.5 ui-monospace, monospace; margin: .25rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere;
}
.adjoint-view p { margin: .25rem 0; overflow-wrap: anywhere; }
.adjoint-view .faint { color: var(--faint); }
.adjoint-view summary { cursor: pointer; }
.adjoint-view details > :not(summary) { margin-left: 1.25rem; }
.adjoint-view svg { display: block; max-width: 100%; height: auto; }
.adjoint-view svg text { fill: var(--faint); font: 11px system-ui, sans-serif; }
.adjoint-view svg .axis { stroke: var(--line); }
.adjoint-view svg path { stroke-linecap: round; }
.adjoint-view svg .first { stroke: var(--forward); }
.adjoint-view svg .second { stroke: var(--backward); stroke-dasharray: 6 3; }
.adjoint-view .keyword { color: var(--forward); font-weight: 600; }
.adjoint-view .literal { color: var(--backward); }
.adjoint-view .comment { color: var(--faint); font-style: italic; }
"""


def escaped(text: str) -> str:
    """Return a text as HTML shows it."""
    from html import escape  # here: its table of entities is long, and most objects are not shown

    return escape(text)


def palette(selector: str) -> str:
    """Return the colours of an element as CSS variables, in light and dark.

    They follow the theme of the notebook where it has one, and the reader's preference elsewhere.
    """
    light, dark = (
        ", ".join(f"{theme} {selector}" for theme in themes)
        for themes in (_LIGHT_THEMES, _DARK_THEMES)
    )
    return (
        f"{selector} {{\n  color-scheme: light dark;\n{_LIGHT}\n}}\n"
        f"@media (prefers-color-scheme: dark) {{\n  {selector} {{\n{_DARK}\n  }}\n}}\n"
        f"{light} {{\n  color-scheme: light;\n{_LIGHT}\n}}\n"
        f"{dark} {{\n  color-scheme: dark;\n{_DARK}\n}}\n"
    )


def view(*parts: str) -> str:
    """Return parts of HTML as one that a notebook shows, with its style."""
    style = f"<style>\n{palette('.adjoint-view')}{_STYLE}</style>"
    return "\n".join([style, '<div class="adjoint-view">', *parts, "</div>"])


def paragraph(text: str, *, faint: bool = False) -> str:
    """Return a text as a paragraph.

    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    mark = ' class="faint"' * faint
    return f"<p{mark}>{escaped(text)}</p>"


def preformatted(text: str) -> str:
    """Return a text with its spaces and ends of lines.

    >>> preformatted("a & b")
    '<pre>a &amp; b</pre>'
    """
    return f"<pre>{escaped(text)}</pre>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 0) -> str:
    """Return a table of texts; so many of its first columns are flush left, the others right.

    >>> table(["x"], [["<1"]])
    '<table><tr><th>x</th></tr><tr><td>&lt;1</td></tr></table>'
    """
    lines = [_line("th", head, left), *(_line("td", row, left) for row in rows)]
    return f"<table>{''.join(lines)}</table>"


def folded(heading: str, *parts: str, is_open: bool) -> str:
    """Return parts that can be folded away under a heading, a text.

    >>> folded("a > b", paragraph("c"), is_open=False)
    '<details><summary>a &gt; b</summary><p>c</p></details>'
    """
    opened = " open" * is_open
    return f"<details{opened}><summary>{escaped(heading)}</summary>{''.join(parts)}</details>"


def _line(tag: str, cells: Sequence[str], left: int) -> str:
    marks = [' class="left"' if place < left else "" for place in range(len(cells))]
    parts = (
        f"<{tag}{mark}>{escaped(cell)}</{tag}>" for mark, cell in zip(marks, cells, strict=True)
    )
    return f"<tr>{''.join(parts)}</tr>"
