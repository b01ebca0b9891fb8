"""Arc functions: the angle that has a sine, a cosine, a tangent or a pair of coordinates."""

from __future__ import annotations

from ..lanes import Lanes
from .form import in_double, outlined
from .polynomial import polynomial

_HALF_PI, _HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17
_QUARTER_PI, _QUARTER_PI_LOW = 0.7853981633974483, 3.061616997868383e-17
# Of (arctan t / t - 1) / t² in t², on |t| ≤ √2 - 1.
_TANGENT = {
    53: (  # absolute error 1.8e-21
        -0.3333333333333333,
        0.19999999999999998,
        -0.14285714285714132,
        0.11111111111088291,
        -0.09090909089139926,
        0.07692307609963149,
        -0.06666664176781276,
        0.05882301648444658,
        -0.05262417644770871,
        0.047543190098483526,
        -0.04292574211407107,
        0.0371731804898783,
        -0.02714649188433059,
        0.011840668649795822,
    ),
    24: (  # 5.7e-10
        -0.33333333276160115,
        0.19999976194852576,
        -0.14284094100114464,
        0.1107031216765306,
        -0.08616863957438002,
        0.050280805670111846,
    ),
}
# Of (arcsin t / t - 1) / t² in t², on |t| ≤ ½.
_SINE = {
    53: (  # absolute error 9.8e-19
        0.16666666666666666,
        0.07500000000000119,
        0.04464285714255019,
        0.030381944475693704,
        0.022372157435623815,
        0.017352816768546473,
        0.013963775787848137,
        0.011566511821890942,
        0.00962140274734483,
        0.009322101501082774,
        0.0030350071727267623,
        0.019579201619744684,
        -0.019277545928584557,
        0.02963502626354855,
    ),
    24: (  # 4.2e-9
        0.1666666633654049,
        0.07500094761172901,
        0.04459931916287114,
        0.031101727829067168,
        0.017143716819253568,
        0.03370072632136513,
    ),
}


@outlined
@in_double
def arctan(x: Lanes, *, bits: int) -> Lanes:
    """Return the arc tangent; error below 2.5 ulp."""
    size = abs(x)
    is_large = size.compare(">", 1.0)
    ratio = is_large.choose(1.0 / size, size)
    angle, low = _of_ratio(ratio, bits)
    turned = (_HALF_PI - angle) + (_HALF_PI_LOW - low)
    return x.block.call("copysign", is_large.choose(turned, angle + low), x)


@outlined
@in_double
def arctan2(y: Lanes, x: Lanes, *, bits: int) -> Lanes:
    """Return the angle of the point (x, y), from -π to π; error below 2.5 ulp."""
    width, height = abs(x), abs(y)
    is_steep = height.compare(">", width)
    long, short = is_steep.choose(height, width), is_steep.choose(width, height)
    # 0/0 and ∞/∞ are the diagonal's limits along the axes and the diagonal itself.
    ratio = short / long
    ratio = long.compare("==", 0.0).choose(x.lift(0.0), ratio)
    ratio = short.compare("==", float("inf")).choose(x.lift(1.0), ratio)
    angle, low = _of_ratio(ratio, bits)
    steep = _less((_HALF_PI, _HALF_PI_LOW), angle, low)
    angle, low = (is_steep.choose(a, b) for a, b in zip(steep, (angle, low), strict=True))
    is_left = x.convert("bitcast", "i64").compare("<", 0)
    left = _less((2 * _HALF_PI, 2 * _HALF_PI_LOW), angle, low)
    angle, low = (is_left.choose(a, b) for a, b in zip(left, (angle, low), strict=True))
    result = x.block.call("copysign", angle + low, y)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)


def _less(total: tuple[float, float], x: Lanes, low: Lanes) -> tuple[Lanes, Lanes]:
    """Return a constant in two parts less x and a low part, for a smaller |x|."""
    difference = total[0] - x
    lost = (total[0] - difference) - x
    return difference, lost + (total[1] - low)


def _of_ratio(t: Lanes, bits: int) -> tuple[Lanes, Lanes]:
    """Return the arc tangent of 0 ≤ t ≤ 1 in two parts; above √2 - 1 from π/4."""
    is_upper = t.compare(">", 2.0**0.5 - 1)
    reduced = is_upper.choose((t - 1.0) / (t + 1.0), t)
    z = reduced * reduced
    correction = reduced * (z * polynomial(z, _TANGENT[bits]))
    base = is_upper.choose(t.lift(_QUARTER_PI), 0.0)
    high = base + reduced
    lost = reduced - (high - base)
    return high, (lost + correction) + is_upper.choose(t.lift(_QUARTER_PI_LOW), 0.0)


@outlined
@in_double
def arcsin(x: Lanes, *, bits: int) -> Lanes:
    """Return the arc sine; error below 2 ulp; NaN beyond ±1."""
    size = abs(x)
    is_upper = size.compare(">", 0.5)
    root, correction = _of_sine(size, is_upper, bits)
    upper = _HALF_PI - (2.0 * (root + correction) - _HALF_PI_LOW)
    result = is_upper.choose(upper, root + correction)
    return x.block.call("copysign", result, x)


@outlined
@in_double
def arccos(x: Lanes, *, bits: int) -> Lanes:
    """Return the arc cosine; error below 2 ulp; NaN beyond ±1."""
    size = abs(x)
    is_upper = size.compare(">", 0.5)
    root, correction = _of_sine(size, is_upper, bits)
    signed = x.block.call("copysign", root + correction, x)
    middle = _HALF_PI - (signed - _HALF_PI_LOW)
    near = 2.0 * (root + correction)
    far = 2.0 * _HALF_PI - (near - 2.0 * _HALF_PI_LOW)
    return is_upper.choose(x.compare("<", 0.0).choose(far, near), middle)


def _of_sine(size: Lanes, is_upper: Lanes, bits: int) -> tuple[Lanes, Lanes]:
    """Return the arc sine of s in two parts: s = |x|, or √((1 - |x|) / 2) where that is smaller."""
    z = is_upper.choose((1.0 - size) * 0.5, size * size)
    root = is_upper.choose(size.block.call("sqrt", z), size)
    # What the root lost, for beside it the correction may be small.
    lost = is_upper.choose(root.fused(-root, z) / (root + root), 0.0)
    lost = root.compare(">", 0.0).choose(lost, 0.0)
    return root, root * (z * polynomial(z, _SINE[bits])) + lost
