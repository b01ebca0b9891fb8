"""Step code is the functions of a training step, in one of the two regimes.

They are ``step`` for whole batches, ``tail`` for a short last batch, ``validate`` and
``validate_tail`` for data that are not trained on, and ``undecided``, which tells whether the new
state is in doubt. If so, the step is repeated in Python with strong products, for which 0·∞ is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ...core.annotations import Array
from ...graphs.graph import Graph
from ..simplify.doubts import unshown
from . import epoch_code
from .entries import kind_of
from .formats import SIZES
from .kernel import ArrayLocation, Kernel
from .kernel_code import KernelWriter
from .lanes import Names
from .lower import lower
from .step_form import StateLayout, StepForm
from .target import Target
from .unlowerable import Unlowerable

# The functions that validate: a whole block of rows, and a short last one.
VALIDATIONS = ("validate", "validate_tail")


class StepCode(NamedTuple):
    """The functions of a step, and the memory that they need.

    Parameters
    ----------
    functions : tuple of str
    names : tuple of Names
        The names that they declare.
    layout : StateLayout
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
    layout: StateLayout
    workspace: int = 0
    constants: tuple[tuple[int, Array], ...] = ()
    about: str = ""
    has_team: bool = False


def functions_of(
    step: Graph, form: StepForm, tail: Graph | None, held: Sequence[Graph]
) -> list[tuple[str, Graph, StepForm]]:
    """Return the functions of a training by name: the graph of each, and its form."""
    held_form = form._replace(trains=False)
    return [
        ("step", step, form),
        *([] if tail is None else [("tail", tail, form)]),
        *((name, graph, held_form) for name, graph in zip(VALIDATIONS, held, strict=False)),
    ]


def unrolled_steps(
    step: Graph,
    form: StepForm,
    *,
    tail: Graph | None,
    held: Sequence[Graph] = (),
    target: Target,
    limit: int,
) -> StepCode:
    """Return the code of a small simplified step: straight-line arithmetic in a loop over the rows.

    Raises
    ------
    Unlowerable
        If the step has an operation without a native rule, or is too large to unroll.
    """
    layout = _unrolled_layout(step, form, target)
    kernels, shows = step_kernels(step, form, tail, held, limit)
    writers = [
        _writer(kernel, graph, own, layout, target, draws=name == "step" and target.keeps_registers)
        for name, graph, own, kernel in kernels
    ]
    functions = [
        writer.write(name, epoch_code.step_parameters(len(own.batched(graph))))
        for (name, graph, own, _), writer in zip(kernels, writers, strict=True)
    ]
    count = max(len(writer.kernel.elements) for writer in writers)
    about = f"{count} scalar operations, unrolled in a loop over the rows"
    # The state is searched for NaN after each step, unless a NaN shows in the next loss anyway.
    kind = kind_of(step.inputs[0].dtype)
    scan = epoch_code.write_scan(kind=kind, width=target.lanes(SIZES[kind]), padded=layout.size)
    return StepCode(
        (
            *(text.replace("define void", "define internal void") for text in functions),
            epoch_code.NO_DOUBT if shows else scan,
        ),
        tuple(writer.names for writer in writers),
        layout,
        about=about,
    )


def unrolled_tail(form: StepForm, tail: Graph, *, target: Target, limit: int) -> StepCode:
    """Return the code of a short step, beside that of the step which `unrolled_steps` wrote.

    Raises
    ------
    Unlowerable
        As there.
    """
    layout = _unrolled_layout(tail, form, target)
    ((_, _, _, kernel),), _ = step_kernels(tail, form, None, (), limit)
    writer = _writer(kernel, tail, form, layout, target)
    text = writer.write("tail", epoch_code.step_parameters(len(form.batched(tail))))
    return StepCode((text,), (writer.names,), layout)


def _unrolled_layout(step: Graph, form: StepForm, target: Target) -> StateLayout:
    width = target.lanes(SIZES[kind_of(step.inputs[0].dtype)])
    return StateLayout.of(step, form, alignment=1, lanes=width)


def step_kernels(
    step: Graph, form: StepForm, tail: Graph | None, held: Sequence[Graph], limit: int
) -> tuple[list[tuple[str, Graph, StepForm, Kernel]], bool]:
    """Return the functions of a small training as kernels, and whether every doubt shows.

    If a doubt might not show in the loss of the next step, the state is to be searched for NaN.

    Raises
    ------
    Unlowerable
        As `unrolled_steps`.
    """
    kernels, shows = [], True
    for name, graph, own in functions_of(step, form, tail, held):
        shows = shows_next(graph, own) and shows
        own.check(graph)
        kernel = lower(graph, batched=own.batched(graph), limit=limit)
        kernel.poison(0)  # the loop stops at a loss that is not finite
        kernels.append((name, graph, own, kernel))
    return kernels, shows


def shows_next(step: Graph, form: StepForm) -> bool:
    """Return whether every doubt about a step shows in the loss of the next one.

    Then the state need not be searched for NaN after each step. Doubts about a validation show in
    its numbers, which are looked at in any case.

    Raises
    ------
    Unlowerable
        If one shows in neither.
    """
    watched = {x.node for x in unshown(step, form.parameters if form.trains else 0)}
    seen = step.outputs[: 1 + form.news] if form.trains else step.outputs
    if not watched <= {getattr(x, "node", None) for x in seen}:
        raise Unlowerable("a product 0·∞ would not show in the new state")
    return not (watched and form.trains)


def _writer(
    kernel: Kernel,
    graph: Graph,
    form: StepForm,
    layout: StateLayout,
    target: Target,
    *,
    draws: bool = False,
) -> KernelWriter:
    inputs, outputs = state_locations(graph, form, layout)
    for i, position in enumerate(form.batched(graph)):
        inputs[position] = ArrayLocation(
            f"%data{i}", 0, math.prod(graph.inputs[position].shape[1:])
        )
    # Each operation of a chain waits for the one before; two vectors of rows side by side fill the
    # gaps. There are not enough registers for more.
    width = target.lanes(SIZES[kind_of(graph.inputs[0].dtype)])
    registers = 2 if kernel.rows >= 2 * width else 1
    return KernelWriter(
        kernel,
        inputs,
        outputs,
        width=registers * width,
        registers=registers,
        target=target,
        draws=draws,
    )


def state_locations(
    graph: Graph, form: StepForm, layout: StateLayout
) -> tuple[dict[int, ArrayLocation], dict[int, ArrayLocation]]:
    """Return where the state, settings, loss and sums lie, as inputs and as outputs."""
    inputs = {i: ArrayLocation("%now", at) for i, at in enumerate(layout.offsets)}
    outputs = {
        0: ArrayLocation("%loss"),
        **{i + 1: ArrayLocation("%new", at) for i, at in enumerate(layout.offsets[: form.news])},
        **{form.news + i: ArrayLocation("%loss", i) for i in range(1, form.sums + 1)},
    }
    at = 0
    for i in range(form.state, form.state + form.settings):
        inputs[i] = ArrayLocation("%settings", at)
        at += math.prod(graph.inputs[i].shape)
    return inputs, outputs
