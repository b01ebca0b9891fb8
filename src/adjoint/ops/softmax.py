"""Softmax and its cross-entropy: fused, because their parts lose accuracy and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Operand
from ..kinds import dtype_of, general
from .exponential import exp
from .logic import equal
from .products import strong_multiply
from .reductions import less_greatest, sum


def _softmax_slope(v: Any, y: Any, axis: int) -> Any:
    """y ⊙ (v - ⟨v, y⟩): the Jacobian diag(y) - yyᵀ of each row is symmetric, so it serves both."""
    return y * (v - sum(v * y, axis=axis, keepdims=True))


@general(
    vjp=lambda g, y, x, *, axis: [_softmax_slope(g, y, axis)],
    jvp=lambda tangents, y, x, *, axis: _softmax_slope(tangents[0], y, axis),
    shape=lambda x, *, axis: x.shape,
    dtype=lambda x, *, axis: np.exp(np.ones((), x.dtype)).dtype,
    source="softmax({x}{params})",
    latex=r"\operatorname{{softmax}}\left({x}\right)",
    method=True,
    cases=[((3,), {}), ((2, 3), {}), ((2, 3), {"axis": 0})],
)
def softmax(x: Any, *, axis: int = -1) -> Any:
    """Return eˣ / Σ eˣ along ``axis``, without overflow for any finite x."""
    exponentials = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return exponentials / np.add.reduce(exponentials, axis=axis, keepdims=True)


def _log_softmax_vjp(g: Any, y: Any, x: Any, *, axis: int) -> Sequence[Any]:
    return [g - strong_multiply(sum(g, axis=axis, keepdims=True), exp(y))]


def _log_softmax_jvp(tangents: Sequence[Any], y: Any, x: Any, *, axis: int) -> Any:
    t = tangents[0]
    return t - sum(strong_multiply(t, exp(y)), axis=axis, keepdims=True)


@general(
    vjp=_log_softmax_vjp,
    jvp=_log_softmax_jvp,
    shape=lambda x, *, axis: x.shape,
    dtype=lambda x, *, axis: np.exp(np.ones((), x.dtype)).dtype,
    source="log_softmax({x}{params})",
    latex=r"\log \operatorname{{softmax}}\left({x}\right)",
    method=True,
    cases=[((3,), {}), ((2, 3), {}), ((2, 3), {"axis": 0})],
)
def log_softmax(x: Any, *, axis: int = -1) -> Any:
    """Return x - log Σ eˣ along ``axis``, without overflow for any finite x.

    The greatest entry is subtracted first, so that logits of any size lose no digits.
    """
    # Not x - logsumexp(x), in which the digits of a small result beside a large x are lost.
    shifted, total, _ = less_greatest(np.asarray(x), axis)
    return shifted - total


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
    shifted, total, _ = less_greatest(np.asarray(logits), -1)
    rows = shifted.reshape(-1, shifted.shape[-1])
    chosen = rows[np.arange(len(rows)), labels.reshape(-1)].reshape(labels.shape)
    return total[..., 0] - chosen
