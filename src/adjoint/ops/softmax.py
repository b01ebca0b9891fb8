"""Softmax and its cross-entropy: fused, because their parts lose accuracy and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, Axis, Cotangent, Described
from ..core.axis import AxisRule
from ..core.batching import all_stacked, stacked
from ..core.kinds import constant, general
from ..core.metadata import Axes
from ..core.spec import Spec
from ..errors import ShapeError
from .arithmetic import divide
from .exponential import exp, log
from .logic import equal, isfinite
from .piecewise import where
from .products import strong_multiply
from .reductions import (
    as_exponents,
    exponents,
    less_greatest,
    max,
    need_entries,
    no_entries,
    sum,
)
from .structural import reshape


def _softmax_slope(v: AnyArray, y: AnyArray, axis: Axis) -> AnyArray:
    """y ⊙ (v - ⟨v, y⟩): the Jacobian diag(y) - yyᵀ of each row is symmetric, so it serves both."""
    return y * (v - sum(v * y, axis=axis, keepdims=True))


def _normalised_shape(x: Described, *, axis: Axis) -> tuple[int, ...]:
    need_entries(x, axis=axis)
    return tuple(x.shape)


def _exponent_dtype(x: Described, *, axis: Axis) -> np.dtype[Any]:
    return np.exp(np.ones((), x.dtype)).dtype


_CASES: list[tuple[Any, ...]] = [
    ((3,), {}),
    ((2, 3), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": None}),
    ((2, 3, 2), {"axis": (0, -1)}),
    ((), {"axis": None}),
]


def _softmax(x: Any, *, axis: Axes) -> Any:
    """Write softmax as exponentials that it shares with the logarithm of their sum.

    That takes an infinite greatest entry as 0; here ∞ - ∞ makes NaN of the row.
    """
    shifted, total, _ = exponents(x, axis)
    is_usual = isfinite(max(x, axis=axis, keepdims=True))
    return exp(shifted) * where(is_usual, divide(1.0, total), np.nan)


@general(
    vjp=lambda g, y, x, *, axis: [_softmax_slope(g, y, axis)],
    expand=_softmax,
    jvp=lambda tangents, y, x, *, axis: _softmax_slope(tangents[0], y, axis),
    shape=_normalised_shape,
    dtype=_exponent_dtype,
    source="softmax({x}{params})",
    latex=r"\operatorname{{softmax}}\left({x}{params}\right)",
    method=True,
    axis=AxisRule(of_number=True),
    explain_error=no_entries,
    cases=_CASES,
    bounds=(0, 1),
    passes_nan=True,
    saturates=True,
)
def softmax(x: Array, *, axis: Axes = -1) -> Array:
    """Return eˣ / Σ eˣ over ``axis`` (an int, a tuple, or None for all), without overflow.

    >>> ad.softmax(np.array([[1000.0, 1000.0], [0.0, 1.0]]))
    array([[0.5       , 0.5       ],
           [0.26894142, 0.73105858]])
    """
    x = as_exponents(x)
    exponentials = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return exponentials / np.add.reduce(exponentials, axis=axis, keepdims=True)


def _log_softmax_vjp(g: Cotangent, y: AnyArray, x: AnyArray, *, axis: Axes) -> Sequence[Any]:
    return [g - strong_multiply(sum(g, axis=axis, keepdims=True), exp(y))]


def _log_softmax_jvp(tangents: Sequence[Any], y: AnyArray, x: AnyArray, *, axis: Axes) -> AnyArray:
    t = tangents[0]
    return t - sum(strong_multiply(t, exp(y)), axis=axis, keepdims=True)


def _log_softmax(x: Any, *, axis: Axes) -> Any:
    shifted, total, _ = exponents(x, axis)
    return shifted - log(total)


@general(
    vjp=_log_softmax_vjp,
    expand=_log_softmax,
    jvp=_log_softmax_jvp,
    shape=lambda x, *, axis: x.shape,
    dtype=_exponent_dtype,
    source="log_softmax({x}{params})",
    latex=r"\log\left(\operatorname{{softmax}}\left({x}{params}\right)\right)",
    method=True,
    axis=AxisRule(of_number=True),
    cases=_CASES,
    bounds=(-np.inf, 0),
    finite=True,
)
def log_softmax(x: Array, *, axis: Axes = -1) -> Array:
    """Return x - log Σ eˣ over ``axis`` (an int, a tuple, or None for all), without overflow.

    The greatest entry is subtracted first, so that logits of any size lose no digits.

    >>> ad.log_softmax(np.array([[1000.0, 0.0], [0.0, 1.0]]))
    array([[ 0.00000000e+00, -1.00000000e+03],
           [-1.31326169e+00, -3.13261688e-01]])
    """
    # Not x - logsumexp(x), in which the digits of a small result beside a large x are lost.
    shifted, total, _ = less_greatest(as_exponents(x), axis)
    return shifted - total


def check_labels(labels: Array, classes: int) -> None:
    """Refuse labels that are not in range(classes)."""
    if not labels.size:
        return
    # The ufuncs' own reductions: ndarray.min and .max cost twice as much on a small batch.
    low, high = np.minimum.reduce(labels, axis=None), np.maximum.reduce(labels, axis=None)
    if low < 0 or high >= classes:
        raise ValueError(_out_of_range(labels, classes))


def _out_of_range(labels: AnyArray, classes: int) -> str | None:
    """Return what is wrong with labels that are not all classes."""
    array = np.asarray(labels)
    places = np.argwhere((array < 0) | (array >= classes))
    if not places.size and not (array.shape == () and len(places)):
        return None
    place = tuple(places[0].tolist())
    return f"label {array[place]} at {place} of shape {array.shape} is not in range({classes})"


@constant(
    batch=stacked,
    public=False,
    shape=lambda labels, *, classes: tuple(labels.shape),
    dtype=lambda labels, *, classes: labels.dtype,
    source="class_labels({labels}{params})",
    latex="{labels}",
    cases=[(np.array([0, 3, 1]), {"classes": 4})],
)
def class_labels(labels: Array, *, classes: int) -> Array:
    """Return labels if all are in range(classes); else raise.

    What a derivative that needs labels but no loss goes through.

    Raises
    ------
    ValueError
        If one is not.
    """
    check_labels(labels, classes)
    return labels


def _residual(logits: AnyArray, labels: AnyArray) -> AnyArray:
    """softmax(a) - onehot(y), the derivative of each row's loss."""
    one_hot = equal.bind((labels[..., None], np.arange(logits.shape[-1])), {})
    return softmax.bind((logits,), {"axis": -1}) - one_hot


