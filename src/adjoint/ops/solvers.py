"""Solvers undo a product with a matrix: inverses, linear equations and least squares.

References
----------
.. [1] Giles, "Collected matrix derivative results …", 2008, sections 2.2.3 and 2.3.1.
.. [2] Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
   problems whose variables separate", SIAM Journal on Numerical Analysis 10, 1973.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described, Params
from ..core.batching import Rows, reshaped, stacked, with_axes
from ..core.facts import of_matrices
from ..core.kinds import general, zeros_like
from ..core.links import by_names
from ..core.links import of_matrices as linked_matrices
from ..core.metadata import Tolerance
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..core.views import own
from ..errors import ShapeError
from .eigen import mirror
from .exponential import square
from .matrices import (
    SQUARE,
    STACK,
    TALL,
    chain,
    explain_not_matrix,
    explain_not_square,
    matrix_rank,
    real_dtype,
    square_shape,
)
from .products import matmul
from .reductions import sum
from .structural import as_array, numbers, reshape, transpose
from .svd import svdvals


@general(
    batch=stacked,
    links=linked_matrices,
    vjp=lambda g, y, a: [-chain(y.mT, g, y.mT)],
    jvp=lambda tangents, y, a: -chain(y, tangents[0], y),
    shape=square_shape,
    dtype=real_dtype,
    source="np.linalg.inv({a})",
    latex="{{{a}}}^{{-1}}",
    numpy=[np.linalg.inv],
    explain_error=explain_not_square,
    cases=[(SQUARE, {}), (STACK, {}), (np.zeros((0, 0)), {})],
    flops=of_matrices,
)
def inv(a: Array) -> Array:
    """Return the inverses of square matrices; a singular one raises NumPy's LinAlgError.

    >>> ad.inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    >>> ad.grad(lambda a: ad.inv(a).sum())(np.array([[2.0]]))  # -1 / a²
    array([[-0.25]])
    """
    return np.linalg.inv(a)


def _solve_error(a: Described, b: Described) -> str | None:
    left, right = shape_of(a), shape_of(b)
    if (error := explain_not_square(a)) is not None:
        return error
    if not right or right[-2 if len(right) > 1 else 0] != left[-1]:
        return (
            f"got shapes {left} and {right}; expected (..., n, n) and (n,), or (..., n, k) for "
            "more than one right-hand side"
        )
    return None


def _solve_shape(a: Described, b: Described) -> tuple[int, ...]:
    if (error := _solve_error(a, b)) is not None:
        raise ValueError(error)
    if len(b.shape) == 1:
        return tuple(a.shape[:-1])
    return (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])


def _solve_links(out: Described, args: Sequence[Any], params: Params) -> Any:
    """Link each solution to its matrix and its right-hand side, column by column."""
    a, b = args
    stack = range(a.ndim - 2)[::-1]  # counted from behind, as broadcasting aligns axes
    is_vector = b.ndim == 1
    columns = [] if is_vector else ["column"]
    behind = range(len(out.shape) - 1 - len(columns))[::-1]
    given = [*range(b.ndim - 1 - len(columns))[::-1], "given", *columns]
    return by_names(out, args, [[*stack, "row", "inner"], given], [*behind, "solution", *columns])


def _solve_vjp(g: Cotangent, y: AnyArray, a: AnyArray, b: AnyArray) -> Sequence[Any]:
    """With d_b = a⁻ᵀ g, d_a = -d_b yᵀ [1]_."""
    if b.ndim > 1:
        d_b = solve(a.mT, g)
        return -chain(d_b, y.mT), d_b
    d_b = solve(a.mT, g[..., None])
    return -chain(d_b, y[..., None, :]), d_b[..., 0]


def _solve_jvp(tangents: Sequence[Any], y: AnyArray, a: AnyArray, b: AnyArray) -> AnyArray:
    """Solve a ẏ = ḃ - ȧ y."""
    t_a, t_b = tangents
    column = b.ndim == 1
    change: AnyArray | float = 0.0
    if t_a is not None:
        change = -chain(t_a, y[..., None] if column else y)
    if t_b is not None:
        change = change + (t_b[..., None] if column else t_b)
    moved = solve(a, change)
    return moved[..., 0] if column else moved


def _solve_in_rows(rows: Rows) -> Any:
    """Batch the solution of equations; with one matrix for all rows, as one of many right sides."""
    a, b = rows.operands
    if rows.ndim(1) > 1:
        ndim = max(rows.ndim(0), rows.ndim(1))
        return rows.apply(rows.aligned(ndim))
    if not rows.mapped[0] and a.ndim == 2:
        return solve(a, b.T).T
    columns = reshaped(b, (*shape_of(b), 1))
    ndim = rows.ndim(0)
    return rows.shaped(solve(a, with_axes(columns, ndim) if rows.mapped[1] else columns))


@general(
    batch=_solve_in_rows,
    links=_solve_links,
    vjp=_solve_vjp,
    jvp=_solve_jvp,
    shape=_solve_shape,
    dtype=real_dtype,
    source="np.linalg.solve({a}, {b})",
    latex=r"{{{a}}}^{{-1}} \, {b}",
    numpy=[np.linalg.solve],
    explain_error=_solve_error,
    cases=[
        (SQUARE, (3,), {}),
        (SQUARE, (3, 2), {}),
        (STACK, (2,), {}),
        (STACK, (3, 2, 1), {}),
        (STACK, (2, 3), {}),
        (SQUARE, (2, 3, 2), {}),
    ],
    flops=of_matrices,
)
def solve(a: Array, b: Array) -> Array:
    """Return the x of a x = b, without inverting a.

    Parameters
    ----------
    a : (..., n, n) array
    b : (n,) or (..., n, k) array
        One right-hand side, or k of them in the columns.

    Examples
    --------
    >>> a = np.array([[2.0, 0.0], [0.0, 4.0]])
    >>> ad.solve(a, np.array([2.0, 2.0]))
    array([1. , 0.5])
    >>> ad.grad(lambda b: ad.solve(a, b).sum())(np.array([2.0, 2.0]))
    array([0.5 , 0.25])
    """
    return np.linalg.solve(a, b)


def _pinv_vjp(g: Cotangent, p: AnyArray, a: AnyArray, *, rcond: Tolerance) -> Sequence[Any]:
    """-pᵀ g pᵀ + (1 - a p) gᵀ p pᵀ + pᵀ p gᵀ (1 - p a), the transpose of equation 4.12 of [2]_."""
    left = chain(g.mT, matmul(p, p.mT))
    right = chain(p.mT, p, g.mT)
    return [
        -chain(p.mT, g, p.mT) + left - chain(a, chain(p, left)) + right - chain(right, p, a),
    ]


def _pinv_jvp(tangents: Sequence[Any], p: AnyArray, a: AnyArray, *, rcond: Tolerance) -> AnyArray:
    t = tangents[0]
    left = chain(t.mT, p.mT, p)
    right = chain(p, p.mT, t.mT)
    return -chain(p, t, p) + left - chain(p, chain(a, left)) + right - chain(right, a, p)


def _inverted_shape(a: Described, **_: object) -> tuple[int, ...]:
    if (error := explain_not_matrix(a)) is not None:
        raise ValueError(error)
    return (*a.shape[:-2], a.shape[-1], a.shape[-2])


@general(
    batch=stacked,
    links=linked_matrices,
    public=False,
    vjp=_pinv_vjp,
    jvp=_pinv_jvp,
    shape=_inverted_shape,
    dtype=real_dtype,
    source="np.linalg.pinv({a}{params})",
    latex="{{{a}}}^{{+}}",
    explain_error=explain_not_matrix,
    cases=[(SQUARE, {}), (TALL, {}), (TALL.T, {"rcond": 1e-10}), (STACK, {})],
    flops=of_matrices,
)
def pseudo_inverse(a: Array, *, rcond: Tolerance = None) -> Array:
    """Return the Moore-Penrose inverse.

    It jumps where the rank changes; the derivative is that among matrices of the same rank.
    """
    return np.linalg.pinv(a) if rcond is None else np.linalg.pinv(a, rcond)


def pinv(
    a: ArrayLike, rcond: Tolerance = None, hermitian: bool = False, *, rtol: Tolerance = None
) -> AnyArray:
    """Return the Moore-Penrose inverse; singular values up to ``rcond`` of the greatest count as 0.

    It jumps where the rank changes; the derivative is that among matrices of the same rank.
    ``hermitian`` says that only the lower triangle counts; ``rtol`` is another name of ``rcond``.

    >>> ad.linalg.pinv(np.array([[2.0, 0.0], [0.0, 0.0]]))
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    a = mirror(as_array(a)) if hermitian else as_array(a)
    return pseudo_inverse(a, rcond=rtol if rcond is None else rcond)


