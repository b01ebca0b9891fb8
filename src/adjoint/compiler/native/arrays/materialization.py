"""Materialization decides which elementwise results are written to memory, to be read again.

To write an array and read it back costs more than a few additions, and less than an exponential. So
cheap expressions are computed again wherever they are needed, and others are computed once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from ....core.node import Node, Operation
from ....graphs.graph import Graph
from .operands import is_elementwise, is_move, origin_axes

# An expression of at most this many cheap operations is computed again wherever it is needed.
_CHEAP_WEIGHT = 4
# The most operations of an expression in one loop: a longer one would run out of registers, and
# LLVM would take long to compile it.
_MOST_WEIGHT = 60


def materialized_nodes(
    graph: Graph,
    results: Collection[Node],
    readers: Collection[str],
    reductions: Collection[str],
) -> tuple[set[Node], dict[Node, int]]:
    """Return the nodes that must be in memory, and the elementwise nodes that are written there.

    The second is a dict. It has the elementwise nodes among the first and those that would cost too
    much to compute again, each with the number of operations from the arrays in memory to it.

    Parameters
    ----------
    graph : Graph
    results : collection of Node
        The nodes that are outputs of the graph.
    readers : collection of str
        The primitives that read whole arrays, so that their operands must be in memory.
    reductions : collection of str
        The primitives that combine entries along axes, in loops inside of those over what is left.
    """
    users, uses = _users(graph), _uses(graph)
    needed = set(results)
    for node in reversed(graph.nodes):
        moves = [user for user in users[node] if is_move(user)]
        if any(_takes_memory(user, node, readers) for user in users[node]) or any(
            user in needed or origin_axes(user) is None for user in moves
        ):
            needed.add(node)
    return needed, _weighed(graph, needed, users, uses, reductions)


def _takes_memory(user: Operation, node: Node, readers: Collection[str]) -> bool:
    """Return whether an operation reads entries of an operand at other points than its own."""
    name = user.primitive.name
    return name in readers or (name == "index" and not is_move(user) and user.parents[0] is node)


def shared_nodes(graph: Graph) -> set[Node]:
    """Return the nodes that more than one operation reads, directly or through a movement."""
    return {node for node, count in _uses(graph).items() if count > 1}


def _uses(graph: Graph) -> dict[Node, int]:
    """Return how many operations read each node, directly or through a movement."""
    users, uses = _users(graph), dict[Node, int]()
    for node in reversed(graph.nodes):
        moves = [user for user in users[node] if is_move(user)]
        uses[node] = len(users[node]) - len(moves) + sum(uses[user] for user in moves)
    return uses


def _users(graph: Graph) -> dict[Node, set[Operation]]:
    users: dict[Node, set[Operation]] = defaultdict(set)
    for node in graph.nodes:
        for parent in node.parents:
            if parent is not None:
                users[parent].add(node)
    return users


def _weighed(
    graph: Graph,
    needed: set[Node],
    users: dict[Node, set[Operation]],
    uses: dict[Node, int],
    reductions: Collection[str],
) -> dict[Node, int]:
    """Return the elementwise nodes to write to memory, with the operations that each takes.

    They are those that are needed there, those that several operations or several turns of a loop
    read unless they are cheap, and those at which an expression has become too long.
    """
    totals = _totals(graph, users, reductions)
    kept: dict[Node, int] = {}
    weights: dict[Node | None, int] = {}
    for node in graph.nodes:
        weight = sum(weights.get(parent, 0) for parent in node.parents)
        if is_elementwise(node):
            weight += 1
            is_cheap = node.primitive.facts.cheap and weight <= _CHEAP_WEIGHT
            is_free = node.primitive.facts.cheap and weight == 1
            is_read_often = not is_free and _is_repeated(node, users, totals)
            again = uses[node] > 1 and not is_cheap
            if node in needed or again or is_read_often or weight > _MOST_WEIGHT:
                kept[node] = weight
                weight = 0
        elif not is_move(node):
            weight = 0
        weights[node] = weight
    return kept


def _is_repeated(
    node: Operation, users: dict[Node, set[Operation]], totals: dict[Node, set[_Totals]]
) -> bool:
    """Return whether a larger operation reads each row of a value again, in its innermost loop.

    What has one entry for a whole row is computed before that loop, and need not be in memory,
    unless the loop over the rows is the innermost, as where their sum is taken.
    """
    pending: list[Operation] = [node]
    while pending:
        value = pending.pop()
        shape = value.output.shape
        for user in users[value]:
            if is_move(user):
                pending.append(user)
            elif (
                shape
                and is_elementwise(user)
                and math.prod(user.output.shape) > math.prod(shape)
                and (shape[-1] > 1 or any(each.read_anew(shape) for each in totals[user]))
            ):
                return True
    return False


class _Totals(NamedTuple):
    """What a reduction computes: the shape that it reads, and the axes that it reduces."""

    whole: tuple[int, ...]
    reduced: frozenset[int]

    def read_anew(self, shape: tuple[int, ...]) -> bool:
        """Return whether all of an operand of a shape is read anew for each of the totals.

        It is if the shape varies along an axis that is reduced, and does not along another.
        """
        own = (1,) * (len(self.whole) - len(shape)) + shape
        kept = set(range(len(own))) - self.reduced
        return any(own[axis] > 1 for axis in self.reduced) and any(
            own[axis] < self.whole[axis] for axis in kept
        )


def _totals(
    graph: Graph, users: dict[Node, set[Operation]], reductions: Collection[str]
) -> dict[Node, set[_Totals]]:
    """Return which totals each node goes into, directly or by way of elementwise operations."""
    found: dict[Node, set[_Totals]] = {}
    for node in reversed(graph.nodes):
        own = found[node] = set()
        for user in users[node]:
            if user.primitive.name in reductions:
                own.add(_Totals(node.output.shape, _axes(user, len(node.output.shape))))
            elif is_elementwise(user):
                own |= found[user]
    return found


def _axes(reduction: Operation, ndim: int) -> frozenset[int]:
    axis = reduction.params["axis"]
    if axis is None:
        return frozenset(range(ndim))
    return frozenset(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
