"""Training code is a traced training step that is compiled to run whole epochs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property

from ...collector import paused
from ...core.reproducibility import is_reproducible
from ...graphs.graph import Graph
from ..simplify.fingerprint import Fingerprint, fingerprint
from . import team
from .cache import object_code
from .machine import Library, Machine, this_machine
from .object_code import ObjectCode
from .step_form import StepForm

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


class TrainingCode:
    """The native code of a training, and what it was made of.

    Parameters
    ----------
    step, tail : Graph
        The step as traced, for full batches, and for a short last batch if there is one.
    held : sequence of Graph
        What validates: nothing, or a block of rows, and a short last block if there is one.
    form : StepForm
    steps : ObjectCode
        With the place of each array of the state.
    reshuffles : bool
        Whether each epoch can shuffle the order of the one before, as `Order.RESHUFFLED` says.
    """

    def __init__(
        self,
        step: Graph,
        tail: Graph | None,
        form: StepForm,
        steps: ObjectCode,
        held: Sequence[Graph] = (),
        reshuffles: bool = False,
    ) -> None:
        self.step, self.tail, self.held = step, tail, held
        self.form, self.steps, self.reshuffles = form, steps, reshuffles

    @cached_property
    def library(self) -> Library:
        """The code in executable memory; trainings share it, since it holds no state."""
        return Library(self.steps.code, self.steps.names)


def training_code(
    trace: Callable[[], tuple[Graph, StepForm, Graph | None, Sequence[Graph]]],
    key: Hashable = None,
    *,
    reshuffles: bool = False,
) -> TrainingCode:
    """Return the code of a training, compiled unless equal graphs were compiled before.

    Parameters
    ----------
    trace : callable
        Returns the step, its form, the step on the short batch that ends an epoch, or None, and
        what validates, see `TrainingCode`.
    key : hashable, optional
        Must be equal only if ``trace`` would return equal graphs; it is then not called again.
    reshuffles : bool
        See `TrainingCode`.

    Raises
    ------
    Unlowerable, ImportError
        As `compile_training`.
    """
    known = (key, reshuffles)
    with _compiling, paused():
        code = None if key is None else _known.get(known)
        if code is None:
            step, form, tail, held = trace()
            prints = _prints(step, tail, held)
            # The same graphs have other code where no partner can help.
            own = (*prints, form, len(held), team.can_share(), is_reproducible(), reshuffles)
            code = _codes.get(own) or _compiled(
                step, form, tail, held, MOST_UNROLLED, prints, reshuffles=reshuffles
            )
            _keep(_codes, own, code)
        if key is not None:
            _keep(_known, known, code)
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
    step: Graph,
    form: StepForm,
    *,
    tail: Graph | None = None,
    held: Sequence[Graph] = (),
    limit: int = MOST_UNROLLED,
    machine: Machine | None = None,
    reshuffles: bool = False,
) -> TrainingCode:
    """Return native code for whole epochs of a training step.

    Parameters
    ----------
    step : Graph
        The step on a full batch, in the arrangement that ``form`` describes.
    tail : Graph, optional
        The step on a short last batch, if there is one.
    held : sequence of Graph
        What validates, see `TrainingCode`.
    limit : int
        The greatest number of scalar operations to unroll.
    machine : Machine, optional
        What the code is for, if not for this computer. Its target says whether the same bits on
        every machine are asked for; for this computer `core.reproducibility` does.
    reshuffles : bool
        See `TrainingCode`.

    Raises
    ------
    Unlowerable
        If the step has an operation without a native rule.
    ImportError
        If llvmlite is not installed.
    """
    prints = _prints(step, tail, held)
    return _compiled(step, form, tail, held, limit, prints, machine, reshuffles=reshuffles)


def _prints(step: Graph, tail: Graph | None, held: Sequence[Graph]) -> list[Fingerprint]:
    return [fingerprint(graph) for graph in (step, tail, *held) if graph is not None]


def _compiled(
    step: Graph,
    form: StepForm,
    tail: Graph | None,
    held: Sequence[Graph],
    limit: int,
    prints: Sequence[Fingerprint],
    machine: Machine | None = None,
    *,
    reshuffles: bool,
) -> TrainingCode:
    graphs = [graph for graph in (step, tail) if graph is not None]
    for graph in graphs:
        form.check(graph)
    for graph in held:
        form._replace(trains=False).check(graph)
    graphs += held

    def make() -> ObjectCode:
        from . import training_text  # here: code that is in the cache needs none of it

        maker = machine or this_machine()
        target = maker.target
        if machine is None:
            target = team.with_partner(target.reproducible() if is_reproducible() else target)
        steps = training_text.write_steps(
            step, form, tail=tail, held=held, target=target, limit=limit
        )
        text = training_text.write_training(
            step, form, steps, tail=tail, held=held, target=target, reshuffles=reshuffles
        )
        return ObjectCode(
            maker.assemble(text),
            ("train", "partner") if steps.has_team else ("train",),
            steps.about,
            steps.workspace,
            steps.constants,
            steps.layout,
            steps.has_team,
        )

    settings = team.can_share(), limit, is_reproducible(), reshuffles
    kind = ("training", tuple(form), len(held), *settings)
    constants = [array for graph in graphs for array in graph.constants]
    code = object_code(kind, prints, constants, make, machine)
    return TrainingCode(step, tail, form, code, held, reshuffles)
