"""A check compares a derivative with numerical differences, entry by entry."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, Operand
from ..core.operand import as_operand
from ..core.tree import leaves
from ..core.value import Value
from ..errors import GradientMismatchError
from .derivatives import grad, linearize, vjp

Function = Callable[..., Any]

# The step is the fifth root of the rounding unit: there the truncation error of an extrapolated
# central difference (fourth order) is as large as its rounding error, and their sum is least.
_STEP = float(np.finfo(np.float64).eps) ** 0.2
_COMPLEX_STEP = 1e-30


def slope(function: Callable[[float], float], at: float) -> float:
    """Return the derivative of a function of one number, by Richardson extrapolation.

    Two central differences of step h and h/2 cancel the error of second order. Source: Press et
    al., Numerical Recipes, 3rd edition, section 5.7.

    Examples
    --------
    >>> from adjoint.check import slope
    >>> bool(abs(slope(np.exp, 0.0) - 1) < 1e-9)
    True
    """
    h = _STEP * max(1.0, abs(at))

    def central(step: float) -> float:
        # Rounding moves both points. Dividing by the distance that they really have undoes that.
        above, below = at + step, at - step
        return (function(above) - function(below)) / (above - below)

    return (4 * central(h / 2) - central(h)) / 3


def complex_slope(function: Callable[[complex], Any], at: float) -> float | None:
    """Return the derivative by a complex step, without cancellation; None if it does not apply.

    f'(x) = Im f(x + ih) / h up to rounding, for a function that is analytic and computed so.
    Source: Squire & Trapp, SIAM Review 40 (1998).

    Examples
    --------
    >>> from adjoint.check import complex_slope
    >>> abs(complex_slope(np.exp, 1.0) - np.e) < 1e-14
    True
    >>> complex_slope(abs, 1.0)  # not analytic, so not to be believed
    0.0
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")  # a part that NumPy discards is not a complex step
            value = function(complex(at, _COMPLEX_STEP))
        found = complex(value).imag / _COMPLEX_STEP
    except Exception:  # whatever the user's function raises on complex numbers
        return None
    return found if math.isfinite(found) else None


@dataclass(frozen=True)
class GradientCheck:
    """What `check_gradients` compared, where all of it agrees.

    Attributes
    ----------
    modes : tuple of "reverse" and "forward"
    orders : tuple of int
        1 for the gradient, 2 for the gradient of the gradient.
    error : float
        The largest difference of an entry from its numerical value, in units of the largest entry
        of the gradient that it belongs to, or of 1 where that is less.

    Examples
    --------
    >>> check = ad.check_gradients(np.sin, 1.0)
    >>> check.modes, check.orders, check.error < 1e-8
    (('reverse', 'forward'), (1, 2), True)
    """

    modes: tuple[str, ...]
    orders: tuple[int, ...]
    error: float

    def __repr__(self) -> str:
        modes, orders = " and ".join(self.modes), " and ".join(map(str, self.orders))
        mode, order = "mode" + "s" * (len(self.modes) > 1), "order" + "s" * (len(self.orders) > 1)
        return f"gradients agree: {modes} {mode}, {order} {orders}, largest error {self.error:.0e}"


def check_gradients(
    function: Function,
    *arrays: ArrayLike,
    order: int = 2,
    modes: Sequence[str] = ("reverse", "forward"),
    rtol: float = 1e-6,
    atol: float = 1e-8,
    seed: int = 0,
) -> GradientCheck:
    """Check a function's derivatives against numerical ones, and say how well they agree.

    Results of any shape are contracted with a random direction, so that every entry counts.

    Parameters
    ----------
    function : callable
        Takes as many float arrays as are given; returns an array or a tree of arrays.
    *arrays : float64 arrays
        Where to check: away from kinks, where numerical differences mean nothing.
    order : int
        1 checks the gradient, 2 also the gradient of the gradient along a random direction.
    modes : sequence of "reverse" and "forward"
    rtol, atol : float
        Allowed error, relative to the greatest entry of the argument's gradient, and absolute.
    seed : int
        Decides the random directions.

    Returns
    -------
    GradientCheck
        Only if all agree.

    Raises
    ------
    GradientMismatchError
        Naming the mode, the argument, the entry, and both numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> ad.check_gradients(lambda x, y: np.tanh(x) @ y, np.ones((2, 3)), np.ones(3))
    gradients agree: reverse and forward modes, orders 1 and 2, largest error ...
    """
    for mode in modes:
        if mode not in ("reverse", "forward"):
            raise ValueError(f"unknown mode {mode!r}; choose 'reverse' or 'forward'")
    points = [_float64(x, n) for n, x in enumerate(arrays)]
    rng = np.random.default_rng(seed)
    scalar = _contract(function, points, rng)
    label = getattr(function, "__name__", "function")
    error = _compare(label, scalar, points, modes, rtol, atol)
    if order > 1:
        directions = [rng.standard_normal(x.shape) for x in points]

        def along(*xs: Operand) -> Any:
            gradients = grad(scalar, tuple(range(len(xs))))(*xs)
            return sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))

        second = _compare(f"the gradient of {label}", along, points, modes, rtol, atol)
        error = max(error, second)
    return GradientCheck(tuple(modes), (1, 2) if order > 1 else (1,), error)


