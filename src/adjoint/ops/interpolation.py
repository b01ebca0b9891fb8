"""Interpolation reads a function between the points where it is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike
from ..core.batching import Rows, one_by_one
from ..core.kinds import constant
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..core.views import as_scalar
from ..errors import ShapeError
from .arithmetic import divide
from .indexing import index
from .keys import SLOT
from .logic import (
    bitwise_and,
    bitwise_or,
    equal,
    greater,
    greater_equal,
    isinf,
    isnan,
    less,
    less_equal,
)
from .piecewise import maximum, minimum, where
from .products import strong_multiply
from .structural import as_array


def knot_below(x: Array, knots: Array) -> Array:
    """Return the index of the last knot at or below x, of all but the last one."""
    return np.clip(np.searchsorted(knots, x, side="right") - 1, 0, max(len(knots) - 2, 0))


def _interval_in_rows(rows: Rows) -> Any:
    return one_by_one(rows) if rows.mapped[1] else rows.apply(rows.operands)


def _by_halving(x: Any, knots: Any) -> Any:
    """Count the knots at or below x: a count is right if the last of so many is one of them."""
    size = shape_of(knots)[0]
    count = np.zeros(shape_of(x), np.intp)
    for power in reversed(range(size.bit_length())):
        more = minimum(count + 2**power, size)
        # NaN is behind all numbers, as in searchsorted.
        is_above = bitwise_or(less_equal(index(knots, more - 1, key=(SLOT,)), x), isnan(x))
        count = where(is_above, more, count)
    return minimum(maximum(count - 1, 0), max(size - 2, 0))


@constant(
    batch=_interval_in_rows,
    expand=_by_halving,
    public=False,
    shape=lambda x, knots: shape_of(x),
    dtype=lambda x, knots: np.dtype(np.intp),
    source="knot_below({x}, {knots})",
    helpers=[knot_below],
    latex=r"\operatorname{{interval}}\left({x}, {knots}\right)",
    cases=[((2, 3), np.array([-1.0, 0.0, 2.0]), {}), ((), np.array([0.5]), {})],
    boxes=True,
)
def interval(x: Array, knots: Array) -> Array:
    """Return the number of the interval between increasing knots in which each x lies.

    Numbers below the first knot are in the first interval, those above the last in the last.
    """
    return np.asarray(knot_below(x, knots))


def _check_knots(xp: ArrayLike, fp: ArrayLike) -> None:
    points, values = shape_of(xp), shape_of(fp)
    if len(points) != 1 or points != values or not points[0]:
        raise ShapeError(
            f"interp: points of shape {points} and values of shape {values}; "
            "expected two of the same shape (n,), n > 0"
        )


def _rise(low: AnyArray, high: AnyArray) -> AnyArray:
    """high - low, and 0 between equal infinities."""
    return where(bitwise_and(equal(low, high), isinf(low)), 0.0, high - low)


def interp(
    x: ArrayLike,
    xp: ArrayLike,
    fp: ArrayLike,
    left: ArrayLike | None = None,
    right: ArrayLike | None = None,
) -> AnyArray:
    """Return the piecewise linear function through the points (xp, fp), at x.

    Differentiable by all arguments. At a knot the derivative by x is the slope to its right, so at
    the last one it is 0. The dtype is that of the data (`numpy.interp` widens to float64).

    Parameters
    ----------
    x : float array
    xp, fp : (n,) float arrays
        ``xp`` must increase; as in NumPy, this is not checked.
    left, right : number, optional
        The value below ``xp[0]`` and above ``xp[-1]``; by default ``fp[0]`` and ``fp[-1]``.

    Raises
    ------
    ShapeError
        If ``xp`` and ``fp`` are not of one shape (n,) with n > 0.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> x = ad.tensor(1.5, requires_grad=True)
    >>> np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 4.0]).backward()
    >>> x.grad
    tensor(3.)
    """
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    _check_knots(xp, fp)

    def at(knots: AnyArray, place: AnyArray) -> AnyArray:
        return index(knots, place, key=(SLOT,))

    lower = interval(x, xp)
    upper = minimum(lower + 1, shape_of(xp)[0] - 1)
    start, low = at(xp, lower), at(fp, lower)
    slope = divide(_rise(low, at(fp, upper)), at(xp, upper) - start)
    # At a knot next to an infinite value the step is 0 and the slope infinite; their product is 0.
    between = low + strong_multiply(x - start, slope)
    first, last = xp[0], xp[-1]
    beyond = fp[-1] if right is None else where(greater(x, last), right, fp[-1])
    inside = where(greater_equal(x, last), beyond, between)
    return as_scalar(where(less(x, first), fp[0] if left is None else left, inside))


NUMPY[np.interp] = interp
COMPOSITES = (interp,)
