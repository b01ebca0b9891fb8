"""A claim is a fact on a card, tried on numbers that would show it wrong: huge, infinite, NaN …

Where a card leaves a field at its default there is nothing to try. But a forgotten fact that shows
in the numbers is asked for: that a function flattens out, that its result of scalars is an array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..core.annotations import Array, Params
from ..core.facts import REALS, Range
from ..core.primitive import Primitive


class Exercise(NamedTuple):
    """A primitive with the arguments of a case, and which of these may have any numbers instead."""

    primitive: Primitive
    args: Sequence[Array]
    params: Params
    varied: Sequence[int]
    rng: np.random.Generator

    def points(self, *, finite: bool = True) -> Iterator[list[Array]]:
        """Yield arguments in which varied arrays have special numbers: many, two or one alone."""
        yield [np.array(x) for x in self.args]
        for dtype, numbers in _FINITE.items():
            pool = np.array(numbers if finite else [*numbers, np.inf, -np.inf, np.nan])
            for draw in range(3 * _DRAWS):
                chosen = [np.array(x) for x in self.args]
                two = self.rng.choice(pool, 2)
                for n in self.varied:
                    few = (pool, two, self.rng.choice(pool, 1))[draw // _DRAWS]
                    chosen[n] = np.asarray(self.rng.choice(few, self.args[n].shape), dtype)
                yield chosen

    def apply(self, args: Sequence[Array]) -> Array:
        """Return the primitive's result, as an array."""
        with np.errstate(all="ignore"):
            return np.asarray(self.primitive.forward(*args, **self.params))

    def ranges(self, args: Sequence[Array]) -> list[Range]:
        """Return the range of each argument."""
        return [_range(np.asarray(x, float)) for x in args]


Claim = Callable[[Exercise], None]
_DRAWS = 8
# The product of any three of the huge ones does not overflow.
_FINITE = {
    np.float64: [0.0, -0.0, 1e-100, -1e-100, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 1e100, -1e100],
    np.float32: [0.0, -0.0, 1e-10, -1e-10, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 1e10, -1e10],
}
# What is left of the slope of what saturates at 1e8, as of arctan; and of exp and its kin at 1e3.
_SMALL_SLOPE, _NO_SLOPE = 1e-5, 1e-30
_ROUNDING = {np.float64: 1e-13, np.float32: 1e-5}


def _range(x: Array) -> Range:
    if not x.size or np.isnan(x).any():
        return Range(*REALS, size=x.size)
    return Range(float(x.min()), float(x.max()), x.size, float(np.abs(x).min()))


def bounds_hold(exercise: Exercise) -> None:
    """No entry but NaN lies beyond the bounds, whatever the arguments; where they meet, NaN too."""
    for point in exercise.points(finite=False):
        y = exercise.apply(point)
        if y.dtype.kind != "f":
            return
        low, high = exercise.primitive.facts.bounds_of(exercise.ranges(point), exercise.params)
        rounding = _ROUNDING[y.dtype.type]
        below, above = (rounding * abs(end) if np.isfinite(end) else 0.0 for end in (low, high))
        outside = (y < low - below) | (y > high + above)
        if exercise.primitive.facts.constant is not None:
            outside = y != exercise.primitive.facts.constant
        assert not outside.any(), (point, y, low, high)


def finite_stays_finite(exercise: Exercise) -> None:
    """Finite arguments give finite results, where the card says so."""
    finite = exercise.primitive.facts.finite
    for point in exercise.points():
        ranges = exercise.ranges(point)
        if finite(*ranges, **exercise.params) if callable(finite) else finite:
            y = exercise.apply(point)
            assert np.isfinite(y).all(), (point, y)


