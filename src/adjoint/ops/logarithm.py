"""Powers of two and ten: their exponentials and logarithms, and sums on a logarithmic scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kinds import elementwise
from .arithmetic import divide
from .exponential import exp, softplus
from .logic import bitwise_and, equal, isinf
from .piecewise import where


@elementwise(
    partials=[lambda y, x: y * math.log(2)],
    strong=True,
    source="np.exp2({x})",
    latex=r"2^{{{x}}}",
    numpy=[np.exp2],
    method=True,
)
def exp2(x: Any) -> Any:
    """Return 2ˣ."""
    return np.exp2(x)


@elementwise(
    partials=[lambda y, x: divide(1 / math.log(2), x)],
    strong=True,
    source="np.log2({x})",
    latex=r"\log_{{2}}\left({x}\right)",
    numpy=[np.log2],
    method=True,
    domain=[(0.2, 3)],
)
def log2(x: Any) -> Any:
    """Return the logarithm to base 2; its derivative at 0 is infinite."""
    return np.log2(x)


@elementwise(
    partials=[lambda y, x: divide(1 / math.log(10), x)],
    strong=True,
    source="np.log10({x})",
    latex=r"\log_{{10}}\left({x}\right)",
    numpy=[np.log10],
    method=True,
    domain=[(0.2, 3)],
)
def log10(x: Any) -> Any:
    """Return the logarithm to base 10; its derivative at 0 is infinite."""
    return np.log10(x)


def _lead(x: Any, y: Any) -> Any:
    """x - y, and 0 where both are the same infinity: then neither leads."""
    both = bitwise_and(isinf(x), isinf(y))  # known while tracing where one is a constant
    return where(bitwise_and(equal(x, y), both), 0.0, x - y)


def _weight(lead: Any) -> Any:
    """The logistic function of the lead, in a form whose slope is exact in both tails."""
    return exp(-softplus(-lead))


@elementwise(
    partials=[lambda out, x, y: _weight(_lead(x, y)), lambda out, x, y: _weight(_lead(y, x))],
    strong=True,
    source="np.logaddexp({x}, {y})",
    latex=r"\log\left(e^{{{x}}} + e^{{{y}}}\right)",
    numpy=[np.logaddexp],
)
def logaddexp(x: Any, y: Any) -> Any:
    """Return log(eˣ + eʸ), without overflow.

    Where both are the same infinity, which leaves the weights of the two undefined, each gets half
    of the gradient, as everywhere on the diagonal x = y.
    """
    return np.logaddexp(x, y)


@elementwise(
    partials=[
        lambda out, x, y: _weight(math.log(2) * _lead(x, y)),
        lambda out, x, y: _weight(math.log(2) * _lead(y, x)),
    ],
    strong=True,
    source="np.logaddexp2({x}, {y})",
    latex=r"\log_{{2}}\left(2^{{{x}}} + 2^{{{y}}}\right)",
    numpy=[np.logaddexp2],
)
def logaddexp2(x: Any, y: Any) -> Any:
    """Return log₂(2ˣ + 2ʸ), without overflow; same infinities share as in `logaddexp`."""
    return np.logaddexp2(x, y)
