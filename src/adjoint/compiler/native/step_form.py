"""A step's form is how its inputs and outputs are arranged, and where its state lies in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...graphs.graph import Graph
from .unlowerable import Unlowerable


class StepForm(NamedTuple):
    """How the inputs and outputs of a training step's graph are arranged.

    The inputs are first the arrays of the state (the parameters, then the optimiser's memory), then
    the settings (numbers such as the learning rate), then the arrays from which a step takes rows.
    The outputs are the loss, the new state, and single numbers that are added up over an epoch.

    Parameters
    ----------
    parameters, state, settings : int
        How many inputs are parameters, how many are arrays of the state, and how many are
        settings.
    sums : int
        How many outputs are added up.
    trains : bool
        Whether there is a new state; a graph that only validates gives none.
    """

    parameters: int
    state: int
    settings: int = 0
    sums: int = 0
    trains: bool = True

    @property
    def news(self) -> int:
        """How many outputs are arrays of the new state."""
        return self.state if self.trains else 0

    def check(self, graph: Graph) -> None:
        """Raise if a graph has not this form, or mixes dtypes."""
        specs = [symbol.data for symbol in graph.inputs]
        loss, news, sums = graph.outputs[0], graph.outputs[1:][: self.news], self.summed(graph)
        expected = 1 + self.news + self.sums
        if len(graph.outputs) != expected or not 0 < self.parameters <= self.state:
            raise ValueError(
                f"a training step returns the loss, {self.news} new arrays of state and "
                f"{self.sums} sums, got {len(graph.outputs)} outputs"
            )
        for i, new in enumerate(news):
            if (tuple(new.shape), new.dtype) != tuple(specs[i]):
                raise ValueError(
                    f"state {i} comes in as {specs[i]} and goes out as {new.shape}, {new.dtype}"
                )
        numbers = specs[: self.state + self.settings]
        if loss.shape != ():
            raise ValueError(f"a training step returns one number as loss, got shape {loss.shape}")
        if any(number.shape != () for number in sums):
            raise ValueError("what is added up over an epoch are single numbers")
        if len({loss.dtype, *(x.dtype for x in sums), *(spec.dtype for spec in numbers)}) > 1:
            raise Unlowerable("loss, parameters, memory and settings of different dtypes")
        if loss.dtype.kind != "f":
            raise Unlowerable("a loss that is no float")
        if len(specs) == self.state + self.settings:
            raise ValueError("a training step needs an array of which it takes rows")

    def summed(self, graph: Graph) -> Sequence[Any]:
        """Return the outputs that are added up over an epoch."""
        return graph.outputs[1 + self.news :]

    def batched(self, graph: Graph) -> range:
        """Return the numbers of the inputs from which a step takes rows."""
        return range(self.state + self.settings, len(graph.inputs))

    def rows(self, graph: Graph) -> int:
        """Return how many rows a step takes."""
        return int(graph.inputs[self.batched(graph)[0]].shape[0])


class StateLayout(NamedTuple):
    """Where the arrays of a state lie, one after another.

    Parameters
    ----------
    offsets : tuple of int
        The number of the first entry of each array.
    size : int
        How many entries a whole state has.
    """

    offsets: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, graph: Graph, form: StepForm, *, alignment: int, lanes: int) -> StateLayout:
        """Return the layout of a step's state.

        Each array begins at a multiple of the alignment. The size is a multiple of the lanes, so
        that the whole state can be searched for NaN in vectors.
        """
        offsets, at = [], 0
        for symbol in graph.inputs[: form.state]:
            offsets.append(at)
            at = padded(at + math.prod(symbol.shape), alignment)
        return cls(tuple(offsets), padded(at, lanes))


def padded(count: int, width: int) -> int:
    """Return a count rounded up to whole vectors."""
    return -(-count // width) * width
