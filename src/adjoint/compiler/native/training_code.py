"""Training code is a traced training step that is compiled to run whole epochs."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

from ...graphs.graph import Graph
from ..simplify.fingerprint import fingerprint
from ..simplify.simplify import simplify, written_out
from . import epoch_code, team
from .arrays.array_steps import array_steps
from .cache import object_code
from .entries import kind_of
from .kernel import Unlowerable
from .lanes import Names, declarations
from .machine import ATTRIBUTES, Library, Machine, this_machine
from .mersenne import write_reshuffle
from .shuffle import write_shuffle
from .step_code import StepCode, StepForm, unrolled_steps

# The number of scalar operations from which on loops over arrays are as fast, and compiled in much
# less time.
MOST_UNROLLED = 1000
# How many codes are kept. To train another network of the same form then takes a tenth of the time.
_MOST_KEPT = 64
# `_codes` finds a code by its graphs. `_known` finds it by a caller's key, before anything is
# traced: the caller knows that equal keys mean equal graphs.
_codes: dict[Hashable, TrainingCode] = {}
_known: dict[Hashable, TrainingCode] = {}
# Threads that need the same code wait for the first of them to compile it.
_compiling = threading.Lock()


@dataclass(frozen=True)
class TrainingCode:
    """The native code of a training, and what it was made of.

    Attributes
    ----------
    step, tail : Graph
        The step as traced, for full batches, and for a short last batch if there is one.
    form : StepForm
    steps : StepCode
        The text of the steps, and where the arrays lie.
    code : bytes
        The object code.
    """

    step: Graph
    tail: Graph | None
    form: StepForm
    steps: StepCode
    code: bytes

    @cached_property
    def library(self) -> Library:
        """The code in executable memory; trainings share it, since it holds no state."""
        return Library(self.code, ["train", "partner"] if self.steps.has_team else ["train"])


def training_code(
    trace: Callable[[], tuple[Graph, StepForm, Graph | None]], key: Hashable = None
) -> TrainingCode:
    """Return the code of a training, compiled unless equal graphs were compiled before.

    Parameters
    ----------
    trace : callable
        Returns the step, its form, and the step on the short batch that ends an epoch, or None.
    key : hashable, optional
        Must be equal only if ``trace`` would return equal graphs; it is then not called again.

    Raises
    ------
    Unlowerable, ImportError
        As `compile_training`.
    """
    with _compiling:
        code = None if key is None else _known.get(key)
        if code is None:
            step, form, tail = trace()
            graphs = fingerprint(step), None if tail is None else fingerprint(tail)
            # The same graphs have other code where no partner can help.
            own = (*graphs, form, team.can_share())
            code = _codes.get(own) or compile_training(step, form, tail=tail)
            _keep(_codes, own, code)
        if key is not None:
            _keep(_known, key, code)
    return code


def _keep(codes: dict[Hashable, TrainingCode], key: Hashable, code: TrainingCode) -> None:
    """Keep a code, and drop the one whose last use is longest ago if there are too many."""
    codes.pop(key, None)
    codes[key] = code  # the latest last
    while len(codes) > _MOST_KEPT:
        codes.pop(next(iter(codes)), None)


def _renew_lock() -> None:
    """Give a forked child a new lock: the old one may be held by a thread that it does not have."""
    global _compiling
    _compiling = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def compile_training(
    step: Graph, form: StepForm, *, tail: Graph | None = None, limit: int = MOST_UNROLLED
) -> TrainingCode:
    """Return native code for whole epochs of a training step.

    Parameters
    ----------
    step : Graph
        The step on a full batch, in the arrangement that ``form`` describes.
    tail : Graph, optional
        The step on a short last batch, if there is one.
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
    # Here, once for both: most steps are too large for the first.
    step, tail = _simple(step), None if tail is None else _simple(tail)
    try:
        return unrolled_steps(step, form, tail=tail, vector_bytes=width, limit=limit)
    except Unlowerable:
        return array_steps(step, form, tail=tail, vector_bytes=width, registers=registers)


def _simple(graph: Graph) -> Graph:
    return written_out(simplify(graph))


def write_training(step: Graph, form: StepForm, steps: StepCode, *, tail: Graph | None) -> str:
    """Return the text of a training in LLVM's language."""
    kind = kind_of(step.inputs[0].dtype)
    last = form.parameters - 1
    outer = epoch_code.write_epochs(
        kind=kind,
        batch=form.rows(step),
        tail=0 if tail is None else form.rows(tail),
        arrays=len(form.batched(step)),
        parameters=steps.layout.offsets[last] + math.prod(step.inputs[last].shape),
        padded=steps.layout.size,
    )
    declared = Names()
    declared.intrinsics.update(epoch_code.epoch_declarations(kind))
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
