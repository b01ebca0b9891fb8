"""Sums and products combine entries along axes; along that of the rows they are totals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...core.annotations import Array
from ...core.node import Operation
from .elementwise import Rule, convert, spec_of
from .entries import Entries, fill, kind_of
from .formats import FORMATS
from .nest import Element, Nest, Stage, Unlowerable


def spread(entries: Entries, axis: int) -> Array:
    """Return elements that repeat along an axis that is not the rows', each as often as it does."""
    if entries.is_repeated(axis):
        return entries.elements.repeat(entries.shape[axis], axis)
    return entries.elements


def add_all(nest: Nest, elements: Sequence[Element]) -> Element:
    """Return a sum in pairs: half the rounding errors and a fraction of the latency of a chain."""
    parts = list(elements)
    while len(parts) > 1:
        pairs = [
            nest.apply("add", parts[0].kind, x, y)
            for x, y in zip(parts[::2], parts[1::2], strict=False)
        ]
        parts = pairs + parts[len(pairs) * 2 :]
    return parts[0]


def fold(nest: Nest, entries: Entries, axes: Sequence[int], kind: str) -> Entries:
    """Return the sum over axes, which stay with size 1."""
    kept = tuple(1 if a in axes else n for a, n in enumerate(entries.shape))
    # Equal numbers are added by counting them.
    repeats = math.prod(
        n
        for a, n in enumerate(entries.shape)
        if a in axes and a != entries.rows and entries.is_repeated(a)
    )
    over_rows = entries.rows in axes
    shape = [1 if a in axes else n for a, n in enumerate(entries.elements.shape)]

    def make(index: tuple[int, ...]) -> Element:
        key = tuple(slice(None) if a in axes else i for a, i in enumerate(index))
        parts = [convert(nest, x, kind) for x in np.ravel(entries.elements[key])]
        if not parts:
            return nest.constant(0, kind)
        result = _over_rows(nest, parts) if over_rows else add_all(nest, parts)
        if kind in FORMATS:
            # NumPy's sums begin with 0, so that those of nothing but -0 are 0.
            result = nest.apply("add", kind, result, nest.constant(0.0, kind))
        if repeats == 1:
            return result
        return nest.apply("multiply", kind, result, nest.constant(repeats, kind))

    return Entries(fill(shape, make), kept, None if over_rows else entries.rows)


def _over_rows(nest: Nest, parts: list[Element]) -> Element:
    return total(nest, add_all(nest, parts))


def total(nest: Nest, *factors: Element) -> Element:
    """Return the sum of a product over the rows; what is the same for all of them is counted."""
    if any(factor.stage is Stage.ROW for factor in factors):
        return nest.total(*factors)
    kind = factors[0].kind
    result = nest.constant(nest.rows, kind)
    for factor in factors:
        result = nest.apply("multiply", kind, factor, result)
    return result


def _axes(node: Operation, ndim: int) -> list[int]:
    axis = node.params["axis"]
    given = range(ndim) if axis is None else np.atleast_1d(axis).tolist()
    return [a % ndim for a in given]


def _dropped(entries: Entries, axes: Sequence[int], keepdims: bool) -> Entries:
    """Drop reduced axes."""
    if keepdims:
        return entries
    left = [a for a in range(len(entries.shape)) if a not in axes]
    rows = None if entries.rows is None else left.index(entries.rows)
    elements = entries.elements.reshape([entries.elements.shape[a] for a in left])
    return Entries(elements, tuple(entries.shape[a] for a in left), rows)


