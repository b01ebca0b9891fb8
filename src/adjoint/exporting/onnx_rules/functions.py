"""Functions of entries: those that ONNX has, and those that are made of exp, log, sin and cos.

Onnxruntime has most of them for float32 alone, and log1p and expm1 not at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# The terms are facts of mathematics; native code is their other reader.
from ...compiler.native.functions.error_function import _ERF, _SCALED
from ..onnx_graph import Wire
from .arithmetic import copysign
from .rule import elementwise, is_nan, only_in_float32

# Below this bound 2 tanh(x / 2) / (1 - tanh(x / 2)) is exact where e^x - 1 cancels.
_SMALL = 0.5
# Where e^x overflows and its half does not.
_LARGE = 20.0


@elementwise("tanh")
def tanh(x: Wire) -> Wire:
    """Return the hyperbolic tangent."""
    return x.graph.apply("Tanh", x)


@elementwise("sigmoid", "logistic", "expit")
def sigmoid(x: Wire) -> Wire:
    """Return 1 / (1 + e^-x), whose left tail is e^x."""
    power = x.graph.apply("Exp", -abs(x))
    return (x >= 0).choose(1.0, power) / (1.0 + power)


@elementwise("expm1")
def expm1(x: Wire) -> Wire:
    """Return e^x - 1."""
    half = x.graph.apply("Tanh", x * 0.5)
    near = half * 2.0 / (1.0 - half)
    return (abs(x) >= _SMALL).choose(x.graph.apply("Exp", x) - 1.0, near)


@elementwise("log1p")
def log1p(x: Wire) -> Wire:
    """Return log(1 + x): the rounding of 1 + x is undone, as W. Kahan does it."""
    u = 1.0 + x
    found = x.graph.apply("Log", u) * (x / (u - 1.0))
    is_same = u.equals(1.0) | u.equals(np.inf)
    return is_same.choose(x, u.equals(0.0).choose(-np.inf, found))


@elementwise("softplus")
def softplus(x: Wire) -> Wire:
    """Return log(1 + e^x)."""
    return x.graph.apply("Relu", x) + log1p(x.graph.apply("Exp", -abs(x)))


@elementwise("logaddexp")
def logaddexp(x: Wire, y: Wire) -> Wire:
    """Return log(e^x + e^y)."""
    greater = x.graph.apply("Max", x, y)
    found = greater + log1p(x.graph.apply("Exp", -abs(x - y)))
    return x.equals(y).choose(x + math.log(2.0), found)


@elementwise("logaddexp2")
def logaddexp2(x: Wire, y: Wire) -> Wire:
    """Return the binary logarithm of 2^x + 2^y."""
    greater = x.graph.apply("Max", x, y)
    found = greater + log1p(exp2(-abs(x - y))) / math.log(2.0)
    return x.equals(y).choose(x + 1.0, found)


@elementwise("xlogy")
def xlogy(x: Wire, y: Wire) -> Wire:
    """Return x log y, 0 where x is 0."""
    return (x.equals(0.0) & ~is_nan(y)).choose(0.0, x * x.graph.apply("Log", y))


@elementwise("xlog1py")
def xlog1py(x: Wire, y: Wire) -> Wire:
    """Return x log(1 + y), 0 where x is 0."""
    return (x.equals(0.0) & ~is_nan(y)).choose(0.0, x * log1p(y))


@elementwise("logit")
def logit(x: Wire) -> Wire:
    """Return log(x / (1 - x)), near 1/2 by how far x is from there."""
    near = log1p((2.0 * x - 1.0) / (1.0 - x))
    far = x.graph.apply("Log", x / (1.0 - x))
    return ((x > 0.25) & (x < 0.75)).choose(near, far)


@elementwise("log_expit")
def log_expit(x: Wire) -> Wire:
    """Return the logarithm of the sigmoid."""
    return -softplus(-x)


@elementwise("exp2")
def exp2(x: Wire) -> Wire:
    """Return 2^x."""
    return x.graph.apply("Pow", x.graph.constant(np.array(2.0, x.dtype)), x)


@elementwise("log2")
def log2(x: Wire) -> Wire:
    """Return the binary logarithm."""
    return x.graph.apply("Log", x) / math.log(2.0)


@elementwise("log10")
def log10(x: Wire) -> Wire:
    """Return the decimal logarithm."""
    return x.graph.apply("Log", x) / math.log(10.0)


@elementwise("sinh")
def sinh(x: Wire) -> Wire:
    """Return the hyperbolic sine."""
    size = abs(x)
    grown = expm1(size)
    near = 0.5 * (grown + grown / (grown + 1.0))
    return copysign((size > _LARGE).choose(_half_exponential(size), near), x)


@elementwise("cosh")
def cosh(x: Wire) -> Wire:
    """Return the hyperbolic cosine."""
    size = abs(x)
    return _half_exponential(size) + 0.5 * x.graph.apply("Exp", -size)


def _half_exponential(x: Wire) -> Wire:
    """Return e^x / 2, which is finite where e^x is not."""
    root = x.graph.apply("Exp", x * 0.5)
    return (0.5 * root) * root


@elementwise("arcsinh")
def arcsinh(x: Wire) -> Wire:
    """Return the inverse of sinh."""
    size = abs(x)
    square = size * size
    near = log1p(size + square / (1.0 + x.graph.apply("Sqrt", 1.0 + square)))
    far = x.graph.apply("Log", size) + math.log(2.0)
    return copysign((size > 1e8).choose(far, near), x)


@elementwise("arccosh")
def arccosh(x: Wire) -> Wire:
    """Return the inverse of cosh, NaN below 1."""
    above = x - 1.0
    near = log1p(above + x.graph.apply("Sqrt", above) * x.graph.apply("Sqrt", x + 1.0))
    return (x > 1e8).choose(x.graph.apply("Log", x) + math.log(2.0), near)


@elementwise("arctanh")
def arctanh(x: Wire) -> Wire:
    """Return the inverse of tanh."""
    size = abs(x)
    return copysign(0.5 * log1p(2.0 * size / (1.0 - size)), x)


@elementwise("tan")
def tan(x: Wire) -> Wire:
    """Return the tangent."""
    return x.graph.apply("Sin", x) / x.graph.apply("Cos", x)


for _name, _operator in (("arcsin", "Asin"), ("arccos", "Acos"), ("arctan", "Atan")):

    def _in_float32(x: Wire, operator: str = _operator) -> Wire:
        return only_in_float32(x, operator)

    elementwise(_name)(_in_float32)


@elementwise("deg2rad")
def deg2rad(x: Wire) -> Wire:
    """Return degrees in radians."""
    return x * (math.pi / 180.0)


@elementwise("rad2deg")
def rad2deg(x: Wire) -> Wire:
    """Return radians in degrees."""
    return x * (180.0 / math.pi)


# --- the error function ---------------------------------------------------------------------------


@elementwise("erf")
def erf(x: Wire) -> Wire:
    """Return the error function, in float64 by the polynomials of native code."""
    if x.dtype == np.float32:
        return x.graph.apply("Erf", x)
    near = x + x * _polynomial(x * x, _ERF[53])
    return (abs(x) >= 1.0).choose(copysign(1.0 - _tail(abs(x)), x), near)


@elementwise("erfc")
def erfc(x: Wire) -> Wire:
    """Return 1 - erf x."""
    tail = _tail(abs(x).cast(np.float64))
    wide = (x < 0.0).choose(2.0 - tail, tail)
    return wide.cast(x.dtype)


@elementwise("ndtr")
def ndtr(x: Wire) -> Wire:
    """Return the normal distribution function."""
    return 0.5 * erfc(x * -math.sqrt(0.5))


def _tail(size: Wire) -> Wire:
    """Return erfc x for x ≥ 0 of float64."""
    near = size.graph.apply("Min", size, 40.0)
    # The square in two parts: what half of the digits, and the rest, contribute.
    head = near * 134217729.0
    head = head - (head - near)
    rest = near - head
    square = near * near
    lost = ((head * head - square) + 2.0 * (head * rest)) + rest * rest
    decay = size.graph.apply("Exp", -square) * size.graph.apply("Exp", -lost)
    near = size.graph.apply("Min", size, 2.0**60)
    inverse = 1.0 / (near + 4.0)
    t, above = (near - 4.0) * inverse, (near + near) * inverse
    scaled = (above * _polynomial(t, _SCALED[53]) + 1.0) * 0.5 / (near + 0.5)
    return is_nan(size).choose(size, decay * scaled)


def _polynomial(x: Wire, terms: Sequence[float]) -> Wire:
    """Return Σ termsₖ xᵏ by Horner's scheme."""
    *rest, last = terms
    found = x * last
    for term in reversed(rest[1:]):
        found = (found + term) * x
    return found + rest[0]
