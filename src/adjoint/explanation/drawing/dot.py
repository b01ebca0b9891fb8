"""The DOT text of a scene, for those who have Graphviz."""

from __future__ import annotations

from .letters import printable
from .scene import Arrow, Card, Scene

_SHAPES = {
    "input": 'shape=box, style="rounded,filled", fillcolor="#e3ebff", color="#4169e1"',
    "parameter": 'shape=box, style=filled, fillcolor="#dff5e1", color="#2e8b57"',
    "fixed": 'shape=box, style=dashed, color="#6a6a78"',
    "constant": 'shape=box, style=dashed, color="#6a6a78"',
    "operation": 'shape=box, style="rounded,filled", fillcolor="#f7f7fa", color="#c4c4d0"',
    "module": 'shape=box3d, style=filled, fillcolor="#efe6ff", color="#7d5bd0"',
}
_FLOWS = {"some": "solid", "zero": "dashed", "none": "dotted"}


def write(scene: Scene, title: str) -> str:
    """Return a scene in the language of Graphviz."""
    lines = [f"digraph {_quoted(title)} {{", '  node [fontname="monospace"];']
    lines.append('  edge [fontname="monospace", color="#8a8a9a"];')
    lines += [f"  {_card(number, card)}" for number, card in enumerate(scene.cards)]
    both = scene.evaluated.has_gradient
    for arrow in scene.arrows:
        lines += [f"  {line}" for line in _arrow(arrow, both=both)]
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _card(number: int, card: Card) -> str:
    label = _quoted("\n".join(text for text, _ in card.lines))
    return f"n{number} [label={label}, {_SHAPES[card.kind]}, tooltip={_quoted(card.tip)}];"


def _arrow(arrow: Arrow, *, both: bool) -> list[str]:
    lines = [f"n{arrow.source} -> n{arrow.target};"]
    if both and arrow.edges:
        look = f'color="#b85200", fontcolor="#b85200", style={_FLOWS[arrow.flow]}'
        label = f"label={_quoted(arrow.label)}, {look}, constraint=false"
        lines.append(f"n{arrow.target} -> n{arrow.source} [{label}];")
    return lines
