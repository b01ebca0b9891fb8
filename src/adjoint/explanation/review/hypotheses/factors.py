"""A factor is a constant that a mistake puts on a term: -1, 2, N, a learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..compared_call import ComparedCall

Size = Callable[[ComparedCall, int | None], int]


class Factor(NamedTuple):
    """A mistake that puts a factor on a term, what it is in words, and the factor in a call."""

    mistake: str
    detail: str
    value: Callable[[ComparedCall], float]


def factors(call: ComparedCall, position: int | None) -> Iterator[Factor]:
    """Yield the factors by which a term may be off; the size of a value at a position is one."""
    yield Factor("sign", "it is -1 times what it should be", lambda s: -1.0)
    yield Factor("accumulated", "it is twice what it should be", lambda s: 2.0)
    yield Factor("scale", "it is half of what it should be", lambda s: 0.5)
    yield Factor("scale", "it is a quarter of what it should be", lambda s: 0.25)
    for name, size in _SIZES.items():
        n = size(call, position)
        if n > 2:
            yield from _of_size(name, n, size, position)
    if call.rate is not None:
        rate = call.rate
        yield Factor("scale", "the learning rate is not applied", lambda s: 1 / rate)
        yield Factor("scale", "the learning rate is applied twice", lambda s: rate)


def _of_size(name: str, n: int, size: Size, position: int | None) -> Iterator[Factor]:
    for mistake, detail, power in (
        ("missing_mean", f"it is {name} = {n} times too great", 1.0),
        ("mean_for_sum", f"it is divided by {name} = {n}", -1.0),
        ("scale", f"it is √{n} times too great", 0.5),
        ("scale", f"it is divided by √{n}", -0.5),
    ):
        yield Factor(mistake, detail, _power(size, position, power))


def _power(size: Size, position: int | None, power: float) -> Callable[[ComparedCall], float]:
    return lambda call: float(max(size(call, position), 1)) ** power


def _batch(call: ComparedCall, position: int | None) -> int:
    return call.batch


def _row(call: ComparedCall, position: int | None) -> int:
    shape = _first_shape(call)
    return shape[-1] if shape else 0


def _all(call: ComparedCall, position: int | None) -> int:
    return math.prod(_first_shape(call))


def _own(call: ComparedCall, position: int | None) -> int:
    shape = () if position is None or call.run is None else call.value(position).shape
    return shape[-1] if shape else 0


def _first_shape(call: ComparedCall) -> tuple[int, ...]:
    return next((x.shape for x in call.expected.values()), ())


_SIZES: dict[str, Size] = {
    "N": _batch,
    "the row's size": _row,
    "the number of entries": _all,
    "the size": _own,
}
