"""Stages are the parts of a step on shards: between two of them, sums over all shards are made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..compiler.simplify.excerpt import Excerpt, excerpt
from ..core.node import Node
from ..graphs.graph import Graph
from ..graphs.sweep import reachable
from ..graphs.symbol import Symbol
from ..graphs.tracing.tracer import TracedOperation

SUM, DRAW = "sum_over_shards", "uniform"


@dataclass(frozen=True)
class Stages:
    """A graph of one shard, cut where sums over all shards are needed.

    Values have numbers, the first of them those of the graph's inputs.

    Parameters
    ----------
    draws : Excerpt
        Random numbers for the whole batch.
    of_shards : tuple of Excerpt
        Each runs on every shard.
    sums : tuple of tuple of (int, int)
        After each of these, which of a shard's values are summed, and the numbers of the sums.
    last : Excerpt
        What is the same for all shards: what becomes of the sums.
    results : tuple
        For each output of the graph the number of its value, or the constant itself.
    of_rows : frozenset of int
        The numbers of those results that each shard has for its own rows.
    """

    draws: Excerpt
    of_shards: tuple[Excerpt, ...]
    sums: tuple[tuple[tuple[int, int], ...], ...]
    last: Excerpt
    results: tuple[Any, ...]
    of_rows: frozenset[int]


class CoupledRowsError(ValueError):
    """A result that is to be the same for all shards depends on the rows of one.

    Parameters
    ----------
    output : int
        Its position among the outputs.
    """

    def __init__(self, output: int) -> None:
        super().__init__(f"output {output} depends on the rows of one shard")
        self.output = output


def cut(graph: Graph, differing: Collection[int], rows: Collection[int] = ()) -> Stages:
    """Return the stages of a graph.

    Parameters
    ----------
    graph : Graph
        A step on one shard, as it was traced.
    differing : collection of int
        The positions of the inputs that differ from shard to shard.
    rows : collection of int
        The positions of the outputs that each shard may have for its own rows.

    Raises
    ------
    CoupledRowsError
        If another output differs from shard to shard.
    """
    return _Cut(graph, differing).stages(frozenset(rows))


class _Cut:
    """What is known of each node of a graph that is being cut."""

    def __init__(self, graph: Graph, differing: Collection[int]) -> None:
        self.graph = graph
        inputs = graph.input_nodes
        self.numbers: dict[Node, int] = {node: number for number, node in enumerate(inputs)}
        # How many sums, one after another, a node depends on.
        self.level: dict[Node, int] = dict.fromkeys(inputs, 0)
        self.differs: dict[Node, bool] = {n: i in differing for i, n in enumerate(inputs)}
        for node in graph.nodes:
            parents = [parent for parent in node.parents if parent is not None]
            is_sum = node.primitive.name == SUM
            self.level[node] = max((self.level[p] for p in parents), default=0) + is_sum
            self.differs[node] = not is_sum and any(self.differs[p] for p in parents)
        self.draws = [n for n in graph.nodes if n.primitive.name == DRAW and not self.level[n]]

    def stages(self, rows: frozenset[int]) -> Stages:
        """Return the stages."""
        graph = self.graph
        ends = [x.node if isinstance(x, Symbol) else None for x in graph.outputs]
        for position, node in enumerate(ends):
            if node is not None and self.differs[node] and position not in rows:
                raise CoupledRowsError(position)
        sums = [node for node in graph.nodes if node.primitive.name == SUM]
        own = {ends[position] for position in rows}
        deepest = [self.level[node] for node in sums]
        levels = range(max([*deepest, *(self.level[n] + 1 for n in own if n)], default=0))
        draws = self._stage(self.draws, lambda node: False)
        of_shards = [self._of_shards(level, sums, own) for level in levels]
        after = [
            tuple(
                (self._number(n.parents[0]), self._number(n)) for n in sums if at == self.level[n]
            )
            for at in range(1, len(levels) + 1)
        ]
        known = {*graph.input_nodes, *sums, *self.draws}
        last = self._stage(
            [node for node in ends if node not in known and node not in own and node is not None],
            known.__contains__,
        )
        results = [x if n is None else self.numbers[n] for x, n in zip(graph.outputs, ends)]  # noqa: B905
        return Stages(
            draws,
            tuple(of_shards),
            tuple(after),
            last,
            tuple(results),
            frozenset(self.numbers[n] for n in own if n is not None and self.differs[n]),
        )

    def _of_shards(
        self, level: int, sums: Sequence[TracedOperation], own: Collection[Any]
    ) -> Excerpt:
        """Return what each shard computes once the sums of a level are known."""

        def is_here(node: Any) -> bool:
            return self.level[node] == level and self.differs[node]

        summed = [node.parents[0] for node in sums if self.level[node] == level + 1]
        later = {
            parent
            for node in self.graph.nodes
            for parent in node.parents
            if parent is not None and self.level[node] > level and node.primitive.name != SUM
        }
        inside = [node for node in self.graph.nodes if is_here(node)]
        wanted = [*summed, *(n for n in inside if n in own or (n in later and self.differs[n]))]
        return self._stage(wanted, lambda node: node.primitive.name == SUM or node in self.numbers)

    def _stage(self, wanted: Iterable[Any], is_known: Callable[[TracedOperation], bool]) -> Excerpt:
        """Return what computes some nodes from values that are known by then."""
        outputs = list(dict.fromkeys(wanted))
        queue = [n for n in outputs if isinstance(n, TracedOperation) and n.primitive.name != SUM]
        reads: dict[Node, None] = dict.fromkeys(n for n in outputs if n not in queue)
        found: dict[Node, None] = dict.fromkeys(queue)
        for node in queue:
            for parent in node.parents:
                if parent is None or parent in found or parent in reads:
                    continue
                if not isinstance(parent, TracedOperation) or is_known(parent):
                    reads[parent] = None
                else:
                    found[parent] = None
                    queue.append(parent)
        nodes = [node for node in reachable(found) if node in found]
        graph = excerpt(nodes, list(reads), outputs)  # type: ignore[arg-type]
        return Excerpt(
            graph,
            tuple(self._number(node) for node in reads),
            tuple(self._number(node) for node in outputs),
        )

    def _number(self, node: Any) -> int:
        return self.numbers.setdefault(node, len(self.numbers))
