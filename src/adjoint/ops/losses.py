"""Losses that are primitives: fused, because their parts lose accuracy or speed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Operand
from ..kinds import dtype_of, general
from .composite import softmax
from .elementwise import equal
from .products import strong_multiply
from .reductions import logsumexp, sum


def _residual(logits: Any, labels: Any) -> Any:
    """softmax(a) - onehot(y), the derivative of each row's loss."""
    one_hot = equal(labels[..., None], np.arange(logits.shape[-1]))
    return softmax(logits) - one_hot


def _vjp(g: Any, loss: Any, logits: Any, labels: Any) -> Any:
    return strong_multiply(g[..., None], _residual(logits, labels)), None


def _jvp(tangents: Any, loss: Any, logits: Any, labels: Any) -> Any:
    return sum(strong_multiply(tangents[0], _residual(logits, labels)), axis=-1)


def _labels_error(logits: Operand, labels: Operand) -> str:
    return f"logits of shape {logits.shape} need labels of shape {logits.shape[:-1]}, got " + str(
        labels.shape
    )


@general(
    vjp=_vjp,
    jvp=_jvp,
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
    return logsumexp(logits, axis=-1) - chosen
