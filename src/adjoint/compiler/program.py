"""A program is one graph made ready to run: its source, and the fastest tier that takes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..core.memory import separate
from ..core.tree import assembler, leaves, map_leaves
from ..graphs.graph import Graph, Number
from ..notebook.verbatim import Verbatim
from . import portable
from .arguments import fitted
from .native.function import native_tier
from .results import read_out, write_out
from .simplify.simplify import simplify
from .source.source import write


class Lowered(Protocol):
    """What a tier makes of a graph: a function of its inputs' arrays that gives its outputs'."""

    def run(self, arrays: Sequence[Any], out: Sequence[Any] | None) -> Sequence[Any]:
        """Return the outputs' arrays, given arrays of the traced shapes and dtypes.

        ``out`` has an array for each output that it may be written to, whatever it shares with the
        inputs; what is returned in another's place is copied there.
        """

    def describe(self) -> Sequence[str]:
        """Return the lines of a report: what runs where, and why."""


# Each is tried in turn on a simplified graph, and says why where it cannot take it; after the last
# comes the portable tier, which takes all.
Tier = Callable[[Graph], Lowered | str]
TIERS: dict[str, Tier] = {"native": native_tier}


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
    is_recent : bool
        Whether it was called again since somebody asked; for those who keep programs.
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
        # Long ones are variables of the source's module.
        self._constants = list(getattr(self.function, "__globals__", {}).values())
        self._takes = [symbol.data for symbol in self.graph.inputs]
        self._limited = [
            (position, symbol)
            for position, symbol in enumerate(traced.inputs)
            if isinstance(symbol, Number) and symbol.limits
        ]
        self._takes_arrays = self.graph.takes == tuple(range(len(self.graph.inputs)))
        self._assemble = assembler(self.graph.gives)
        self.is_recent = False
        self.seconds = time.perf_counter() - start

    def __call__(self, *args: Any) -> Any:
        """Run on arguments of the structure of the graph.

        Raises
        ------
        TypeError, ValueError
            If their shapes and dtypes are not those of the graph.
        """
        return self.run([fitted(x, s) for x, s in zip(leaves(args), self._takes, strict=True)])

    def run(self, arrays: Sequence[Any], out: Any = None) -> Any:
        """Run on the arguments' arrays, in order, of the graph's shapes and dtypes.

        The results are written into the arrays of ``out``, if given.

        Raises
        ------
        TypeError, ValueError
            If ``out`` is no tree of arrays like the result.
        """
        if self._limited:
            for position, number in self._limited:
                number.check(arrays[position].item())
        if out is not None:
            targets = read_out(out, self.graph)
            write_out(targets, self._found(arrays, targets))
            return out
        if self.lowered is not None:
            return self._assemble(self.lowered.run(arrays, None))
        return self._assemble(self._computed(arrays))

    def _found(self, arrays: Sequence[Any], targets: Sequence[Any]) -> Sequence[Any]:
        if self.lowered is not None:
            return self.lowered.run(arrays, targets)
        return self._computed(arrays)

    def _computed(self, arrays: Sequence[Any]) -> Sequence[Any]:
        return separate(leaves(self._evaluated(arrays)), [*arrays, *self._constants])

    def _evaluated(self, arrays: Sequence[Any]) -> Any:
        args = self._structured(arrays)
        with np.errstate(all="ignore"):
            try:
                return self.function(*args)
            except FloatingPointError:  # the source is in doubt, the graph is not
                return self.graph(*args)

    def _structured(self, arrays: Sequence[Any]) -> Sequence[Any]:
        if self._takes_arrays:
            return arrays
        args: tuple[Any, ...] = map_leaves(lambda position: arrays[position], self.graph.takes)
        return args

    def report(self) -> Verbatim:
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
        return Verbatim("\n".join([*lines, *(f"  {line}" for line in details)]))


def _lower(graph: Graph, tiers: Mapping[str, Tier]) -> tuple[str, Lowered | None, list[str]]:
    """Return the first tier that takes a graph, what it made of it, and why others did not."""
    reasons: list[str] = []
    for name, lower in tiers.items():
        lowered = lower(graph)
        if not isinstance(lowered, str):
            return name, lowered, reasons
        reasons.append(f"not {name}: {lowered}")
    return "portable", None, reasons
