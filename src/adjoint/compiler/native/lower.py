"""Lowering writes the operations of a graph as a kernel; the table of rules is joined here."""

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
from .kernel import LIMIT, ArrayEntry, Kernel, too_large
from .unlowerable import Unlowerable

LOWERING: dict[str, Rule] = {**movements.RULES, **elementwise.RULES, **sums.RULES}


def lower(graph: Graph, *, batched: Sequence[int] = (), limit: int = LIMIT) -> Kernel:
    """Return a graph as a kernel, if each of its operations has a rule or expands into such.

    Parameters
    ----------
    graph : Graph
        The `ArrayEntry` of the kernel counts its inputs and outputs as the graph does, and their
        entries in row-major order; for batched inputs it counts them within one row.
    batched : sequence of int
        The numbers of the inputs whose first axis is the rows of the batch.
    limit : int
        The greatest number of elements.

    Raises
    ------
    Unlowerable
        If a primitive has no rule, the graph is too large, or it needs more than one loop over
        the rows.
    """
    graph = written_out(graph)
    kernel = Kernel(_row_count(graph, batched), limit=limit)
    _refuse_large(graph, batched, limit)
    inputs = [_input(kernel, i, x.data, i in batched) for i, x in enumerate(graph.inputs)]
    values = graph.interpret(
        inputs, partial(_lower_node, kernel), constant=partial(constant_entries, kernel)
    )
    for position, output in enumerate(graph.outputs):
        made_by = getattr(output, "node", None)
        entries = constant_entries(kernel, output) if made_by is None else values[made_by]
        _store(kernel, position, entries)
    return kernel


def _row_count(graph: Graph, batched: Sequence[int]) -> int:
    sizes = {graph.inputs[i].shape[:1] for i in batched}
    if len(sizes) > 1 or () in sizes:
        raise ValueError(f"the batched inputs have different numbers of rows: {sorted(sizes)}")
    return next(iter(sizes))[0] if sizes else 0


def _refuse_large(graph: Graph, batched: Sequence[int], limit: int) -> None:
    """Refuse a graph whose inputs alone have more entries than there may be operations."""
    shapes = [x.shape for i, x in enumerate(graph.inputs) if i not in batched]
    if sum(map(math.prod, shapes)) > limit:
        raise too_large(limit)


def _lower_node(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    name = node.primitive.name
    rule = LOWERING.get(name)
    if rule is None:
        raise Unlowerable(f"{name} has no native rule")
    if 0 in node.output.shape or any(0 in arg.shape for arg in args):
        raise Unlowerable(f"{name} of arrays without entries")
    try:
        return rule(kernel, node, args)
    except Unlowerable as reason:
        raise Unlowerable(f"{name}: {reason}".replace(f"{name}: {name}", name)) from None


def _input(kernel: Kernel, position: int, spec: object, is_batched: bool) -> Entries:
    shape, kind = spec.shape, kind_of(spec.dtype)  # type: ignore[attr-defined]
    if is_batched:
        inner = shape[1:]
        elements = fill(
            (1, *inner),
            lambda i: kernel.row_load(ArrayEntry(position, _flat(i[1:], inner)), kind),
        )
        return Entries(elements, shape, 0)
    return Entries(
        fill(shape, lambda i: kernel.load(ArrayEntry(position, _flat(i, shape)), kind)), shape
    )


def _flat(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, shape)) if shape else 0


def _store(kernel: Kernel, position: int, entries: Entries) -> None:
    if entries.rows is not None:
        raise Unlowerable(f"output {position} has one number for every row")
    whole: Any = np.broadcast_to(entries.elements, entries.shape)
    for index in np.ndindex(*entries.shape):
        kernel.store(ArrayEntry(position, _flat(index, entries.shape)), whole[index])
