"""Keeping is to decide which elementwise results are written to memory, to be read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from ....core.node import Node, Operation
from ....graphs.graph import Graph
from .operands import is_elementwise, is_move, origin_axes

# An expression of at most so many cheap operations is computed again where it is needed.
_CHEAP_WEIGHT = 4
# Of an expression that is written into one loop; a longer one would be slow to compile.
_MOST_WEIGHT = 60


def kept_nodes(
    graph: Graph, results: Collection[Node], readers: Collection[str]
) -> tuple[set[Node], dict[Node, int]]:
    """Return the nodes that must be in memory, and the elementwise ones that are kept there.

    Kept is also what costs too much to compute again. With each comes how many operations it takes,
    from what is kept before it.

    Parameters
    ----------
    results : collection of Node
        Those that are outputs.
    readers : collection of str
        The primitives whose operands must be in memory.
    """
    users, uses = _users(graph), _uses(graph)
    needed = set(results)
    for node in reversed(graph.nodes):
        moves = [user for user in users[node] if is_move(user)]
        if any(_takes_memory(user, node, readers) for user in users[node]) or any(
            user in needed or origin_axes(user) is None for user in moves
        ):
            needed.add(node)
    return needed, _weighed(graph, needed, uses)


def _takes_memory(user: Operation, node: Node, readers: Collection[str]) -> bool:
    """Return whether an operation reads an operand anywhere but at the point that it computes."""
    name = user.primitive.name
    return name in readers or (name == "index" and not is_move(user) and user.parents[0] is node)


def shared_nodes(graph: Graph) -> set[Node]:
    """Return the nodes that more than one operation reads, themselves or moved."""
    return {node for node, count in _uses(graph).items() if count > 1}


def _uses(graph: Graph) -> dict[Node, int]:
    """Return for each node how many operations read it, itself or moved."""
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


def _weighed(graph: Graph, needed: set[Node], uses: dict[Node, int]) -> dict[Node, int]:
    """Add to what is needed what several need, unless it is cheap, and what is too long."""
    kept: dict[Node, int] = {}
    weights: dict[Node | None, int] = {}
    for node in graph.nodes:
        weight = sum(weights.get(parent, 0) for parent in node.parents)
        if is_elementwise(node):
            weight += 1
            is_cheap = node.primitive.facts.cheap and weight <= _CHEAP_WEIGHT
            if node in needed or (uses[node] > 1 and not is_cheap) or weight > _MOST_WEIGHT:
                kept[node] = weight
                weight = 0
        elif not is_move(node):
            weight = 0
        weights[node] = weight
    return kept
