"""Bessel functions of whole and broken order, the order being a constant.

Their derivatives are those of the neighbouring orders (DLMF 10.6.1, 10.29.1), which unlike the
forms with a division by x are right at 0, to all orders.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from ..core.annotations import AnyArray, Array, ArrayLike
from ..core.kinds import elementwise
from ..core.registry import NUMPY
from ..core.value import Value
from ..ops.arithmetic import divide
from ..ops.logic import bitwise_and, equal, greater, less
from ..ops.piecewise import absolute, where

_POSITIVE = [(0.5, 4)]
_ORDERS = [((2, 3), {"order": 2}), ((), {"order": 0.5}), ((0,), {"order": 1})]


def _half_difference(bessel: Callable[..., Any], x: AnyArray, order: float) -> AnyArray:
    return 0.5 * (bessel(x, order=order - 1) - bessel(x, order=order + 1))


def _half_sum(bessel: Callable[..., Any], x: AnyArray, order: float) -> AnyArray:
    return 0.5 * bessel(x, order=order - 1) + 0.5 * bessel(x, order=order + 1)


@elementwise(
    partials=[lambda y, x, *, order: _half_difference(bessel_j, x, order)],
    strong=True,
    source="jv({order}, {x})",
    latex=r"J_{{{order}}}\left({x}\right)",
    helpers=[special.jv],
    domain=_POSITIVE,
    cases=_ORDERS,
)
def bessel_j(x: Array, *, order: float) -> Array:
    """Return the Bessel function of the first kind."""
    return special.jv(order, x)


@elementwise(
    partials=[lambda y, x, *, order: _half_difference(bessel_y, x, order)],
    strong=True,
    source="yv({order}, {x})",
    latex=r"Y_{{{order}}}\left({x}\right)",
    helpers=[special.yv],
    domain=_POSITIVE,
    cases=_ORDERS,
)
def bessel_y(x: Array, *, order: float) -> Array:
    """Return the Bessel function of the second kind, x > 0."""
    return special.yv(order, x)


@elementwise(
    partials=[lambda y, x, *, order: _half_sum(bessel_i, x, order)],
    strong=True,
    source="iv({order}, {x})",
    latex=r"I_{{{order}}}\left({x}\right)",
    helpers=[special.iv],
    domain=_POSITIVE,
    cases=_ORDERS,
)
def bessel_i(x: Array, *, order: float) -> Array:
    """Return the modified Bessel function of the first kind."""
    return special.iv(order, x)


@elementwise(
    partials=[lambda y, x, *, order: -_half_sum(bessel_k, x, order)],
    strong=True,
    source="kv({order}, {x})",
    latex=r"K_{{{order}}}\left({x}\right)",
    helpers=[special.kv],
    domain=_POSITIVE,
    cases=_ORDERS,
    bounds=(0, np.inf),
    saturates=True,
)
def bessel_k(x: Array, *, order: float) -> Array:
    """Return the modified Bessel function of the second kind, x > 0."""
    return special.kv(order, x)


@elementwise(
    partials=[lambda y, x: -j1(x)],
    strong=True,
    source="j0({x})",
    latex=r"J_{{0}}\left({x}\right)",
    numpy=[special.j0],
    bounds=(-1, 1),
)
def j0(x: Array) -> Array:
    """Return the Bessel function of the first kind, order 0.

    >>> ad.special.j0(np.array([0.0, 1.0]))
    array([1.        , 0.76519769])
    >>> ad.grad(lambda x: ad.special.j0(x).sum())(np.array([1.0, 2.0]))
    array([-0.44005059, -0.57672481])
    """
    return special.j0(x)


@elementwise(
    partials=[lambda y, x: 0.5 * (j0(x) - bessel_j(x, order=2))],
    strong=True,
    source="j1({x})",
    latex=r"J_{{1}}\left({x}\right)",
    numpy=[special.j1],
    bounds=(-1, 1),
)
def j1(x: Array) -> Array:
    """Return the Bessel function of the first kind, order 1.

    >>> ad.special.j1(np.array([0.0, 1.0]))
    array([0.        , 0.44005059])
    """
    return special.j1(x)


@elementwise(
    partials=[lambda y, x: -y1(x)],
    strong=True,
    source="y0({x})",
    latex=r"Y_{{0}}\left({x}\right)",
    numpy=[special.y0],
    domain=_POSITIVE,
)
def y0(x: Array) -> Array:
    """Return the Bessel function of the second kind, order 0; -∞ at 0.

    >>> ad.special.y0(np.array([0.0, 1.0]))
    array([      -inf, 0.08825696])
    """
    return special.y0(x)


@elementwise(
    partials=[lambda y, x: where(equal(x, 0), np.inf, y0(x) - divide(y, x))],
    strong=True,
    source="y1({x})",
    latex=r"Y_{{1}}\left({x}\right)",
    numpy=[special.y1],
    domain=_POSITIVE,
)
def y1(x: Array) -> Array:
    """Return the Bessel function of the second kind, order 1; -∞ at 0.

    >>> ad.special.y1(np.array([0.0, 1.0]))
    array([       -inf, -0.78121282])
    """
    return special.y1(x)


# Between these SciPy's i0 and i1 have overflowed already, and its iv has not.
_NEAR_OVERFLOW = (700, 720)


def _to_the_end(plain: Callable[..., Any], x: AnyArray, order: int) -> AnyArray:
    """Return I(x) to the end of its range."""
    size = absolute(x)
    near = bitwise_and(greater(size, _NEAR_OVERFLOW[0]), less(size, _NEAR_OVERFLOW[1]))
    # `where` computes both branches: iv, which is slow, is asked for 0 wherever it is not needed.
    return where(near, bessel_i(where(near, x, 0.0), order=order), plain(x))


def _i2(x: AnyArray) -> AnyArray:
    """Return I₂(x) also where SciPy's is NaN: near 0 by its first terms (DLMF 10.25.2), and far."""
    square, size = x * x, absolute(x)
    series = square * (square / 96 + 0.125)
    within = where(less(size, _NEAR_OVERFLOW[1]), bessel_i(x, order=2), np.inf)
    return where(less(size, 1e-4), series, within)