class LstsqResult(NamedTuple):
    """What `lstsq` returns."""

    x: Any
    residuals: Any
    rank: Any
    singular_values: Any


def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> LstsqResult:
    """Return the least-squares solution of a x = b, the shortest if there are many.

    Parameters
    ----------
    a : (m, n) array
    b : (m,) or (m, k) array
    rcond : float, optional
        Singular values up to this part of the greatest count as 0; by default the rounding unit
        times the greater of m and n.

    Returns
    -------
    x, residuals, rank, singular_values
        As NumPy gives them: the residuals (sums of squares, one a column) are empty unless m > n
        and the rank is n. The derivative is that among matrices of the same rank.

    Examples
    --------
    >>> a, b = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 3.0, 5.0])
    >>> ad.linalg.lstsq(a, b)[0].round(9)
    array([1., 2.])
    """
    a, b = as_array(a), as_array(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"lstsq: got shapes {a.shape} and {b.shape}; expected (m, n) and (m,) or (m, k)"
        )
    unit = float(np.finfo(real_dtype(a, b)).eps)
    cut = unit * max(a.shape) if rcond is None else unit if rcond < 0 else rcond
    x = matmul(pseudo_inverse(a, rcond=cut), b)
    s = svdvals(a)
    rank = matrix_rank(a, rtol=cut)
    if a.shape[0] <= a.shape[1] or int(numbers(rank, "lstsq")) < a.shape[1]:
        residuals: Any = np.zeros(0, x.dtype)
    else:
        residuals = reshape(sum(square(b - matmul(a, x)), axis=0), shape=(-1,))
    return LstsqResult(x, residuals, rank, s)


