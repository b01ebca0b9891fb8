"""The singular value decomposition.

The singular values have a derivative wherever they are not 0; at 0 it is 0, as that of the absolute
value. The singular vectors have none at a singular value that is 0 or repeated: a derivative that
needs theirs raises an error, as `adjoint.ops.eigen` explains.

References
----------
.. [1] Townsend, "Differentiating the Singular Value Decomposition", 2016.
.. [2] Giles, "Collected matrix derivative results …", 2008, section 3.2.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described
from ..core.batching import stacked
from ..core.facts import of_matrices
from ..core.kinds import general
from ..core.links import of_matrices as linked_matrices
from ..core.registry import NUMPY
from ..core.views import own
from .arithmetic import divide
from .eigen import guarded, inverse_gaps
from .logic import equal, less_equal
from .matrices import (
    SQUARE,
    STACK,
    TALL,
    chain,
    explain_not_matrix,
    of_diagonal,
    on_diagonal,
    real_dtype,
    scale_columns,
    without_derivative,
)
from .piecewise import absolute, sign, where
from .products import strong_multiply
from .reductions import sum
from .structural import as_array, concatenate, stop_gradient


def _parts(packed: AnyArray, rows: int) -> tuple[Any, Any, Any]:
    """Return the vectors u, the values s and the vectors v of a packed decomposition."""
    s = packed[..., 0]
    vectors = guarded(packed[..., 1:], s, what="singular value")
    return vectors[..., :rows].mT, s, vectors[..., rows:].mT


def _weights(s: AnyArray) -> AnyArray:
    """Return s_j / (s_j² - s_i²), and 0 on the diagonal, without over- or underflow of squares."""
    half = 0.5 * s
    row, total = half[..., None, :], half[..., None, :] + half[..., :, None]
    share = divide(row, where(equal(total, 0), 1.0, total))
    return strong_multiply(inverse_gaps(s), share)


def _turn(weights: AnyArray, x: AnyArray) -> AnyArray:
    """Return w ⊙ (x - xᵀ), in two parts so that a repeated value shows as infinite."""
    return strong_multiply(weights, x) - strong_multiply(weights, x.mT)


def _svd_vjp(g: Cotangent, y: AnyArray, a: AnyArray) -> Sequence[Any]:
    """Return equation 31 of [1]_: the values' part, and those of u and v inside and outside."""
    m, n = a.shape[-2:]
    u, s, v = _parts(y, m)
    g_u, g_s, g_v = g[..., 1 : 1 + m].mT, g[..., 0], g[..., 1 + m :].mT
    weights = _weights(s)
    in_u, in_v = chain(u.mT, g_u), chain(v.mT, g_v)
    middle = on_diagonal(strong_multiply(g_s, sign(s)))
    middle = middle + _turn(weights, in_u) + _turn(weights, in_v).mT
    d_a = chain(u, middle, v.mT)
    inverse = divide(1.0, s)
    if m > n:
        d_a = d_a + chain(scale_columns(g_u - chain(u, in_u), inverse), v.mT)
    if n > m:
        d_a = d_a + chain(u, scale_columns(g_v - chain(v, in_v), inverse).mT)
    return [d_a]


def _spin(weights: AnyArray, change: AnyArray) -> AnyArray:
    """Return the antisymmetric w ⊙ x - (w ⊙ x)ᵀ, by which vectors turn."""
    part = strong_multiply(weights, change)
    return part - part.mT


def _svd_jvp(tangents: Sequence[Any], y: AnyArray, a: AnyArray) -> AnyArray:
    """Return equations 14, 17 and 18 of [1]_."""
    t = tangents[0]
    m, n = a.shape[-2:]
    u, s, v = _parts(y, m)
    change = chain(u.mT, t, v)
    weights, inverse = _weights(s), divide(1.0, s)
    t_u, t_v = chain(u, _spin(weights, change)), chain(v, _spin(weights, change.mT))
    if m > n:
        t_u = t_u + scale_columns(chain(t, v) - chain(u, change), inverse)
    if n > m:
        t_v = t_v + scale_columns(chain(t.mT, u) - chain(v, change.mT), inverse)
    t_s = strong_multiply(of_diagonal(change), sign(s))
    return concatenate([t_s[..., None], t_u.mT, t_v.mT], axis=-1)


