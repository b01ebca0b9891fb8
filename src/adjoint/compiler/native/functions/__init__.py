"""The elementary functions as arithmetic on lanes, with all special values.

The longer ones are written once in a module and called; two of these have a branch, for huge angles
and for the remainders of huge quotients. The greatest errors, in units in the last place (ulp), are
stated with each and tested over the whole range.
"""

from __future__ import annotations

from .division import floor_divide, fmod, remainder
from .entropy import entr, kl_div, rel_entr, xlog1py, xlogy
from .error_function import erf, erfc, erfcx, log_ndtr, ndtr
from .exponential import exp, exp2, expit, expm1, sigmoid
from .hyperbolic import arccosh, arcsinh, arctanh, cosh, sinh, tanh
from .inverse import arccos, arcsin, arctan, arctan2
from .logarithm import log, log1p, log2, log10
from .logistic import log_expit, logaddexp, logaddexp2, logit, softplus
from .power import cbrt, hypot, power
from .signs import copysign, fmax, fmin, heaviside, ldexp, signbit
from .trigonometric import cos, cosm1, sin, sinc, tan

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "copysign",
    "cos",
    "cosh",
    "cosm1",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "exp",
    "exp2",
    "expit",
    "expm1",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "heaviside",
    "hypot",
    "kl_div",
    "ldexp",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_expit",
    "log_ndtr",
    "logaddexp",
    "logaddexp2",
    "logit",
    "ndtr",
    "power",
    "rel_entr",
    "remainder",
    "sigmoid",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "softplus",
    "tan",
    "tanh",
    "xlog1py",
    "xlogy",
]
