"""Wrong values in rules: another that fits, a transposed one, one of another moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ....core.annotations import Array
from ....core.node import Node
from ..compared_call import ComparedCall
from ..traced_run import Alteration
from .hypothesis import Alter, Hypothesis, altered

# Gives what stands in a call where a value belongs; None where it does not fit.
Substitute = Callable[[ComparedCall], Array | None]


def of_operands(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield every substitute for a value in each rule that reads it, and in all of them."""
    assert call.run is not None
    places = {node: position for position, node in enumerate(call.order)}
    for position, node in enumerate(call.order):
        reads = [other for other, _ in call.run.uses.get(node, []) if _reads(other)]
        if _reads(node) and node in call.run.graph.nodes:
            reads.append(node)
        readers: list[int | None] = [places[other] for other in dict.fromkeys(reads)]
        readers += [None] * (len(readers) > 1)
        for reader in readers:
            place = position if reader is None else reader
            for mistake, detail, substitute in _substitutes(call, position, reader):
                yield altered(mistake, place, detail, _swap(reader, position, substitute))
        if node.primitive is not None and call.earlier is not None:
            detail = f"it uses {call.text(position)} of the call before"
            yield altered("stale", position, detail, _all_of_before(position))


def _reads(node: Node) -> bool:
    """Return whether a rule looks at the values that the operation was applied to."""
    primitive = node.primitive
    if primitive is None or primitive.vjp is None or primitive.kind == "linear":
        return False
    return primitive.reads_numbers


def _substitutes(
    call: ComparedCall, position: int, reader: int | None
) -> Iterator[tuple[str, str, Substitute]]:
    """Yield what may stand where a value belongs: mistake, detail, substitute."""
    value, name = call.value(position), call.text(position)
    if call.earlier_value(position) is not None:
        detail = f"it uses {name} of the call before"
        yield "stale", detail, lambda s: s.earlier_value(position)
    if call.rate is not None and position < len(call.arrays):
        yield "stale", f"it uses {name} after its update", lambda s: _updated(s, position)
    if value.ndim >= 2 and value.shape[-1] == value.shape[-2]:
        detail = f"{name} is transposed there, or is not"
        yield "transpose", detail, lambda s: np.swapaxes(s.value(position), -1, -2)
    left_out = f"the factor {name} is left out"
    yield "operand", left_out, lambda s: np.ones_like(s.value(position))
    for other in range(len(call.order)):
        if other != position and _fits(call, call.value(other), position, reader):
            detail = f"{call.text(other)} stands where {name} belongs"
            yield "operand", detail, _other(other)


def _fits(call: ComparedCall, array: Array, position: int, reader: int | None) -> bool:
    """Return whether an array may stand for a value: an elementwise rule repeats it as needed."""
    shape = call.value(position).shape
    if array.shape == shape:
        return True
    if reader is None or not _is_elementwise(call.order[reader]):
        return False
    try:
        together = np.broadcast_shapes(array.shape, shape)
    except ValueError:
        return False
    return together == tuple(call.value(reader).shape)


def _is_elementwise(node: Node) -> bool:
    return node.primitive is not None and node.primitive.kind == "elementwise"


def _other(position: int) -> Substitute:
    return lambda call: call.value(position)


def _updated(call: ComparedCall, position: int) -> Array:
    name = list(call.arrays)[position]
    step = call.expected.get(name, np.zeros(()))
    return call.value(position) - (call.rate or 0.0) * step


def _swap(reader: int | None, position: int, substitute: Substitute) -> Alter:
    def alter(call: ComparedCall) -> Alteration | None:
        array = substitute(call)
        if array is None or not _fits(call, array, position, reader):
            return None
        rule = None if reader is None else call.order[reader]
        return Alteration(operands={(rule, call.order[position]): array})

    return alter


def _all_of_before(position: int) -> Alter:
    """Take a value from the call before, with all that nothing else is made from."""

    def alter(call: ComparedCall) -> Alteration | None:
        old = {place: call.earlier_value(place) for place in _made_for(call, position)}
        operands: dict[tuple[Node | None, Node], Array] = {
            (None, call.order[place]): array for place, array in old.items() if array is not None
        }
        return Alteration(operands=operands) if len(operands) == len(old) else None

    return alter


def _made_for(call: ComparedCall, position: int) -> list[int]:
    """Return the positions of a value and of those that serve it alone."""
    assert call.run is not None
    inside, places = {call.order[position]}, []
    for place in range(position, len(call.run.inputs) - 1, -1):
        node = call.order[place]
        users = [user for user, _ in call.run.uses.get(node, [])]
        if node in inside or (users and all(user in inside for user in users)):
            inside.add(node)
            places.append(place)
    return places
