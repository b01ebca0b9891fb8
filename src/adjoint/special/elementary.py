"""SciPy's own versions of elementary functions."""

from __future__ import annotations

from scipy import special

from ..core.annotations import AnyArray, Array, ArrayLike
from ..core.kinds import elementwise
from ..core.registry import NUMPY
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
    bounds=(-2, 0),
)
def cosm1(x: Array) -> Array:
    """Return cos x - 1, exact for small x.

    >>> ad.special.cosm1(np.array([0.0, 1e-9]))
    array([ 0.e+00, -5.e-19])
    """
    return special.cosm1(x)


def exp10(x: ArrayLike) -> AnyArray:
    """Return 10ˣ.

    >>> ad.special.exp10(np.array([0.0, 2.0]))
    array([  1., 100.])
    """
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
