"""Mistakes where each output depends on several inputs: softmax, above all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..compared_call import ComparedCall
from ..comparison import agree
from .hypothesis import Alter, Hypothesis, altered, total
from .subgraphs import Formula, Subgraph, subgraphs

Array = np.ndarray[Any, Any]
# A Jacobian is looked at entry by entry up to this size.
_LARGEST = 96


def softmax(u: Array, axis: int = -1) -> Array:
    """Return the softmax of an array."""
    e = np.exp(u - np.max(u, axis=axis, keepdims=True))
    return np.asarray(e / np.sum(e, axis=axis, keepdims=True))


def of_mixing(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield mistakes in subgraphs whose outputs depend on several inputs each."""
    for segment in subgraphs(call):
        if segment.is_elementwise(call):
            continue
        axis = _softmax_axis(call, segment)
        if axis is not None:
            yield from _of_softmax(call, segment, axis)
        if call.value(segment.start).size <= _LARGEST:
            mistake = "missing_term" if axis is None else "softmax_diagonal"
            name = call.text(segment.start)
            detail = f"only the diagonal of the Jacobian from {name} is used"
            yield altered(mistake, segment.start, detail, _by_diagonal(segment))


def _by_diagonal(segment: Subgraph) -> Alter:
    return total(segment.start, lambda s, _: segment.cotangent(s) * segment.diagonal(s))


def _softmax_axis(call: ComparedCall, segment: Subgraph) -> int | None:
    """Return the axis along which a segment is a softmax, or None."""
    u, v = call.value(segment.start), call.value(segment.end)
    axes = range(u.ndim - 1, -1, -1)
    return next((axis for axis in axes if agree(softmax(u, axis), v, 1e-9)), None)


def _of_softmax(call: ComparedCall, segment: Subgraph, axis: int) -> Iterator[Hypothesis]:
    name = call.text(segment.end)
    for mistake, detail, formula in (
        *_jacobians(axis),
        *_over_other_axes(call.value(segment.start).ndim, axis),
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
        yield altered(mistake, segment.start, detail, segment.replaced(formula))

    def stale(s: ComparedCall, _: Array) -> Array | None:
        y, g = s.earlier_value(segment.end), segment.cotangent(s)
        return None if y is None else y * (g - _dot(g, y, axis))

    detail = f"{name} of the call before is used"
    yield altered("stale", segment.start, detail, total(segment.start, stale))


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
