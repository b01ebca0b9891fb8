"""Training code is a traced training step, compiled so that it runs whole epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from ...graph import Graph
from . import loop
from .arrays.array_steps import array_steps
from .cache import object_code
from .entries import kind_of
from .lanes import Names, declarations
from .machine import ATTRIBUTES, Library, Machine, this_machine
from .mersenne import write_reshuffle
from .nest import Unlowerable
from .shuffle import write_shuffle
from .step_code import StepCode, StepForm, unrolled_steps

# Scalar operations beyond which loops over arrays are as fast, and compiled in much less time.
MOST_UNROLLED = 1000


@dataclass(frozen=True)
class TrainingCode:
    """The native code of a training, and what it was made of.

    Attributes
    ----------
    step, tail : Graph
        The step as traced, for full batches and for the short last one, or None.
    form : StepForm
    steps : StepCode
        Says where things lie.
    code : bytes
    """

    step: Graph
    tail: Graph | None
    form: StepForm
    steps: StepCode
    code: bytes

    @cached_property
    def library(self) -> Library:
        """The code in memory, which several trainings share: it holds nothing of theirs."""
        return Library(self.code, ["train", "partner"] if self.steps.has_team else ["train"])


def compile_training(
    step: Graph, form: StepForm, *, tail: Graph | None = None, limit: int = MOST_UNROLLED
) -> TrainingCode:
    """Return native code for whole epochs of a training step.

    Parameters
    ----------
    step : Graph
        The step on a full batch, in the arrangement that ``form`` describes.
    tail : Graph, optional
        The same on the short batch that ends an epoch, if there is one.
    limit : int
        The greatest number of scalar operations to unroll.

    Raises
    ------
    Unlowerable
        If the step has an operation without a native rule.
    ImportError
        If llvmlite is not installed.
    """
    for graph in (step, tail):
        if graph is not None:
            form.check(graph)
    steps = write_steps(step, form, tail=tail, machine=this_machine(), limit=limit)
    text = write_training(step, form, steps, tail=tail)
    return TrainingCode(step, tail, form, steps, object_code(text))


def write_steps(
    step: Graph, form: StepForm, *, tail: Graph | None, machine: Machine, limit: int
) -> StepCode:
    """Return the code of the steps in the regime that suits their size."""
    width, registers = machine.vector_bytes, machine.registers
    try:
        return unrolled_steps(step, form, tail=tail, vector_bytes=width, limit=limit)
    except Unlowerable:
        return array_steps(step, form, tail=tail, vector_bytes=width, registers=registers)


def write_training(step: Graph, form: StepForm, steps: StepCode, *, tail: Graph | None) -> str:
    """Return the text of a training in LLVM's language."""
    kind = kind_of(step.inputs[0].dtype)
    last = form.parameters - 1
    outer = loop.write_loop(
        kind=kind,
        batch=form.rows(step),
        tail=0 if tail is None else form.rows(tail),
        arrays=len(form.batched(step)),
        parameters=steps.layout.offsets[last] + math.prod(step.inputs[last].shape),
        padded=steps.layout.size,
    )
    declared = Names()
    declared.intrinsics.update(loop.loop_declarations(kind))
    return "\n".join(
        [
            declarations([*steps.names, declared]),
            *steps.functions,
            write_shuffle(),
            write_reshuffle(),
            outer,
            ATTRIBUTES,
            "",
        ]
    )
