"""Elementwise operations with settings, lowered as several that have none."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ...core import Node
from .elementwise import Rule, convert, spec_of, zip_entries
from .entries import Entries, kind_of
from .formats import FORMATS
from .nest import Element, Nest, Unlowerable


def _scaled(factor: float) -> Rule:
    """Return the rule of a product with a number."""

    def rule(nest: Nest, node: Node, args: list[Entries]) -> Entries:
        kind = _float_kind(node)

        def make(x: Element) -> Element:
            return nest.apply("multiply", kind, convert(nest, x, kind), nest.constant(factor, kind))

        return zip_entries(args, spec_of(node).shape, make)

    return rule


def _float_kind(node: Node) -> str:
    kind = kind_of(spec_of(node).dtype)
    if kind not in FORMATS:
        raise Unlowerable("integers")
    return kind


def lower_round(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Lower rounding to decimals: of the number times, or over, a power of ten."""
    kind, decimals = _float_kind(node), (node.params or {})["decimals"]
    there, back = ("multiply", "divide") if decimals >= 0 else ("divide", "multiply")
    power = nest.constant(10.0 ** abs(decimals), kind)

    def make(x: Element) -> Element:
        if decimals == 0:
            return nest.apply("rint", kind, x)
        moved = nest.apply("rint", kind, nest.apply(there, kind, x, power))
        return nest.apply(back, kind, moved, power)

    return zip_entries(args, spec_of(node).shape, make)


def lower_clip(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Lower limits, of which the upper one wins where they are crossed."""
    kind = kind_of(spec_of(node).dtype)
    names = [
        name
        for name, arg in zip(("maximum", "minimum"), node.args[1:], strict=False)
        if arg is not None
    ]

    def make(x: Element, *limits: Element) -> Element:
        x = convert(nest, x, kind)
        for name, limit in zip(names, limits, strict=True):
            x = nest.apply(name, kind, x, convert(nest, limit, kind))
        return x

    return zip_entries(args, spec_of(node).shape, make)


def lower_ldexp(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Lower the scaling by powers of two, whose exponents stay integers."""
    kind = _float_kind(node)

    def make(x: Element, n: Element) -> Element:
        whole = convert(nest, n, "i32") if n.kind == "i1" else n
        return nest.apply("ldexp", kind, convert(nest, x, kind), whole)

    return zip_entries(args, spec_of(node).shape, make)


def lower_isclose(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Lower |x - y| ≤ atol + rtol |y|, of finite y, or equality."""
    params = node.params or {}
    known = [arg.dtype if hasattr(arg, "dtype") else arg for arg in node.args]
    kind = kind_of(np.result_type(*known, 1.0))

    def make(x: Element, y: Element) -> Element:
        return _is_close(nest, convert(nest, x, kind), convert(nest, y, kind), **params)

    return zip_entries(args, spec_of(node).shape, make)


def _is_close(
    nest: Nest, x: Element, y: Element, *, rtol: float, atol: float, equal_nan: bool
) -> Element:
    kind = x.kind
    gap = nest.apply("absolute", kind, nest.apply("subtract", kind, x, y))
    size = nest.apply("absolute", kind, y)
    share = nest.apply("multiply", kind, nest.constant(rtol, kind), size)
    limit = nest.apply("add", kind, nest.constant(atol, kind), share)
    near = nest.apply("less_equal", "i1", gap, limit)
    near = nest.apply("logical_and", "i1", near, nest.apply("isfinite", "i1", y))
    near = nest.apply("logical_or", "i1", near, nest.apply("equal", "i1", x, y))
    if not equal_nan:
        return near
    both = nest.apply("logical_and", "i1", *(nest.apply("isnan", "i1", z) for z in (x, y)))
    return nest.apply("logical_or", "i1", near, both)


def _filled(number: float) -> Callable[[Nest, Node, list[Entries]], Entries]:
    """Return the rule of an array of one number, whatever it is like."""

    def rule(nest: Nest, node: Node, args: list[Entries]) -> Entries:
        spec = spec_of(node)
        elements = np.full((1,) * len(spec.shape), nest.constant(number, kind_of(spec.dtype)))
        return Entries(elements, spec.shape)

    return rule


RULES: dict[str, Rule] = {
    "deg2rad": _scaled(math.pi / 180),
    "rad2deg": _scaled(180 / math.pi),
    "round": lower_round,
    "clip": lower_clip,
    "ldexp": lower_ldexp,
    "isclose": lower_isclose,
    "zeros_like": _filled(0),
    "ones_like": _filled(1),
}
