"""Eigenvalues and eigenvectors of symmetric matrices.

NumPy reads one triangle of the matrix and takes the other for its mirror image; so does the
derivative, which is that of what is computed: the gradient lies in the triangle that is read, where
an entry off the diagonal counts twice. For a symmetric gradient differentiate by a symmetric
expression, ``eigh((x + x.T) / 2)``.

At a repeated eigenvalue the eigenvalues together have a derivative, the eigenvectors have none:
the gradient of a function of the eigenvalues alone is right there if it treats the repeated ones
alike, and a derivative that needs the eigenvectors' raises an error. That includes functions that
are smooth although they go by the eigenvectors, and second derivatives: what the repeated
eigenvalues' vectors contribute is a quotient 0/0, and every number given for it would be a guess.

References
----------
.. [1] Giles, "Collected matrix derivative results …", 2008, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described
from ..core.batching import all_stacked, stacked
from ..core.facts import of_matrices
from ..core.kinds import general, linear, zeros_like
from ..core.links import first_unchanged
from ..core.links import of_matrices as linked_matrices
from ..core.registry import NUMPY
from ..core.views import own
from ..errors import choose
from .arithmetic import divide
from .matrices import (
    POSITIVE,
    STACK,
    chain,
    explain_not_square,
    of_diagonal,
    on_diagonal,
    real_dtype,
    square_shape,
    without_derivative,
)
from .products import strong_multiply
from .structural import as_array, concatenate

What = Literal["eigenvalue", "singular value"]


def half_triangle(x: AnyArray, uplo: str) -> AnyArray:
    """Return the weights 1 in a triangle and 1/2 on the diagonal."""
    size = x.shape[-1]
    lower = np.tri(size, k=-1, dtype=x.dtype)
    return (lower if uplo == "L" else lower.T) + np.eye(size, dtype=x.dtype) / 2


def mirror(x: AnyArray, uplo: str = "L") -> AnyArray:
    """Return the symmetric matrix of which one triangle is given."""
    half = strong_multiply(x, half_triangle(x, uplo))
    return half + half.mT


def fold(g: Cotangent, uplo: str = "L") -> AnyArray:
    """Return what a cotangent of the mirrored matrix is for the triangle: `mirror`'s transpose."""
    return strong_multiply(g + g.mT, half_triangle(g, uplo))


def inverse_gaps(values: AnyArray) -> AnyArray:
    """Return 1 / (λ_j - λ_i), and 0 on the diagonal; infinite for a repeated value."""
    eye = np.eye(values.shape[-1], dtype=values.dtype)
    gaps = values[..., None, :] - values[..., :, None]
    return divide(1 - eye, gaps + eye)


@linear(
    batch=all_stacked,
    links=first_unchanged,
    public=False,
    transposes=[lambda g, x, values, *, what: checked(g, values, what=what), None],
    shape=lambda x, values, *, what: tuple(x.shape),
    dtype=lambda x, values, *, what: x.dtype,
    source="checked({x}, {values}{params})",
    latex=r"{x}",
    cases=[((2, 3), np.array([1.0, 2.0, 3.0]), {"what": "eigenvalue"})],
    passes_nan=(True,),
)
def checked(x: Array, values: Array, *, what: What) -> Array:
    """Return ``x``, if all of ``values`` differ; else raise.

    What a derivative of eigenvectors or singular vectors goes through.

    Raises
    ------
    numpy.linalg.LinAlgError
        At repeated eigenvalues, and repeated or zero singular values.
    """
    ordered = np.sort(np.asarray(values), axis=-1)
    repeated = ordered[..., 1:][ordered[..., 1:] == ordered[..., :-1]]
    zero = ordered[ordered == 0] if what == "singular value" else repeated[:0]
    for found, problem in ((zero, "zero"), (repeated, "repeated")):
        if found.size:
            raise np.linalg.LinAlgError(
                f"the vectors of a {problem} {what} ({found[0]:.6g}) have no derivative, and a "
                "first or second derivative that goes by way of them is not determined; "
                "differentiate a function of the values alone, or move the matrix slightly"
            )
    return np.asarray(x)


def _guarded_jvp(
    tangents: Sequence[Any], y: AnyArray, vectors: AnyArray, values: AnyArray, *, what: str
) -> AnyArray:
    t = zeros_like(y) if tangents[0] is None else tangents[0]
    return checked(t, values, what=what)


@general(
    batch=all_stacked,
    public=False,
    vjp=lambda g, y, vectors, values, *, what: [checked(g, values, what=what), None],
    jvp=_guarded_jvp,
    shape=lambda vectors, values, *, what: tuple(vectors.shape),
    dtype=lambda vectors, values, *, what: vectors.dtype,
    source="{vectors}",
    latex=r"{vectors}",
    cases=[((2, 3), np.array([1.0, 2.0, 3.0]), {"what": "eigenvalue"})],
    finite=True,
    passes_nan=(True,),
)
def guarded(vectors: Array, values: Array, *, what: What) -> Array:
    """Return the vectors; where two of their values are equal, their derivatives raise."""
    return np.asarray(vectors)


