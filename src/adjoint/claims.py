"""A claim is a fact on a card, tried on numbers that would show it wrong: huge, infinite, NaN …

Each takes a primitive, a case's arguments and metadata, the positions of the arrays whose numbers
may be any, and a generator. Those of a field that a card leaves at its default claim nothing, but
what shows of itself is asked for: that a function flattens out, that its scalar is an array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .core import Params, Primitive
from .facts import REALS, Range

Array = np.ndarray[Any, Any]
Claim = Callable[[Primitive, Sequence[Array], Params, Sequence[int], np.random.Generator], None]

_DRAWS = 8
# Of products of three of the huge ones none overflows.
_FINITE = {
    np.float64: [0.0, -0.0, 1e-100, -1e-100, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 1e100, -1e100],
    np.float32: [0.0, -0.0, 1e-10, -1e-10, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 1e10, -1e10],
}
_ROUNDING = {np.float64: 1e-13, np.float32: 1e-5}


def _points(
    args: Sequence[Array], varied: Sequence[int], rng: np.random.Generator, *, finite: bool = True
) -> Iterator[list[Array]]:
    """Yield arguments in which the varied arrays have special numbers, mixed or all the same."""
    yield [np.array(x) for x in args]
    for dtype, numbers in _FINITE.items():
        pool = np.array(numbers if finite else [*numbers, np.inf, -np.inf, np.nan])
        for draw in range(3 * _DRAWS):
            chosen = [np.array(x) for x in args]
            some = rng.choice(pool, 2)
            for n in varied:
                few = pool if draw < _DRAWS else some if draw < 2 * _DRAWS else rng.choice(pool, 1)
                chosen[n] = np.asarray(rng.choice(few, args[n].shape), dtype)
            yield chosen


def _range(x: Array) -> Range:
    if not x.size or np.isnan(x).any():
        return Range(*REALS, size=x.size)
    return Range(float(x.min()), float(x.max()), x.size, float(np.abs(x).min()))


def _applied(primitive: Primitive, args: Sequence[Array], params: Params) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(primitive.forward(*args, **params))


def bounds_hold(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """No entry but NaN lies beyond the bounds, whatever the arguments."""
    for point in _points(args, varied, rng, finite=False):
        y = _applied(primitive, point, params)
        if y.dtype.kind != "f":
            return
        low, high = primitive.facts.bounds_of([_range(x.astype(float)) for x in point], params)
        slack = [_ROUNDING[y.dtype.type] * abs(end) for end in (low, high) if np.isfinite(end)]
        known, most = y[~np.isnan(y)], max(slack, default=0.0)
        assert np.all((known >= low - most) & (known <= high + most)), (point, y, low, high)


def finite_stays_finite(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """Finite arguments give finite results, where the card says so."""
    finite = primitive.facts.finite
    for point in _points(args, varied, rng):
        ranges = [_range(x.astype(float)) for x in point]
        if finite(*ranges, **params) if callable(finite) else finite:
            y = _applied(primitive, point, params)
            assert np.isfinite(y).all(), (point, y)


def entries_move(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """What moves entries gives no others, and drops and adds only what it says."""
    moves = primitive.facts.moves
    if moves is None:
        return
    moved = np.concatenate([np.ravel(x) for x in args[: moves.arguments]])
    y = _applied(primitive, args, params)
    assert np.isin(y, [*moved, 0] if moves.fills else moved).all(), y
    assert moves.drops or not y.size or np.isin(moved, y).all(), y


def entries_are_selected(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """What selects entries gives no others, but 0."""
    if primitive.facts.selects:
        given = np.concatenate([[0.0], *map(np.ravel, args)])
        y = _applied(primitive, args, params)
        assert np.isin(y, given).all(), y


def nan_shows(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """NaN in any entry of an argument shows in the result, where the card says so."""
    for point in _points(args, varied, rng, finite=False):
        for n in varied:
            if not point[n].size:
                continue
            x = point[n].copy()
            x.flat[rng.integers(x.size)] = np.nan
            with_nan = [*point[:n], x, *point[n + 1 :]]
            if primitive.facts.shows_nan(n, with_nan, params):
                y = _applied(primitive, with_nan, params)
                assert not y.size or np.isnan(y).any(), (with_nan, y)


def far_slopes_vanish(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """What saturates has no slope far on one side, and what has none there saturates."""
    facts, alone = primitive.facts, primitive.kind == "elementwise" and len(args) == 1
    if primitive.jvp is None or 0 not in varied or args[0].size < (1 if alone else 2):
        return
    if facts.saturates:
        assert any(_slope(primitive, args, params, far) < 1e-5 for far in (1e8, -1e8))
    elif alone and not facts.flat and not facts.selects:
        assert not any(_slope(primitive, args, params, far) < 1e-30 for far in (1e3, -1e3)), (
            "the function flattens out: saturates=True, and bounds, belong on the card"
        )


def _slope(primitive: Primitive, args: Sequence[Array], params: Params, far: float) -> float:
    """Return the greatest slope by an entry that is moved far away; ∞ where there is none."""
    assert primitive.jvp is not None
    x, tangent = np.array(args[0]), np.zeros_like(args[0])
    x.flat[0], tangent.flat[0] = far, 1.0
    point = [x, *args[1:]]
    y = _applied(primitive, point, params)
    with np.errstate(all="ignore"):
        moved = primitive.jvp([tangent, *[None] * (len(args) - 1)], y, point, params)
    is_finite = np.isfinite(y).all() and np.isfinite(moved).all()
    return float(np.max(np.abs(moved))) if is_finite else np.inf


def arguments_commute(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """The two arguments may change places, where the card says so."""
    if primitive.facts.commutes:
        for x, y in _points(args, varied, rng, finite=False):
            there, back = (_applied(primitive, pair, params) for pair in ((x, y), (y, x)))
            np.testing.assert_array_equal(there, back)


def scalars_are_boxed(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """A result without axes is an array where the card says so; of entrywise ones only there."""
    if primitive.kind == "elementwise":
        if not all(x.size for x in args):
            return
        args = [np.asarray(x.flat[0]) for x in args]
    y = primitive.forward(*args, **params)
    if np.ndim(y) == 0 and (primitive.facts.boxes or primitive.kind == "elementwise"):
        assert isinstance(y, np.ndarray) == primitive.facts.boxes, type(y)


def activations_take_one_array(
    primitive: Primitive,
    args: Sequence[Array],
    params: Params,
    varied: Sequence[int],
    rng: np.random.Generator,
) -> None:
    """An activation is a function of every entry, with a slope."""
    if primitive.facts.activation:
        assert primitive.kind == "elementwise"
        assert len(args) == 1
        assert not primitive.facts.flat


CLAIMS: tuple[Claim, ...] = (
    bounds_hold,
    finite_stays_finite,
    entries_move,
    entries_are_selected,
    nan_shows,
    far_slopes_vanish,
    arguments_commute,
    scalars_are_boxed,
    activations_take_one_array,
)
