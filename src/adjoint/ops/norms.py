"""Norms of vectors and matrices.

The gradient at the zero vector or matrix is 0; where several entries, rows or singular values are
the greatest (the smallest) at once, they share it.
"""

from __future__ import annotations

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Axis
from ..core.kinds import kept_shape, reduction
from ..core.metadata import Axes
from ..core.registry import NUMPY
from ..errors import ShapeError
from .arithmetic import divide
from .logic import bitwise_and, equal, greater, less
from .matrices import explain_not_matrix
from .piecewise import absolute, sign, where
from .products import strong_multiply
from .reductions import max, min, sum, usual_size, without_axes
from .reductions import norm as euclidean
from .solvers import inv
from .structural import as_array, astype, axis_indices, reshape, stop_gradient, transpose
from .svd import firm_svdvals, svdvals

# Which norm: an order, or the name of one of matrices; None for the Euclidean.
Order = float | str | None


def _floats(x: ArrayLike) -> AnyArray:
    x = as_array(x)
    return x if x.dtype.kind == "f" else astype(x, dtype=np.float64)


def _scale(x: AnyArray, order: float, axis: Axis) -> AnyArray:
    """Return the size that counts most, or 1 where that is 0 or infinite, as a constant."""
    most = (max if order > 0 else min)(absolute(stop_gradient(x)), axis=axis, keepdims=True)
    return where(bitwise_and(greater(most, 0), less(most, np.inf)), most, 1.0)


def _power_weights(
    y: AnyArray, x: AnyArray, *, order: float, axis: Axis, keepdims: bool
) -> AnyArray:
    """±(|x| / y)ᵖ⁻¹, of x and y over a scale, for y itself may have overflowed; 0 where y is 0."""
    scaled = divide(x, _scale(x, order, axis))
    length = power_norm(scaled, order=order, axis=axis, keepdims=True)
    sizes = absolute(scaled)
    # The greatest entry's share is 1 also where it and the length are infinite: ∞ / ∞ is NaN.
    share = where(equal(sizes, length), 1.0, divide(sizes, where(equal(length, 0), 1.0, length)))
    return where(equal(length, 0), 0.0, strong_multiply(sign(x), share ** (order - 1)))


def _power_norm(x: AnyArray, *, order: float, axis: Axes, keepdims: bool) -> AnyArray:
    sizes = absolute(x)
    scale = usual_size((max if order > 0 else min)(sizes, axis=axis, keepdims=True))
    total = sum(divide(sizes, scale) ** order, axis=axis, keepdims=True)
    return without_axes(total ** (1 / order) * scale, x, axis=axis, keepdims=keepdims)


