"""A training's text is all of its code in LLVM's language."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...graphs.graph import Graph
from ..simplify.simplify import simplify, written_out
from . import epoch_code
from .entries import kind_of
from .formats import SIZES
from .lanes import Names, declarations
from .machine import ATTRIBUTES
from .mersenne import write_reshuffle
from .shuffle import write_shuffle
from .step_code import StepCode, unrolled_steps
from .step_form import StepForm
from .target import Target
from .unlowerable import Unlowerable


def write_steps(
    step: Graph,
    form: StepForm,
    *,
    tail: Graph | None,
    held: Sequence[Graph],
    target: Target,
    limit: int,
) -> StepCode:
    """Return the code of the steps in the regime that suits their size."""
    # Here, once for both: most steps are too large for the first.
    step, tail = simple_step(step), None if tail is None else simple_step(tail)
    held = [simple_step(graph) for graph in held]
    try:
        return unrolled_steps(step, form, tail=tail, held=held, target=target, limit=limit)
    except Unlowerable:
        from .arrays.array_steps import array_steps  # here: small steps need none of it

        return array_steps(step, form, tail=tail, held=held, target=target)


def simple_step(graph: Graph) -> Graph:
    """Return the graph of a step as both regimes begin with it."""
    return written_out(simplify(graph))


def write_training(
    step: Graph,
    form: StepForm,
    steps: StepCode,
    *,
    tail: Graph | None,
    held: Sequence[Graph],
    target: Target,
    reshuffles: bool = False,
) -> str:
    """Return the text of a training in LLVM's language; see `epoch_code.write_epochs`."""
    kind = kind_of(step.inputs[0].dtype)
    last = form.parameters - 1
    outer = epoch_code.write_epochs(
        kind=kind,
        batch=form.rows(step),
        tail=0 if tail is None else form.rows(tail),
        arrays=len(form.batched(step)),
        parameters=steps.layout.offsets[last] + math.prod(step.inputs[last].shape),
        padded=steps.layout.size,
        width=target.lanes(SIZES[kind]),
        sums=form.sums,
        held=tuple(map(form.rows, held)),
        reshuffles=reshuffles,
    )
    declared = Names()
    declared.intrinsics.update(epoch_code.epoch_declarations(kind))
    return "\n".join(
        [
            declarations([*steps.names, declared]),
            *steps.functions,
            write_shuffle(target),
            *([write_reshuffle()] if reshuffles else []),
            outer,
            ATTRIBUTES,
            "",
        ]
    )
