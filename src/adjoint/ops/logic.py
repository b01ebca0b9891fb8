"""Comparisons and logic: constants, for their results are booleans or integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kinds import constant


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