def entries_move(exercise: Exercise) -> None:
    """What moves entries gives no others, and drops and adds only what it says."""
    moves = exercise.primitive.facts.moves
    if moves is None:
        return
    moved = np.concatenate([np.ravel(x) for x in exercise.args[: moves.arguments]])
    y = exercise.apply(exercise.args)
    assert np.isin(y, [*moved, 0] if moves.fills else moved).all(), y
    assert moves.drops or not y.size or np.isin(moved, y).all(), y


def entries_are_selected(exercise: Exercise) -> None:
    """What selects entries gives no others, but 0."""
    if exercise.primitive.facts.selects:
        given = np.concatenate([[0.0], *map(np.ravel, exercise.args)])
        y = exercise.apply(exercise.args)
        assert np.isin(y, given).all(), y


def nan_shows(exercise: Exercise) -> None:
    """NaN in any entry of an argument shows in the result, where the card says so."""
    for point in exercise.points(finite=False):
        for n in exercise.varied:
            if not point[n].size:
                continue
            x = point[n].copy()
            x.flat[exercise.rng.integers(x.size)] = np.nan
            with_nan = [*point[:n], x, *point[n + 1 :]]
            y = exercise.apply(with_nan)
            if y.size and exercise.primitive.facts.shows_nan(n, y, with_nan, exercise.params):
                assert np.isnan(y).any(), (with_nan, y)


def far_slopes_vanish(exercise: Exercise) -> None:
    """What saturates has no slope far on one side, and what has none there saturates."""
    primitive, facts, size = exercise.primitive, exercise.primitive.facts, exercise.args[0].size
    alone = primitive.kind == "elementwise" and len(exercise.args) == 1
    # A single entry has nothing to be far from in a softmax.
    if primitive.jvp is None or 0 not in exercise.varied or size < (1 if alone else 2):
        return
    if facts.saturates:
        assert any(_slope(exercise, far) < _SMALL_SLOPE for far in (1e8, -1e8))
    elif alone and not facts.flat and not facts.selects:
        assert not any(_slope(exercise, far) < _NO_SLOPE for far in (1e3, -1e3)), (
            "the function flattens out: saturates=True, and bounds, belong on the card"
        )


def _slope(exercise: Exercise, far: float) -> float:
    """Return the greatest slope by an entry that is moved far away; ∞ where there is none."""
    assert exercise.primitive.jvp is not None
    first, *rest = exercise.args
    x, tangent = np.array(first), np.zeros_like(first)
    x.flat[0], tangent.flat[0] = far, 1.0
    y, tangents = exercise.apply([x, *rest]), [tangent, *[None] * len(rest)]
    with np.errstate(all="ignore"):
        moved = exercise.primitive.jvp(tangents, y, [x, *rest], exercise.params)
    is_finite = np.isfinite(y).all() and np.isfinite(moved).all()
    return float(np.max(np.abs(moved))) if is_finite else np.inf


def arguments_commute(exercise: Exercise) -> None:
    """The two arguments may change places, where the card says so."""
    if exercise.primitive.facts.commutes:
        for x, y in exercise.points(finite=False):
            there, back = (exercise.apply(pair) for pair in ((x, y), (y, x)))
            np.testing.assert_array_equal(there, back)


def scalars_are_boxed(exercise: Exercise) -> None:
    """A result without axes is an array where the card says so; of entrywise ones only there."""
    boxes, is_entrywise = exercise.primitive.facts.boxes, exercise.primitive.kind == "elementwise"
    args = [np.asarray(x.flat[0]) if is_entrywise and x.size else x for x in exercise.args]
    y = exercise.primitive.forward(*args, **exercise.params)
    if np.ndim(y) == 0 and (boxes or is_entrywise):
        assert isinstance(y, np.ndarray) == boxes, type(y)


def activations_take_one_array(exercise: Exercise) -> None:
    """An activation is a function of every entry, with a slope."""
    if exercise.primitive.facts.activation:
        assert exercise.primitive.kind == "elementwise"
        assert len(exercise.args) == 1
        assert not exercise.primitive.facts.flat


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
