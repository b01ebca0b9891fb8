"""A matrix, or a stack of them in the last two axes: what the cards of linear algebra share.

References
----------
.. [1] Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
   differentiation", 2008.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Described
from ..core.batching import stacked
from ..core.kinds import constant, dtype_of
from ..core.metadata import Tolerance
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..core.value import Value
from .axes import matrix_transpose
from .diagonals import diagonal, trace
from .products import strong_matmul, strong_multiply
from .reductions import sum
from .structural import as_array

# Well conditioned, and far from every tie: where the contract exercises the cards.
SQUARE = np.array([[2.0, 0.5, -0.3], [0.4, 1.5, 0.2], [-0.1, 0.6, 1.1]])
STACK = np.stack([SQUARE[:2, :2], SQUARE[1:, 1:], SQUARE[::2, ::2]])
TALL = np.array([[1.0, 0.4], [-0.3, 1.2], [0.5, 0.7]])
POSITIVE = SQUARE @ SQUARE.T


def chain(first: AnyArray, *others: AnyArray) -> AnyArray:
    """Return the matrix product of all, in which 0·∞ is 0: one of them is a cotangent."""
    return functools.reduce(lambda x, y: strong_matmul.bind((x, y), {}), others, first)


def scale_columns(x: AnyArray, factors: AnyArray) -> AnyArray:
    """Return a matrix with each column multiplied by its own factor; 0·∞ is 0."""
    return strong_multiply(x, factors[..., None, :])


def on_diagonal(x: AnyArray) -> AnyArray:
    """Return matrices with the vectors ``x`` on their diagonals."""
    return strong_multiply(x[..., None, :], np.eye(x.shape[-1], dtype=x.dtype))


def of_diagonal(x: AnyArray) -> AnyArray:
    """Return the diagonals of square matrices."""
    return sum(strong_multiply(x, np.eye(x.shape[-1], dtype=x.dtype)), axis=-1)


def scalar_product(x: AnyArray, y: AnyArray) -> AnyArray:
    """Return the sum of the products of the entries of each pair of matrices."""
    return sum(strong_multiply(x, y), axis=(-2, -1))


def per_matrix(x: AnyArray) -> AnyArray:
    """Return one number a matrix with two more axes, so that it broadcasts against matrices."""
    return x[..., None, None]


def real_dtype(*operands: Described, **_: object) -> np.dtype[Any]:
    """Return the dtype that NumPy's linear algebra computes in: integers become float64."""
    promoted = dtype_of(*operands)
    return promoted if promoted.kind == "f" else np.dtype(np.float64)


def explain_not_matrix(a: Described, **_: object) -> str | None:
    """Return what is wrong with a shape that has not two axes."""
    shape = shape_of(a)
    return f"got shape {shape}; expected a matrix, (..., m, n)" if len(shape) < 2 else None


def explain_not_square(a: Described, **_: object) -> str | None:
    """Return what is wrong with a shape that is not that of square matrices."""
    shape = shape_of(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        return f"got shape {shape}; expected square matrices, (..., n, n)"
    return None


def square_shape(a: Described, **_: object) -> tuple[int, ...]:
    """Return the shape of square matrices, or raise."""
    if (error := explain_not_square(a)) is not None:
        raise ValueError(error)
    return tuple(a.shape)


def without_derivative(
    function: Callable[..., Any], advice: str, a: ArrayLike, *args: Any, **kwargs: Any
) -> Any:
    """Return NumPy's result for constants; for a value that is differentiated raise with advice."""
    if not isinstance(a, Value):
        return function(a, *args, **kwargs)
    try:
        return a.fallback(function, (a, *args), kwargs)
    except TypeError as error:
        raise TypeError(f"np.linalg.{function.__name__}: {advice}") from error


@constant(
    batch=stacked,
    shape=lambda A, **_: tuple(A.shape[:-2]),
    dtype=lambda A, **_: np.dtype(np.intp),
    source="np.linalg.matrix_rank({A}{params})",
    latex=r"\operatorname{{rank}}\left({A}{params}\right)",
    numpy=[np.linalg.matrix_rank],
    explain_error=explain_not_matrix,
    cases=[(SQUARE, {}), (STACK, {}), (TALL, {"tol": 1.3})],
)
def matrix_rank(
    A: Array, *, tol: Tolerance = None, hermitian: bool = False, rtol: Tolerance = None
) -> Array:
    """Return the number of singular values above a tolerance: an integer, without derivative.

    Parameters
    ----------
    A : (..., m, n) array
    tol, rtol : float or array, optional
        The tolerance itself, or that part of the greatest value; by default the rounding unit times
        the greater of m and n.
    hermitian : bool
        Whether the matrices are symmetric, which is faster.

    Examples
    --------
    >>> int(ad.matrix_rank(np.array([[1.0, 2.0], [2.0, 4.0]])))
    1
    """
    return np.asarray(np.linalg.matrix_rank(A, tol, hermitian, rtol=rtol), np.intp)[()]


def _matrix_diagonal(x: ArrayLike, /, *, offset: int = 0) -> AnyArray:
    return diagonal(as_array(x), offset=offset, axis1=-2, axis2=-1)


def _matrix_trace(x: ArrayLike, /, *, offset: int = 0) -> AnyArray:
    return trace(as_array(x), offset, -2, -1)


NUMPY.update(
    {
        np.linalg.diagonal: _matrix_diagonal,
        np.linalg.trace: _matrix_trace,
        np.linalg.matrix_transpose: matrix_transpose,
    }
)
