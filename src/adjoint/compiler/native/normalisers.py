"""Softmax and its kin: exponentials of what is left after the greatest is taken away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...core import Operation
from .elementwise import Rule, convert, spec_of
from .entries import Entries, fill, kind_of
from .nest import Element, Nest, Unlowerable
from .sums import add_all, greatest, spread


def _less_greatest(nest: Nest, row: list[Element]) -> tuple[list[Element], Element]:
    """Return each element less the greatest, and the greatest."""
    kind, shift = row[0].kind, greatest(nest, row)
    return [nest.apply("subtract", kind, x, shift) for x in row], shift


def _exponentials(nest: Nest, row: list[Element]) -> list[Element]:
    return [nest.apply("exp", x.kind, x) for x in row]


def _log_of_sum(nest: Nest, shifted: list[Element]) -> Element:
    """Return log Σ e to the power of elements of which the greatest is 0."""
    return nest.apply("log", shifted[0].kind, add_all(nest, _exponentials(nest, shifted)))


def _logsumexp(nest: Nest, row: list[Element]) -> Element:
    shifted, shift = _less_greatest(nest, row)
    return nest.apply("add", shift.kind, _log_of_sum(nest, shifted), shift)


def _softmax(nest: Nest, row: list[Element]) -> list[Element]:
    """Return e to each element over their sum: one division, then products."""
    kind = row[0].kind
    exponentials = _exponentials(nest, _less_greatest(nest, row)[0])
    one, total = nest.constant(1, kind), add_all(nest, exponentials)
    inverse = nest.apply("divide", kind, one, total)
    return [nest.apply("multiply", kind, x, inverse) for x in exponentials]


def _log_softmax(nest: Nest, row: list[Element]) -> list[Element]:
    shifted, _ = _less_greatest(nest, row)
    total = _log_of_sum(nest, shifted)
    return [nest.apply("subtract", x.kind, x, total) for x in shifted]


def _only_axis(node: Operation, x: Entries) -> int:
    """Return the axis that a node runs over, if it is one and not that of the rows."""
    axes, ndim = node.params["axis"], len(x.shape)
    chosen = range(ndim) if axes is None else np.atleast_1d(axes).tolist()
    if len(chosen) != 1:
        raise Unlowerable(f"{node.primitive.name} over {len(chosen)} axes")
    if x.rows == chosen[0] % ndim:
        raise Unlowerable(f"{node.primitive.name} over the rows of the batch")
    return int(chosen[0] % ndim)


def along_rows(make: Callable[[Nest, list[Element]], list[Element]]) -> Rule:
    """Return the rule of what makes a row of a row, along an axis other than that of the batch."""

    def rule(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
        x, spec = args[0], spec_of(node)
        kind, axis = kind_of(spec.dtype), _only_axis(node, x)
        lines = np.moveaxis(spread(x, axis), axis, -1)
        result = np.empty(lines.shape, object)
        for index in np.ndindex(*lines.shape[:-1]):
            result[index] = make(nest, [convert(nest, element, kind) for element in lines[index]])
        return Entries(np.moveaxis(result, -1, axis), spec.shape, x.rows)

    return rule


def lower_logsumexp(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower log Σ eˣ along one axis other than that of the rows.

    An infinite maximum gives NaN here, and so the work to the portable tier.
    """
    x, spec, params = args[0], spec_of(node), node.params
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


def lower_cross_entropy(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
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
        shifted, _ = _less_greatest(nest, row)
        label = chosen[index]
        picked = nest.constant(float("nan"), kind)
        for i, element in reversed(list(enumerate(shifted))):
            is_it = nest.apply("equal", "i1", label, nest.constant(i, label.kind))
            picked = nest.apply("where", kind, is_it, element, picked)
        return nest.apply("subtract", kind, _log_of_sum(nest, shifted), picked)

    return Entries(fill(lines.shape[:-1], make), spec.shape, logits.rows)


def lower_labels(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Let labels through; one that is no class is a doubt."""
    classes = node.params["classes"]
    for label in args[0].elements.flat:
        low, high = nest.constant(0, label.kind), nest.constant(classes, label.kind)
        nest.doubts.append(nest.apply("less", "i1", label, low))
        nest.doubts.append(nest.apply("greater_equal", "i1", label, high))
    return args[0]


RULES: dict[str, Rule] = {
    "class_labels": lower_labels,
    "softmax": along_rows(_softmax),
    "log_softmax": along_rows(_log_softmax),
    "logsumexp": lower_logsumexp,
    "softmax_cross_entropy": lower_cross_entropy,
}
