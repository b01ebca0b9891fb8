"""Step code is the functions that one training step is made of, in either of the two regimes.

They are ``step`` for whole batches, ``tail`` for the short last one, and ``undecided``, which asks
whether a NaN appeared. If so the step is repeated in Python, which knows where 0·∞ is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...core.annotations import Array
from ...graphs.graph import Graph
from ..simplify.doubts import unshown
from ..simplify.simplify import simplify, written_out
from . import loop
from .entries import kind_of
from .formats import SIZES
from .kernel import Kernel, Slot
from .lanes import Names
from .lower import lower
from .nest import Unlowerable


@dataclass(frozen=True)
class StepForm:
    """How the inputs and outputs of a training step's graph are arranged.

    The inputs are the arrays of the state (parameters first, then the optimiser's memory), then the
    settings, numbers that are the same for all steps, then the arrays of which a step takes rows.
    The outputs are the loss and the new state.

    Parameters
    ----------
    parameters, state, settings : int
        How many of the inputs are parameters, parameters or memory, settings.
    """

    parameters: int
    state: int
    settings: int = 0

    def check(self, graph: Graph) -> None:
        """Refuse a graph of another form."""
        specs = [symbol.data for symbol in graph.inputs]
        news = graph.outputs[1:]
        if len(news) != self.state or not 0 < self.parameters <= self.state:
            raise ValueError(
                f"a training step returns the loss and {self.state} new arrays of state, "
                f"got {len(graph.outputs)} outputs"
            )
        for i, new in enumerate(news):
            if (tuple(new.shape), new.dtype) != tuple(specs[i]):
                raise ValueError(
                    f"state {i} comes in as {specs[i]} and goes out as {new.shape}, {new.dtype}"
                )
        loss, numbers = graph.outputs[0], specs[: self.state + self.settings]
        if loss.shape != ():
            raise ValueError(f"a training step returns one number as loss, got shape {loss.shape}")
        if len({loss.dtype, *(spec.dtype for spec in numbers)}) > 1:
            raise Unlowerable("loss, parameters, memory and settings of different dtypes")
        if loss.dtype.kind != "f":
            raise Unlowerable("a loss that is no float")
        if len(specs) == self.state + self.settings:
            raise ValueError("a training step needs an array of which it takes rows")

    def batched(self, graph: Graph) -> range:
        """Return the inputs of which a step takes rows."""
        return range(self.state + self.settings, len(graph.inputs))

    def rows(self, graph: Graph) -> int:
        """Return how many rows a step takes."""
        return int(graph.inputs[self.batched(graph)[0]].shape[0])


@dataclass(frozen=True)
class Layout:
    """Where the arrays of a state lie, one after another.

    Parameters
    ----------
    offsets : tuple of int
        Where each begins, in entries.
    size : int
        Entries of a whole state.
    """

    offsets: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, graph: Graph, form: StepForm, *, alignment: int, lanes: int) -> Layout:
        """Return the layout of a step's state, each array at a multiple of the alignment."""
        offsets, at = [], 0
        for symbol in graph.inputs[: form.state]:
            offsets.append(at)
            at = padded(at + math.prod(symbol.shape), alignment)
        return cls(tuple(offsets), padded(at, lanes))


def padded(count: int, width: int) -> int:
    """Return how many numbers whole vectors hold, of at least a count."""
    return -(-count // width) * width


@dataclass(frozen=True)
class StepCode:
    """The functions of a step, and the memory that they need.

    Parameters
    ----------
    functions : tuple of str
    names : tuple of Names
        The names that they declare.
    layout : Layout
        Where the arrays of the state lie.
    workspace : int
        Bytes of memory between the parts of a step.
    constants : tuple of (int, array)
        What the memory must hold, and from which byte on.
    about : str
        A line for a report.
    has_team : bool
        Whether a partner shares large products, see `team`; the workspace begins with its memory.
    """

    functions: tuple[str, ...]
    names: tuple[Names, ...]
    layout: Layout
    workspace: int = 0
    constants: tuple[tuple[int, Array], ...] = ()
    about: str = ""
    has_team: bool = False


def unrolled_steps(
    step: Graph, form: StepForm, *, tail: Graph | None, vector_bytes: int, limit: int
) -> StepCode:
    """Return the code of a small step: straight-line arithmetic in one loop over the rows.

    Raises
    ------
    Unlowerable
        If the step has an operation without a native rule, or is too large to unroll.
    """
    kind = kind_of(step.inputs[0].dtype)
    width = vector_bytes // SIZES[kind]
    layout = Layout.of(step, form, alignment=1, lanes=width)
    functions, names, count, shows = [], [], 0, True
    for name, graph in (("step", step), ("tail", tail)):
        if graph is not None:
            simple = written_out(simplify(graph))
            shows = _shows_next(simple, form) and shows
            kernel = _kernel(simple, form, layout, width, limit)
            text = kernel.write(name, loop.step_parameters(len(form.batched(graph))))
            functions.append(text.replace("define void", "define internal void"))
            names.append(kernel.names)
            count = max(count, len(kernel.nest.elements))
    about = f"{count} scalar operations, unrolled in a loop over the rows"
    scan = loop.write_scan(kind=kind, width=width, padded=layout.size)
    return StepCode(
        (*functions, loop.NO_DOUBT if shows else scan), tuple(names), layout, about=about
    )


def _shows_next(step: Graph, form: StepForm) -> bool:
    """Return whether all doubts about a step show in the next one's loss, not in the state alone.

    Raises
    ------
    Unlowerable
        If one shows in neither.
    """
    watched = {x.node for x in unshown(step, form.parameters)}
    if not watched <= {getattr(x, "node", None) for x in step.outputs}:
        raise Unlowerable("a product 0·∞ would not show in the new state")
    return not watched


def _kernel(graph: Graph, form: StepForm, layout: Layout, width: int, limit: int) -> Kernel:
    form.check(graph)
    nest = lower(graph, batched=form.batched(graph), limit=limit)
    nest.poison(0)  # a loss that is not finite is looked into
    inputs, outputs = state_slots(graph, form, layout)
    for i, position in enumerate(form.batched(graph)):
        inputs[position] = Slot(f"%data{i}", 0, math.prod(graph.inputs[position].shape[1:]))
    # A chain of operations waits for itself: two side by side fill the gaps, for more there are too
    # few registers.
    registers = 2 if nest.rows >= 2 * width else 1
    return Kernel(nest, inputs, outputs, width=registers * width, registers=registers)


def state_slots(
    graph: Graph, form: StepForm, layout: Layout
) -> tuple[dict[int, Slot], dict[int, Slot]]:
    """Return where state, settings and loss lie: inputs, and outputs."""
    inputs = {i: Slot("%now", at) for i, at in enumerate(layout.offsets)}
    outputs = {0: Slot("%loss"), **{i + 1: Slot("%new", at) for i, at in enumerate(layout.offsets)}}
    at = 0
    for i in range(form.state, form.state + form.settings):
        inputs[i] = Slot("%settings", at)
        at += math.prod(graph.inputs[i].shape)
    return inputs, outputs
