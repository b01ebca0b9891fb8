"""Scaling by powers of two is exact: it changes a number's exponent and not its digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike
from ..core.kinds import elementwise
from ..core.registry import NUMPY
from .structural import as_array, numbers


@elementwise(
    partials=[lambda out, x, i: ldexp(1.0, i), 0],
    strong=True,
    source="np.ldexp({x}, {i})",
    latex=r"{x} \odot 2^{{{i}}}",
    numpy=[np.ldexp],
    cases=[((2, 3), np.array([1, -2, 0]), {}), ((), np.array([3, 4]), {}), ((0,), np.array(1), {})],
)
def ldexp(x: Array, i: Array) -> Array:
    """Return x · 2ⁱ for integers i.

    >>> ad.ldexp(np.array([1.0, 3.0]), 2)
    array([ 4., 12.])
    >>> ad.grad(lambda x: ad.ldexp(x, 2).sum())(np.array([1.0, 3.0]))
    array([4., 4.])
    """
    return np.ldexp(x, i)


def frexp(x: ArrayLike) -> tuple[Any, Any]:
    """Return x as a mantissa in ±[1/2, 1) and an integer power of two, taken as a constant.

    >>> ad.frexp(np.array([1.0, 12.0]))
    (array([0.5 , 0.75]), array([1, 4], dtype=int32))
    """
    exponents = np.frexp(numbers(x, "frexp"))[1]
    return ldexp(as_array(x), -exponents), exponents


COMPOSITES = (frexp,)
NUMPY[np.frexp] = frexp
