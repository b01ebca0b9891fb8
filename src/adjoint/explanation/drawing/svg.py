"""The SVG of a drawing: one picture that loads nothing, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import NamedTuple

from ..derivation.formula import minus
from .curves import APART, Piece, backward, forward, shift_of
from .frames import frames
from .graph_layout import LETTER, LINE, PAD_Y, SMALL, STACK, GraphLayout, Way
from .letters import columns, cut, printable
from .ports import PAD_X
from .scene import Arrow, Card, Scene
from .style import sheet

_MARGIN = 16.0
_NARROWEST = 300.0
_LEGEND_LINE = 20.0

_RADII = {"input": 14, "parameter": 2}
# The kinds of cards, which are the keys of their phrases.
_KINDS = ("input", "parameter", "fixed", "constant", "operation", "module")


class Links(NamedTuple):
    """The anchor of a card, and where it and its gradient lead to; each may be empty."""

    anchor: str = ""
    value: str = ""
    gradient: str = ""


def write(
    scene: Scene,
    layout: GraphLayout,
    title: str,
    links: Mapping[int, Links] = MappingProxyType({}),
) -> str:
    """Return a scene in its layout as SVG; ``links`` has those of cards, by their place."""
    width = max(layout.right - layout.left + 2 * _MARGIN, _NARROWEST)
    left = (layout.left + layout.right - width) / 2
    legend, legend_height = _legend(scene, title, left + _MARGIN, width - 2 * _MARGIN)
    top = -legend_height - _MARGIN
    height = layout.height + legend_height + 2 * _MARGIN
    box = f"{_n(left)} {_n(top)} {_n(width)} {_n(height)}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="adjoint-drawing" viewBox="{box}" '
        f'width="{_n(width)}" height="{_n(height)}" style="max-width: 100%; height: auto" '
        f'role="img" aria-label="{escaped(title)}">',
        f"<style>\n{sheet()}</style>",
        _rect(left, top, width, height, 0, "paper"),
        *legend,
        *_body(scene, layout, links),
        "</svg>",
        "",
    ]
    return "\n".join(lines)


def _body(scene: Scene, layout: GraphLayout, links: Mapping[int, Links]) -> Iterator[str]:
    """Yield frames, arrows, the titles of frames above these, and cards."""
    boxes = frames(scene, layout)
    for frame in boxes:
        left, top, right, bottom = frame.box
        yield _rect(left, top, right - left, bottom - top, 8, "frame")
    for arrow, way in zip(scene.arrows, layout.ways, strict=True):
        yield from _arrow(arrow, way, both=scene.evaluated.has_gradient)
    for frame in boxes:
        yield _text(frame.title_end, frame.box.top + 11, "note end", frame.title, frame.path)
    for place, (card, box) in enumerate(zip(scene.cards, layout.boxes, strict=True)):
        yield from _card(card, box, links.get(place, Links()))


def _n(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def escaped(text: str) -> str:
    """Return a text as it can stand in XML, in an attribute too."""
    return escape(printable(text))


def _text(x: float, y: float, kind: str, text: str, tip: str = "") -> str:
    """Return a text; what the mouse shows is the tip, where there is one."""
    title = f"<title>{escaped(tip)}</title>" if tip and tip != text else ""
    place = f'x="{_n(x)}" y="{_n(y)}"'
    return f'<text class="{kind}" {place} xml:space="preserve">{escaped(minus(text))}{title}</text>'


def _rect(x: float, y: float, width: float, height: float, radius: float, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
        f'rx="{_n(min(radius, height / 2))}"/>'
    )


def _card(card: Card, box: tuple[float, float, float, float], links: Links) -> Iterator[str]:
    x, y, width, height = box
    kind = f"{card.kind} result" if card.is_result else card.kind
    anchor = f' id="{escaped(links.anchor)}"' if links.anchor else ""
    yield f'<g class="{kind}"{anchor}><title>{escaped(card.tip)}</title>'
    texts = [
        (style, _text(x + PAD_X, y + PAD_Y + 11 + number * LINE, style, text))
        for number, (text, style) in enumerate(card.lines)
    ]
    outline = _outline(card.kind, x, y, width, height)
    own = [text for style, text in texts if style != "gradient"]
    yield from _linked(links.value, [*outline, *own])
    yield from _linked(links.gradient, [text for style, text in texts if style == "gradient"])
    yield "</g>"


def _linked(address: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield parts of a card, as a link where there is an address."""
    yield from [f'<a href="{escaped(address)}">', *parts, "</a>"] if address and parts else parts