@elementwise(
    partials=[lambda y, x: _to_the_end(i1, x, 1)],
    strong=True,
    source="i0({x})",
    latex=r"I_{{0}}\left({x}\right)",
    numpy=[special.i0],
    bounds=(1, np.inf),
)
def i0(x: Array) -> Array:
    """Return the modified Bessel function of the first kind, order 0.

    >>> ad.special.i0(np.array([0.0, 1.0]))
    array([1.        , 1.26606588])
    """
    return special.i0(x)


@elementwise(
    partials=[lambda y, x: 0.5 * _to_the_end(i0, x, 0) + 0.5 * _i2(x)],
    strong=True,
    source="i1({x})",
    latex=r"I_{{1}}\left({x}\right)",
    numpy=[special.i1],
)
def i1(x: Array) -> Array:
    """Return the modified Bessel function of the first kind, order 1.

    >>> ad.special.i1(np.array([0.0, 1.0]))
    array([0.       , 0.5651591])
    """
    return special.i1(x)


@elementwise(
    partials=[lambda y, x: -k1(x)],
    strong=True,
    source="k0({x})",
    latex=r"K_{{0}}\left({x}\right)",
    numpy=[special.k0],
    domain=_POSITIVE,
    bounds=(0, np.inf),
    saturates=True,
)
def k0(x: Array) -> Array:
    """Return the modified Bessel function of the second kind, order 0; ∞ at 0.

    >>> ad.special.k0(np.array([0.0, 1.0]))
    array([       inf, 0.42102444])
    """
    return special.k0(x)


@elementwise(
    partials=[lambda y, x: -k0(x) - divide(y, x)],
    strong=True,
    source="k1({x})",
    latex=r"K_{{1}}\left({x}\right)",
    numpy=[special.k1],
    domain=_POSITIVE,
    bounds=(0, np.inf),
    saturates=True,
)
def k1(x: Array) -> Array:
    """Return the modified Bessel function of the second kind, order 1; ∞ at 0.

    >>> ad.special.k1(np.array([0.0, 1.0]))
    array([       inf, 0.60190723])
    """
    return special.k1(x)


def _constant(name: str, v: ArrayLike) -> float:
    """Return an order as a Python number; raise if it is no constant."""
    if isinstance(v, Value) or np.ndim(v) or not isinstance(v, (int, float, np.number)):
        raise TypeError(
            f"{name}: the order must be one constant number, got {v!r}; "
            "there is no derivative by the order"
        )
    return v.item() if isinstance(v, np.number) else v


def jv(v: float, x: ArrayLike) -> AnyArray:
    """Return the Bessel function of order v, of the first kind; v is a constant.

    >>> ad.special.jv(0.5, np.array([1.0, 2.0]))
    array([0.67139671, 0.51301614])
    """
    return bessel_j(x, order=_constant("jv", v))


def yv(v: float, x: ArrayLike) -> AnyArray:
    """Return the Bessel function of order v, of the second kind; v is a constant.

    >>> ad.special.yv(0.5, np.array([1.0, 2.0]))
    array([-0.43109887,  0.23478571])
    """
    return bessel_y(x, order=_constant("yv", v))


def iv(v: float, x: ArrayLike) -> AnyArray:
    """Return the Bessel function of order v, modified, of the first kind; v is a constant.

    >>> ad.special.iv(0.5, np.array([1.0, 2.0]))
    array([0.93767489, 2.04623686])
    """
    return bessel_i(x, order=_constant("iv", v))


def kv(v: float, x: ArrayLike) -> AnyArray:
    """Return the Bessel function of order v, modified, of the second kind; v is a constant.

    >>> ad.special.kv(0.5, np.array([1.0, 2.0]))
    array([0.4610685 , 0.11993777])
    """
    return bessel_k(x, order=_constant("kv", v))


NUMPY.update(
    {special.jv: jv, special.yv: yv, special.iv: iv, special.kv: kv, np.i0: i0},
)
