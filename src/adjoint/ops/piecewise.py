"""Piecewise functions choose between branches; each docstring says the convention at the kink.

Where nothing else is said it follows PyTorch: the derivative if there is one, else the
sub-gradient of least norm.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike
from ..core.facts import Interval, Range, hull, of_magnitude
from ..core.kinds import elementwise
from ..core.registry import NUMPY
from ..core.value import Value, attach
from ..core.views import as_scalar, is_number
from .arithmetic import divide, positive
from .logic import (
    bitwise_and,
    bitwise_or,
    equal,
    greater,
    greater_equal,
    isnan,
    less,
    less_equal,
    not_equal,
)
from .structural import as_array


@elementwise(
    partials=[lambda y, x: greater(x, 0)],
    strong=True,
    source="np.maximum({x}, 0)",
    latex=r"\operatorname{{relu}}\left({x}\right)",
    method=True,
    kinks=[0],
    bounds=lambda x: (max(x.low, 0.0), max(x.high, 0.0)),
    selects=True,
    activation=True,
    cheap=True,
)
def relu(x: Array) -> Array:
    """Return max(x, 0); the derivative at 0 is 0.

    >>> ad.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    >>> ad.grad(lambda x: ad.relu(x).sum())(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    return np.maximum(x, 0)


@elementwise(
    partials=[lambda y, x: sign(x)],
    strong=True,
    source="np.abs({x})",
    latex=r"\left|{x}\right|",
    numpy=[np.absolute],
    kinks=[0],
    bounds=of_magnitude,
    finite=True,
    cheap=True,
)
def absolute(x: Array) -> Array:
    """Return |x|; the derivative at 0 is 0.

    >>> ad.absolute(np.array([-1.0, 0.0, 2.0]))
    array([1., 0., 2.])
    >>> ad.grad(lambda x: ad.absolute(x).sum())(np.array([-1.0, 0.0, 2.0]))
    array([-1.,  0.,  1.])
    """
    return np.absolute(x)


@elementwise(
    partials=[0],
    source="np.sign({x})",
    latex=r"\operatorname{{sign}}\left({x}\right)",
    numpy=[np.sign],
    method=True,
    kinks=[0],
    bounds=(-1, 1),
    cheap=True,
)
def sign(x: Array) -> Array:
    """Return -1, 0 or 1; the derivative is 0, at the jump too.

    >>> ad.sign(np.array([-3.0, 0.0, 2.0]))
    array([-1.,  0.,  1.])
    >>> ad.grad(lambda x: ad.sign(x).sum())(np.array([-3.0, 0.0, 2.0]))
    array([0., 0., 0.])
    """
    return np.sign(x)


def _softsign_slope(y: AnyArray, x: AnyArray) -> AnyArray:
    """1/(1 + |x|)²: of the quotient it would come as a difference of nearly equal numbers."""
    inverse = divide(1.0, 1 + absolute(x))
    return inverse * inverse


@elementwise(
    partials=[_softsign_slope],
    expand=lambda x: divide(x, 1 + absolute(x)),
    strong=True,
    source="{x} / (1 + np.abs({x}))",
    latex=r"\frac{{{x}}}{{1 + \left|{x}\right|}}",
    kinks=[0],
    bounds=(-1, 1),
    saturates=True,
    activation=True,
)
def softsign(x: Array) -> Array:
    """Return x / (1 + |x|); the derivative at 0 is 1.

    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, section 3.

    >>> ad.softsign(np.array([-1.0, 0.0, 3.0]))
    array([-0.5 ,  0.  ,  0.75])
    >>> ad.grad(lambda x: ad.softsign(x).sum())(np.array([-1.0, 0.0, 3.0]))
    array([0.25  , 1.    , 0.0625])
    """
    return np.true_divide(x, 1 + np.abs(x))


def _share(wins: AnyArray, ties: AnyArray) -> AnyArray:
    """1 where an argument wins, one half where it ties."""
    return where(ties, 0.5, wins)


@elementwise(
    partials=[
        lambda out, x, y: _share(greater(x, y), equal(x, y)),
        lambda out, x, y: _share(greater(y, x), equal(x, y)),
    ],
    strong=True,
    source="np.maximum({x}, {y})",
    latex=r"\max\left({x}, {y}\right)",
    numpy=[np.maximum],
    bounds=lambda x, y: (max(x.low, y.low), max(x.high, y.high)),
    selects=True,
    commutes=True,
    cheap=True,
)
def maximum(x: Array, y: Array) -> Array:
    """Return the greater of x and y; where they are equal each gets half of the gradient.

    >>> ad.maximum(np.array([1.0, 2.0, 3.0]), 2.0)
    array([2., 2., 3.])
    >>> ad.grad(lambda x: ad.maximum(x, 2.0).sum())(np.array([1.0, 2.0, 3.0]))
    array([0. , 0.5, 1. ])
    """
    return np.maximum(x, y)


@elementwise(
    partials=[
        lambda out, x, y: _share(less(x, y), equal(x, y)),
        lambda out, x, y: _share(less(y, x), equal(x, y)),
    ],
    strong=True,
    source="np.minimum({x}, {y})",
    latex=r"\min\left({x}, {y}\right)",
    numpy=[np.minimum],
    bounds=lambda x, y: (min(x.low, y.low), min(x.high, y.high)),
    selects=True,
    commutes=True,
    cheap=True,
)
def minimum(x: Array, y: Array) -> Array:
    """Return the smaller of x and y; where they are equal each gets half of the gradient.

    >>> ad.minimum(np.array([1.0, 2.0, 3.0]), 2.0)
    array([1., 2., 2.])
    >>> ad.grad(lambda x: ad.minimum(x, 2.0).sum())(np.array([1.0, 2.0, 3.0]))
    array([1. , 0.5, 0. ])
    """
    return np.minimum(x, y)


def _inside(
    out: AnyArray, x: AnyArray, min: AnyArray | None = None, max: AnyArray | None = None
) -> AnyArray:
    """1 within the bounds, ends included."""
    above = greater_equal(x, -np.inf if min is None else min)
    return bitwise_and(above, less_equal(x, np.inf if max is None else max))


def _below(
    out: AnyArray, x: AnyArray, min: AnyArray | None, max: AnyArray | None = None
) -> AnyArray:
    """1 where the lower bound holds; of crossed bounds the upper one does."""
    below = less(x, min)
    return below if max is None else bitwise_and(below, less_equal(min, max))


def _above(out: AnyArray, x: AnyArray, min: AnyArray | None, max: AnyArray | None) -> AnyArray:
    above = greater(x, max)
    return above if min is None else bitwise_or(above, greater(min, max))


def _clipped_bounds(x: Range, min: Range | None = None, max: Range | None = None) -> Interval:
    low, high = x.low, x.high
    if min is not None:
        low, high = builtins.max(low, min.low), builtins.max(high, min.high)
    if max is not None:
        low, high = builtins.min(low, max.low), builtins.min(high, max.high)
    return low, high


@elementwise(
    partials=[
        _inside,
        _below,
        _above,
    ],
    strong=True,
    source="np.clip({args})",
    latex=r"\operatorname{{clip}}\left({args}\right)",
    kinks=[-0.5, 0.5],
    domain=[(-2, 2), (-0.5, -0.5), (0.5, 0.5)],
    method=True,
    bounds=_clipped_bounds,
    selects=True,
    passes_nan=(True,),
)
def clip(x: Array, min: Array | None = None, max: Array | None = None) -> Array:
    """Return x limited to [min, max]; on a bound the gradient is x's.

    >>> ad.clip(np.array([-2.0, 0.5, 1.0, 3.0]), -1.0, 1.0)
    array([-1. ,  0.5,  1. ,  1. ])
    >>> ad.grad(lambda x: ad.clip(x, -1.0, 1.0).sum())(np.array([-2.0, 0.5, 1.0, 3.0]))
    array([0., 1., 1., 0.])
    """
    return np.clip(x, min, max)


@elementwise(
    partials=[
        0,
        lambda out, condition, x, y: not_equal(condition, 0),
        lambda out, condition, x, y: equal(condition, 0),
    ],
    strong=True,
    source="np.where({condition}, {x}, {y})",
    latex=r"\begin{{cases}} {x} & {condition} \\ {y} & \text{{otherwise}} \end{{cases}}",
    cases=[
        (np.array([True, False, True]), (3,), (3,), {}),
        (np.array([[True], [False]]), (2, 3), (), {}),
        (np.array(False), (2, 1), (3,), {}),
    ],
    bounds=lambda condition, x, y: hull([x, y]),
    selects=True,
    passes_nan=False,
    boxes=True,
    cheap=True,
)
def where(condition: Array, x: Array, y: Array) -> Array:
    """Return ``x`` where ``condition`` holds and ``y`` elsewhere.

    The branch not taken gets gradient 0, also where its own derivative is infinite or undefined:
    ``where(x > 0, sqrt(x), 0)`` has gradient 0 at 0.

    >>> x = np.array([0.0, 4.0])
    >>> ad.grad(lambda x: ad.where(x > 0, ad.sqrt(x), 0.0).sum())(x)
    array([0.  , 0.25])
    """
    return np.where(condition, x, y)


def one_minus_square(x: AnyArray) -> AnyArray:
    """Return 1 - x², without its cancellation near ±1 and that of the factors' slopes near 0."""
    return where(less(absolute(x), 0.5), 1 - x * x, (1 - x) * (1 + x))


def _wins(ahead: AnyArray, x: AnyArray, y: AnyArray) -> AnyArray:
    """1 where x is ahead, or y is NaN and so out of the race; one half where they draw."""
    draw = bitwise_or(equal(x, y), bitwise_and(isnan(x), isnan(y)))
    return _share(bitwise_or(ahead, isnan(y)), draw)


@elementwise(
    partials=[
        lambda out, x, y: _wins(greater(x, y), x, y),
        lambda out, x, y: _wins(greater(y, x), y, x),
    ],
    strong=True,
    source="np.fmax({x}, {y})",
    latex=r"\max\left({x}, {y}\right)",
    numpy=[np.fmax],
    bounds=lambda x, y: hull([x, y]),
    selects=True,
    passes_nan=False,
)
def fmax(x: Array, y: Array) -> Array:
    """Return the greater of x and y, or the one that is not NaN, which gets the gradient.

    Where they are equal, or both NaN, each gets half of it.

    >>> ad.fmax(np.array([1.0, np.nan]), np.array([np.nan, 2.0]))
    array([1., 2.])
    >>> ad.grad(lambda x: ad.fmax(x, 2.0).sum())(np.array([2.0, 3.0, np.nan]))
    array([0.5, 1. , 0. ])
    """
    return np.fmax(x, y)


@elementwise(
    partials=[
        lambda out, x, y: _wins(less(x, y), x, y),
        lambda out, x, y: _wins(less(y, x), y, x),
    ],
    strong=True,
    source="np.fmin({x}, {y})",
    latex=r"\min\left({x}, {y}\right)",
    numpy=[np.fmin],
    bounds=lambda x, y: hull([x, y]),
    selects=True,
    passes_nan=False,
)
def fmin(x: Array, y: Array) -> Array:
    """Return the smaller of x and y, or the one that is not NaN, which gets the gradient.

    Where they are equal, or both NaN, each gets half of it.

    >>> ad.fmin(np.array([1.0, np.nan]), np.array([np.nan, 2.0]))
    array([1., 2.])
    >>> ad.grad(lambda x: ad.fmin(x, 2.0).sum())(np.array([2.0, 3.0, np.nan]))
    array([0.5, 0. , 0. ])
    """
    return np.fmin(x, y)


def nan_to_num(
    x: ArrayLike,
    copy: bool = True,
    nan: ArrayLike = 0.0,
    posinf: ArrayLike | None = None,
    neginf: ArrayLike | None = None,
) -> AnyArray:
    """Return x with NaN and infinities replaced; the gradient goes to the numbers that stay.

    Parameters
    ----------
    x : array
    copy : bool
        False changes x in place, where ``x[...] = v`` does.
    nan, posinf, neginf : number, optional
        What replaces them, by default 0 and the greatest and smallest finite number of x's dtype.

    Examples
    --------
    >>> ad.nan_to_num(np.array([1.0, np.nan]), nan=-1.0)
    array([ 1., -1.])
    >>> ad.grad(lambda x: ad.nan_to_num(x).sum())(np.array([1.0, np.nan]))
    array([1., 0.])
    """
    x = as_array(x)
    replaced: Any = _without_nan(x, nan, posinf, neginf)
    if copy or is_number(x):
        return as_scalar(replaced)
    if not isinstance(x, Value):
        x[...] = replaced
    else:
        x.refuse_assignment()
        x.adopt(replaced)
    return x


def _without_nan(
    x: AnyArray, nan: ArrayLike, posinf: ArrayLike | None, neginf: ArrayLike | None
) -> AnyArray:
    if x.dtype.kind != "f":
        return positive(x)
    largest = float(np.finfo(x.dtype).max)
    above = largest if posinf is None else posinf
    below = -largest if neginf is None else neginf
    finite = where(equal(x, np.inf), above, where(equal(x, -np.inf), below, x))
    return where(isnan(x), nan, finite)


NUMPY[np.nan_to_num] = nan_to_num
attach("abs", absolute)
COMPOSITES = (nan_to_num,)
