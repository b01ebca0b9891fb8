"""Facts are what holds of a primitive's results, whatever its arguments are.

The compiler reasons with them (where a product can be a plain one, where NaN shows), and the
diagnosis words with them what became of a gradient. They stand on the cards, and nowhere else. By
default a card claims no more than its kind implies, so that a forgotten fact costs time or a word,
and the contract tries each that is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .annotations import Described, Operand, Params

Interval = tuple[float, float]
REALS: Interval = (-math.inf, math.inf)
# A number of ordinary size divided by more than this stays in the range of float32, or nearly so.
SMALL = 1e-30
# A relative margin, above the rounding of float32.
_ROUNDING = 1e-6


class Range(NamedTuple):
    """Bounds that hold for all entries of an operand: none is below ``low`` or above ``high``.

    Nor is any nearer to 0 than ``least``; there are ``size`` entries. It says nothing about NaN.
    """

    low: float
    high: float
    size: int = 1
    least: float = 0.0


class Moves(NamedTuple):
    """A primitive only moves entries: each of its results is an entry of an argument, or a 0.

    Where an entry goes may depend on shapes, metadata and index arrays, but not on the entries.

    Parameters
    ----------
    arguments : int or None
        How many arguments, the first ones, have their entries moved; None for all.
    drops : bool
        Whether an entry may be left out.
    fills : bool
        Whether there may be zeros that are no entry.
    """

    arguments: int | None = 1
    drops: bool = False
    fills: bool = False


class Facts:
    """Statements of a card about its results, besides how they are computed.

    Parameters
    ----------
    bounds : pair of float, or callable
        The numbers between which all entries lie, up to rounding and apart from NaN; or
        ``bounds(*ranges, **params)``, which gives the pair from the `Range` of each argument (None
        for an argument that is left out).
    finite : bool or callable
        Whether finite arguments give finite results, so long as products of a few of them do not
        overflow; or ``finite(*ranges, **params)``. By default where both bounds are finite, and
        where it moves or selects entries.
    moves : Moves, optional
    passes_nan : bool, sequence of bool, or callable
        Whether NaN in any entry of an argument is sure to make NaN of an entry of the result,
        whatever the other arguments are: for all arguments, for each of the first ones, or for the
        first one alone ``passes_nan(out, *args, **params)``, to which computed values are given as
        a `Spec`. By default this holds of an elementwise card, and of one that moves entries and
        drops none.
    selects : bool
        Whether each result is an entry of an argument, or 0, and the numbers decide which.
    saturates : bool
        Whether it flattens out far from 0, so that its slope is lost in rounding.
    flat : bool
        Whether its slope is 0 wherever there is one. The kind says so.
    commutes : bool
        Whether its two arguments may change places.
    activation : bool
        Whether networks apply it to the result of an affine map: the σ of the derivation.
    boxes : bool
        Whether NumPy's result without axes is an array, and not a scalar.
    cheap : bool
        Whether it is a few machine instructions, so that its result is sooner computed again than
        read from memory.
    flops : callable, optional
        ``flops(out, *args, **params)`` is how many floating-point operations it takes; by default
        one for each entry of the largest array, none where entries only move.
    constant : float or None
        The number that all entries are, whatever the arguments: where both bounds are the same.
    """

    # Written out: to generate it, as a dataclass does, takes a good part of `import adjoint`.
    def __init__(
        self,
        *,
        bounds: Interval | Callable[..., Interval] = REALS,
        finite: bool | Callable[..., bool] | None = None,
        moves: Moves | None = None,
        passes_nan: bool | Sequence[bool] | Callable[..., bool] | None = None,
        selects: bool = False,
        saturates: bool = False,
        flat: bool = False,
        commutes: bool = False,
        activation: bool = False,
        boxes: bool = False,
        cheap: bool = False,
        flops: Callable[..., int] | None = None,
    ) -> None:
        is_known = not callable(bounds)
        if finite is None:
            is_bounded = is_known and all(map(math.isfinite, bounds))  # type: ignore[arg-type]
            finite = is_bounded or moves is not None or selects
        self.bounds, self.finite, self.moves = bounds, finite, moves
        self.passes_nan = _shown_by(moves) if passes_nan is None else passes_nan
        self.selects, self.saturates, self.flat, self.commutes = selects, saturates, flat, commutes
        self.activation, self.boxes, self.cheap, self.flops = activation, boxes, cheap, flops
        is_one = is_known and bounds[0] == bounds[1]  # type: ignore[index]
        self.constant: float | None = bounds[0] if is_one else None  # type: ignore[index]

    def bounds_of(self, ranges: Sequence[Range | None], params: Params) -> Interval:
        """Return between which numbers the results lie, given the range of each argument."""
        if self.moves is not None:
            return hull(ranges[: self.moves.arguments], fills=self.moves.fills)
        return self.bounds(*ranges, **params) if callable(self.bounds) else self.bounds

    def shows_nan(
        self, position: int, out: Described, args: Sequence[Operand], params: Params
    ) -> bool:
        """Return whether NaN in an argument is sure to make NaN of an entry of the result."""
        claim = self.passes_nan
        if claim is None or isinstance(claim, bool):
            return bool(claim)
        if callable(claim):
            return position == 0 and claim(out, *args, **params)
        return position < len(claim) and claim[position]


def _shown_by(moves: Moves | None) -> bool | Sequence[bool]:
    """Return which arguments have all their entries in the result."""
    if moves is None or moves.drops:
        return False
    return True if moves.arguments is None else (True,) * moves.arguments


# --- bounds that depend on the arguments' bounds


def hull(ranges: Sequence[Range | None], *, fills: bool = False) -> Interval:
    """Return the least interval that holds all of several, and 0 if need be."""
    known = [x for x in ranges if x is not None]
    lows, highs = [x.low for x in known], [x.high for x in known]
    return (min(lows + [0.0] * fills), max(highs + [0.0] * fills)) if known else REALS


def of_sum(x: Range, y: Range) -> Interval:
    """Return the bounds of x + y."""
    return _added(x.low, y.low), -_added(-x.high, -y.high)


def _added(x: float, y: float) -> float:
    total = x + y
    if 0 < total < _ROUNDING * abs(x):
        return 0.0  # the difference of nearly equal numbers may be 0 when rounded to float32
    return total if total == total else -math.inf


def of_negative(x: Range) -> Interval:
    """Return the bounds of -x."""
    return -x.high, -x.low


def of_difference(x: Range, y: Range) -> Interval:
    """Return the bounds of x - y."""
    return of_sum(x, Range(*of_negative(y)))


def of_product(x: Range, y: Range) -> Interval:
    """Return the bounds of x · y."""
    # A bound says nothing about NaN, so that a term 0·∞, whether NaN or 0, adds no end but 0.
    ends = [a * b if a and b else 0.0 for a in x[:2] for b in y[:2]]
    return min(ends), max(ends)


def of_magnitude(x: Range) -> Interval:
    """Return the bounds of |x|."""
    return max(x.low, -x.high, 0.0), max(-x.low, x.high)


def of_square(x: Range) -> Interval:
    """Return the bounds of x²."""
    low, high = of_magnitude(x)
    return low * low, high * high


def of_total(x: Range, **_: object) -> Interval:
    """Return the bounds of a sum of any of the entries."""
    size = max(x.size, 1)
    return (0.0 if x.low >= 0 else x.low * size), (0.0 if x.high <= 0 else x.high * size)


def of_choice(x: Range, **_: object) -> Interval:
    """Return the bounds of some of the entries, or of their mean."""
    return x.low, x.high


# --- floating-point operations


def of_matrices(out: Described, x: Described, *_: object, **__: object) -> int:
    """Return the operations of a factorisation or the like, n³ for matrices of n rows."""
    largest: int = max(math.prod(array.shape) for array in (out, x))
    return largest * int(x.shape[-1]) if x.shape else largest
