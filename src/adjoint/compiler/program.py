"""A program is one graph made ready to run: its source, and the fastest tier that takes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..graph import Graph
from ..tree import leaves, map_leaves
from . import portable
from .simplify import simplify
from .source import write


class Lowered(Protocol):
    """What a tier makes of a graph: a function of its inputs' arrays that gives its outputs'."""

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Return the outputs' arrays."""

    def describe(self) -> Sequence[str]:
        """Return the lines of a report: what runs where, and why."""


# Each is tried in turn on a simplified graph, and says why where it cannot take it; after the last
# comes the portable tier, which takes all.
Tier = Callable[[Graph], Lowered | str]
TIERS: dict[str, Tier] = {}


class Program:
    """A graph that runs.

    Parameters
    ----------
    traced : Graph
    about : str
        The docstring of the source.
    key : iterable of str
        What the parts of the arguments are.
    tiers : mapping of str to Tier, optional
        Those to try before the portable one; by default all.

    Attributes
    ----------
    traced, graph : Graph
        As traced, and simplified.
    source : str
        The graph as plain NumPy; the portable tier runs it.
    tier : str
    seconds : float
        What making it took, tracing aside.
    """

    def __init__(
        self,
        traced: Graph,
        *,
        about: str = "",
        key: Iterable[str] = (),
        tiers: Mapping[str, Tier] | None = None,
    ) -> None:
        start = time.perf_counter()
        self.traced = traced
        self.graph = simplify(traced)
        self.function: Callable[..., Any]
        try:
            self.source = write(self.graph, about=about, key=key)
            self.function = portable.load(self.source, self.graph.name)
        except NotImplementedError as error:
            self.source, self.function = f"# {error}\n", self.graph
        self.tier, self.lowered, self.reasons = _lower(
            self.graph, TIERS if tiers is None else tiers
        )
        # Source knows tuples, not what types with names were made of them.
        self._has_names = _has_named_tuples(self.graph.gives)
        # The commonest structures, arrays in and a tuple of arrays out, need no walk at each call.
        self._takes_arrays = self.graph.takes == tuple(range(len(self.graph.inputs)))
        self._gives_arrays = type(self.graph.gives) is tuple and self.graph.gives == tuple(
            range(len(self.graph.outputs))
        )
        self.seconds = time.perf_counter() - start

    def __call__(self, *args: Any) -> Any:
        """Run on arguments of the structure, shapes and dtypes of the graph, unchecked."""
        if self.lowered is not None:
            found = self.lowered(args if self._takes_arrays else self._flat(args))
            if self._gives_arrays:
                return tuple(found)
            return map_leaves(lambda position: found[position], self.graph.gives)
        with np.errstate(all="ignore"):
            result = self.function(*args)
        if not self._has_names:
            return result
        found = list(leaves(result))
        return map_leaves(lambda position: found[position], self.graph.gives)

    def _flat(self, args: tuple[Any, ...]) -> list[Any]:
        flat: list[Any] = []
        for tree, arg in zip(self.graph.takes, args, strict=True):
            map_leaves(lambda _, array: flat.append(array), tree, arg)
        return flat

    def report(self) -> str:
        """Return in which tier the graph runs, and what it costs."""
        operations = ", ".join(f"{n} {name}" for name, n in self.graph.operations.most_common())
        shapes = ", ".join(
            f"{self.graph.names[x.node]} {x.dtype}{list(x.shape)}"
            for x in self.graph.inputs
            if x.node is not None
        )
        total = sum(self.graph.operations.values())
        lines = [
            f"{self.graph.name}({shapes})",
            f"  tier: {self.tier}",
            f"  operations: {total} of {len(self.traced.nodes)} traced: {operations}",
            f"  flops: {self.graph.flops:,}",
            f"  bytes: {self.graph.bytes:,}",
            f"  compiled in: {self.seconds * 1e3:.1f} ms",
        ]
        details = self.lowered.describe() if self.lowered is not None else self.reasons
        return "\n".join([*lines, *(f"  {line}" for line in details)])


def _has_named_tuples(tree: Any) -> bool:
    items = list(tree.values()) if isinstance(tree, dict) else tree
    if not isinstance(items, (list, tuple)):
        return False
    return hasattr(items, "_fields") or any(map(_has_named_tuples, items))


def _lower(graph: Graph, tiers: Mapping[str, Tier]) -> tuple[str, Lowered | None, list[str]]:
    """Return the first tier that takes a graph, what it made of it, and why others did not."""
    reasons: list[str] = []
    for name, lower in tiers.items():
        lowered = lower(graph)
        if not isinstance(lowered, str):
            return name, lowered, reasons
        reasons.append(f"not {name}: {lowered}")
    return "portable", None, reasons
