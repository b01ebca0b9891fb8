"""The style of a drawing: its colours in light and in dark, as CSS that every viewer reads."""

from __future__ import annotations

from string import Template

# Written out instead of as CSS variables, which programs other than browsers do not know. Blue and
# orange are those of the derivations.
LIGHT = {
    "paper": "#ffffff",
    "ink": "#1c1c22",
    "faint": "#636370",
    "line": "#b4b4c2",
    "card": "#f6f6f9",
    "frame": "#fafafc",
    "forward": "#83838f",
    "backward": "#b85200",
    "input": "#e4ecff",
    "input_line": "#4169e1",
    "parameter": "#e0f4e3",
    "parameter_line": "#2e8b57",
    "module": "#efe8ff",
    "module_line": "#7d5bd0",
}
DARK = {
    "paper": "#16161a",
    "ink": "#ececf2",
    "faint": "#a2a2b2",
    "line": "#565666",
    "card": "#25252d",
    "frame": "#1b1b21",
    "forward": "#8c8c9c",
    "backward": "#ffab66",
    "input": "#1d2a52",
    "input_line": "#8fa8ff",
    "parameter": "#163822",
    "parameter_line": "#6fcf97",
    "module": "#2d2350",
    "module_line": "#b79cff",
}
_COLOURS = Template("""\
.adjoint-drawing .paper { fill: $paper; }
.adjoint-drawing text.end { stroke: $frame; }
.adjoint-drawing .frame { fill: $frame; stroke: $line; }
.adjoint-drawing .outline { fill: $card; stroke: $line; }
.adjoint-drawing .input .outline { fill: $input; stroke: $input_line; }
.adjoint-drawing .parameter .outline { fill: $parameter; stroke: $parameter_line; }
.adjoint-drawing .fixed .outline { fill: $paper; stroke: $faint; }
.adjoint-drawing .constant .outline { fill: $paper; stroke: $faint; }
.adjoint-drawing .module .outline { fill: $module; stroke: $module_line; }
.adjoint-drawing .result .outline { stroke: $backward; }
.adjoint-drawing .bar { fill: $parameter_line; }
.adjoint-drawing text { fill: $ink; }
.adjoint-drawing .note { fill: $faint; }
.adjoint-drawing .gradient { fill: $backward; }
.adjoint-drawing path.forward { stroke: $forward; }
.adjoint-drawing path.backward { stroke: $backward; }
.adjoint-drawing .forward-head { fill: $forward; }
.adjoint-drawing .backward-head { fill: $backward; }
""")
_SHAPES = """\
.adjoint-drawing { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.adjoint-drawing text { font-size: 11px; }
.adjoint-drawing text.title { font-size: 12px; font-weight: 600; }
.adjoint-drawing text.heading { font-size: 13px; font-weight: 600; }
.adjoint-drawing text.end {
  text-anchor: end; font-size: 10px; paint-order: stroke; stroke-width: 3px; }
.adjoint-drawing .frame { stroke-dasharray: 1 3; }
.adjoint-drawing .outline { stroke-width: 1.2px; }
.adjoint-drawing .result .outline { stroke-width: 2.2px; }
.adjoint-drawing .fixed .outline, .adjoint-drawing .constant .outline { stroke-dasharray: 3 3; }
.adjoint-drawing path.forward, .adjoint-drawing path.backward { fill: none; stroke-width: 1.4px; }
.adjoint-drawing path.hover {
  fill: none; stroke: none; stroke-width: 10px; pointer-events: stroke; }
.adjoint-drawing g:hover > .outline, .adjoint-drawing g:hover > a > .outline {
  stroke-width: 2.2px; }
.adjoint-drawing g:hover > path.forward, .adjoint-drawing g:hover > path.backward {
  stroke-width: 2.6px; }
.adjoint-drawing path.zero { stroke-dasharray: 5 3; }
.adjoint-drawing path.none { stroke-dasharray: 1.5 3.5; }
"""


def sheet() -> str:
    """Return the style sheet: light, and dark where the reader prefers it."""
    dark = _COLOURS.substitute(DARK)
    return (
        f"{_SHAPES}{_COLOURS.substitute(LIGHT)}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
    )
