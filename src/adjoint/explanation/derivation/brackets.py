"""Brackets stand where a formula binds less strongly than its place in another one asks for."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

from .tex import Brackets, Fraction, Group, Item, Mark, Radical, Scripts, Table, is_place, parse

# How strongly a formula holds together, from a list with commas to a single letter.
_LIST, _OR, _XOR, _AND, _RELATION, _SUM, _MODULO, _SIGNED = range(8)
_PRODUCT, _FRACTION, _POWER, _ATOM = range(8, 12)
_BINARY = {
    **dict.fromkeys(",:[]()", _LIST),
    "∨": _OR,
    "⊕": _XOR,
    "∧": _AND,
    "mod": _MODULO,
    **dict.fromkeys("=<>≤≥≠≈→", _RELATION),
    **dict.fromkeys("+-", _SUM),
    # The blank is a product of matrices.
    **dict.fromkeys("⊙·* ", _PRODUCT),
}
_PREFIXES = frozenset("-¬")
_PLACE = re.compile("[\ue000-\uf8ff]")


def fill(template: str, operands: Mapping[str, str]) -> str:
    r"""Return a template's LaTeX with operands in its places, in brackets where these are needed.

    >>> from adjoint.explanation.derivation.tex import place
    >>> x, y = place(0), place(1)
    >>> fill(rf"{x} \odot {y}", {x: "a + b", y: r"\frac{c}{2}"})
    '\\left(a + b\\right) \\odot \\frac{c}{2}'
    >>> fill(rf"\frac{{{x}}}{{{y}}}", {x: "a + b", y: "c - 1"})
    '\\frac{a + b}{c - 1}'
    """
    needed = iter(_needed(template))
    return _PLACE.sub(lambda found: _enclosed(operands[found[0]], next(needed)), template)


def _enclosed(latex: str, at_least: int) -> str:
    return latex if at_least == _LIST or _binds(latex) >= at_least else rf"\left({latex}\right)"


# Derivations write few templates and the same names again and again.
@functools.lru_cache(maxsize=4096)
def _binds(latex: str) -> int:
    return _strength(parse(latex))


@functools.lru_cache(maxsize=1024)
def _needed(template: str) -> tuple[int, ...]:
    """Return how strongly an operand has to bind in each place, in the order of the text."""
    return tuple(_places(parse(template), _LIST))


def _places(item: Item, outer: int) -> Iterator[int]:
    """Yield what the places inside of an item need, where it has to bind so strongly itself."""
    if isinstance(item, Mark):
        yield from [outer] * is_place(item.text)
    elif isinstance(item, Group):
        for position, inner in enumerate(item.items):
            own = outer if len(item.items) == 1 else _beside(item.items, position)
            yield from _places(inner, own)
    elif isinstance(item, Scripts):
        yield from _places(item.of, _ATOM)
        for _, corner in item.corners:
            yield from _places(corner, _LIST)
    else:
        for group in _enclosed_groups(item):
            yield from _places(group, _LIST)


def _enclosed_groups(item: Fraction | Radical | Brackets | Table) -> list[Group]:
    """Return the groups of an item that cannot be mistaken for what stands around it."""
    if isinstance(item, Fraction):
        return [item.above, item.below]
    if isinstance(item, Radical):
        return [item.inner] if item.degree is None else [item.degree, item.inner]
    if isinstance(item, Brackets):
        return [item.inner]
    return [cell for row in item.rows for cell in row]


def _beside(items: tuple[Item, ...], position: int) -> int:
    """Return how strongly an item has to bind between its neighbours."""
    needed = _LIST
    if position > 0:
        before = items[position - 1]
        if position == 1 and _sign(before) in _PREFIXES:
            needed = _PRODUCT
        elif (level := _BINARY.get(_sign(before), _PRODUCT)) > _LIST:
            # What is subtracted or added is no sum, and does not begin with a sign.
            needed = _PRODUCT if level == _SUM else level + 1
    if position + 1 < len(items):
        after = items[position + 1]
        level = _ATOM if isinstance(after, Brackets) else _BINARY.get(_sign(after), _PRODUCT)
        needed = max(needed, _SIGNED if level == _PRODUCT else level)
    return needed


def _sign(item: Item) -> str:
    """Return the text of an operator; nothing for all else."""
    return item.text if isinstance(item, Mark) and item.kind in ("mo", "mspace") else ""


def _strength(item: Item) -> int:
    """Return how strongly an item holds together."""
    if isinstance(item, Group):
        return _strength_of_row(item.items)
    if isinstance(item, Scripts):
        return _POWER if "^" in dict(item.corners) else _ATOM
    if isinstance(item, Fraction):
        return _FRACTION
    return _LIST if isinstance(item, Table) and item.kind == "cases" else _ATOM


def _strength_of_row(items: tuple[Item, ...]) -> int:
    if len(items) == 1:
        return _strength(items[0])
    found = _ATOM
    for position, item in enumerate(items):
        sign = _sign(item)
        if position == 0:
            found = _SIGNED if sign in _PREFIXES else _SUM if _is_large(item) else found
        elif sign:
            found = min(found, _BINARY.get(sign, _ATOM))
        elif not _sign(items[position - 1]) and not isinstance(item, Brackets):
            found = min(found, _PRODUCT)
    is_call = len(items) == 2 and isinstance(items[1], Brackets)
    return _ATOM if is_call and _sign(items[0]) not in _PREFIXES else found


def _is_large(item: Item) -> bool:
    """Return whether an item is the sign of a sum or a product over indices."""
    return _sign(item.of if isinstance(item, Scripts) else item) in ("∑", "∏")
