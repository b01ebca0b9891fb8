"""Rounding takes numbers to integers: its derivative is 0, at the jumps too."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import NUMPY
from ..kinds import elementwise


@elementwise(
    partials=[0],
    source="np.floor({x})",
    latex=r"\left\lfloor {x} \right\rfloor",
    numpy=[np.floor],
    method=True,
    kinks=[-2, -1, 0, 1, 2],
)
def floor(x: Any) -> Any:
    """Return the largest integer not above x; the derivative is 0."""
    return np.floor(x)


@elementwise(
    partials=[0],
    source="np.ceil({x})",
    latex=r"\left\lceil {x} \right\rceil",
    numpy=[np.ceil],
    method=True,
    kinks=[-2, -1, 0, 1, 2],
)
def ceil(x: Any) -> Any:
    """Return the smallest integer not below x; the derivative is 0."""
    return np.ceil(x)


@elementwise(
    partials=[0],
    source="np.trunc({x})",
    latex=r"\operatorname{{trunc}}\left({x}\right)",
    numpy=[np.trunc],
    method=True,
    kinks=[-2, -1, 0, 1, 2],
)
def trunc(x: Any) -> Any:
    """Return the nearest integer not further from zero; the derivative is 0."""
    return np.trunc(x)


@elementwise(
    partials=[0],
    source="np.rint({x})",
    latex=r"\operatorname{{round}}\left({x}\right)",
    numpy=[np.rint],
    kinks=[-1.5, -0.5, 0.5, 1.5],
)
def rint(x: Any) -> Any:
    """Return the nearest integer, the even one of two; the derivative is 0."""
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
)
def round(x: Any, *, decimals: int = 0) -> Any:
    """Return x rounded to ``decimals`` places, halves to even; the derivative is 0."""
    return np.round(x, decimals)


def around(x: Any, decimals: int = 0) -> Any:
    """Return x rounded to ``decimals`` places, halves to even; the derivative is 0."""
    return round(x, decimals=decimals)


def fix(x: Any) -> Any:
    """Return the nearest integer not further from zero; the derivative is 0."""
    return trunc(x)


NUMPY[np.fix] = fix
COMPOSITES = (around, fix)
