"""A notice says on a terminal that a compilation takes long, and what would take less."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..graphs.graph import Graph

# A graph of more operations, which take about half a second, is long.
_LONG = 4_000
# What makes graphs long, and what to do. It stands in reports too.
ADVICE = (
    "a Python loop is unrolled, turn by turn; to compile its body alone, and call that in the "
    "loop, or to work on whole arrays takes less"
)


def is_long(graph: Graph) -> bool:
    """Return whether a graph takes long to compile."""
    return len(graph.nodes) > _LONG


@contextmanager
def noticed(graph: Graph) -> Iterator[None]:
    """Say that a long graph is compiled inside the ``with`` block, if stderr is a terminal."""
    file = sys.stderr
    if not is_long(graph) or file is None or not file.isatty():
        yield
        return
    file.write(f"adjoint: compiling {graph.name}, {len(graph.nodes):,} operations")
    file.flush()
    start, end = time.perf_counter(), "\n"
    try:
        yield
        end = f", {time.perf_counter() - start:.1f} s; {ADVICE}\n"
    finally:
        file.write(end)
