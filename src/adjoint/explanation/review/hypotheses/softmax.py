"""Mistakes where each output depends on several inputs: softmax, above all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....core.annotations import Array
from ..compared_call import ComparedCall
from ..comparison import agree
from .hypothesis import Alter, Hypothesis, altered, total
from .subgraphs import Formula, Subgraph, subgraphs

# Jacobians of more inputs are not looked at entry by entry, since that takes a sweep for each.
_LARGEST = 96


def softmax(u: Array, axis: int | None = -1) -> Array:
    """Return the softmax of an array, along an axis or of all entries together."""
    e = np.exp(u - np.max(u, axis=axis, keepdims=True))
    return np.asarray(e / np.sum(e, axis=axis, keepdims=True))


def of_mixing(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield mistakes in subgraphs whose outputs depend on several inputs each."""
    for subgraph in subgraphs(call):
        if subgraph.is_elementwise(call):
            continue
        axis = _softmax_axis(call, subgraph)
        if axis is not None:
            yield from _of_softmax(call, subgraph, axis)
        if call.value(subgraph.start).size <= _LARGEST:
            mistake = "missing_term" if axis is None else "softmax_diagonal"
            name = call.text(subgraph.start)
            detail = f"only the diagonal of the Jacobian from {name} is used"
            yield altered(mistake, subgraph.start, detail, _by_diagonal(subgraph))


def _by_diagonal(subgraph: Subgraph) -> Alter:
    return total(subgraph.start, lambda s, _: subgraph.cotangent(s) * subgraph.diagonal(s))


def _softmax_axis(call: ComparedCall, subgraph: Subgraph) -> int | None:
    """Return the axis along which a subgraph is a softmax, or None."""
    u, v = call.value(subgraph.start), call.value(subgraph.end)
    axes = range(u.ndim - 1, -1, -1)
    return next((axis for axis in axes if agree(softmax(u, axis), v, 1e-9)), None)


def _of_softmax(call: ComparedCall, subgraph: Subgraph, axis: int) -> Iterator[Hypothesis]:
    name = call.text(subgraph.end)
    for mistake, detail, formula in (
        *_jacobians(axis),
        *_over_other_axes(call.value(subgraph.start).ndim, axis),
        (
            "operand",
            f"the input of softmax stands where {name} belongs",
            lambda g, u, y: u * (g - _dot(g, u, axis)),
        ),
        (
            "activation_derivative",
            "the derivative is forgotten: the cotangent passes unchanged",
            lambda g, u, y: g,
        ),
    ):
        yield altered(mistake, subgraph.start, detail, subgraph.replaced(formula))

    def stale(s: ComparedCall, _: Array) -> Array | None:
        y, g = s.earlier_value(subgraph.end), subgraph.cotangent(s)
        return None if y is None else y * (g - _dot(g, y, axis))

    detail = f"{name} of the call before is used"
    yield altered("stale", subgraph.start, detail, total(subgraph.start, stale))


def _dot(g: Array, y: Array, axis: int | tuple[int, ...]) -> Array:
    return np.asarray(np.sum(g * y, axis=axis, keepdims=True))


def _jacobians(axis: int) -> Iterator[tuple[str, str, Formula]]:
    """Yield wrong forms of y ⊙ (g - ⟨g, y⟩)."""

    def dot(g: Array, y: Array) -> Array:
        return _dot(g, y, axis)

    def first_and_outer(g: Array, u: Array, y: Array) -> Array:
        return np.asarray(np.take(y, [0], axis) * dot(g, np.ones(())) - y * dot(g, y))

    yield "softmax_diagonal", "only y(1 - y) is used", lambda g, u, y: g * y * (1 - y)
    forms: dict[str, Formula] = {
        "the term y ⟨g, y⟩ is left out": lambda g, u, y: y * g,
        "g's sum stands where ⟨g, y⟩ belongs": lambda g, u, y: y * (g - dot(g, np.ones(()))),
        "⟨g, y⟩ is a mean": lambda g, u, y: y * (g - np.mean(g * y, axis=axis, keepdims=True)),
        "⟨g, y⟩ is added": lambda g, u, y: y * (g + dot(g, y)),
        "the factor y is left out": lambda g, u, y: g - dot(g, y),
        "the factor y stands only before g": lambda g, u, y: g * y - dot(g, y),
        "np.diag of a column is one number, which broadcasts": first_and_outer,
        "g stands before ⟨g, y⟩": lambda g, u, y: g * (g - dot(g, y)),
    }
    for detail, formula in forms.items():
        yield "softmax_jacobian", detail, formula


def _over_other_axes(ndim: int, axis: int) -> Iterator[tuple[str, str, Formula]]:
    every = tuple(range(ndim))
    yield "axis", "⟨g, y⟩ is summed over all axes", _summed_over(every)
    for over in every:
        if over != axis:
            yield "axis", f"⟨g, y⟩ is summed over axis {over}, not {axis}", _summed_over(over)


def _summed_over(axis: int | tuple[int, ...]) -> Formula:
    return lambda g, u, y: y * (g - _dot(g, y, axis))