def _cross_entropy_vjp(
    g: Cotangent, loss: AnyArray, logits: AnyArray, labels: AnyArray
) -> Sequence[Any]:
    return strong_multiply.bind((g[..., None], _residual(logits, labels)), {}), None


def _cross_entropy_jvp(
    tangents: Sequence[Any], loss: AnyArray, logits: AnyArray, labels: AnyArray
) -> AnyArray:
    return sum(strong_multiply(tangents[0], _residual(logits, labels)), axis=-1)


def _labels_error(logits: Described, labels: Described) -> str | None:
    fits = labels.shape == logits.shape[:-1]
    if fits and not isinstance(labels, Spec):
        problem = _out_of_range(labels, logits.shape[-1])
        if problem:
            return problem
    return (
        f"logits of shape {logits.shape} need labels of shape {logits.shape[:-1]}, "
        f"got {labels.shape}"
    )


def _losses_shape(logits: Described, labels: Described) -> tuple[int, ...]:
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {labels.dtype}")
    if not logits.ndim or tuple(labels.shape) != tuple(logits.shape[:-1]):
        raise ShapeError(_labels_error(logits, labels))
    return tuple(labels.shape)


def _cross_entropy(logits: Any, labels: Any) -> Any:
    """Write the loss as log Σ eˣ less the entry that the label names."""
    classes = logits.shape[-1]
    is_it = equal(class_labels(labels, classes=classes)[..., None], np.arange(classes))
    shifted, total, _ = exponents(logits, -1)
    chosen = sum(where(is_it, shifted, 0.0), axis=-1, keepdims=True)
    return reshape(log(total) - chosen, shape=labels.shape)


@general(
    batch=all_stacked,
    vjp=_cross_entropy_vjp,
    expand=_cross_entropy,
    jvp=_cross_entropy_jvp,
    shape=_losses_shape,
    dtype=lambda logits, labels: _exponent_dtype(logits, axis=-1),
    source="softmax_cross_entropy({logits}, {labels})",
    latex=r"-\log\left({{\operatorname{{softmax}}\left({logits}\right)}}_{{{labels}}}\right)",
    explain_error=_labels_error,
    cases=[
        ((3, 4), np.array([0, 3, 1]), {}),
        ((2, 3, 2), np.array([[0, 1, 1], [1, 0, 0]]), {}),
        ((3,), np.array(2), {}),
    ],
    bounds=(0, np.inf),
    finite=True,
    passes_nan=(True,),
    saturates=True,
)
def softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    """Return -log softmax(logits)[label] of every row, finite for any finite logits.

    Parameters
    ----------
    logits : (..., c) array
    labels : (...) integer array
        Each of them in range(c).

    Raises
    ------
    ValueError
        If a label is not.

    Examples
    --------
    >>> ad.softmax_cross_entropy(np.array([[0.0, 0.0], [1000.0, 0.0]]), np.array([1, 1]))
    array([6.93147181e-01, 1.00000000e+03])
    >>> ad.grad(lambda x: ad.softmax_cross_entropy(x, np.array([1])).sum())(np.array([[0.0, 0.0]]))
    array([[ 0.5, -0.5]])
    """
    labels = np.asarray(labels)
    logits = as_exponents(logits)
    check_labels(labels, logits.shape[-1])
    shifted, total, _ = less_greatest(logits, -1)
    rows = shifted.reshape(-1, shifted.shape[-1])
    chosen = rows[np.arange(len(rows)), labels.reshape(-1)].reshape(labels.shape)
    return total[..., 0] - chosen
