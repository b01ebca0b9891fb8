"""Softmax and its kin: exponentials of what is left after the greatest is taken away."""

from __future__ import annotations

import numpy as np

from ...core import Node
from .elementwise import Rule, convert, spec_of
from .entries import Entries, fill, kind_of
from .nest import Element, Nest, Unlowerable
from .sums import add_all, greatest, spread


def _exponentials(nest: Nest, row: list[Element]) -> tuple[list[Element], Element]:
    """Return e to each element less the greatest, and the greatest."""
    kind, shift = row[0].kind, greatest(nest, row)
    differences = [nest.apply("subtract", kind, x, shift) for x in row]
    return [nest.apply("exp", kind, x) for x in differences], shift


def _logsumexp(nest: Nest, row: list[Element]) -> Element:
    exponentials, shift = _exponentials(nest, row)
    total = add_all(nest, exponentials)
    return nest.apply("add", shift.kind, nest.apply("log", shift.kind, total), shift)


def _only_axis(node: Node, x: Entries) -> int:
    """Return the axis that a node runs over, if it is one and not that of the rows."""
    assert node.primitive is not None
    axes, ndim = (node.params or {})["axis"], len(x.shape)
    chosen = range(ndim) if axes is None else np.atleast_1d(axes).tolist()
    if len(chosen) != 1:
        raise Unlowerable(f"{node.primitive.name} over {len(chosen)} axes")
    if x.rows == chosen[0] % ndim:
        raise Unlowerable(f"{node.primitive.name} over the rows of the batch")
    return int(chosen[0] % ndim)


def lower_softmax(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Lower softmax along an axis other than that of the rows: one division, then products."""
    x, spec = args[0], spec_of(node)
    kind = kind_of(spec.dtype)
    axis = _only_axis(node, x)
    lines = np.moveaxis(spread(x, axis), axis, -1)
    result = np.empty(lines.shape, object)
    for index in np.ndindex(*lines.shape[:-1]):
        row = [convert(nest, element, kind) for element in lines[index]]
        exponentials, _ = _exponentials(nest, row)
        one, total = nest.constant(1, kind), add_all(nest, exponentials)
        inverse = nest.apply("divide", kind, one, total)
        for i, exponential in enumerate(exponentials):
            result[(*index, i)] = nest.apply("multiply", kind, exponential, inverse)
    return Entries(np.moveaxis(result, -1, axis), spec.shape, x.rows)


def lower_logsumexp(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Lower log Σ eˣ along one axis other than that of the rows.

    An infinite maximum gives NaN here, and so the work to the portable tier.
    """
    x, spec, params = args[0], spec_of(node), node.params or {}
    axis = _only_axis(node, x)
    kind = kind_of(spec.dtype)
    lines = np.moveaxis(spread(x, axis), axis, -1)
    result = fill(
        lines.shape[:-1],
        lambda i: _logsumexp(nest, [convert(nest, element, kind) for element in lines[i]]),
    )
    if params["keepdims"]:
        return Entries(np.expand_dims(result, axis), spec.shape, x.rows)
    rows = None if x.rows is None else x.rows - (x.rows > axis)
    return Entries(result, spec.shape, rows)


def lower_cross_entropy(nest: Nest, node: Node, args: list[Entries]) -> Entries:
    """Lower -log softmax(logits)[label]; a label that is out of range gives NaN."""
    logits, labels = args
    spec = spec_of(node)
    last = len(logits.shape) - 1
    if logits.rows != labels.rows or logits.rows == last:
        raise Unlowerable("softmax_cross_entropy of logits and labels with different rows")
    kind = kind_of(spec.dtype)
    lines = spread(logits, last)
    chosen = np.broadcast_to(labels.elements, lines.shape[:-1])

    def make(index: tuple[int, ...]) -> Element:
        row = [convert(nest, element, kind) for element in lines[index]]
        label = chosen[index]
        picked = nest.constant(float("nan"), kind)
        for i, element in reversed(list(enumerate(row))):
            is_it = nest.apply("equal", "i1", label, nest.constant(i, label.kind))
            picked = nest.apply("where", kind, is_it, element, picked)
        return nest.apply("subtract", kind, _logsumexp(nest, row), picked)

    return Entries(fill(lines.shape[:-1], make), spec.shape, logits.rows)


RULES: dict[str, Rule] = {
    "softmax": lower_softmax,
    "logsumexp": lower_logsumexp,
    "softmax_cross_entropy": lower_cross_entropy,
}