@reduction(
    public=False,
    weights=_power_weights,
    expand=_power_norm,
    source="power_norm({x}{params})",
    latex=r"{{\left\lVert {x}{params} \right\rVert}}_{{{order}}}",
    cases=[
        ((2, 3), {"order": 3.0}),
        ((2, 3), {"order": 1.5, "axis": 0}),
        ((2, 3), {"order": -2.0, "axis": 1, "keepdims": True}),
    ],
    bounds=(0, np.inf),
)
def power_norm(x: Array, *, order: float, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return (Σ|x|ᵖ)^(1/p) over ``axis``, for p other than 0, of an x of any size."""
    sizes = np.abs(x)
    reduce = np.maximum.reduce if order > 0 else np.minimum.reduce
    most = reduce(sizes, axis=axis, keepdims=True, initial=None if sizes.size else 0)
    scale = np.where((most > 0) & (most < np.inf), most, 1)
    # What counts most becomes 1, so that no power of an entry that counts over- or underflows.
    total = np.power(sizes / scale, order).sum(axis=axis, keepdims=True)
    lengths = np.power(total, 1 / order) * scale
    return lengths if keepdims else lengths.squeeze(axis)[()]


def _vector_norm(x: AnyArray, ord: Order, axis: Axis, keepdims: bool) -> AnyArray:
    """Return the norm of the entries along one or more axes together."""
    over = {"axis": axis, "keepdims": keepdims}
    if ord is None or ord == 2:
        return euclidean(x, **over)
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is for matrices, got the axis {axis}")
    if ord == np.inf:
        return max(absolute(x), **over)
    if ord == -np.inf:
        return min(absolute(x), **over)
    if ord == 0:
        # The sign counts the entries that are not 0, and has derivative 0 everywhere.
        return sum(absolute(sign(x)), **over)
    if ord == 1:
        return sum(absolute(x), **over)
    return power_norm(x, order=ord, **over)


def _singular_values(x: AnyArray, axes: tuple[int, int]) -> AnyArray:
    rest = [n for n in range(x.ndim) if n not in axes]
    return firm_svdvals(transpose(x, axes=(*rest, *axes)))


def _matrix_norm(x: AnyArray, ord: Order, axes: tuple[int, int], keepdims: bool) -> AnyArray:
    """Return the norm of the matrices whose rows and columns are counted along two axes."""
    row, column = axes
    if ord is None or ord in ("fro", "f"):
        return euclidean(x, axis=axes, keepdims=keepdims)
    if ord in (2, -2, "nuc"):
        s = _singular_values(x, axes)
        found = {2: max, -2: min, "nuc": sum}[ord](s, axis=-1)
    elif ord in (1, -1, np.inf, -np.inf):
        along, across = (row, column) if abs(ord) == 1 else (column, row)
        sums = sum(absolute(x), axis=along)
        found = (max if ord > 0 else min)(sums, axis=across - (across > along))
    else:
        raise ValueError(
            f"norm: no matrix norm ord={ord!r}; choose None, 'fro', 'nuc', 1, -1, 2, -2, inf, -inf"
        )
    return reshape(found, shape=kept_shape(x.shape, axes)) if keepdims else found


def norm(x: ArrayLike, ord: Order = None, axis: Axis = None, keepdims: bool = False) -> AnyArray:
    """Return a norm, as ``np.linalg.norm`` defines it.

    Parameters
    ----------
    x : array
    ord : None, number, "fro" or "nuc"
        For vectors: √Σx² (None, 2), Σ|x|ᵖ to the power 1/p, the greatest (inf) or smallest (-inf)
        |x|, or how many entries are not 0 (0). For matrices: the Frobenius norm (None), the sum
        ("nuc"), greatest (2) or smallest (-2) of the singular values, or the greatest or smallest
        sum of absolute values over a column (1, -1) or a row (inf, -inf).
    axis : int or pair of int, optional
        The axis of vectors, or those of rows and columns. By default ``x`` is one vector or
        one matrix; with ``ord=None`` it may have any number of axes.
    keepdims : bool

    Examples
    --------
    >>> float(ad.linalg.norm(np.array([3.0, -4.0]), 1))
    7.0
    >>> ad.grad(lambda x: ad.linalg.norm(x, np.inf))(np.array([4.0, -4.0]))
    array([ 0.5, -0.5])
    >>> ad.grad(ad.linalg.norm)(np.array([0.0, 0.0]))
    array([0., 0.])
    """
    x = _floats(x)
    if axis is None and ord is None:
        return euclidean(x, keepdims=keepdims)
    axes = tuple(axis_indices(axis, x))
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ShapeError(
            f"norm: axis={axis!r}, ord={ord!r} of shape {x.shape}; expected one axis for vectors, "
            "or two different ones for matrices"
        )
    return _matrix_norm(x, ord, axes, keepdims)


def vector_norm(
    x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False, ord: Order = 2
) -> AnyArray:
    """Return the norm of the entries along the axes ``axis`` together, by default of all.

    ``ord`` is that of `norm`.

    >>> ad.linalg.vector_norm(np.array([[3.0, 4.0], [0.0, 0.0]]), axis=1)
    array([5., 0.])
    """
    x = _floats(x)
    axis = tuple(range(x.ndim)) if axis is None else axis
    return _vector_norm(x, ord, axis, keepdims)


def matrix_norm(x: ArrayLike, /, *, keepdims: bool = False, ord: Order = "fro") -> AnyArray:
    """Return the norm of the matrices in the last two axes; ``ord`` is that of `norm`.

    >>> float(ad.linalg.matrix_norm(np.array([[3.0, 0.0], [0.0, 4.0]]), ord=2))
    4.0
    """
    x = _floats(x)
    if (error := explain_not_matrix(x)) is not None:
        raise ShapeError(f"matrix_norm: {error}")
    return _matrix_norm(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def cond(x: ArrayLike, p: Order = None) -> AnyArray:
    """Return the condition number: ‖x‖ ‖x⁻¹‖ in the norm ``p``, by default the 2-norm.

    A singular matrix has the condition ∞ in the 2-norm; in another it raises NumPy's LinAlgError.

    >>> float(ad.linalg.cond(np.array([[2.0, 0.0], [0.0, 8.0]])))
    4.0
    """
    x = _floats(x)
    if (error := explain_not_matrix(x)) is not None:
        raise ShapeError(f"cond: {error}")
    if p is None or p in (2, -2):
        s = svdvals(x)
        first, last = s[..., 0], s[..., -1]
        return divide(last, first) if p == -2 else divide(first, last)
    axes = (x.ndim - 2, x.ndim - 1)
    return _matrix_norm(x, p, axes, False) * _matrix_norm(inv(x), p, axes, False)


NUMPY.update(
    {
        np.linalg.norm: norm,
        np.linalg.vector_norm: vector_norm,
        np.linalg.matrix_norm: matrix_norm,
        np.linalg.cond: cond,
    }
)
