"""Mistakes on the terms of the sweep: factors, transposes and zeros, on a whole term or a part."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..compared_call import ComparedCall
from ..traced_run import Alteration
from .factors import Factor, factors
from .hypothesis import Alter, Hypothesis, altered, total


def of_terms(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield what may be done to the cotangent of each value, and to each contribution to it."""
    assert call.run is not None
    for position, node in enumerate(call.order):
        if node not in call.cotangents:
            continue
        for mistake, detail, factor in [
            *factors(call, position),
            *_constants(call, position),
        ]:
            yield altered(mistake, position, detail, _scaled(position, factor))
        yield altered(
            "dtype",
            position,
            "its fractions are cut off",
            total(position, lambda s, g: np.trunc(g)),
        )
        if call.value(position).ndim >= 2:
            turned = total(position, lambda s, g: np.swapaxes(g, -1, -2))
            yield altered("transpose", position, "it is transposed", turned)
        if position >= len(call.run.inputs):
            nothing = _scaled(position, lambda s: 0.0)
            yield altered("missing_term", position, "nothing flows back through it", nothing)
        uses = call.run.uses.get(node, [])
        for number in range(len(uses) if len(uses) > 1 else 0):
            yield from _of_part(call, position, number)


def _scaled(position: int, factor: Callable[[ComparedCall], float]) -> Alter:
    return total(position, lambda s, g: factor(s) * g)


def _constants(call: ComparedCall, position: int) -> Iterator[Factor]:
    """Yield the number that a value was multiplied with, left out or applied twice."""
    node = call.order[position]
    for arg, parent in node.edges():
        if parent is not None or np.size(arg) != 1 or not isinstance(arg, (int, float, np.ndarray)):
            continue
        c = float(np.reshape(arg, ()))
        if abs(c) not in (0.0, 1.0):
            yield Factor("scale", f"the factor {c:g} is left out", _constant(1 / c))
            yield Factor("scale", f"the factor {c:g} is applied twice", _constant(c))


def _constant(c: float) -> Callable[[ComparedCall], float]:
    return lambda call: c


def _of_part(call: ComparedCall, position: int, number: int) -> Iterator[Hypothesis]:
    """Yield mistakes on one of several contributions to a cotangent."""

    def part(factor: Callable[[ComparedCall], float]) -> Alter:
        def alter(s: ComparedCall) -> Alteration:
            assert s.run is not None
            use = s.run.uses[s.order[position]][number]
            return Alteration(parts={use: lambda g: factor(s) * g})

        return alter

    detail = f"contribution {number + 1} to it is left out"
    yield altered("missing_term", position, detail, part(lambda s: 0.0))
    for mistake, text, factor in factors(call, position):
        yield altered(mistake, position, f"in contribution {number + 1}, {text}", part(factor))
