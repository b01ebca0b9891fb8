"""Powers and cosines of single numbers that, where it is asked for, are the same on every machine.

The C library's, which are faster, may round the last bit otherwise on another machine. Arithmetic
of long integers and of decimal numbers is defined digit by digit, and has so many here that the one
rounding to a float decides all of its bits, but for one number in some 10²⁰.
"""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from ..core.reproducibility import is_reproducible

_EXACT = Context(prec=40, Emax=MAX_EMAX, Emin=MIN_EMIN)
# Numbers are integers of 2⁻¹²⁸; this is π.
_BITS = 128
_PI = 0x3243F6A8885A308D313198A2E03707344


def power(x: float, exponent: float) -> float:
    """Return x to the power of a number.

    Examples
    --------
    >>> power(0.5, 3)
    0.125
    """
    is_plain = x == 0 or not math.isfinite(x) or (x < 0 and exponent != int(exponent))
    if is_plain or not is_reproducible():
        return float(x**exponent)
    return float(_EXACT.power(Decimal(x), Decimal(exponent)))


def cosine_of_half_turns(x: float) -> float:
    """Return cos πx, for x from 0 to 1.

    Examples
    --------
    >>> cosine_of_half_turns(1.0)
    -1.0
    """
    if not is_reproducible():
        return math.cos(math.pi * x)
    angle = _PI * int(x * 2.0**_BITS) >> _BITS
    square = angle * angle >> _BITS
    total = term = 1 << _BITS
    n = 0
    while term:  # the terms of the cosine's series, of changing signs
        n += 2
        term = (term * square >> _BITS) // (n * (n - 1))
        total += -term if n % 4 else term
    return total / (1 << _BITS)