def tensorsolve(a: ArrayLike, b: ArrayLike, axes: Sequence[int] | None = None) -> AnyArray:
    """Return the x with tensordot(a, x, x.ndim) = b; ``axes`` of ``a`` are moved to its end.

    >>> ad.linalg.tensorsolve(2 * np.eye(6).reshape(6, 2, 3), np.arange(6.0))
    array([[0. , 0.5, 1. ],
           [1.5, 2. , 2.5]])
    """
    a, b = as_array(a), as_array(b)
    last = [n % a.ndim for n in axes or ()]
    moved: AnyArray = transpose(a, axes=(*(n for n in range(a.ndim) if n not in last), *last))
    shape = tuple(moved.shape[b.ndim :])
    size = math.prod(shape)
    if math.prod(moved.shape) != size**2 or tuple(b.shape) != tuple(moved.shape[: b.ndim]):
        raise ShapeError(
            f"tensorsolve: got shapes {moved.shape} and {b.shape}; expected as many unknowns, "
            f"{size} of shape {shape}, as equations"
        )
    x = solve(reshape(moved, shape=(size, size)), reshape(b, shape=(-1,)))
    return own(reshape(x, shape=shape))


def tensorinv(a: ArrayLike, ind: int = 2) -> AnyArray:
    """Return the inverse with respect to `tensordot` over the first ``ind`` axes.

    >>> ad.linalg.tensorinv(np.eye(6).reshape(2, 3, 6)).shape
    (6, 2, 3)
    """
    a = as_array(a)
    rows, columns = tuple(a.shape[:ind]), tuple(a.shape[ind:])
    if ind <= 0 or math.prod(rows) != math.prod(columns):
        raise ShapeError(f"tensorinv: shape {a.shape} cut after axis {ind} is not square")
    size = math.prod(rows)
    return own(reshape(inv(reshape(a, shape=(size, size))), shape=(*columns, *rows)))


def matrix_power(a: ArrayLike, n: int) -> AnyArray:
    """Return the product of ``n`` copies of a square matrix, or ``-n`` of its inverse.

    >>> ad.linalg.matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), 5)
    array([[1., 5.],
           [0., 1.]])
    """
    a = as_array(a)
    if (error := explain_not_square(a)) is not None:
        raise ShapeError(f"matrix_power: {error}")
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: exponent {n!r} must be an integer")
    if n < 0:
        return matrix_power(inv(a), -n)
    if n == 0:
        return zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    half = matrix_power(a, n // 2) if n > 1 else None
    if half is None:
        return a
    return matmul(matmul(half, half), a) if n % 2 else matmul(half, half)


NUMPY.update(
    {
        np.linalg.pinv: pinv,
        np.linalg.lstsq: lstsq,
        np.linalg.tensorsolve: tensorsolve,
        np.linalg.tensorinv: tensorinv,
        np.linalg.matrix_power: matrix_power,
    }
)
