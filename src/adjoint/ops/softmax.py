"""Softmax and its cross-entropy: fused, because their parts lose accuracy and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..axis import AxisRule
from ..core import Operand
from ..kinds import dtype_of, general
from .logic import equal
from .products import strong_multiply
from .reductions import logsumexp, need_entries, no_entries, sum


def _softmax_slope(v: Any, y: Any, axis: Any) -> Any:
    """y ⊙ (v - ⟨v, y⟩): the Jacobian diag(y) - yyᵀ of each row is symmetric, so it serves both."""
    return y * (v - sum(v * y, axis=axis, keepdims=True))


def _normalised_shape(x: Operand, *, axis: Any) -> tuple[int, ...]:
    need_entries(x, axis=axis)
    return tuple(x.shape)


@general(
    vjp=lambda g, y, x, *, axis: [_softmax_slope(g, y, axis)],
    jvp=lambda tangents, y, x, *, axis: _softmax_slope(tangents[0], y, axis),
    shape=_normalised_shape,
    dtype=lambda x, *, axis: np.exp(np.ones((), x.dtype)).dtype,
    source="softmax({x}{params})",
    latex=r"\operatorname{{softmax}}\left({x}\right)",
    method=True,
    axis=AxisRule(of_number=True),
    explain_error=no_entries,
    cases=[
        ((3,), {}),
        ((2, 3), {}),
        ((2, 3), {"axis": 0}),
        ((2, 3), {"axis": None}),
        ((2, 3, 2), {"axis": (0, -1)}),
        ((), {"axis": None}),
    ],
)
def softmax(x: Any, *, axis: Any = -1) -> Any:
    """Return eˣ / Σ eˣ over ``axis`` (an int, a tuple, or None for all), without overflow."""
    exponentials = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return exponentials / np.add.reduce(exponentials, axis=axis, keepdims=True)


def log_softmax(x: Operand, *, axis: Any = -1) -> Any:
    """Return x - log Σ eˣ over ``axis`` (an int, a tuple, or None for all), without overflow."""
    return x - logsumexp(x, axis=axis, keepdims=True)


def _residual(logits: Any, labels: Any) -> Any:
    """softmax(a) - onehot(y), the derivative of each row's loss."""
    one_hot = equal(labels[..., None], np.arange(logits.shape[-1]))
    return softmax(logits, axis=-1) - one_hot


def _cross_entropy_vjp(g: Any, loss: Any, logits: Any, labels: Any) -> Sequence[Any]:
    return strong_multiply(g[..., None], _residual(logits, labels)), None


def _cross_entropy_jvp(tangents: Sequence[Any], loss: Any, logits: Any, labels: Any) -> Any:
    return sum(strong_multiply(tangents[0], _residual(logits, labels)), axis=-1)


def _labels_error(logits: Operand, labels: Operand) -> str:
    return (
        f"logits of shape {logits.shape} need labels of shape {logits.shape[:-1]}, "
        f"got {labels.shape}"
    )


@general(
    vjp=_cross_entropy_vjp,
    jvp=_cross_entropy_jvp,
    shape=lambda logits, labels: labels.shape,
    dtype=lambda logits, labels: dtype_of(logits),
    source="softmax_cross_entropy({logits}, {labels})",
    latex=r"-\log \operatorname{{softmax}}\left({logits}\right)_{{{labels}}}",
    explain_error=_labels_error,
    cases=[
        ((3, 4), np.array([0, 3, 1]), {}),
        ((2, 3, 2), np.array([[0, 1, 1], [1, 0, 0]]), {}),
        ((3,), np.array(2), {}),
    ],
)
def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """Return -log softmax(logits)[label] of every row, finite for any finite logits.

    Parameters
    ----------
    logits : (..., c) array
    labels : (...) integer array
        In range(c); the public door, `adjoint.nn.functional.cross_entropy`, checks it.
    """
    labels = np.asarray(labels)
    rows = np.asarray(logits).reshape(-1, np.shape(logits)[-1])
    chosen = rows[np.arange(len(rows)), labels.reshape(-1)].reshape(labels.shape)
    return logsumexp.forward(logits, axis=-1) - chosen