def _packed_shape(a: Described) -> tuple[int, ...]:
    if (error := explain_not_matrix(a)) is not None:
        raise ValueError(error)
    *batch, m, n = a.shape
    return (*batch, min(m, n), 1 + m + n)


@general(
    batch=stacked,
    links=linked_matrices,
    public=False,
    vjp=_svd_vjp,
    jvp=_svd_jvp,
    shape=_packed_shape,
    dtype=real_dtype,
    source="svd_packed({a})",
    latex=r"\operatorname{{svd}}\left({a}\right)",
    explain_error=explain_not_matrix,
    cases=[(SQUARE, {}), (TALL, {}), (TALL.T, {}), (STACK, {}), (np.array([[2.0]]), {})],
    flops=of_matrices,
)
def svd_packed(a: Array) -> Array:
    """Return the reduced singular value decomposition in one array.

    Returns
    -------
    (..., k, 1 + m + n) array
        In row i the i-th singular value, the i-th left and the i-th right singular vector, for
        k = min(m, n).
    """
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([s[..., None], np.swapaxes(u, -1, -2), vh], axis=-1)


class SVDResult(NamedTuple):
    """a = U diag(S) Vh."""

    U: Any
    S: Any
    Vh: Any


def svd(
    a: ArrayLike, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Return the singular value decomposition, or with ``compute_uv=False`` the values alone.

    Parameters
    ----------
    a : (..., m, n) array
    full_matrices : bool
        Complete U and Vh to square matrices. The added columns are any basis of what is left and
        have no derivative: only matrices that are square anyway, or constants, are taken.
    hermitian : bool
        Only for constants.

    Examples
    --------
    >>> a = np.array([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
    >>> u, s, vh = ad.linalg.svd(a, full_matrices=False)
    >>> s, np.allclose((u * s) @ vh, a)
    (array([2., 1.]), True)
    """
    a = as_array(a)
    if hermitian:
        return without_derivative(
            np.linalg.svd,
            "hermitian=True has no derivative in adjoint; use np.linalg.eigh instead",
            a,
            full_matrices,
            compute_uv,
            hermitian,
        )
    if not compute_uv:
        return svdvals(a)
    if full_matrices and a.ndim > 1 and a.shape[-1] != a.shape[-2]:
        return without_derivative(
            np.linalg.svd,
            f"the matrices of shape {a.shape} are not square, and the vectors that "
            "full_matrices=True adds have no derivative; use full_matrices=False",
            a,
        )
    rows = a.shape[-2] if a.ndim > 1 else 0
    u, s, v = _parts(svd_packed(a), rows)
    return SVDResult(own(u), own(s), own(v.mT))


def svdvals(x: ArrayLike, /) -> AnyArray:
    """Return the singular values, in falling order; the derivative at a value 0 is 0.

    >>> ad.linalg.svdvals(np.array([[0.0, 2.0], [0.0, 0.0]]))
    array([2., 0.])
    >>> ad.grad(lambda a: ad.linalg.svdvals(a).sum())(np.array([[0.0, 2.0], [0.0, 0.0]]))
    array([[0., 1.],
           [0., 0.]])
    """
    return own(svd_packed(as_array(x))[..., 0])


def firm_svdvals(x: ArrayLike) -> AnyArray:
    """Return the singular values, those that may be 0 but for rounding as constants.

    A singular matrix gets values of 1e-17 rather than 0, and their vectors are noise, which would
    be the gradient. |u|ᵀ|x||v| bounds the rounding errors of a value's computation: what is not
    above them is taken as a constant.
    """
    x = as_array(x)
    packed = svd_packed(x)
    u, s, v = _parts(stop_gradient(packed), x.shape[-2])
    sizes = chain(absolute(stop_gradient(x)), absolute(v))
    rounding = np.finfo(packed.dtype).eps * builtins.max(x.shape[-2:])
    noise = rounding * sum(absolute(u) * sizes, axis=-2)
    return where(less_equal(s, noise), s, packed[..., 0])


NUMPY.update({np.linalg.svd: svd, np.linalg.svdvals: svdvals})
