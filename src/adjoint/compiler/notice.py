"""A notice says on a terminal that a compilation takes long, and what would take less."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..graphs.graph import Graph

# A graph of more operations, which take about half a second, is long.
_LONG = 4_000


def is_long(graph: Graph) -> bool:
    """Return whether a graph takes long to compile."""
    return len(graph.nodes) > _LONG


def advice(graph: Graph) -> str:
    """Return what makes a graph long, and what to do; it stands in reports too."""
    line = graph.mostly_from
    where = "" if line is None else f" at {line}"
    return (
        f"a Python loop is unrolled{where}, turn by turn; ad.scan or ad.fori_loop compiles its "
        "body alone, in the same time for any number of turns"
    )


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
        end = f", {time.perf_counter() - start:.1f} s; {advice(graph)}\n"
    finally:
        file.write(end)
