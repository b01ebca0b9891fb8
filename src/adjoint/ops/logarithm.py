"""Powers of two and ten: their exponentials and logarithms, and sums on a logarithmic scale."""

from __future__ import annotations

import math

import numpy as np

from ..core.annotations import AnyArray, Array
from ..core.facts import SMALL
from ..core.kinds import elementwise
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
    bounds=(0, np.inf),
    finite=lambda x: x.high <= 0,
    saturates=True,
)
def exp2(x: Array) -> Array:
    """Return 2ˣ.

    >>> ad.exp2(np.array([0.0, 3.0]))
    array([1., 8.])
    >>> ad.grad(lambda x: ad.exp2(x).sum())(np.array([0.0, 3.0]))
    array([0.69314718, 5.54517744])
    """
    return np.exp2(x)


@elementwise(
    partials=[lambda y, x: divide(1 / math.log(2), x)],
    strong=True,
    source="np.log2({x})",
    latex=r"\log_{{2}}\left({x}\right)",
    numpy=[np.log2],
    method=True,
    domain=[(0.2, 3)],
    finite=lambda x: x.low > SMALL,
)
def log2(x: Array) -> Array:
    """Return the logarithm to base 2; its derivative at 0 is infinite.

    >>> ad.log2(np.array([1.0, 8.0]))
    array([0., 3.])
    >>> ad.grad(lambda x: ad.log2(x).sum())(np.array([1.0, 8.0]))
    array([1.44269504, 0.18033688])
    """
    return np.log2(x)


@elementwise(
    partials=[lambda y, x: divide(1 / math.log(10), x)],
    strong=True,
    source="np.log10({x})",
    latex=r"\log_{{10}}\left({x}\right)",
    numpy=[np.log10],
    method=True,
    domain=[(0.2, 3)],
    finite=lambda x: x.low > SMALL,
)
def log10(x: Array) -> Array:
    """Return the logarithm to base 10; its derivative at 0 is infinite.

    >>> ad.log10(np.array([1.0, 100.0]))
    array([0., 2.])
    >>> ad.grad(lambda x: ad.log10(x).sum())(np.array([1.0, 100.0]))
    array([0.43429448, 0.00434294])
    """
    return np.log10(x)


def _lead(x: AnyArray, y: AnyArray) -> AnyArray:
    """x - y, and 0 where both are the same infinity: then neither leads."""
    both = bitwise_and(isinf(x), isinf(y))  # known while tracing where one is a constant
    return where(bitwise_and(equal(x, y), both), 0.0, x - y)


def _weight(lead: AnyArray) -> AnyArray:
    """The logistic function of the lead, in a form whose slope is exact in both tails."""
    return exp(-softplus(-lead))


@elementwise(
    partials=[lambda out, x, y: _weight(_lead(x, y)), lambda out, x, y: _weight(_lead(y, x))],
    strong=True,
    source="np.logaddexp({x}, {y})",
    latex=r"\log\left(e^{{{x}}} + e^{{{y}}}\right)",
    numpy=[np.logaddexp],
    finite=True,
    saturates=True,
)
def logaddexp(x: Array, y: Array) -> Array:
    """Return log(eˣ + eʸ), without overflow.

    Where both are the same infinity, which leaves the weights of the two undefined, each gets half
    of the gradient, as everywhere on the diagonal x = y.

    >>> ad.logaddexp(np.array([0.0, 1000.0]), 0.0)
    array([6.93147181e-01, 1.00000000e+03])
    >>> ad.grad(lambda x: ad.logaddexp(x, np.array([1.0, np.inf])).sum())(np.array([1.0, np.inf]))
    array([0.5, 0.5])
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
    finite=True,
    saturates=True,
)
def logaddexp2(x: Array, y: Array) -> Array:
    """Return log₂(2ˣ + 2ʸ), without overflow; same infinities share as in `logaddexp`.

    >>> ad.logaddexp2(np.array([0.0, 1000.0]), 0.0)
    array([   1., 1000.])
    >>> ad.grad(lambda x: ad.logaddexp2(x, np.array([1.0, np.inf])).sum())(np.array([1.0, np.inf]))
    array([0.5, 0.5])
    """
    return np.logaddexp2(x, y)
