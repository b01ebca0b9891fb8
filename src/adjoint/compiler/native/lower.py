"""To lower a graph is to write its operations as a nest: the table of what can be is read here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ...core.node import Operation
from ...graphs.graph import Graph
from ..simplify.simplify import written_out
from . import elementwise, movements, sums
from .elementwise import Rule
from .entries import Entries, constant_entries, fill, kind_of
from .nest import LIMIT, Nest, Place, Unlowerable, too_large

LOWERING: dict[str, Rule] = {**movements.RULES, **elementwise.RULES, **sums.RULES}


def lower(graph: Graph, *, batched: Sequence[int] = (), limit: int = LIMIT) -> Nest:
    """Return the nest of a graph, of operations with a rule here or made of such.

    Parameters
    ----------
    graph : Graph
        A place of the nest names an input or an output by its number in the graph, and an entry by
        its number in row-major order, for batched inputs within a row.
    batched : sequence of int
        The inputs whose first axis is that of the rows.
    limit : int
        The greatest number of elements.

    Raises
    ------
    Unlowerable
        If a primitive has no rule, or the graph is too large or has another structure.
    """
    graph = written_out(graph)
    nest = Nest(_row_count(graph, batched), limit=limit)
    _refuse_large(graph, batched, limit)
    inputs = [_input(nest, i, x.data, i in batched) for i, x in enumerate(graph.inputs)]
    values = graph.interpret(
        inputs, partial(_lower_node, nest), constant=partial(constant_entries, nest)
    )
    for position, output in enumerate(graph.outputs):
        made_by = getattr(output, "node", None)
        entries = constant_entries(nest, output) if made_by is None else values[made_by]
        _store(nest, position, entries)
    return nest


def _row_count(graph: Graph, batched: Sequence[int]) -> int:
    sizes = {graph.inputs[i].shape[:1] for i in batched}
    if len(sizes) > 1 or () in sizes:
        raise ValueError(f"the batched inputs have different numbers of rows: {sorted(sizes)}")
    return next(iter(sizes))[0] if sizes else 0


def _refuse_large(graph: Graph, batched: Sequence[int], limit: int) -> None:
    """Refuse a graph with more numbers alone than there may be operations, before any is made."""
    shapes = [x.shape for i, x in enumerate(graph.inputs) if i not in batched]
    if sum(map(math.prod, shapes)) > limit:
        raise too_large(limit)


def _lower_node(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    name = node.primitive.name
    rule = LOWERING.get(name)
    if rule is None:
        raise Unlowerable(f"{name} has no native rule")
    if 0 in node.output.shape or any(0 in arg.shape for arg in args):
        raise Unlowerable(f"{name} of arrays without entries")
    try:
        return rule(nest, node, args)
    except Unlowerable as reason:
        raise Unlowerable(f"{name}: {reason}".replace(f"{name}: {name}", name)) from None


def _input(nest: Nest, position: int, spec: object, is_batched: bool) -> Entries:
    shape, kind = spec.shape, kind_of(spec.dtype)  # type: ignore[attr-defined]
    if is_batched:
        inner = shape[1:]
        elements = fill(
            (1, *inner),
            lambda i: nest.row_load(Place(position, _flat(i[1:], inner)), kind),
        )
        return Entries(elements, shape, 0)
    return Entries(fill(shape, lambda i: nest.load(Place(position, _flat(i, shape)), kind)), shape)


def _flat(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, shape)) if shape else 0


def _store(nest: Nest, position: int, entries: Entries) -> None:
    if entries.rows is not None:
        raise Unlowerable(f"output {position} has one number for every row")
    whole: Any = np.broadcast_to(entries.elements, entries.shape)
    for index in np.ndindex(*entries.shape):
        nest.store(Place(position, _flat(index, entries.shape)), whole[index])
