"""The elementary functions as arithmetic on lanes, with all special values.

A function marked ``@native`` is the native code of the primitive of the same name; no other list
has to name it. The longer ones are written once in a module in LLVM's language and called. Two of
these have a branch: for huge angles, and for remainders of huge quotients. Everything else is
straight-line code, in which `choose` picks among results, since the lanes of a vector cannot branch
apart. The greatest error of each, in units in the last place (ulp), is stated and tested over the
whole range.
"""

from __future__ import annotations

from . import (
    division,
    entropy,
    error_function,
    exponential,
    hyperbolic,
    inverse,
    logarithm,
    logistic,
    power,
    signs,
    trigonometric,
)
from .form import FUNCTIONS

__all__ = [
    "FUNCTIONS",
    "division",
    "entropy",
    "error_function",
    "exponential",
    "hyperbolic",
    "inverse",
    "logarithm",
    "logistic",
    "power",
    "signs",
    "trigonometric",
]