def _float64(array: ArrayLike, position: int) -> Array:
    point = np.array(as_operand(array))
    if point.dtype.kind not in "fiu":
        raise TypeError(f"argument {position} has dtype {point.dtype}; expected real numbers")
    return point.astype(np.float64)


def _contract(function: Function, points: Sequence[Array], rng: np.random.Generator) -> Function:
    """Return the function ⟨v, f(x)⟩ with a fixed random v."""
    shapes = [np.shape(_plain(leaf)) for leaf in leaves(function(*points))]
    # With weights of one, errors in two results could cancel; random ones do not let them.
    weights = [rng.standard_normal(shape) for shape in shapes]

    def scalar(*xs: Operand) -> Any:
        outputs = list(leaves(function(*xs)))
        return sum(np.sum(w * y) for w, y in zip(weights, outputs, strict=True))

    return scalar


def _plain(x: object) -> Any:
    return x.data if isinstance(x, Value) else x


def _compare(
    label: str,
    scalar: Function,
    points: Sequence[Array],
    modes: Sequence[str],
    rtol: float,
    atol: float,
) -> float:
    """Return the largest error, in units of the largest entry or of 1; raise if it is too large."""
    worst = 0.0
    found = {mode: _DERIVATIVES[mode](scalar, points) for mode in modes}
    for position, point in enumerate(points):
        expected = numerical_gradient(scalar, points, position)
        # Relative to the greatest entry: the rounding error of differences is about the same in
        # all.
        largest = float(np.max(np.abs(expected), initial=0))
        allowed = atol + rtol * largest
        for mode, gradients in found.items():
            error = np.abs(gradients[position] - expected)
            if not np.all(error <= allowed):
                raise GradientMismatchError(
                    _describe(label, mode, position, gradients[position], expected, point)
                )
            worst = max(worst, float(np.max(error, initial=0)) / max(largest, 1.0))
    return worst


def _describe(
    label: str, mode: str, position: int, got: Array, expected: Array, point: Array
) -> str:
    error = np.abs(got - expected)
    worst = np.unravel_index(int(np.argmax(np.where(np.isnan(error), np.inf, error))), error.shape)
    entry = f"[{', '.join(map(str, map(int, worst)))}]" if worst else ""
    return (
        f"{label}: {mode} derivative by argument {position} is wrong at entry {entry or '()'}: "
        f"got {got[worst]:.10g}, numerically {expected[worst]:.10g} "
        f"(argument there {point[worst]:.6g}, shape {point.shape}; "
        f"{int(np.sum(~(error <= error[worst] / 2)))} of {error.size} entries are off alike)"
    )


def _reverse(scalar: Function, points: Sequence[Array]) -> list[Array]:
    value, pull = vjp(scalar, *points)
    return [np.asarray(_plain(g)) for g in pull(np.ones_like(_plain(value)))]


def _forward(scalar: Function, points: Sequence[Array]) -> list[Array]:
    _, push = linearize(scalar, *points)
    gradients = [np.zeros_like(x) for x in points]
    for position, point in enumerate(points):
        for entry in np.ndindex(point.shape):
            tangents = [np.zeros_like(x) for x in points]
            tangents[position][entry] = 1
            gradients[position][entry] = _plain(push(*tangents))
    return gradients


_DERIVATIVES = {"reverse": _reverse, "forward": _forward}


def numerical_gradient(scalar: Function, points: Sequence[Array], position: int) -> Array:
    """Return the numerical gradient of a scalar function by one of its arguments.

    It is that of a complex step where this agrees with the differences, and that of the differences
    elsewhere: the complex step is wrong for functions that are not analytic, as abs and max.

    Examples
    --------
    >>> from adjoint.check import numerical_gradient
    >>> numerical_gradient(lambda x: np.sum(x**2), [np.array([1.0, 3.0])], 0).round(9)
    array([2., 6.])
    """
    gradient = np.zeros_like(points[position])
    for entry in np.ndindex(gradient.shape):

        def moved(number: complex, entry: Any = entry) -> Any:
            changed = points[position].astype(type(number))
            changed[entry] = number
            args = [*points[:position], changed, *points[position + 1 :]]
            return _plain(scalar(*args))

        at = float(points[position][entry])
        rough = slope(moved, at)
        exact = complex_slope(moved, at)
        agrees = exact is not None and math.isclose(exact, rough, rel_tol=1e-5, abs_tol=1e-7)
        gradient[entry] = exact if agrees else rough
    return gradient
