"""Comparisons and logic: constants, for their results are booleans or integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array
from ..core.batching import entrywise
from ..core.kinds import constant
from ..core.registry import NUMPY
from .structural import astype


@constant(
    source="{x} < {y}",
    latex=r"\left[{x} < {y}\right]",
    numpy=[np.less],
    cheap=True,
)
def less(x: Array, y: Array) -> Array:
    """Return where x < y.

    >>> ad.less(np.array([1.0, 2.0, 3.0]), 2.0)
    array([ True, False, False])
    """
    return np.less(x, y)


@constant(
    source="{x} <= {y}",
    latex=r"\left[{x} \le {y}\right]",
    numpy=[np.less_equal],
    cheap=True,
)
def less_equal(x: Array, y: Array) -> Array:
    """Return where x ≤ y.

    >>> ad.less_equal(np.array([1.0, 2.0, 3.0]), 2.0)
    array([ True,  True, False])
    """
    return np.less_equal(x, y)


@constant(
    source="{x} > {y}",
    latex=r"\left[{x} > {y}\right]",
    numpy=[np.greater],
    cheap=True,
)
def greater(x: Array, y: Array) -> Array:
    """Return where x > y.

    >>> ad.greater(np.array([1.0, 2.0, 3.0]), 2.0)
    array([False, False,  True])
    """
    return np.greater(x, y)


@constant(
    source="{x} >= {y}",
    latex=r"\left[{x} \ge {y}\right]",
    numpy=[np.greater_equal],
    cheap=True,
)
def greater_equal(x: Array, y: Array) -> Array:
    """Return where x ≥ y.

    >>> ad.greater_equal(np.array([1.0, 2.0, 3.0]), 2.0)
    array([False,  True,  True])
    """
    return np.greater_equal(x, y)


@constant(
    source="{x} == {y}",
    latex=r"\left[{x} = {y}\right]",
    numpy=[np.equal],
    cheap=True,
)
def equal(x: Array, y: Array) -> Array:
    """Return where x = y.

    >>> ad.equal(np.array([1.0, np.nan]), np.array([1.0, np.nan]))
    array([ True, False])
    """
    return np.equal(x, y)


@constant(
    source="{x} != {y}",
    latex=r"\left[{x} \ne {y}\right]",
    numpy=[np.not_equal],
    cheap=True,
)
def not_equal(x: Array, y: Array) -> Array:
    """Return where x ≠ y.

    >>> ad.not_equal(np.array([1.0, np.nan]), np.array([1.0, np.nan]))
    array([False,  True])
    """
    return np.not_equal(x, y)


_MASKS: list[tuple[Any, ...]] = [
    (np.array([True, True, False]), np.array([True, False, False]), {})
]


@constant(
    source="{x} & {y}",
    latex=r"{x} \land {y}",
    numpy=[np.bitwise_and],
    cases=_MASKS,
)
def bitwise_and(x: Array, y: Array) -> Array:
    """Return x & y, of booleans or the bits of integers.

    >>> ad.bitwise_and(np.array([6, 5]), 3)
    array([2, 1])
    """
    return np.bitwise_and(x, y)


@constant(
    source="{x} | {y}",
    latex=r"{x} \lor {y}",
    numpy=[np.bitwise_or],
    cases=_MASKS,
)
def bitwise_or(x: Array, y: Array) -> Array:
    """Return x | y, of booleans or the bits of integers.

    >>> ad.bitwise_or(np.array([6, 5]), 3)
    array([7, 7])
    """
    return np.bitwise_or(x, y)


@constant(
    source="{x} ^ {y}",
    latex=r"{x} \oplus {y}",
    numpy=[np.bitwise_xor],
    cases=_MASKS,
)
def bitwise_xor(x: Array, y: Array) -> Array:
    """Return x ^ y, of booleans or the bits of integers.

    >>> ad.bitwise_xor(np.array([6, 5]), 3)
    array([5, 6])
    """
    return np.bitwise_xor(x, y)


@constant(
    source="~{x}",
    latex=r"\lnot {x}",
    numpy=[np.invert],
    cases=[(np.array([True, False]), {}), (np.array([1, -2]), {})],
)
def invert(x: Array) -> Array:
    """Return ~x, of booleans or the bits of integers.

    >>> ad.invert(np.array([True, False])), ad.invert(np.array([0, 5]))
    (array([False,  True]), array([-1, -6]))
    """
    return np.invert(x)


@constant(
    source="np.logical_not({x})",
    latex=r"\lnot {x}",
    numpy=[np.logical_not],
    cheap=True,
)
def logical_not(x: Array) -> Array:
    """Return where x is zero or false.

    >>> ad.logical_not(np.array([0.0, 2.0]))
    array([ True, False])
    """
    return np.logical_not(x)


@constant(
    source="np.logical_and({x}, {y})",
    latex=r"{x} \land {y}",
    numpy=[np.logical_and],
    cheap=True,
)
def logical_and(x: Array, y: Array) -> Array:
    """Return where neither x nor y is zero.

    >>> ad.logical_and(np.array([0.0, 2.0]), np.array([3.0, 4.0]))
    array([False,  True])
    """
    return np.logical_and(x, y)


@constant(
    source="np.logical_or({x}, {y})",
    latex=r"{x} \lor {y}",
    numpy=[np.logical_or],
    cheap=True,
)
def logical_or(x: Array, y: Array) -> Array:
    """Return where x or y is not zero.

    >>> ad.logical_or(np.array([0.0, 2.0]), np.array([0.0, 0.0]))
    array([False,  True])
    """
    return np.logical_or(x, y)


@constant(
    source="np.logical_xor({x}, {y})",
    latex=r"{x} \oplus {y}",
    numpy=[np.logical_xor],
)
def logical_xor(x: Array, y: Array) -> Array:
    """Return where just one of x and y is zero.

    >>> ad.logical_xor(np.array([0.0, 2.0]), np.array([3.0, 4.0]))
    array([ True, False])
    """
    return np.logical_xor(x, y)


@constant(
    source="np.isnan({x})",
    latex=r"\left[{x} = \mathrm{{nan}}\right]",
    numpy=[np.isnan],
    method=True,
    cheap=True,
)
def isnan(x: Array) -> Array:
    """Return where x is not a number.

    >>> ad.isnan(np.array([1.0, np.nan, np.inf]))
    array([False,  True, False])
    """
    return np.isnan(x)


@constant(
    source="np.isinf({x})",
    latex=r"\left[\left|{x}\right| = \infty\right]",
    numpy=[np.isinf],
    method=True,
    cheap=True,
)
def isinf(x: Array) -> Array:
    """Return where x is infinite.

    >>> ad.isinf(np.array([1.0, np.nan, -np.inf]))
    array([False, False,  True])
    """
    return np.isinf(x)


@constant(
    source="np.isfinite({x})",
    latex=r"\left[\left|{x}\right| < \infty\right]",
    numpy=[np.isfinite],
    method=True,
    cheap=True,
)
def isfinite(x: Array) -> Array:
    """Return where x is neither infinite nor NaN.

    >>> ad.isfinite(np.array([1.0, np.nan, np.inf]))
    array([ True, False, False])
    """
    return np.isfinite(x)


@constant(
    source="np.signbit({x})",
    latex=r"\operatorname{{signbit}}\left({x}\right)",
    numpy=[np.signbit],
    method=True,
    cheap=True,
)
def signbit(x: Array) -> Array:
    """Return where x is negative, -0 included.

    >>> ad.signbit(np.array([-1.0, -0.0, 0.0]))
    array([ True,  True, False])
    """
    return np.signbit(x)


def _isclose(x: Any, y: Any, *, rtol: float, atol: float, equal_nan: bool) -> Any:
    # As NumPy does: truth values cannot be subtracted, and integers may wrap around.
    if not hasattr(y, "dtype"):
        y = float(y)
    elif y.dtype.kind != "f":
        y = astype(y, dtype="float64")
    near = logical_and(less_equal(abs(x - y), abs(y) * rtol + atol), isfinite(y))
    close = logical_or(near, equal(x, y))
    return logical_or(close, logical_and(isnan(x), isnan(y))) if equal_nan else close


@constant(
    batch=entrywise,
    expand=_isclose,
    source="np.isclose({x}, {y}{params})",
    latex=r"\left[{x} \approx {y}{params}\right]",
    numpy=[np.isclose],
    cases=[((2, 3), (3,), {}), ((2,), (2,), {"rtol": 0.5, "atol": 0.1, "equal_nan": True})],
)
def isclose(
    x: Array, y: Array, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Return where |x - y| ≤ atol + rtol |y|, and where both are NaN with ``equal_nan``.

    >>> ad.isclose(np.array([1.0, 1.1]), np.array([1.000001, 1.0]))
    array([ True, False])
    """
    return np.isclose(x, y, rtol, atol, equal_nan)


def isposinf(x: AnyArray) -> AnyArray:
    """Return where x is +∞.

    >>> ad.isposinf(np.array([-np.inf, 1.0, np.inf]))
    array([False, False,  True])
    """
    return equal(x, np.inf)


def isneginf(x: AnyArray) -> AnyArray:
    """Return where x is -∞.

    >>> ad.isneginf(np.array([-np.inf, 1.0, np.inf]))
    array([ True, False, False])
    """
    return equal(x, -np.inf)


NUMPY.update({np.isposinf: isposinf, np.isneginf: isneginf})
COMPOSITES = (isposinf, isneginf)
