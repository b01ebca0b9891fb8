"""Piecewise functions choose between branches; each docstring says the convention at the kink.

Where nothing else is said it follows PyTorch: the derivative if there is one, else the
sub-gradient of least norm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kinds import elementwise
from .logic import bitwise_and, equal, greater, greater_equal, less, less_equal, not_equal


@elementwise(
    partials=[lambda y, x: greater(x, 0)],
    strong=True,
    source="np.maximum({x}, 0)",
    latex=r"\operatorname{{relu}}\left({x}\right)",
    method=True,
    kinks=[0],
)
def relu(x: Any) -> Any:
    """Return max(x, 0); the derivative at 0 is 0."""
    return np.maximum(x, 0)


@elementwise(
    partials=[lambda y, x: sign(x)],
    strong=True,
    source="np.abs({x})",
    latex=r"\left|{x}\right|",
    numpy=[np.absolute],
    kinks=[0],
)
def absolute(x: Any) -> Any:
    """Return |x|; the derivative at 0 is 0."""
    return np.absolute(x)


@elementwise(
    partials=[0],
    source="np.sign({x})",
    latex=r"\operatorname{{sign}}\left({x}\right)",
    numpy=[np.sign],
    method=True,
    kinks=[0],
)
def sign(x: Any) -> Any:
    """Return -1, 0 or 1; the derivative is 0, at the jump too."""
    return np.sign(x)


def _share(wins: Any, ties: Any) -> Any:
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
)
def maximum(x: Any, y: Any) -> Any:
    """Return the greater of x and y; where they are equal each gets half of the gradient."""
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
)
def minimum(x: Any, y: Any) -> Any:
    """Return the smaller of x and y; where they are equal each gets half of the gradient."""
    return np.minimum(x, y)


def _inside(out: Any, x: Any, min: Any = None, max: Any = None) -> Any:
    """1 within the bounds, ends included."""
    above = greater_equal(x, -np.inf if min is None else min)
    return bitwise_and(above, less_equal(x, np.inf if max is None else max))


@elementwise(
    partials=[
        _inside,
        lambda out, x, min, max=None: less(x, min),
        lambda out, x, min, max: greater(x, max),
    ],
    strong=True,
    source="np.clip({args})",
    latex=r"\operatorname{{clip}}\left({args}\right)",
    kinks=[-0.5, 0.5],
    domain=[(-2, 2), (-0.5, -0.5), (0.5, 0.5)],
    method=True,
)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Return x limited to [min, max]; on a bound the gradient is x's."""
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
)
def where(condition: Any, x: Any, y: Any) -> Any:
    """Return ``x`` where ``condition`` holds and ``y`` elsewhere.

    The branch not taken gets gradient 0, also where its own derivative is infinite or undefined:
    ``where(x > 0, sqrt(x), 0)`` has gradient 0 at 0.
    """
    return np.where(condition, x, y)
