"""Rounding takes numbers to integers: its derivative is 0, at the jumps too."""

from __future__ import annotations

import numpy as np

from ..core.annotations import AnyArray, Array
from ..core.kinds import elementwise
from ..core.registry import NUMPY


@elementwise(
    partials=[0],
    source="np.floor({x})",
    latex=r"\left\lfloor {x} \right\rfloor",
    numpy=[np.floor],
    method=True,
    kinks=[-2, -1, 0, 1, 2],
    finite=True,
)
def floor(x: Array) -> Array:
    """Return the largest integer not above x; the derivative is 0.

    >>> ad.floor(np.array([-0.5, 1.0, 1.7]))
    array([-1.,  1.,  1.])
    >>> ad.grad(lambda x: ad.floor(x).sum())(np.array([-0.5, 1.0, 1.7]))
    array([0., 0., 0.])
    """
    return np.floor(x)


@elementwise(
    partials=[0],
    source="np.ceil({x})",
    latex=r"\left\lceil {x} \right\rceil",
    numpy=[np.ceil],
    method=True,
    kinks=[-2, -1, 0, 1, 2],
    finite=True,
)
def ceil(x: Array) -> Array:
    """Return the smallest integer not below x; the derivative is 0.

    >>> ad.ceil(np.array([-0.5, 1.0, 1.2]))
    array([-0.,  1.,  2.])
    >>> ad.grad(lambda x: ad.ceil(x).sum())(np.array([-0.5, 1.0, 1.2]))
    array([0., 0., 0.])
    """
    return np.ceil(x)


@elementwise(
    partials=[0],
    source="np.trunc({x})",
    latex=r"\operatorname{{trunc}}\left({x}\right)",
    numpy=[np.trunc],
    method=True,
    kinks=[-2, -1, 0, 1, 2],
    finite=True,
)
def trunc(x: Array) -> Array:
    """Return the nearest integer not further from zero; the derivative is 0.

    >>> ad.trunc(np.array([-1.7, 1.7]))
    array([-1.,  1.])
    >>> ad.grad(lambda x: ad.trunc(x).sum())(np.array([-1.7, 1.0]))
    array([0., 0.])
    """
    return np.trunc(x)


@elementwise(
    partials=[0],
    source="np.rint({x})",
    latex=r"\operatorname{{round}}\left({x}\right)",
    numpy=[np.rint],
    kinks=[-1.5, -0.5, 0.5, 1.5],
    finite=True,
)
def rint(x: Array) -> Array:
    """Return the nearest integer, the even one of two; the derivative is 0.

    >>> ad.rint(np.array([0.5, 1.5, 1.6]))
    array([0., 2., 2.])
    >>> ad.grad(lambda x: ad.rint(x).sum())(np.array([0.5, 1.6]))
    array([0., 0.])
    """
    return np.rint(x)


@elementwise(
    partials=[0],
    source="np.round({x}{params})",
    latex=r"\operatorname{{round}}\left({x}{params}\right)",
    numpy=[np.round, np.around],
    method=True,
    cases=[
        (np.array([[-1.3, 0.2], [1.7, 0.4]]), {}),
        (np.array([0.2301, -1.8698]), {"decimals": 2}),
        (np.array(123.4), {"decimals": -1}),
        ((0, 2), {}),
    ],
    finite=True,
)
def round(x: Array, *, decimals: int = 0) -> Array:
    """Return x rounded to ``decimals`` places, halves to even; the derivative is 0.

    >>> ad.round(np.array([0.125, 2.675]), decimals=2)
    array([0.12, 2.68])
    >>> ad.grad(lambda x: ad.round(x).sum())(np.array([0.5, 2.6]))
    array([0., 0.])
    """
    return np.round(x, decimals)


def around(x: AnyArray, decimals: int = 0) -> AnyArray:
    """Return x rounded to ``decimals`` places, halves to even; the derivative is 0.

    >>> ad.around(np.array([0.125, 2.675]), 2)
    array([0.12, 2.68])
    """
    return round(x, decimals=decimals)


def fix(x: AnyArray) -> AnyArray:
    """Return the nearest integer not further from zero; the derivative is 0.

    >>> ad.fix(np.array([-1.7, 1.7]))
    array([-1.,  1.])
    >>> ad.grad(lambda x: ad.fix(x).sum())(np.array([-1.7, 1.0]))
    array([0., 0.])
    """
    return trunc(x)


NUMPY[np.fix] = fix
COMPOSITES = (around, fix)
