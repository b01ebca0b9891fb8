"""Scaling by powers of two is exact: it changes a number's exponent and not its digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import NUMPY, Operand
from ..kinds import elementwise
from .structural import as_array, numbers


@elementwise(
    partials=[lambda out, x, i: ldexp(1.0, i), 0],
    strong=True,
    source="np.ldexp({x}, {i})",
    latex=r"{x} \odot 2^{{{i}}}",
    numpy=[np.ldexp],
    cases=[((2, 3), np.array([1, -2, 0]), {}), ((), np.array([3, 4]), {}), ((0,), np.array(1), {})],
)
def ldexp(x: Any, i: Any) -> Any:
    """Return x · 2ⁱ for integers i."""
    return np.ldexp(x, i)


def frexp(x: Operand) -> tuple[Any, Any]:
    """Return x as a mantissa in ±[1/2, 1) and an integer power of two, taken as a constant."""
    exponents = np.frexp(numbers(x, "frexp"))[1]
    return ldexp(as_array(x), -exponents), exponents


COMPOSITES = (frexp,)
NUMPY[np.frexp] = frexp
