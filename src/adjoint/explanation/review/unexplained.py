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
_LARGEST = 96
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
    for aside in range(min(_MOST_ASIDE, len(wrong) - 2) + 1):
        for left_out in itertools.combinations(wrong, aside):
            names = [name for name in wrong if name not in left_out]
            for position in _shared(calls[0], names):
                found = [_solved(call, position, names, left_out) for call in calls]
                alterations = tuple(each for each in found if each is not None)
                if len(alterations) == len(calls):
                    return WrongValue(position, tuple(names), alterations)
    return None


def _shared(call: ComparedCall, wrong: Sequence[str]) -> list[int]:
    """Return the values on the way to all wrong gradients, those with a name first."""
    shared = set.intersection(*(set(call.way(name)) for name in wrong))
    places = [n for n, node in enumerate(call.order) if node in shared]
    places = [n for n in places if 0 < call.value(n).size <= _LARGEST]
    return sorted(places, key=lambda n: not call.is_named(n))


def _solved(
    call: ComparedCall, position: int, names: Sequence[str], aside: Sequence[str]
) -> Alteration | None:
    """Return the change of a value's cotangent that gives what was got, if it is the only one."""
    compared = [n for n in call.expected if n in call.got and n not in aside]
    if not set(names) <= set(compared):
        return None
    if any(call.got[n].shape != call.expected[n].shape for n in compared):
        return None
    node = call.order[position]
    columns = [_changes(call, Alteration({node: _plus(one)})) for one in _units(call, position)]
    matrix = np.array([_flat(column, compared) for column in columns]).T
    wanted = _flat({n: call.got[n] - call.expected[n] for n in compared}, compared)
    if not np.all(np.isfinite(matrix)) or not np.all(np.isfinite(wanted)):
        return None
    solution, _, rank, _ = np.linalg.lstsq(matrix, wanted, rcond=None)
    # With as many unknowns as equations some solution always exists.
    if rank >= np.count_nonzero(np.any(matrix, axis=1)):
        return None
    found = Alteration({node: _plus(solution.reshape(call.value(position).shape))})
    given = call.predict(found)
    return found if all(call.matches(n, given[n]) for n in compared) else None


def _plus(change: Array) -> Callable[[Array], Array]:
    return lambda g: np.asarray(g + change)


def _units(call: ComparedCall, position: int) -> Iterator[Array]:
    value = call.value(position)
    yield from np.eye(value.size).reshape(-1, *value.shape)


def _changes(call: ComparedCall, alteration: Alteration) -> dict[str, Array]:
    found = call.predict(alteration)
    return {name: found[name] - call.expected[name] for name in call.expected}


def _flat(arrays: dict[str, Array], names: Sequence[str]) -> Array:
    return np.concatenate([np.ravel(arrays[name]) for name in names])
