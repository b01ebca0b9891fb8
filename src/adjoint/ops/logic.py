"""Comparisons and logic: constants, for their results are booleans or integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import NUMPY
from ..kinds import constant
from .structural import astype


@constant(source="{x} < {y}", latex="{x} < {y}", numpy=[np.less])
def less(x: Any, y: Any) -> Any:
    """Return where x < y."""
    return np.less(x, y)


@constant(source="{x} <= {y}", latex=r"{x} \le {y}", numpy=[np.less_equal])
def less_equal(x: Any, y: Any) -> Any:
    """Return where x ≤ y."""
    return np.less_equal(x, y)


@constant(source="{x} > {y}", latex="{x} > {y}", numpy=[np.greater])
def greater(x: Any, y: Any) -> Any:
    """Return where x > y."""
    return np.greater(x, y)


@constant(source="{x} >= {y}", latex=r"{x} \ge {y}", numpy=[np.greater_equal])
def greater_equal(x: Any, y: Any) -> Any:
    """Return where x ≥ y."""
    return np.greater_equal(x, y)


@constant(source="{x} == {y}", latex="{x} = {y}", numpy=[np.equal])
def equal(x: Any, y: Any) -> Any:
    """Return where x = y."""
    return np.equal(x, y)


@constant(source="{x} != {y}", latex=r"{x} \ne {y}", numpy=[np.not_equal])
def not_equal(x: Any, y: Any) -> Any:
    """Return where x ≠ y."""
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
def bitwise_and(x: Any, y: Any) -> Any:
    """Return x & y, of booleans or the bits of integers."""
    return np.bitwise_and(x, y)


@constant(
    source="{x} | {y}",
    latex=r"{x} \lor {y}",
    numpy=[np.bitwise_or],
    cases=_MASKS,
)
def bitwise_or(x: Any, y: Any) -> Any:
    """Return x | y, of booleans or the bits of integers."""
    return np.bitwise_or(x, y)


@constant(
    source="{x} ^ {y}",
    latex=r"{x} \oplus {y}",
    numpy=[np.bitwise_xor],
    cases=_MASKS,
)
def bitwise_xor(x: Any, y: Any) -> Any:
    """Return x ^ y, of booleans or the bits of integers."""
    return np.bitwise_xor(x, y)


@constant(
    source="~{x}",
    latex=r"\lnot {x}",
    numpy=[np.invert],
    cases=[(np.array([True, False]), {}), (np.array([1, -2]), {})],
)
def invert(x: Any) -> Any:
    """Return ~x, of booleans or the bits of integers."""
    return np.invert(x)


@constant(source="np.logical_not({x})", latex=r"\lnot {x}", numpy=[np.logical_not])
def logical_not(x: Any) -> Any:
    """Return where x is zero or false."""
    return np.logical_not(x)


@constant(
    source="np.logical_and({x}, {y})",
    latex=r"{x} \land {y}",
    numpy=[np.logical_and],
)
def logical_and(x: Any, y: Any) -> Any:
    """Return where neither x nor y is zero."""
    return np.logical_and(x, y)


@constant(
    source="np.logical_or({x}, {y})",
    latex=r"{x} \lor {y}",
    numpy=[np.logical_or],
)
def logical_or(x: Any, y: Any) -> Any:
    """Return where x or y is not zero."""
    return np.logical_or(x, y)


@constant(
    source="np.logical_xor({x}, {y})",
    latex=r"{x} \oplus {y}",
    numpy=[np.logical_xor],
)
def logical_xor(x: Any, y: Any) -> Any:
    """Return where just one of x and y is zero."""
    return np.logical_xor(x, y)


@constant(source="np.isnan({x})", latex=r"{x} = \text{{NaN}}", numpy=[np.isnan], method=True)
def isnan(x: Any) -> Any:
    """Return where x is not a number."""
    return np.isnan(x)


@constant(source="np.isinf({x})", latex=r"\left|{x}\right| = \infty", numpy=[np.isinf], method=True)
def isinf(x: Any) -> Any:
    """Return where x is infinite."""
    return np.isinf(x)


@constant(
    source="np.isfinite({x})",
    latex=r"\left|{x}\right| < \infty",
    numpy=[np.isfinite],
    method=True,
)
def isfinite(x: Any) -> Any:
    """Return where x is neither infinite nor NaN."""
    return np.isfinite(x)


@constant(
    source="np.signbit({x})",
    latex=r"\operatorname{{signbit}}\left({x}\right)",
    numpy=[np.signbit],
    method=True,
)
def signbit(x: Any) -> Any:
    """Return where x is negative, -0 included."""
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
    expand=_isclose,
    source="np.isclose({x}, {y}{params})",
    latex=r"{x} \approx {y}",
    numpy=[np.isclose],
    cases=[((2, 3), (3,), {}), ((2,), (2,), {"rtol": 0.5, "atol": 0.1, "equal_nan": True})],
)
def isclose(
    x: Any, y: Any, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Return where |x - y| ≤ atol + rtol |y|."""
    return np.isclose(x, y, rtol, atol, equal_nan)


def isposinf(x: Any) -> Any:
    """Return where x is +∞."""
    return equal(x, np.inf)


def isneginf(x: Any) -> Any:
    """Return where x is -∞."""
    return equal(x, -np.inf)


NUMPY.update({np.isposinf: isposinf, np.isneginf: isneginf})
COMPOSITES = (isposinf, isneginf)
