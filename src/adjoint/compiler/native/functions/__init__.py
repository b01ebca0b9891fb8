"""The elementary functions as arithmetic on lanes, with all special values.

Each stands in one of these modules, marked ``@native``, under the name of the primitive that it is
the native code of; nothing else names it. The longer ones are written once in a module of LLVM's
and called; two of these have a branch, for huge angles and for the remainders of huge quotients.
The greatest errors, in units in the last place (ulp), are stated with each and tested over the
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