def lower_sum(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower a sum over axes."""
    axes = _axes(node, len(args[0].shape))
    folded = fold(nest, args[0], axes, kind_of(spec_of(node).dtype))
    return _dropped(folded, axes, node.params["keepdims"])


def lower_extreme(operation: str) -> Rule:
    """Return the rule of the greatest or the least entry over axes."""

    def rule(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
        x = args[0]
        axes = _axes(node, len(x.shape))
        if x.rows in axes:
            raise Unlowerable(f"{operation} over the rows of the batch")
        shape = [1 if a in axes else n for a, n in enumerate(x.elements.shape)]

        def make(index: tuple[int, ...]) -> Element:
            key = tuple(slice(None) if a in axes else i for a, i in enumerate(index))
            return greatest(nest, np.ravel(x.elements[key]).tolist(), operation)

        kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
        keepdims = node.params["keepdims"]
        return _dropped(Entries(fill(shape, make), kept, x.rows), axes, keepdims)

    return rule


def greatest(nest: Nest, elements: Sequence[Element], operation: str = "maximum") -> Element:
    """Return the greatest element, or the least; NaN if there is one."""
    result, *rest = elements
    for element in rest:
        result = nest.apply(operation, result.kind, result, element)
    return result


def lower_matmul(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower a product of matrices or vectors; over the rows it is a total of products."""
    spec = spec_of(node)
    if any(len(arg.shape) > 2 for arg in args):
        raise Unlowerable("matmul of stacks of matrices")
    kind = kind_of(spec.dtype)
    left, right = _as_matrix(args[0], 0), _as_matrix(args[1], 1)
    if left.rows == 0 and right.rows == 1:
        raise Unlowerable("matmul: every row meets every other row")
    if left.rows == 1 or right.rows == 0:
        elements, rows = _total_product(nest, left, right, kind), None
    else:
        elements, rows = _inner_product(nest, left, right, kind), left.rows
        rows = right.rows if rows is None else rows
    drop = [a for a, arg in enumerate(args) if len(arg.shape) == 1]
    kept = [a for a in range(2) if a not in drop]
    elements = elements.reshape([elements.shape[a] for a in kept])
    return Entries(elements, spec.shape, None if rows is None else kept.index(rows))


def _as_matrix(entries: Entries, new_axis: int) -> Entries:
    """View a vector as a row on the left or a column on the right."""
    if len(entries.shape) == 2:
        return entries
    shape = (1, *entries.shape) if new_axis == 0 else (*entries.shape, 1)
    rows = None if entries.rows is None else entries.rows + (1 - new_axis)
    return Entries(np.expand_dims(entries.elements, new_axis), shape, rows)


def _total_product(nest: Nest, left: Entries, right: Entries, kind: str) -> Array:
    """Return the sums over the rows of the products of every column pair."""
    for entries, axis in ((left, 1), (right, 0)):
        if entries.rows is None and entries.elements.shape[axis] != 1:
            raise Unlowerable("matmul: an array that is no input has its own number for every row")

    def make(index: tuple[int, ...]) -> Element:
        x, y = left.elements[index[0], 0], right.elements[0, index[1]]
        return total(nest, convert(nest, x, kind), convert(nest, y, kind))

    return fill((left.elements.shape[0], right.elements.shape[1]), make)


def _inner_product(nest: Nest, left: Entries, right: Entries, kind: str) -> Array:
    """Return Σₖ xᵢₖ yₖⱼ as chains of multiplications with addition."""
    x, y = spread(left, 1), spread(right, 0)

    def make(index: tuple[int, ...]) -> Element:
        pairs = [
            (convert(nest, a, kind), convert(nest, b, kind))
            for a, b in zip(x[index[0]], y[:, index[1]], strict=True)
        ]
        if not pairs:
            return nest.constant(0, kind)
        result = nest.apply("multiply", kind, *pairs[0])
        for a, b in pairs[1:]:
            result = nest.apply("times_plus", kind, a, b, result)
        return result

    return fill((x.shape[0], y.shape[1]), make)


RULES: dict[str, Rule] = {
    "sum": lower_sum,
    "max": lower_extreme("maximum"),
    "min": lower_extreme("minimum"),
    "matmul": lower_matmul,
    "strong_matmul": lower_matmul,
}