def _outline(kind: str, x: float, y: float, width: float, height: float) -> Iterator[str]:
    """Yield the shape of a kind: inputs are round, parameters have a bar, modules are a stack."""
    if kind == "module":
        width, height = width - STACK, height - STACK
        yield _rect(x + STACK, y + STACK, width, height, 5, "outline")
    yield _rect(x, y, width, height, _RADII.get(kind, 5), "outline")
    if kind == "parameter":
        yield _rect(x, y, 4, height, 1, "bar")


def _arrow(arrow: Arrow, way: Way, *, both: bool) -> Iterator[str]:
    yield f'<g class="arrow"><title>{escaped(arrow.tip)}</title>'
    shift = shift_of(arrow, both=both)
    there = _path(forward(arrow, way, both=both))
    # A thin line is hard to point at: a wide one that is not seen answers instead.
    yield f'<path class="hover" d="{there}"/>'
    yield f'<path class="forward" d="{there}"/>'
    x, y = way.points[-1]
    yield f'<path class="forward-head" d="M{_n(x - shift - 3.5)} {_n(y - 7)}h7l-3.5 7z"/>'
    if shift:
        yield from _gradient(arrow, way)
    yield "</g>"


def _gradient(arrow: Arrow, way: Way) -> Iterator[str]:
    """Yield what comes back along an arrow."""
    style = {"some": "", "zero": " zero", "none": " none"}[arrow.flow]
    back = _path(backward(arrow, way))
    yield f'<path class="hover" d="{back}"/>'
    yield f'<path class="backward{style}" d="{back}"/>'
    if arrow.flow != "none":
        x, y = way.points[0]
        yield f'<path class="backward-head" d="M{_n(x + APART - 3.5)} {_n(y + 7)}h7l-3.5 -7z"/>'
    if arrow.label:
        yield _text(*way.label, "gradient", arrow.label)


def _path(pieces: Sequence[Piece]) -> str:
    """Return a curve as SVG writes it."""
    (x, y), *_ = pieces[0]
    parts = [f"M{_n(x)} {_n(y)}"]
    for start, first, second, end in pieces:
        if start[0] == end[0]:
            parts.append(f"V{_n(end[1])}")
        else:
            numbers = " ".join(_n(number) for point in (first, second, end) for number in point)
            parts.append(f"C{numbers}")
    return "".join(parts)


def _legend(scene: Scene, title: str, left: float, width: float) -> tuple[list[str], float]:
    """Return the heading and the keys, above y = 0, and their height."""
    say = scene.say
    keys: list[tuple[str, str]] = []
    for kind in _KINDS:
        if any(card.kind == kind for card in scene.cards):
            keys.append((kind, say(kind)))
    if scene.evaluated.has_gradient:
        keys += [("forward", say("picture value")), ("backward", say("picture gradient"))]
        flows = {arrow.flow for arrow in scene.arrows if arrow.edges}
        keys += [("norm", say("norm"))] * any(
            "‖" in text for card in scene.cards for text, _ in card.lines
        )
        keys += [("zero", say("zero"))] * ("zero" in flows)
        keys += [("none", say("not needed"))] * ("none" in flows)
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for key in keys:
        need = _key_width(key[1])
        if rows[-1] and used + need > width:
            rows.append([])
            used = 0.0
        rows[-1].append(key)
        used += need
    height = LINE + 6 + len(rows) * _LEGEND_LINE + 14
    lines = [_text(left, -height + 12, "heading", _fit(title, width))]
    for number, row in enumerate(rows):
        x, y = left, -height + LINE + 16 + number * _LEGEND_LINE
        for kind, text in row:
            lines += [*_swatch(kind, x, y), _text(x + 26, y + 4, "note", text)]
            x += _key_width(text)
    return lines, height


def _fit(title: str, width: float) -> str:
    return cut(title, int(width / (LETTER * 13 / 12)))


def _key_width(text: str) -> float:
    return 26 + columns(text) * SMALL + 14


def _swatch(kind: str, x: float, y: float) -> Iterator[str]:
    if kind in _KINDS:
        yield f'<g class="{kind}">'
        yield from _outline(kind, x, y - 6, 20, 12)
        yield "</g>"
    elif kind == "norm":
        yield _text(x, y + 4, "note", "‖·‖")
    elif kind == "forward":
        yield f'<path class="forward" d="M{_n(x)} {_n(y)}h14"/>'
        yield f'<path class="forward-head" d="M{_n(x + 13)} {_n(y - 3.5)}v7l7 -3.5z"/>'
    elif kind == "backward":
        yield f'<path class="backward" d="M{_n(x + 20)} {_n(y)}h-14"/>'
        yield f'<path class="backward-head" d="M{_n(x + 7)} {_n(y - 3.5)}v7l-7 -3.5z"/>'
    else:
        yield f'<path class="backward {kind}" d="M{_n(x)} {_n(y)}h20"/>'