def _values_and_vectors(packed: AnyArray) -> tuple[Any, Any]:
    values = own(packed[..., 0, :])
    return values, guarded(packed[..., 1:, :], values, what="eigenvalue")


def _eigh_vjp(g: Cotangent, y: AnyArray, a: AnyArray, *, uplo: str) -> Sequence[Any]:
    """v (diag(w̄) + F ⊙ vᵀ v̄) vᵀ with F_ij = 1 / (w_j - w_i) [1]_."""
    w, v = _values_and_vectors(y)
    turned = strong_multiply(inverse_gaps(w), chain(v.mT, g[..., 1:, :]))
    return [fold(chain(v, turned + on_diagonal(g[..., 0, :]), v.mT), uplo)]


def _eigh_jvp(tangents: Sequence[Any], y: AnyArray, a: AnyArray, *, uplo: str) -> AnyArray:
    """ẇ = diag(vᵀ ȧ v) and v̇ = v (F ⊙ vᵀ ȧ v)."""
    w, v = _values_and_vectors(y)
    change = chain(v.mT, mirror(tangents[0], uplo), v)
    t_v = chain(v, strong_multiply(inverse_gaps(w), change))
    return concatenate([of_diagonal(change)[..., None, :], t_v], axis=-2)


def _packed_shape(a: Described, **_: object) -> tuple[int, ...]:
    shape = square_shape(a)
    return (*shape[:-2], shape[-1] + 1, shape[-1])


@general(
    batch=stacked,
    links=linked_matrices,
    public=False,
    vjp=_eigh_vjp,
    jvp=_eigh_jvp,
    shape=_packed_shape,
    dtype=real_dtype,
    source="eigh_packed({a}{params})",
    latex=r"\operatorname{{eigh}}\left({a}{params}\right)",
    explain_error=explain_not_square,
    cases=[(POSITIVE, {}), (POSITIVE, {"uplo": "U"}), (STACK, {}), (np.array([[2.0]]), {})],
    flops=of_matrices,
)
def eigh_packed(a: Array, *, uplo: Literal["L", "U"] = "L") -> Array:
    """Return eigenvalues and eigenvectors of symmetric matrices in one array.

    Returns
    -------
    (..., n + 1, n) array
        The eigenvalues, in rising order, above the matrix whose columns are the eigenvectors.
    """
    values, vectors = np.linalg.eigh(a, uplo)
    return np.concatenate([values[..., None, :], vectors], axis=-2)


class EighResult(NamedTuple):
    """Eigenvalues in rising order, (..., n), and eigenvectors in the columns of (..., n, n)."""

    eigenvalues: Any
    eigenvectors: Any


def eigh(a: ArrayLike, UPLO: str = "L") -> EighResult:
    """Return the eigenvalues and eigenvectors of symmetric matrices.

    Parameters
    ----------
    a : (..., n, n) array
        Only one triangle is read, and the gradient lies in it; see the top of this module.
    UPLO : "L" or "U"
        The lower or the upper one.

    Examples
    --------
    >>> a = np.array([[2.0, 1.0], [1.0, 2.0]])
    >>> ad.linalg.eigh(a).eigenvalues.round(9)
    array([1., 3.])
    >>> ad.grad(lambda a: ad.linalg.eigh(a).eigenvalues[1])(a).round(9)  # in the lower triangle
    array([[0.5, 0. ],
           [1. , 0.5]])
    """
    uplo = choose("triangle", str(UPLO).upper(), ("L", "U"))
    return EighResult(*_values_and_vectors(eigh_packed(as_array(a), uplo=uplo)))


def eigvalsh(a: ArrayLike, UPLO: str = "L") -> AnyArray:
    """Return the eigenvalues of symmetric matrices, in rising order; ``UPLO`` is that of `eigh`.

    >>> ad.linalg.eigvalsh(np.array([[2.0, 1.0], [1.0, 2.0]])).round(9)
    array([1., 3.])
    """
    return eigh(a, UPLO).eigenvalues


_ADVICE = (
    "the eigenvalues of a general matrix are complex numbers, which are out of scope; use "
    "np.linalg.eigh or eigvalsh if the matrix is symmetric"
)


def eig(a: ArrayLike) -> Any:
    """Refuse: eigenvalues of general matrices are complex. Constants are NumPy's to answer.

    >>> values, vectors = ad.linalg.eig(np.array([[2.0, 0.0], [0.0, 3.0]]))
    >>> values
    array([2., 3.])
    """
    return without_derivative(np.linalg.eig, _ADVICE, a)


def eigvals(a: ArrayLike) -> Any:
    """Refuse: eigenvalues of general matrices are complex. Constants are NumPy's to answer.

    >>> ad.linalg.eigvals(np.array([[2.0, 0.0], [0.0, 3.0]]))
    array([2., 3.])
    """
    return without_derivative(np.linalg.eigvals, _ADVICE, a)


NUMPY.update(
    {
        np.linalg.eigh: eigh,
        np.linalg.eigvalsh: eigvalsh,
        np.linalg.eig: eig,
        np.linalg.eigvals: eigvals,
    }
)
