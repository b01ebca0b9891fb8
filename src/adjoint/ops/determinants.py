"""Determinants, and the cofactors that are their derivatives.

References
----------
.. [1] Giles, "Collected matrix derivative results …", 2008, section 2.2.4.
.. [2] Stewart, "On the adjugate matrix", Linear Algebra and its Applications 283, 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent
from ..core.batching import Rows, stacked
from ..core.facts import of_matrices
from ..core.kinds import general, zeros_like
from ..core.links import of_matrices as linked_matrices
from ..core.registry import NUMPY
from .matrices import (
    SQUARE,
    STACK,
    chain,
    explain_not_square,
    of_diagonal,
    on_diagonal,
    per_matrix,
    real_dtype,
    scalar_product,
    square_shape,
)
from .piecewise import sign, where
from .products import matmul, strong_multiply
from .solvers import inv
from .structural import as_array, stack, stop_gradient, transpose
from .svd import svd

_SINGULAR = np.array([[1.0, 2.0, 0.5], [2.0, 4.0, 1.0], [0.3, -0.2, 1.0]])


@general(
    batch=stacked,
    links=linked_matrices,
    vjp=lambda g, y, a: [strong_multiply(per_matrix(g), cofactor(a))],
    jvp=lambda tangents, y, a: scalar_product(tangents[0], cofactor(a)),
    shape=lambda a: square_shape(a)[:-2],
    dtype=real_dtype,
    source="np.linalg.det({a})",
    latex=r"\det\left({a}\right)",
    numpy=[np.linalg.det],
    explain_error=explain_not_square,
    cases=[
        (SQUARE, {}),
        (STACK, {}),
        (_SINGULAR, {}),
        (np.eye(3), {}),
        (np.array([[2.0]]), {}),
    ],
    flops=of_matrices,
)
def det(a: Array) -> Array:
    """Return the determinants of square matrices; the derivative is right at singular ones too.

    >>> ad.grad(ad.det)(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12)  # singular: the cofactors
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return np.linalg.det(a)


def _all_but_two(s: AnyArray) -> AnyArray:
    """Return the product of all s_k but those with k = i or k = j, and 0 where i = j."""
    size = s.shape[-1]
    names = np.arange(size)
    product: Any = 1 - np.eye(size, dtype=s.dtype)
    for k in range(size):
        left_out = (names == k)[:, None] | (names == k)
        product = where(left_out, 1.0, s[..., k, None, None]) * product
    return product


def _cofactor_slope(t: AnyArray, a: AnyArray) -> AnyArray:
    """Return the change of the cofactors along ``t``, which is its own transpose.

    With a = u diag(s) vᵀ and e = uᵀ t v it is ± u d vᵀ, where d_ij = -e_ji p_ij off the diagonal,
    d_ii = Σ_k p_ik e_kk, and p_ij is the product of all s but s_i and s_j: the expansion of the
    minors of diag(s) + e to first order. Nothing is divided by, so it holds at singular matrices.
    """
    u, s, vh = svd(a, full_matrices=False)
    sides = stop_gradient(sign(det(u) * det(vh)))
    rest = _all_but_two(s)
    e = chain(u.mT, t, vh.mT)
    on = matmul(rest, of_diagonal(e)[..., None])[..., 0]
    d = on_diagonal(on) - strong_multiply(rest, e.mT)
    return strong_multiply(per_matrix(sides), chain(u, d, vh))


@general(
    batch=stacked,
    links=linked_matrices,
    public=False,
    vjp=lambda g, y, a: [_cofactor_slope(g, a)],
    jvp=lambda tangents, y, a: _cofactor_slope(tangents[0], a),
    shape=square_shape,
    dtype=real_dtype,
    source="cofactor({a})",
    latex=r"\operatorname{{cof}}\left({a}\right)",
    explain_error=explain_not_square,
    cases=[(SQUARE, {}), (STACK, {}), (np.array([[2.0]]), {}), (np.zeros((0, 0)), {})],
    flops=of_matrices,
)
def cofactor(a: Array) -> Array:
    """Return the matrices of cofactors, det(a) a⁻ᵀ, of singular matrices too.

    With a = u diag(s) vᵀ it is ± u diag(p) vᵀ, where p_i is the product of all s but s_i, as
    Stewart shows in "On the adjugate matrix", 1998.

    >>> ad.linalg.cofactor(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    u, s, vh = np.linalg.svd(a)
    left_out = np.eye(s.shape[-1], dtype=bool)
    products = np.where(left_out, s.dtype.type(1), s[..., None, :]).prod(axis=-1)
    sides = np.sign(np.linalg.det(u) * np.linalg.det(vh))
    return (u * (products * sides[..., None])[..., None, :]) @ vh


def _slogdet_vjp(g: Cotangent, y: AnyArray, a: AnyArray) -> Sequence[Any]:
    return [strong_multiply(per_matrix(g[1]), inv(a).mT)]


def _slogdet_jvp(tangents: Sequence[Any], y: AnyArray, a: AnyArray) -> AnyArray:
    moved = scalar_product(tangents[0], inv(a).mT)
    return stack([zeros_like(moved), moved])


def _slogdet_in_rows(rows: Rows) -> Any:
    found = rows.apply(rows.operands)
    return transpose(found, axes=(1, 0, *range(2, found.ndim)))


@general(
    batch=_slogdet_in_rows,
    public=False,
    vjp=_slogdet_vjp,
    jvp=_slogdet_jvp,
    shape=lambda a: (2, *square_shape(a)[:-2]),
    dtype=real_dtype,
    source="np.stack(np.linalg.slogdet({a}))",
    latex=r"\operatorname{{slogdet}}\left({a}\right)",
    explain_error=explain_not_square,
    cases=[(SQUARE, {}), (STACK, {}), (-np.array([[2.0]]), {})],
    flops=of_matrices,
)
def slogdet_packed(a: Array) -> Array:
    """Return the sign and the logarithm of the absolute value of determinants, stacked."""
    return np.stack(np.linalg.slogdet(a))


class SlogdetResult(NamedTuple):
    """The determinant is sign · exp(logabsdet)."""

    sign: Any
    logabsdet: Any


def slogdet(a: ArrayLike) -> SlogdetResult:
    """Return the sign and the logarithm of the absolute value of determinants.

    The sign is a constant. The gradient of the logarithm is the transposed inverse; at a singular
    matrix, where the logarithm is -∞, asking for it raises NumPy's LinAlgError.

    >>> sign, logarithm = ad.linalg.slogdet(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> float(sign), float(logarithm)
    (-1.0, 0.0)
    """
    packed = slogdet_packed(as_array(a))
    return SlogdetResult(stop_gradient(packed[0]), packed[1])


NUMPY[np.linalg.slogdet] = slogdet
