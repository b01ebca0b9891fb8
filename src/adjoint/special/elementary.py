"""SciPy's own versions of elementary functions."""

from __future__ import annotations

from typing import Any

from scipy import special

from ..core import NUMPY, Operand
from ..kinds import elementwise
from ..ops.exponential import cbrt, expm1, log1p, power
from ..ops.logarithm import exp2
from ..ops.rounding import rint
from ..ops.trigonometric import sin


@elementwise(
    partials=[lambda y, x: -sin(x)],
    strong=True,
    source="cosm1({x})",
    latex=r"\cos\left({x}\right) - 1",
    numpy=[special.cosm1],
)
def cosm1(x: Any) -> Any:
    """Return cos x - 1, exact for small x."""
    return special.cosm1(x)


def exp10(x: Operand) -> Any:
    """Return 10ˣ."""
    return power(10.0, x)


NUMPY.update(
    {
        special.exp10: exp10,
        special.exp2: exp2,
        special.expm1: expm1,
        special.log1p: log1p,
        special.cbrt: cbrt,
        special.round: rint,
    }
)
