"""A total is a cotangent that is a sum over the turns, and is computed after the loop.

In the loop it would be read and written in each turn, all weights of a network for example. Sums of
products of matrices are one product of all turns' factors side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from ...core.node import Node, Operation
from ...ops.products import matmul, strong_matmul
from ...ops.structural import reshape, sum_to, transpose
from ..symbol import Symbol, node_of

# A sum of products of matrices with fewer entries is kept from turn to turn.
_LEAST = 64


class Total(NamedTuple):
    """A cotangent that is a sum over the turns, and is computed after the loop.

    Attributes
    ----------
    place : int
        Which operand's it is.
    terms : tuple of Symbol
        What a turn's part is computed from; it is gathered.
    add_up : callable
        Gives the sum of all parts, given all terms.
    """

    place: int
    terms: tuple[Symbol, ...]
    add_up: Callable[..., Any]


def _product(place: int, part: Any) -> Total | None:
    """Return a sum of products of matrices that is sooner computed as one, of all turns' factors.

    Side by side these are two matrices.
    """
    node = part.node
    if node.primitive not in (matmul, strong_matmul) or len(part.shape) != 2:
        return None
    if any(parent is None or len(arg.shape) != 2 for arg, parent in node.edges()):
        return None
    left, right = (Symbol(arg, parent) for arg, parent in node.edges())
    (rows, depth), columns = left.shape, right.shape[1]
    # The factors of all turns must not take more memory than the sum is read and written.
    if rows * columns < max(_LEAST, depth * (rows + columns)):
        return None
    origin = node_of(left)
    is_operation = isinstance(origin, Operation) and origin.primitive is transpose
    turned = list(origin.edges()) if is_operation else []
    is_turned = bool(turned) and turned[0][1] is not None
    if is_turned:
        left = Symbol(*turned[0])

    def add_up(left: Any, right: Any) -> Any:
        if not is_turned:
            left = transpose(left, axes=(0, 2, 1))
        left, right = (reshape(x, shape=(-1, x.shape[2])) for x in (left, right))
        return node.primitive.bind([transpose(left), right], {})

    return Total(place, (left, right), add_up)


def _sum(place: int, part: Any, gathered: Collection[Node]) -> Total | None:
    """Return a sum of what is gathered anyway."""
    node = part.node
    if node.primitive is not sum_to or node.parents[0] not in gathered:
        return None
    return Total(
        place,
        (Symbol(node.args[0], node.parents[0]),),
        lambda x: sum_to(x, shape=tuple(part.shape)),
    )


def totals(parts: Mapping[int, Any]) -> list[Total]:
    """Return the sums that are computed after the loop."""
    products = [total for n, part in parts.items() if (total := _product(n, part)) is not None]
    gathered = {node_of(term) for total in products for term in total.terms}
    known = {total.place for total in products}
    sums = [_sum(n, part, gathered) for n, part in parts.items() if n not in known]
    return [*products, *(total for total in sums if total is not None)]
