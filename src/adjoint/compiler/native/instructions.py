"""Instructions say how the operations of a kernel are written on lanes; see the table."""

from __future__ import annotations

import math
from collections.abc import Callable

from .formats import FORMATS, SIZES
from .functions import FUNCTIONS
from .lanes import Lanes


def _add(x: Lanes, y: Lanes) -> Lanes:
    return x | y if x.kind == "i1" else x + y  # in one bit True + True would be False


def _maximum(x: Lanes, y: Lanes) -> Lanes:
    if x.kind == "i1":  # as a signed number of one bit True is -1
        return x | y
    greater = x.compare(">", y)
    return (greater | x.is_nan() if x.kind in FORMATS else greater).choose(x, y)


def _minimum(x: Lanes, y: Lanes) -> Lanes:
    if x.kind == "i1":
        return x & y
    less = x.compare("<", y)
    return (less | x.is_nan() if x.kind in FORMATS else less).choose(x, y)


def _relu(x: Lanes) -> Lanes:
    return x.compare("<=", 0).choose(x.lift(0), x)  # -0 becomes 0, NaN stays


def _absolute(x: Lanes) -> Lanes:
    return abs(x) if x.kind in FORMATS else x.compare("<", 0).choose(-x, x)


def _sign(x: Lanes) -> Lanes:
    """Return ±1, 0 at both zeros, NaN at NaN."""
    still = x.compare("==", 0).choose(x.lift(0), x)
    return x.compare(">", 0).choose(x.lift(1), x.compare("<", 0).choose(x.lift(-1), still))


def _times_plus(x: Lanes, y: Lanes, z: Lanes) -> Lanes:
    return x.times_plus(y, z) if x.kind in FORMATS else _add(x * y, z)


def _strong_multiply(x: Lanes, y: Lanes) -> Lanes:
    """Return the product, but 0 where 0·∞ or 0·NaN would give NaN."""
    product = x * y
    if x.kind not in FORMATS:
        return product
    nothing = x.compare("==", 0) | y.compare("==", 0)
    return (nothing & product.is_nan()).choose(x.lift(0), product)


def _isfinite(x: Lanes) -> Lanes:
    return abs(x).compare("<", float("inf"))


def _isinf(x: Lanes) -> Lanes:
    return abs(x).compare("==", float("inf"))


def _intrinsic(name: str) -> Callable[..., Lanes]:
    return lambda x: x.block.call(name, x)


def converted(x: Lanes, kind: str) -> Lanes:
    """Return numbers as another kind; floats do not become integers."""
    if kind in FORMATS and x.kind in FORMATS:
        return x.convert("fpext" if SIZES[kind] > SIZES[x.kind] else "fptrunc", kind)
    if kind in FORMATS:
        return x.convert("sitofp", kind)
    return x.convert("sext" if SIZES[kind] > SIZES[x.kind] else "trunc", kind)


def _comparison(test: str) -> Callable[..., Lanes]:
    return lambda x, y: x.compare(test, y)


INSTRUCTIONS: dict[str, Callable[..., Lanes]] = {
    "add": _add,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "strong_multiply": _strong_multiply,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "times_plus": _times_plus,
    "maximum": _maximum,
    "minimum": _minimum,
    "absolute": _absolute,
    "sign": _sign,
    "relu": _relu,
    "square": lambda x: x * x,
    "sqrt": lambda x: x.block.call("sqrt", x),
    "reciprocal": lambda x: 1.0 / x,
    "deg2rad": lambda x: x * (math.pi / 180),
    "rad2deg": lambda x: x * (180 / math.pi),
    **{name: _intrinsic(name) for name in ("floor", "ceil", "trunc", "rint")},
    **FUNCTIONS,
    "less": _comparison("<"),
    "less_equal": _comparison("<="),
    "greater": _comparison(">"),
    "greater_equal": _comparison(">="),
    "equal": _comparison("=="),
    "not_equal": _comparison("!="),
    "isnan": lambda x: x.is_nan(),
    "isfinite": _isfinite,
    "isinf": _isinf,
    "where": lambda condition, x, y: condition.choose(x, y),
    **dict.fromkeys(("logical_and", "bitwise_and"), lambda x, y: x & y),
    **dict.fromkeys(("logical_or", "bitwise_or"), lambda x, y: x | y),
    **dict.fromkeys(("logical_xor", "bitwise_xor"), lambda x, y: x ^ y),
    **dict.fromkeys(("logical_not", "invert"), lambda x: x ^ True),
}
