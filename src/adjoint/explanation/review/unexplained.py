"""What no hypothesis explains: a factor that is the same in all calls, or the first wrong value."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...core.annotations import Array
from .compared_call import ComparedCall
from .comparison import agree
from .traced_run import Alteration

# The cotangent of a value is solved for entry by entry, which takes a sweep for each.
_LARGEST = 400
_EQUATIONS = 400
# So many gradients may be wrong for reasons of their own beside those that one value spoils.
_MOST_ASIDE = 2


def constant_factor(calls: Sequence[ComparedCall], name: str) -> str:
    """Return the factor of a gradient that is off by one constant in all calls, in words."""
    factors = [factor_of(call, name, call.expected[name]) for call in calls]
    known = [factor for factor in factors if factor is not None]
    is_one = len(known) == len(calls) and np.ptp(known) <= 1e-6 * abs(known[0])
    return f"it is {known[0]:.6g} times what it should be" if is_one else ""


def factor_of(call: ComparedCall, name: str, array: Array) -> float | None:
    """Return the number by which a gradient is greater than an array, entry by entry, if any."""
    got = call.got.get(name)
    # A single entry is always some multiple of another one, which would say nothing.
    if got is None or got.shape != array.shape or array.size < 2 or not np.any(array):
        return None
    # The factor that fits best, by least squares.
    factor = float(np.sum(got * array) / np.sum(array * array))
    # A factor close to 0 says that the gradient is missing, not that it is scaled.
    is_factor = abs(factor) >= 1e-3 and agree(got, factor * array, call.tolerance)
    return factor if is_factor else None


class WrongValue(NamedTuple):
    """A value whose cotangent alone is wrong, the gradients that are wrong by it, and how."""

    position: int
    names: tuple[str, ...]
    alterations: tuple[Alteration, ...]


def first_wrong_value(calls: Sequence[ComparedCall], wrong: Sequence[str]) -> WrongValue | None:
    """Return the value that most of the wrong gradients are wrong by, if there is one.

    Some cotangent of it gives what was got for them, and for those that are right. That says
    something where these gradients have more entries than the value.
    """
    if calls[0].run is None:
        return None
    changes = [_Changes(call) for call in calls]
    for aside in range(min(_MOST_ASIDE, len(wrong) - 2) + 1):
        for left_out in itertools.combinations(wrong, aside):
            names = [name for name in wrong if name not in left_out]
            for position in _shared(calls[0], names):
                found = list(
                    _while_there(each.solved(position, names, left_out) for each in changes)
                )
                if len(found) == len(calls):
                    return WrongValue(position, tuple(names), tuple(found))
    return None


def _while_there(items: Iterator[Alteration | None]) -> Iterator[Alteration]:
    for item in items:
        if item is None:
            return
        yield item


def _shared(call: ComparedCall, wrong: Sequence[str]) -> list[int]:
    """Return the values on the way to all wrong gradients, those with a name first."""
    shared = set.intersection(*(set(call.way(name)) for name in wrong))
    places = [n for n, node in enumerate(call.order) if node in shared]
    places = [n for n in places if 0 < call.value(n).size <= _LARGEST]
    return sorted(places, key=lambda n: not call.is_named(n))


class _Changes:
    """How the gradients of a call change with each entry of the cotangent of a value."""

    def __init__(self, call: ComparedCall) -> None:
        self.call = call
        self._known: dict[int, dict[str, Array]] = {}

    def _by_entry(self, position: int) -> dict[str, Array]:
        """Return the changes of a sample of each gradient, with a column for each entry."""
        if position not in self._known:
            call, node = self.call, self.call.order[position]
            found = [call.predict(Alteration({node: _plus(one)})) for one in _units(call, position)]
            self._known[position] = {
                name: np.array([_sample(each[name] - right) for each in found]).T
                for name, right in call.expected.items()
            }
        return self._known[position]

    def solved(
        self, position: int, names: Sequence[str], aside: Sequence[str]
    ) -> Alteration | None:
        """Return the change of a value's cotangent that gives what was got, if only one does."""
        call = self.call
        compared = [n for n in call.expected if n in call.got and n not in aside]
        shapes = all(call.got[n].shape == call.expected[n].shape for n in compared)
        if not shapes or not set(names) <= set(compared):
            return None
        matrix = np.concatenate([self._by_entry(position)[n] for n in compared])
        wanted = np.concatenate([_sample(call.got[n] - call.expected[n]) for n in compared])
        if not np.all(np.isfinite(matrix)) or not np.all(np.isfinite(wanted)):
            return None
        solution, _, rank, _ = np.linalg.lstsq(matrix, wanted, rcond=None)
        # With as many unknowns as equations some solution always exists.
        if rank >= np.count_nonzero(np.any(matrix, axis=1)):
            return None
        change = _plus(solution.reshape(call.value(position).shape))
        found = Alteration({call.order[position]: change})
        given = call.predict(found)
        return found if all(call.matches(n, given[n]) for n in compared) else None


def _plus(change: Array) -> Callable[[Array], Array]:
    return lambda g: np.asarray(g + change)


def _units(call: ComparedCall, position: int) -> Iterator[Array]:
    value = call.value(position)
    yield from np.eye(value.size).reshape(-1, *value.shape)


def _sample(array: Array) -> Array:
    """Return entries of an array, at most so many, as there are more equations than needed."""
    flat = np.ravel(array)
    return flat[:: max(1, -(-flat.size // _EQUATIONS))]
