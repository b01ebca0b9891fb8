"""Training code is a traced training step that is compiled to run whole epochs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ...collector import paused
from ...core.annotations import Array
from ...core.reproducibility import is_reproducible
from ...graphs.graph import Graph
from ..simplify.fingerprint import Fingerprint, fingerprint
from . import team
from .cache import code_key, object_code, stored_code
from .machine import Library, Machine, this_machine
from .object_code import ObjectCode
from .step_form import StepForm
from .target import Target
from .unlowerable import Unlowerable

if TYPE_CHECKING:
    from .step_code import StepCode

# The number of scalar operations from which on loops over arrays are as fast, and compiled in much
# less time.
MOST_UNROLLED = 1000
# How many codes are kept. To train another network of the same form then takes a tenth of the time.
_MOST_KEPT = 64
# `_codes` finds a code by its graphs. `_known` finds it by a caller's key, before anything is
# traced: the caller knows that equal keys mean equal graphs.
_codes: dict[Hashable, TrainingCode] = {}
_known: dict[Hashable, TrainingCode] = {}
# `_starts` finds a code by all of its graphs but that of the short last batch. Trainings on another
# number of rows, as the folds of a search and what is fitted to all rows in the end, differ in that
# alone, and only that is compiled for them.
_starts: dict[Hashable, TrainingCode] = {}
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
        With the place of each array of the state, and all of the memory that is needed.
    rest : ObjectCode, optional
        The short last batch, where that in ``steps`` is another one or there is none.
    first : TrainingCode, optional
        The training that has all else in common with it.
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
        rest: ObjectCode | None = None,
        first: TrainingCode | None = None,
        reshuffles: bool = False,
    ) -> None:
        self.step, self.tail, self.held = step, tail, held
        self.form, self.steps, self.rest, self.first = form, steps, rest, first
        self.reshuffles = reshuffles

    @cached_property
    def library(self) -> Library:
        """The code in executable memory; trainings share it, since it holds no state."""
        if self.first is not None:
            return self.first.library
        return Library(self.steps.code, self.steps.names)

    @cached_property
    def rest_library(self) -> Library | None:
        """The code of a short last batch in executable memory, if it is apart."""
        return None if self.rest is None else Library(self.rest.code, self.rest.names)

    @property
    def tail_address(self) -> int:
        """Where the step on a short last batch is; 0 if there is none, or none is looked for."""
        if self.rest_library is not None:
            return self.rest_library.address("tail")
        return self.library.address("tail") if "tail" in self.steps.names else 0


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
    parts = _Parts(step, form, tail, tuple(held), limit, machine, reshuffles)
    if machine is not None:
        return parts.training(parts.code(prints))
    start = code_key(parts.kind(), _without_tail(prints, tail))
    code = parts.beside(_starts.get(start), prints) or parts.training(parts.code(prints))
    _keep(_starts, start, code.first or code)
    return code


def _without_tail(prints: Sequence[Fingerprint], tail: Graph | None) -> list[Fingerprint]:
    return [*prints] if tail is None else [prints[0], *prints[2:]]


class _Parts(NamedTuple):
    """What the code of a training is made of, and how its object code is come by."""

    step: Graph
    form: StepForm
    tail: Graph | None
    held: tuple[Graph, ...]
    limit: int
    machine: Machine | None
    reshuffles: bool

    def training(
        self,
        steps: ObjectCode,
        rest: ObjectCode | None = None,
        first: TrainingCode | None = None,
    ) -> TrainingCode:
        """Return the training code that has such object code."""
        return TrainingCode(
            self.step, self.tail, self.form, steps, self.held, rest, first, self.reshuffles
        )

    def kind(self) -> tuple[object, ...]:
        """Return what else the code depends on."""
        common = team.can_share(), self.limit, is_reproducible(), self.reshuffles
        return ("training", tuple(self.form), len(self.held), self.machine is None, *common)

    def code(self, prints: Sequence[Fingerprint]) -> ObjectCode:
        """Return the code of all that there is."""

        def make() -> ObjectCode:
            from . import training_text  # here: code that is in the cache needs none of it

            given: Any = {"tail": self.tail, "held": self.held, "target": self._target()}
            steps = training_text.write_steps(self.step, self.form, limit=self.limit, **given)
            # For this computer another short step may take the place of the one that is there.
            own = self.machine is None
            text = training_text.write_training(
                self.step,
                self.form,
                steps,
                reshuffles=self.reshuffles,
                finds_tail=own,
                **given,
            )
            return self._assembled(steps, text, ["train", *["tail"] * (own and bool(self.tail))])

        return object_code(self.kind(), prints, self._constants(), make, self.machine)

    def beside(
        self, first: TrainingCode | None, prints: Sequence[Fingerprint]
    ) -> TrainingCode | None:
        """Return code that differs from a first one in its short step, which alone is compiled.

        None if all of it is in the cache, there is no first one, or the short step is not to be had
        by itself.
        """
        tail = self.tail
        if tail is None or stored_code(self.kind(), prints, self._constants()) is not None:
            return None
        first = first or self._replace(tail=None)._stored(_without_tail(prints, tail))
        if first is None:
            return None
        steps = first.steps
        try:
            rest = self._short_step(tail, steps.workspace, prints[:2])
        except Unlowerable:
            return None
        constants = (*steps.constants, *rest.constants)
        size = max(steps.workspace, rest.workspace)
        both = steps._replace(workspace=size, constants=constants)
        return self.training(both, rest, first)

    def _stored(self, prints: Sequence[Fingerprint]) -> TrainingCode | None:
        code = stored_code(self.kind(), prints, self._constants())
        return None if code is None else self.training(code)

    def _short_step(self, tail: Graph, start: int, prints: Sequence[Fingerprint]) -> ObjectCode:
        """Return the code of a short step; its memory begins at a byte of the workspace."""

        def make() -> ObjectCode:
            from . import training_text

            steps = training_text.write_tail(
                self.step, self.form, tail, start=start, target=self._target(), limit=self.limit
            )
            return self._assembled(steps, training_text.tail_text(steps), ["tail"])

        return object_code(("tail", start, *self.kind()), prints, tail.constants, make)

    def _constants(self) -> list[Array]:
        graphs = [graph for graph in (self.step, self.tail, *self.held) if graph is not None]
        return [array for graph in graphs for array in graph.constants]

    def _target(self) -> Target:
        if self.machine is not None:
            return self.machine.target
        target = this_machine().target
        return team.with_partner(target.reproducible() if is_reproducible() else target)

    def _assembled(self, steps: StepCode, text: str, names: Sequence[str]) -> ObjectCode:
        return ObjectCode(
            (self.machine or this_machine()).assemble(text),
            (*names, *["partner"] * steps.has_team),
            steps.about,
            steps.workspace,
            steps.constants,
            steps.layout,
            steps.has_team,
        )
