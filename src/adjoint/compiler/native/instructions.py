"""Instructions are how the operations of a nest are written on lanes: the table is read here."""

from __future__ import annotations

import math
from collections.abc import Callable

from .formats import FORMATS, SIZES
from .functions import (
    entropy,
    error_function,
    exponential,
    hyperbolic,
    inverse,
    logarithm,
    logistic,
    power,
    trigonometric,
)
from .lanes import Lanes


def _maximum(x: Lanes, y: Lanes) -> Lanes:
    greater = x.compare(">", y)
    return (greater | x.is_nan() if x.kind in FORMATS else greater).choose(x, y)


def _minimum(x: Lanes, y: Lanes) -> Lanes:
    less = x.compare("<", y)
    return (less | x.is_nan() if x.kind in FORMATS else less).choose(x, y)


def _relu(x: Lanes) -> Lanes:
    return x.compare("<", 0).choose(x.lift(0), x)


def _absolute(x: Lanes) -> Lanes:
    return abs(x) if x.kind in FORMATS else x.compare("<", 0).choose(-x, x)


def _sign(x: Lanes) -> Lanes:
    """±1, 0 at both zeros, NaN at NaN."""
    still = x.compare("==", 0).choose(x.lift(0), x)
    return x.compare(">", 0).choose(x.lift(1), x.compare("<", 0).choose(x.lift(-1), still))


def _times_plus(x: Lanes, y: Lanes, z: Lanes) -> Lanes:
    return x.times_plus(y, z) if x.kind in FORMATS else x * y + z


def _strong_multiply(x: Lanes, y: Lanes) -> Lanes:
    """The product, 0 where a factor is 0, even 0·∞ and 0·NaN."""
    nothing = x.compare("==", 0) | y.compare("==", 0)
    return nothing.choose(x.lift(0), x * y)


def _isfinite(x: Lanes) -> Lanes:
    return abs(x).compare("<", float("inf"))


def converted(x: Lanes, kind: str) -> Lanes:
    """Return numbers as another kind; floats do not become integers."""
    if kind in FORMATS and x.kind in FORMATS:
        return x.convert("fpext" if SIZES[kind] > SIZES[x.kind] else "fptrunc", kind)
    if kind in FORMATS:
        return x.convert("sitofp", kind)
    return x.convert("sext" if SIZES[kind] > SIZES[x.kind] else "trunc", kind)


def _comparison(test: str) -> Callable[..., Lanes]:
    return lambda x, y: x.compare(test, y)


def _fmax(x: Lanes, y: Lanes) -> Lanes:
    return y.is_nan().choose(x, (x.is_nan() | x.compare("<", y)).choose(y, x))


def _fmin(x: Lanes, y: Lanes) -> Lanes:
    return y.is_nan().choose(x, (x.is_nan() | x.compare(">", y)).choose(y, x))


def _heaviside(x: Lanes, y: Lanes) -> Lanes:
    step = x.compare("<", 0.0).choose(x.lift(0.0), x.compare(">", 0.0).choose(x.lift(1.0), y))
    return x.is_nan().choose(x, step)


def _sinc(x: Lanes) -> Lanes:
    y = x.compare("==", 0.0).choose(x.lift(1e-20), x) * math.pi
    return trigonometric.sin(y) / y


def _cosm1(x: Lanes) -> Lanes:
    half = trigonometric.sin(x * 0.5)
    return half * half * -2.0


def _signbit(x: Lanes) -> Lanes:
    return x.convert("bitcast", x.format.integer).compare("<", 0)


def _intrinsic(name: str) -> Callable[..., Lanes]:
    return lambda *args: args[0].block.call(name, *args)


INSTRUCTIONS: dict[str, Callable[..., Lanes]] = {
    "add": lambda x, y: x + y,
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
    "exp": exponential.exp,
    "exp2": exponential.exp2,
    "expm1": exponential.expm1,
    "sigmoid": exponential.sigmoid,
    "expit": exponential.expit,
    "log": logarithm.log,
    "log1p": logarithm.log1p,
    "log2": logarithm.log2,
    "log10": logarithm.log10,
    "softplus": logistic.softplus,
    "logit": logistic.logit,
    "log_expit": logistic.log_expit,
    "logaddexp": logistic.logaddexp,
    "logaddexp2": logistic.logaddexp2,
    "power": power.power,
    "cbrt": power.cbrt,
    "hypot": power.hypot,
    "sin": trigonometric.sin,
    "cos": trigonometric.cos,
    "tan": trigonometric.tan,
    "sinc": _sinc,
    "cosm1": _cosm1,
    "arcsin": inverse.arcsin,
    "arccos": inverse.arccos,
    "arctan": inverse.arctan,
    "arctan2": inverse.arctan2,
    "sinh": hyperbolic.sinh,
    "cosh": hyperbolic.cosh,
    "tanh": hyperbolic.tanh,
    "arcsinh": hyperbolic.arcsinh,
    "arccosh": hyperbolic.arccosh,
    "arctanh": hyperbolic.arctanh,
    "erf": error_function.erf,
    "erfc": error_function.erfc,
    "erfcx": error_function.erfcx,
    "ndtr": error_function.ndtr,
    "xlogy": entropy.xlogy,
    "xlog1py": entropy.xlog1py,
    "entr": entropy.entr,
    "rel_entr": entropy.rel_entr,
    "kl_div": entropy.kl_div,
    "deg2rad": lambda x: x * (math.pi / 180),
    "rad2deg": lambda x: x * (180 / math.pi),
    "reciprocal": lambda x: 1.0 / x,
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "trunc": _intrinsic("trunc"),
    "rint": _intrinsic("rint"),
    "copysign": _intrinsic("copysign"),
    "fmax": _fmax,
    "fmin": _fmin,
    "heaviside": _heaviside,
    "less": _comparison("<"),
    "less_equal": _comparison("<="),
    "greater": _comparison(">"),
    "greater_equal": _comparison(">="),
    "equal": _comparison("=="),
    "not_equal": _comparison("!="),
    "isnan": lambda x: x.is_nan(),
    "isfinite": _isfinite,
    "isinf": lambda x: abs(x).compare("==", float("inf")),
    "signbit": _signbit,
    "where": lambda condition, x, y: condition.choose(x, y),
    **dict.fromkeys(("logical_and", "bitwise_and"), lambda x, y: x & y),
    **dict.fromkeys(("logical_or", "bitwise_or"), lambda x, y: x | y),
    **dict.fromkeys(("logical_xor", "bitwise_xor"), lambda x, y: x ^ y),
    **dict.fromkeys(("logical_not", "invert"), lambda x: x ^ True),
}
