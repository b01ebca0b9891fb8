"""Factorisations into triangular matrices: Cholesky's and QR.

References
----------
.. [1] Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, 2016.
.. [2] Walter and Lehmann, "Algorithmic differentiation of linear algebra functions with
   application in optimum experimental design", arXiv:1001.1654, 2010.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described
from ..core.batching import all_stacked, stacked
from ..core.facts import of_matrices
from ..core.kinds import general, linear
from ..core.links import first_unchanged
from ..core.links import of_matrices as linked_matrices
from ..core.registry import NUMPY
from ..core.views import own
from ..errors import ShapeError, choose
from .diagonals import tril
from .eigen import fold, half_triangle, mirror
from .matrices import (
    POSITIVE,
    SQUARE,
    STACK,
    TALL,
    chain,
    explain_not_matrix,
    explain_not_square,
    real_dtype,
    square_shape,
    without_derivative,
)
from .products import strong_multiply
from .solvers import solve
from .structural import as_array, concatenate


def _lower_half(x: AnyArray) -> AnyArray:
    """Return the lower triangle with half of the diagonal: Φ in [1]_."""
    return strong_multiply(x, half_triangle(x, "L"))


def _cholesky_vjp(g: Cotangent, y: AnyArray, a: AnyArray, *, upper: bool) -> Sequence[Any]:
    """l⁻ᵀ Φ(lᵀ l̄) l⁻¹, equation 9 of [1]_, folded into the triangle that is read."""
    g, factor = (g.mT, y.mT) if upper else (g, y)
    left = solve(factor.mT, _lower_half(chain(factor.mT, g)))
    d_a = solve(factor.mT, left.mT).mT
    return [fold(d_a, "U" if upper else "L")]


def _cholesky_jvp(tangents: Sequence[Any], y: AnyArray, a: AnyArray, *, upper: bool) -> AnyArray:
    """L Φ(l⁻¹ ȧ l⁻ᵀ), equation 8 of [1]_."""
    factor = y.mT if upper else y
    change = solve(factor, mirror(tangents[0], "U" if upper else "L"))
    moved = chain(factor, _lower_half(solve(factor, change.mT)))
    return moved.mT if upper else moved


_POSITIVE_STACK = np.stack([POSITIVE[:2, :2], POSITIVE[1:, 1:]])


@general(
    batch=stacked,
    links=linked_matrices,
    vjp=_cholesky_vjp,
    jvp=_cholesky_jvp,
    shape=square_shape,
    dtype=real_dtype,
    source="np.linalg.cholesky({a}{params})",
    latex=r"\operatorname{{chol}}\left({a}{params}\right)",
    numpy=[np.linalg.cholesky],
    explain_error=explain_not_square,
    cases=[
        (POSITIVE, {}),
        (POSITIVE, {"upper": True}),
        (_POSITIVE_STACK, {}),
        (np.array([[2.0]]), {}),
    ],
    flops=of_matrices,
)
def cholesky(a: Array, *, upper: bool = False) -> Array:
    """Return the lower triangular l with l lᵀ = a; with ``upper`` its transpose.

    Only the lower triangle of ``a`` is read (with ``upper`` the upper one), and the gradient lies
    in it, an entry off the diagonal counting twice; differentiate by ``(a + a.T) / 2`` for a
    symmetric one. A matrix that is not positive definite raises NumPy's LinAlgError.

    >>> ad.cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 0.],
           [1., 2.]])
    >>> ad.grad(lambda a: ad.cholesky(a).sum())(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[0.1875, 0.    ],
           [0.25  , 0.25  ]])
    """
    return np.linalg.cholesky(a, upper=upper)


def _split(packed: AnyArray, rows: int) -> tuple[Any, Any]:
    return own(packed[..., :rows, :]), own(packed[..., rows:, :])


def _of_full_rank_shape(x: Described, q: Described, r: Described, a: Described) -> tuple[int, ...]:
    if len(a.shape) < 2 or q.shape != a.shape or r.shape != (*a.shape[:-2], *a.shape[-1:] * 2):
        raise ShapeError(f"shapes {q.shape} and {r.shape} are not those of Q and R of {a.shape}")
    return tuple(x.shape)


@linear(
    batch=all_stacked,
    links=first_unchanged,
    public=False,
    transposes=[lambda g, x, q, r, a: g, None, None, None],
    shape=_of_full_rank_shape,
    dtype=lambda x, q, r, a: x.dtype,
    source="with_full_rank({x}, {q}, {r}, {a})",
    latex=r"{x}",
    cases=[((2, 2), *np.linalg.qr(TALL), TALL, {})],
    passes_nan=(True,),
)
def with_full_rank(x: Array, q: Array, r: Array, a: Array) -> Array:
    """Return ``x``, if the columns of a = q r are linearly independent; else raise.

    A column that depends on those before it leaves only rounding on R's diagonal. Its size is
    known: the terms of qᵀa, which cancel there, each carry an error of the rounding unit.

    Raises
    ------
    numpy.linalg.LinAlgError
        If an entry on the diagonal is 0, or may be but for rounding.
    """
    left = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    rounding = max(np.shape(a)[-2:]) * np.finfo(np.asarray(r).dtype).eps
    lost = left <= rounding * (np.abs(q) * np.abs(a)).sum(axis=-2)
    if lost.any():
        column = int(np.argwhere(lost)[0][-1])
        raise np.linalg.LinAlgError(
            f"qr: column {column} of the matrix depends on those before it, to within rounding, "
            "and there Q and R have no derivative; leave the column out, or move it slightly"
        )
    return np.asarray(x)


def _qr_vjp(g: Cotangent, y: AnyArray, a: AnyArray) -> Sequence[Any]:
    """(q̄ + q copyltu(r r̄ᵀ - q̄ᵀ q)) r⁻ᵀ; copyltu mirrors the lower triangle [2]_."""
    rows = a.shape[-2]
    q, r = _split(y, rows)
    r = with_full_rank(r, q, r, a)
    g_q, g_r = _split(g, rows)
    turned = mirror(chain(r, g_r.mT) - chain(g_q.mT, q))
    return [solve(r, (g_q + chain(q, turned)).mT).mT]


def _qr_jvp(tangents: Sequence[Any], y: AnyArray, a: AnyArray) -> AnyArray:
    """With x = ȧ r⁻¹ and qᵀ x = ω + ρ, ω antisymmetric, ρ upper: q̇ = x - q ρ and ṙ = ρ r."""
    q, r = _split(y, a.shape[-2])
    r = with_full_rank(r, q, r, a)
    x = solve(r.mT, tangents[0].mT).mT
    inside = chain(q.mT, x)
    below = tril(inside, k=-1)
    upper = inside - below + below.mT
    return concatenate([x - chain(q, upper), chain(upper, r)], axis=-2)


def _qr_shape(a: Described) -> tuple[int, ...]:
    if (error := _qr_error(a)) is not None:
        raise ValueError(error)
    *batch, m, n = a.shape
    return (*batch, m + n, n)


def _qr_error(a: Described) -> str | None:
    if (error := explain_not_matrix(a)) is not None:
        return error
    return None if a.shape[-2] >= a.shape[-1] else f"got shape {a.shape}; expected m >= n"


@general(
    batch=stacked,
    links=linked_matrices,
    public=False,
    vjp=_qr_vjp,
    jvp=_qr_jvp,
    shape=_qr_shape,
    dtype=real_dtype,
    source="np.concatenate(np.linalg.qr({a}), axis=-2)",
    latex=r"\operatorname{{qr}}\left({a}\right)",
    explain_error=_qr_error,
    cases=[(SQUARE, {}), (TALL, {}), (STACK, {})],
    flops=of_matrices,
)
def qr_packed(a: Array) -> Array:
    """Return the QR decomposition of matrices with m ≥ n in one array: q, (m, n), above r, (n, n).

    Raises
    ------
    numpy.linalg.LinAlgError
        When differentiated where the columns of ``a`` are linearly dependent.
    """
    q, r = np.linalg.qr(a)
    return np.concatenate([q, r], axis=-2)


class QRResult(NamedTuple):
    """a = Q R."""

    Q: Any
    R: Any


def qr(a: ArrayLike, mode: str = "reduced") -> Any:
    """Return the QR decomposition.

    Parameters
    ----------
    a : (..., m, n) array
        Its first min(m, n) columns must be linearly independent for a derivative.
    mode : "reduced", "complete" or "r"
        Q with min(m, n) columns, or with m (which has a derivative only for m ≤ n), or R alone.

    Examples
    --------
    >>> q, r = ad.linalg.qr(np.array([[0.0, 2.0], [-1.0, 1.0]]))
    >>> np.allclose(q @ r, [[0.0, 2.0], [-1.0, 1.0]])
    True
    """
    choose("mode of qr", mode, ("reduced", "complete", "r", "raw"))
    a = as_array(a)
    if a.ndim < 2:
        raise ShapeError(f"qr: {explain_not_matrix(a)}")
    m, n = a.shape[-2:]
    if mode == "raw" or (mode == "complete" and m > n):
        return without_derivative(
            np.linalg.qr,
            f"mode {mode!r} has no derivative for shape {a.shape}; use mode='reduced'",
            a,
            mode,
        )
    # The first m columns of a wide matrix fix Q; the others enter R alone.
    q, r = _split(qr_packed(a[..., :, :m]), m)
    if n > m:
        r = concatenate([r, chain(q.mT, a[..., :, m:])], axis=-1)
    return r if mode == "r" else QRResult(q, r)


NUMPY[np.linalg.qr] = qr
