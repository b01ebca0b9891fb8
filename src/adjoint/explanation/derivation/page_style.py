"""The style of a derivation's page: on a screen of any width, in light and dark, and on paper."""

from __future__ import annotations

from ...notebook.html import palette

_SCREEN = """
.adjoint-derivation {
  background: var(--paper); color: var(--ink); margin: 0 auto; padding: 1rem; max-width: 60rem;
  font: 1rem/1.5 system-ui, sans-serif; box-sizing: border-box;
}
.adjoint-derivation h1 { font-size: 1.4rem; line-height: 1.3; overflow-wrap: anywhere; }
.adjoint-derivation h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.adjoint-derivation p { margin: .5rem 0; overflow-wrap: anywhere; }
.adjoint-derivation a { color: var(--forward); }
.adjoint-derivation nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .9rem; }
.adjoint-derivation .summary {
  border: 1px solid var(--line); border-radius: 6px; padding: .5rem 1rem; margin: 1rem 0;
}
.adjoint-derivation dl {
  display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: 0;
}
/* Notebooks have a style of their own for lists, which is undone. */
.adjoint-derivation .summary dt {
  color: var(--faint); float: none; width: auto; font-weight: inherit; white-space: nowrap;
}
.adjoint-derivation .summary dd {
  float: none; width: auto; margin: 0; padding: 0; overflow-wrap: anywhere;
}
.adjoint-derivation .item {
  display: inline-block; margin-right: 1rem; max-width: 100%; overflow-x: auto; overflow-y: hidden;
}
.adjoint-derivation .size { color: var(--faint); font-size: .85rem; }
.adjoint-derivation .verdict { font-weight: 600; margin: .5rem 0 .25rem; }
.adjoint-derivation ol, .adjoint-derivation ul {
  list-style: none; margin: 0 !important; padding: 0 !important;
}
.adjoint-derivation li {
  border-left: 3px solid var(--line); margin: 0 0 1rem; padding: .1rem 0 .1rem .8rem;
}
.adjoint-derivation li, .adjoint-derivation h2, .adjoint-derivation .graph g {
  scroll-margin: 4rem 1rem;
}
.adjoint-derivation .forward li { border-color: var(--forward); }
.adjoint-derivation .backward li { border-color: var(--backward); }
.adjoint-derivation li:target { background: color-mix(in srgb, var(--forward) 12%, transparent); }
.adjoint-derivation .rule {
  color: var(--faint); font-size: .85rem; overflow-x: auto; overflow-y: hidden;
}
.adjoint-derivation .rule b { color: var(--ink); }
.adjoint-derivation .wide { overflow-x: auto; overflow-y: hidden; padding: .2rem 0; }
.adjoint-derivation .numbers {
  font: .85rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; padding: .2rem 0;
}
.adjoint-derivation .graph {
  overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 6px;
}
.adjoint-derivation .graph svg { display: block; margin: 0 auto; max-width: none !important; }
.adjoint-derivation .graph a:hover .outline, .adjoint-derivation .graph a:focus-visible .outline,
.adjoint-derivation .graph g:target .outline { stroke: var(--backward); stroke-width: 3px; }
.adjoint-derivation .graph a:hover .gradient, .adjoint-derivation .graph a:focus-visible .gradient {
  text-decoration: underline;
}
.adjoint-derivation math { font-size: 1.1rem; }
.adjoint-derivation .flowing .wide {
  display: inline-block; max-width: 100%; vertical-align: middle;
}
.adjoint-derivation mtd { text-align: right; padding: .2em .5em; }
.adjoint-derivation .cases mtd { text-align: left; }
/* Brackets are drawn, since few fonts have ones that stretch. */
.adjoint-derivation mtable:not(.cases) {
  --foot: linear-gradient(currentColor 0 0); border: solid; border-width: 0 1.5px; margin: 0 .2em;
  background: var(--foot) 0 0, var(--foot) 0 100%, var(--foot) 100% 0, var(--foot) 100% 100%;
  background-size: .35em 1.5px; background-repeat: no-repeat;
}
.adjoint-derivation mtable math, .adjoint-derivation .figures math { font-size: .9rem; }
.adjoint-derivation .one math { font-size: 1rem; }
.adjoint-derivation .rule math { font-size: .95rem; }
@media (max-width: 40rem) { .adjoint-derivation dl { display: block; } }
"""
# Paper does not scroll: what is wide is smaller, and no box is cut by the end of a page.
_PAPER = """
@media print {
  .adjoint-derivation {
    --paper: #fff; --ink: #000; --faint: #444; --line: #bbb; max-width: none; padding: 0;
    font-size: 10pt; color-scheme: light;
  }
  .adjoint-derivation nav, .adjoint-derivation .back { display: none; }
  .adjoint-derivation li, .adjoint-derivation .summary { break-inside: avoid; }
  .adjoint-derivation h2, .adjoint-derivation .rule { break-after: avoid; }
  .adjoint-derivation .wide { overflow: visible; }
  .adjoint-derivation math, .adjoint-derivation .rule math { font-size: 10pt; }
  .adjoint-derivation .figures math, .adjoint-derivation mtable math { font-size: 8pt; }
  .adjoint-derivation .numbers { font-size: 8pt; }
  .adjoint-derivation .rule { font-size: 9pt; }
  .adjoint-derivation .graph { overflow: visible; max-height: none; border: 0; }
  .adjoint-derivation .graph svg {
    max-width: 100% !important; max-height: 13.5cm; width: auto; break-inside: avoid;
  }
}
"""


def sheet() -> str:
    """Return the style sheet of a derivation, wherever it stands."""
    return f"\n{palette('.adjoint-derivation')}{_SCREEN}{_PAPER}"


def page_sheet() -> str:
    """Return that of the page around it."""
    return (
        "html { color-scheme: light dark; } body { margin: 0; } "
        "@media (prefers-color-scheme: dark) { body { background: #16161a; } } "
        "@media print { html { color-scheme: light; } body { background: #fff; } } "
        "@page { margin: 1.5cm; }"
    )
