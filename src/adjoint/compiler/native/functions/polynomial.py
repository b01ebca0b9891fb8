"""A polynomial is given by its coefficients, from that of the lowest power on.

The coefficients are Chebyshev interpolants computed with 400 bits, so their errors are within a few
percent of the least possible (Muller, "Elementary functions", chapter 3). Most functions compute
float32 in float64, with fewer terms: ``terms[24]`` are for results of float32, ``terms[53]`` for
those of float64.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..lanes import Lanes


def polynomial(x: Lanes, terms: Sequence[float]) -> Lanes:
    """Return Σ termsₖ xᵏ by Estrin's scheme.

    Horner's scheme is one chain, in which each step waits for the one before; here pairs of terms
    are joined independently of each other.
    """
    parts: list[Lanes | float] = list(terms)
    power = x
    while len(parts) > 1:
        paired: list[Lanes | float] = [
            power.times_plus(high, low) for low, high in zip(parts[::2], parts[1::2], strict=False)
        ]
        parts = paired + parts[len(paired) * 2 :]
        if len(parts) > 1:
            power = power * power
    return x.lift(parts[0])
