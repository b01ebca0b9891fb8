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
from .step_code import StepCode, shows_next, unrolled_steps, unrolled_tail
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


def write_tail(
    step: Graph,
    form: StepForm,
    tail: Graph,
    *,
    start: int,
    target: Target,
    limit: int,
) -> StepCode:
    """Return the code of a short step beside that of the step, in the same regime.

    Parameters
    ----------
    start : int
        The size of the step's workspace, behind which the memory of the short step begins; 0 says
        that the step is unrolled.

    Raises
    ------
    Unlowerable
        If it cannot be written so.
    """
    tail = simple_step(tail)
    if not start:
        # The state is searched for NaN after a short step if it is after whole ones.
        if not shows_next(tail, form) and shows_next(simple_step(step), form):
            raise Unlowerable("doubts about a short step alone do not show in the next loss")
        return unrolled_tail(form, tail, target=target, limit=limit)
    from .arrays.array_steps import array_tail  # here: small steps need none of it

    return array_tail(form, tail, target=target, start=start)


def tail_text(code: StepCode) -> str:
    """Return the text of a short step as a module of its own."""
    functions = map(seen_outside, code.functions)
    return "\n".join([declarations(code.names), *functions, ATTRIBUTES, ""])


def seen_outside(text: str) -> str:
    """Return the text of a function so that the short step can be called from outside."""
    return text.replace("define internal void @tail(", "define void @tail(")


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
    finds_tail: bool = False,
) -> str:
    """Return the text of a training in LLVM's language; see `epoch_code.write_epochs`.

    Parameters
    ----------
    finds_tail : bool
        Whether a short step is called at the address that the record of the epochs has, so that
        another may take its place. Otherwise it is ``tail``.
    """
    kind = kind_of(step.inputs[0].dtype)
    last = form.parameters - 1
    outer = epoch_code.write_epochs(
        kind=kind,
        batch=form.rows(step),
        tail=None if finds_tail else 0 if tail is None else form.rows(tail),
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
            *(seen_outside(text) if finds_tail else text for text in steps.functions),
            write_shuffle(target),
            *([write_reshuffle()] if reshuffles else []),
            outer,
            ATTRIBUTES,
            "",
        ]
    )
