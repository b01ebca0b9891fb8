"""A factor is a constant that a mistake puts on a term: -1, 2, N, a learning rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..compared_call import ComparedCall
from ..sizes import named_sizes, size_of

Size = Callable[[ComparedCall], int]


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
    seen = {1, 2}
    for name, size in _sizes(call, position):
        n = size(call)
        if n not in seen:
            seen.add(n)
            yield from _of_size(name, n, size)
    if call.rate is not None:
        rate = call.rate
        yield Factor("scale", "the learning rate is not applied", lambda s: 1 / rate)
        yield Factor("scale", "the learning rate is applied twice", lambda s: rate)


def _sizes(call: ComparedCall, position: int | None) -> Iterator[tuple[str, Size]]:
    """Yield the sizes that a mean may divide by, with their names, the likeliest first."""
    yield "N", lambda s: s.batch
    if position is not None and call.run is not None:
        yield "the size of its rows", lambda s: (1, *s.value(position).shape)[-1]
        yield "the number of its entries", lambda s: s.value(position).size
    for text, name, axis in named_sizes({**call.arrays, "the output": call.g}):
        yield text, _of_array(name, axis)


def _of_array(name: str, axis: int | None) -> Size:
    return lambda s: size_of(np.asarray(s.arrays.get(name, s.g)), axis)


def _of_size(name: str, n: int, size: Size) -> Iterator[Factor]:
    for mistake, detail, power in (
        ("missing_mean", f"it is {name} = {n} times too great", 1.0),
        ("mean_for_sum", f"it is divided by {name} = {n}", -1.0),
        ("scale", f"it is √{n} times too great", 0.5),
        ("scale", f"it is divided by √{n}", -0.5),
    ):
        yield Factor(mistake, detail, _power(size, power))


def _power(size: Size, power: float) -> Callable[[ComparedCall], float]:
    return lambda call: float(max(size(call), 1)) ** power
