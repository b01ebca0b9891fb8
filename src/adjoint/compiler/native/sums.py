"""The rules of sums, extremes and products of matrices; along the rows a sum becomes a total."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...core.annotations import Array
from ...core.node import Operation
from .elementwise import Rule, convert, spec_of
from .entries import Entries, fill, kind_of
from .formats import FORMATS
from .kernel import Element, Kernel, Stage
from .unlowerable import Unlowerable


def spread(entries: Entries, axis: int) -> Array:
    """Return the elements with an axis written out if the array repeats along it."""
    if entries.is_repeated(axis):
        return entries.elements.repeat(entries.shape[axis], axis)
    return entries.elements


def add_all(kernel: Kernel, elements: Sequence[Element]) -> Element:
    """Return a sum, added in pairs.

    The depth of the additions is log₂ n instead of n, and so is the growth of the rounding error;
    and a processor need not wait for each addition before the next.
    """
    parts = list(elements)
    while len(parts) > 1:
        pairs = [
            kernel.apply("add", parts[0].kind, x, y)
            for x, y in zip(parts[::2], parts[1::2], strict=False)
        ]
        parts = pairs + parts[len(pairs) * 2 :]
    return parts[0]


def fold(kernel: Kernel, entries: Entries, axes: Sequence[int], kind: str) -> Entries:
    """Return the sum over axes, which remain with size 1."""
    kept = tuple(1 if a in axes else n for a, n in enumerate(entries.shape))
    # Along an axis on which the array repeats, the sum is a product with the size.
    repeats = math.prod(
        n
        for a, n in enumerate(entries.shape)
        if a in axes and a != entries.rows and entries.is_repeated(a)
    )
    over_rows = entries.rows in axes
    shape = [1 if a in axes else n for a, n in enumerate(entries.elements.shape)]

    def make(index: tuple[int, ...]) -> Element:
        key = tuple(slice(None) if a in axes else i for a, i in enumerate(index))
        parts = [convert(kernel, x, kind) for x in np.ravel(entries.elements[key])]
        if not parts:
            return kernel.constant(0, kind)
        result = _over_rows(kernel, parts) if over_rows else add_all(kernel, parts)
        if kind in FORMATS:
            # NumPy's sums begin with 0, so a sum of -0 alone is 0.
            result = kernel.apply("add", kind, result, kernel.constant(0.0, kind))
        if repeats == 1:
            return result
        return kernel.apply("multiply", kind, result, kernel.constant(repeats, kind))

    return Entries(fill(shape, make), kept, None if over_rows else entries.rows)


def _over_rows(kernel: Kernel, parts: list[Element]) -> Element:
    return total(kernel, add_all(kernel, parts))


def total(kernel: Kernel, *factors: Element) -> Element:
    """Return the sum of a product over the rows: a total, or the number of rows times it."""
    if any(factor.stage is Stage.ROW for factor in factors):
        return kernel.total(*factors)
    kind = factors[0].kind
    result = kernel.constant(kernel.rows, kind)
    for factor in factors:
        result = kernel.apply("multiply", kind, factor, result)
    return result


def _axes(node: Operation, ndim: int) -> list[int]:
    axis = node.params["axis"]
    given = range(ndim) if axis is None else np.atleast_1d(axis).tolist()
    return [a % ndim for a in given]


def _dropped(entries: Entries, axes: Sequence[int], keepdims: bool) -> Entries:
    """Return entries without the reduced axes, unless these are to be kept."""
    if keepdims:
        return entries
    left = [a for a in range(len(entries.shape)) if a not in axes]
    rows = None if entries.rows is None else left.index(entries.rows)
    elements = entries.elements.reshape([entries.elements.shape[a] for a in left])
    return Entries(elements, tuple(entries.shape[a] for a in left), rows)


def lower_sum(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower a sum over axes."""
    axes = _axes(node, len(args[0].shape))
    folded = fold(kernel, args[0], axes, kind_of(spec_of(node).dtype))
    return _dropped(folded, axes, node.params["keepdims"])


def lower_extreme(operation: str) -> Rule:
    """Return the rule of ``max`` or ``min`` over axes."""

    def rule(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
        x = args[0]
        axes = _axes(node, len(x.shape))
        if x.rows in axes:
            raise Unlowerable(f"{operation} over the rows of the batch")
        shape = [1 if a in axes else n for a, n in enumerate(x.elements.shape)]

        def make(index: tuple[int, ...]) -> Element:
            key = tuple(slice(None) if a in axes else i for a, i in enumerate(index))
            return greatest(kernel, np.ravel(x.elements[key]).tolist(), operation)

        kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
        keepdims = node.params["keepdims"]
        return _dropped(Entries(fill(shape, make), kept, x.rows), axes, keepdims)

    return rule


def greatest(kernel: Kernel, elements: Sequence[Element], operation: str = "maximum") -> Element:
    """Return the greatest element, or the least; NaN if one of them is NaN."""
    result, *rest = elements
    for element in rest:
        result = kernel.apply(operation, result.kind, result, element)
    return result


def lower_matmul(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower a product of matrices or vectors; summed over the rows it is totals of products."""
    spec = spec_of(node)
    if any(len(arg.shape) > 2 for arg in args):
        raise Unlowerable("matmul of stacks of matrices")
    kind = kind_of(spec.dtype)
    left, right = _as_matrix(args[0], 0), _as_matrix(args[1], 1)
    if left.rows == 0 and right.rows == 1:
        raise Unlowerable("matmul: every row meets every other row")
    # The rows are summed over if they are the columns of the left or the rows of the right factor.
    if left.rows == 1 or right.rows == 0:
        elements, rows = _total_product(kernel, left, right, kind), None
    else:
        elements, rows = _inner_product(kernel, left, right, kind), left.rows
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


def _total_product(kernel: Kernel, left: Entries, right: Entries, kind: str) -> Array:
    """Return the sums over the rows for every pair of a left and a right column."""
    for entries, axis in ((left, 1), (right, 0)):
        if entries.rows is None and entries.elements.shape[axis] != 1:
            raise Unlowerable("matmul: an array that is no input has its own number for every row")

    def make(index: tuple[int, ...]) -> Element:
        x, y = left.elements[index[0], 0], right.elements[0, index[1]]
        return total(kernel, convert(kernel, x, kind), convert(kernel, y, kind))

    return fill((left.elements.shape[0], right.elements.shape[1]), make)


def _inner_product(kernel: Kernel, left: Entries, right: Entries, kind: str) -> Array:
    """Return Σₖ xᵢₖ yₖⱼ, each a chain of fused multiply-adds.

    The chain is long, but the many entries of the result are independent of each other.
    """
    x, y = spread(left, 1), spread(right, 0)

    def make(index: tuple[int, ...]) -> Element:
        pairs = [
            (convert(kernel, a, kind), convert(kernel, b, kind))
            for a, b in zip(x[index[0]], y[:, index[1]], strict=True)
        ]
        if not pairs:
            return kernel.constant(0, kind)
        result = kernel.apply("multiply", kind, *pairs[0])
        for a, b in pairs[1:]:
            result = kernel.apply("times_plus", kind, a, b, result)
        return result

    return fill((x.shape[0], y.shape[1]), make)


RULES: dict[str, Rule] = {
    "sum": lower_sum,
    "max": lower_extreme("maximum"),
    "min": lower_extreme("minimum"),
    "matmul": lower_matmul,
    "strong_matmul": lower_matmul,
}
