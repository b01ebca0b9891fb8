"""A program is one graph made ready to run: its source, and the fastest tier that takes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..collector import paused
from ..core.annotations import Tree
from ..core.memory import separate
from ..core.tree import assembler, leaves, map_leaves, present
from ..graphs.graph import Graph
from ..graphs.symbol import Number
from ..notebook.verbatim import Verbatim
from .arguments import fitted
from .native.call.builtin import Builtin
from .native.function import native_tier
from .notice import advice, is_long
from .results import read_out, write_out
from .simplify.simplify import simplify


class Lowered(Protocol):
    """A graph as a tier runs it: a function from the inputs' arrays to the outputs'."""

    def run(self, arrays: Sequence[Any], out: Sequence[Any] | None) -> Sequence[Any]:
        """Return the outputs' arrays, given arrays of the traced shapes and dtypes.

        ``out`` has an array for each output, which may share memory with the inputs. A tier may
        write results there; a result that it returns in another array is copied by the caller.
        """

    def builtin(self, traced: Graph, *, has_state: bool) -> Builtin | None:
        """Return what does the whole of a call, or None; see `native.call.builtin`."""

    def describe(self) -> Sequence[str]:
        """Return the lines of a report: what runs where, and why."""


# Each tier is tried in turn on a simplified graph, and returns the reason if it cannot run it. The
# portable tier comes after the last, and runs every graph.
Tier = Callable[[Graph], Lowered | str]
TIERS: dict[str, Tier] = {"native": native_tier}


class Program:
    """A graph made ready to run, in the first tier that takes it.

    Parameters
    ----------
    traced : Graph
    about : str
        The docstring of the source.
    key : iterable of str
        A comment for each part of the arguments, see `source.write`.
    tiers : mapping of str to Tier, optional
        Those to try before the portable one; by default all.

    Attributes
    ----------
    traced, graph : Graph
        As traced, and simplified.
    source : str
        The graph as plain NumPy; the portable tier runs it. It is written when somebody asks.
    tier : str
    seconds : float
        How long it took to make, apart from tracing.
    is_recent : bool
        Whether it was called since this was last set to False. Whoever keeps programs drops those
        that were not.
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
        self._about, self._key = about, tuple(key)
        with paused():
            self.graph = simplify(traced)
            self.tier, self.lowered, self.reasons = _lower(
                self.graph, TIERS if tiers is None else tiers
            )
            if self.lowered is None:
                self.function  # noqa: B018 - that the first call need not wait for it
        self._takes = [symbol.data for symbol in self.graph.inputs]
        self._limited = [
            (position, symbol)
            for position, symbol in enumerate(traced.inputs)
            if isinstance(symbol, Number) and symbol.limits
        ]
        self._takes_arrays = self.graph.takes == tuple(range(len(self.graph.inputs)))
        self._assemble = assembler(self.graph.gives)
        self._builtin: Builtin | None = None
        self._is_asked = False
        self.is_recent = False
        self.seconds = time.perf_counter() - start

    @cached_property
    def _written(self) -> tuple[str, bool]:
        """The source, and whether it is one: some operations are known to Python alone."""
        from .source.source import write  # here: most programs are never read

        try:
            return write(self.graph, about=self._about, key=self._key), True
        except NotImplementedError as error:
            return f"# {error}\n", False

    @property
    def source(self) -> str:
        """The graph as plain NumPy."""
        return self._written[0]

    @cached_property
    def function(self) -> Callable[..., Any]:
        """What the source defines, or the graph itself where that cannot be written."""
        from . import portable

        source, is_whole = self._written
        return portable.load(source, self.graph.name) if is_whole else self.graph

    @cached_property
    def _constants(self) -> list[Any]:
        """The variables of the source's module: long constants."""
        return list(getattr(self.function, "__globals__", {}).values())

    def __call__(self, *args: object) -> Any:
        """Run on arguments of the structure of the graph.

        Raises
        ------
        TypeError, ValueError
            If their shapes and dtypes are not those of the graph.
        """
        return self.run([fitted(x, s) for x, s in zip(leaves(args), self._takes, strict=True)])

    def run(self, arrays: Sequence[Any], out: Tree = None) -> Any:
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
        return separate(present(self._evaluated(arrays)), [*arrays, *self._constants])

    def _evaluated(self, arrays: Sequence[Any]) -> Any:
        args = self._structured(arrays)
        with np.errstate(all="ignore"):
            try:
                return self.function(*args)
            # The source computes plain products and raises where one may be wrong; the graph itself
            # has the strong ones.
            except FloatingPointError:
                return self.graph(*args)

    def _structured(self, arrays: Sequence[Any]) -> Sequence[Any]:
        if self._takes_arrays:
            return arrays
        args: tuple[Any, ...] = map_leaves(lambda position: arrays[position], self.graph.takes)
        return args

    def builtin(self, *, has_state: bool) -> Builtin | None:
        """Return what does the whole of a call in native code, if all of the graph is native.

        Parameters
        ----------
        has_state : bool
            Whether the last argument of the graph is what its function reads besides the others.
        """
        if not self._is_asked and self.lowered is not None:
            self._builtin = self.lowered.builtin(self.traced, has_state=has_state)
            self._is_asked = True
        return self._builtin

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
        lines += [f"  long: {advice(self.traced)}"] if is_long(self.traced) else []
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
