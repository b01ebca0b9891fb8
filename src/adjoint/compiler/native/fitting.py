"""A native fit is a training of a model run natively: its step traced, its state carried over."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from operator import is_
from time import perf_counter
from typing import Any

import numpy as np

from ...core import Spec
from ...graph import Graph
from ...nn.module import Module
from ...optim import Memory, Optimizer
from ...reshuffle import Reshuffle
from ...tensor import Tensor
from ..fingerprint import fingerprint
from ..snapshot import Snapshot, Undo, buffers_in
from ..step import TrainingStep, foreign_part
from . import team
from .loop import Status
from .nest import Unlowerable
from .step_code import StepForm
from .training import Patience, Training
from .training_code import TrainingCode, compile_training

Array = np.ndarray[Any, Any]

# Python is back in control after about this many seconds, for Ctrl-C and the progress bar.
_TURN = 0.06
_MOST_STEPS = 10_000_000
# What a step takes without native code, in seconds, and for its operations at so many a second; and
# what native code takes to be made. Measured once, and never at run time: the tier must not depend
# on the clock.
_OVERHEAD = 1e-4
_SLOW = 5e10
_WORTHWHILE = 0.2
# Operations a second of native code, to find out how many steps may be taken at first.
_FAST = 1e11


class NativeFit:
    """A training that `fit` runs natively, epoch by epoch or many at once.

    Parameters
    ----------
    model, loss, optimizer
        Checked, the model in training mode.
    data : sequence of (n, …) array
        X, and what the loss takes besides the prediction.
    batch_size, epochs : int
    seed : int or None
        Of the order of the rows; None keeps theirs.
    reshuffle : Reshuffle, optional
        What orders the rows in the seed's place.
    form : hashable, optional
        Equal only for trainings whose steps, on batches of the same shapes, are the same graph: it
        saves tracing a second one.

    Raises
    ------
    Unlowerable
        If the step cannot be native code; its text says why.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
        data: Sequence[Array],
        *,
        batch_size: int,
        epochs: int,
        seed: int | None,
        reshuffle: Reshuffle | None = None,
        form: Hashable = None,
    ) -> None:
        self.optimizer = optimizer
        self.step = step = TrainingStep(model, loss, optimizer)
        self._remembered = step.remembered()
        X, *rest = data
        data = [X, *(a.astype(np.int64) if a.dtype.kind in "iu" else a for a in rest)]

        def traced(rows: int) -> Graph:
            return _arranged(step, _specs(data, rows))

        short = len(X) % batch_size
        sizes = [(array.shape[1:], array.dtype.str) for array in data]
        key = None if form is None else (form, *sizes, batch_size, short, team.can_share())
        numbers = self._settings(0, 1)
        with _compiling:
            code = None if key is None or step.buffers else _known.get(key)
            if code is None:
                step.fix_unwritten(*_specs(data, batch_size))
                full = traced(batch_size)
                count = len(step.params)
                changing = count + sum(map(len, self._remembered)) + len(step.buffers)
                places = StepForm(count, changing, settings=numbers.shape[-1])
                code = _kept(_known, key, _code(full, places, traced(short) if short else None))
        self._reshuffle = reshuffle
        self._known = self._circumstances()
        self._constants = [tensor.data for tensor in step.fixed.values()]
        self._undo = Undo(optimizer, buffers_in(model, loss))
        self._training = Training(
            code,
            self._carried(self._read()),
            data,
            epochs=epochs,
            settings=numbers.ravel(),
            seed=seed,
        )
        if reshuffle is not None:
            self._words = reshuffle.words
            self._training.reshuffle(reshuffle.rows, self._words)
        self._written = self._read()
        self._steps = max(1, min(500, int(_TURN * _FAST / work_of(model, batch_size))))

    def advance(
        self,
        until: int,
        show: Callable[[int, float], None],
        is_due: Callable[[], bool] = lambda: False,
        patience: Patience | None = None,
    ) -> Status:
        """Train up to an epoch, and leave model and optimiser as after the last whole step.

        Where something else is due or the patience ends, it comes back before.
        """
        training = self._training
        taken = self.optimizer.steps - training.steps
        state = self._read()
        if any(now is not left for now, left in zip(state, self._written, strict=True)):
            training.load(self._carried(state), epoch=training.epoch)
        status = Status.PAUSED
        try:
            while status is Status.PAUSED and training.epoch < until:
                start, before = perf_counter(), training.epoch
                steps = min(self._steps, training.steps_until(until))
                training.settings = self._settings(taken + training.steps, steps)
                status = training.run(until, steps=steps, patience=patience)
                took = perf_counter() - start
                faster = min(4.0, _TURN / max(took, 1e-6))
                self._steps = min(max(1, int(self._steps * faster)), _MOST_STEPS)
                if training.epoch > before:
                    show(training.epoch, training.losses(training.epoch - 1)[0])
                if is_due():
                    break
        finally:
            self._write(training.state, taken + training.steps)
            if self._reshuffle is not None:
                self._reshuffle.rows, self._reshuffle.words = training.order, self._words
        return status

    def _settings(self, start: int, steps: int) -> Array:
        """Return the single numbers that model and loss read, and the optimiser's settings."""
        own = self.step.settings(start, steps)
        levels = np.array([level.data for level in self.step.levels.values()], own.dtype)
        if own.ndim == 1:
            return np.concatenate([levels, own])
        return np.hstack([np.tile(levels, (len(own), 1)), own])

    @property
    def epoch(self) -> int:
        """How many epochs are complete."""
        return self._training.epoch

    def losses(self, start: int = 0) -> list[float]:
        """Return the loss of every complete epoch, from one on."""
        return self._training.losses(start)

    @property
    def stopped_at(self) -> tuple[int, float]:
        """How many steps of the present epoch are, and the sum over their rows of their losses."""
        return self._training.step, self._training.loss_so_far

    @property
    def order(self) -> Array:
        """The order of the rows in the present epoch."""
        order: Array = self._training.order
        return order

    @property
    def previous(self) -> Snapshot:
        """All that a step changes, as it was before the last step."""
        return self._snapshot(self._training.previous, max(self.optimizer.steps - 1, 0))

    def resume(self, epoch: int, step: int, loss_so_far: float, order: Array | None) -> None:
        """Go on from the model and the optimiser as they are, so far into an epoch."""
        self._written = self._read()
        self._training.load(self._carried(self._written), epoch=epoch)
        self._training.resume(step, loss_so_far, order)

    def take_over(self, loss: float) -> None:
        """Go on after an epoch that was finished elsewhere, with this mean loss."""
        self._written = self._read()
        state = self._carried(self._written)
        self._training.load(state, epoch=self._training.epoch + 1, loss=loss)

    @property
    def is_current(self) -> bool:
        """Return whether model and optimiser still are what was traced, but for their numbers."""
        now = [tensor.data for tensor in self.step.fixed.values()]
        return all(map(is_, now, self._constants)) and bool(self._known == self._circumstances())

    def _circumstances(self) -> Any:
        return self.step.circumstances, self.step.remembered()

    # --- the state --------------------------------------------------------------------------------

    def _read(self) -> list[Array]:
        """Return parameters, memory and buffers, in the order of the graph's inputs."""
        memory = [
            np.asarray(self.optimizer.recall(place)[name])
            for place, names in zip(self.step.places, self._remembered, strict=True)
            for name in names
        ]
        parameters, buffers = self.step.params.values(), self.step.buffers.values()
        return [*(p.data for p in parameters), *memory, *(b.data for b in buffers)]

    def _carried(self, state: Sequence[Array]) -> list[Array]:
        """Return the state in the dtype of the parameters, which buffers may not have."""
        return [array.astype(self.step.dtype, copy=False) for array in state]

    def _snapshot(self, state: Sequence[Array], steps: int) -> Snapshot:
        """Return a state as all that a step changes."""
        arrays = [parameter.data for parameter in self.optimizer.params]
        memory = self.optimizer.memory[:]
        rest = iter(state[len(self.step.places) :])
        for place, names, array in zip(self.step.places, self._remembered, state, strict=False):
            arrays[place] = array
            memory[place] = {name: next(rest) for name in names}
        changed = dict(zip(map(id, self.step.buffers.values()), rest, strict=True))
        buffers = [
            changed.get(id(b), b.data).astype(b.dtype, copy=False) for b in self._undo.buffers
        ]
        return Snapshot(arrays, memory, steps, buffers)

    def _write(self, state: Sequence[Array], steps: int) -> None:
        self._undo.put(self._snapshot(state, steps))
        self._written = self._read()
        self.optimizer.zero_grad()


def refuse_unasked(
    model: Module, loss: Any, optimizer: Optimizer, *, steps: int, batch_size: int
) -> None:
    """Refuse a training that should not be compiled unless that was asked for.

    Raises
    ------
    Unlowerable
        If it is over before native code would be there, or is not adjoint's own: Python code of
        the user's may do other things besides computing, or differ from call to call.
    """
    foreign = foreign_part(model, loss, optimizer)
    if foreign is not None:
        raise Unlowerable(f"{foreign} is not adjoint's own")
    if not is_worthwhile(model, steps=steps, batch_size=batch_size):
        raise Unlowerable(f"{steps} steps are done before native code is there")


def is_worthwhile(model: Module, *, steps: int, batch_size: int) -> bool:
    """Return whether so many steps take longer without native code than to make it."""
    return steps * (_OVERHEAD + work_of(model, batch_size) / _SLOW) >= _WORTHWHILE


def work_of(model: Module, batch_size: int) -> int:
    """Return about how many floating-point operations a step takes: six a weight and row.

    Two each forward, for the gradient of the weight and for that of what comes before it.
    """
    return 6 * batch_size * sum(parameter.size for parameter in model.parameters())


# Of so many networks the code is kept: to train another of the same form takes a tenth of the time.
_MOST_KEPT = 64
_codes: dict[Any, TrainingCode] = {}
# Threads that need the same code make it once.
_compiling = threading.Lock()


def _renew_lock() -> None:
    """Let a forked child have a lock of its own: that of before may be held by no thread of it."""
    global _compiling
    _compiling = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
# By what a caller knows of them.
_known: dict[Any, TrainingCode] = {}


def _code(step: Graph, form: StepForm, tail: Graph | None) -> TrainingCode:
    """Return the code of a training, that of an equal one if there was one."""
    key = (fingerprint(step), form, None if tail is None else fingerprint(tail), team.can_share())
    return _kept(_codes, key, _codes.get(key) or compile_training(step, form, tail=tail))


def _kept(codes: dict[Any, TrainingCode], key: Any, code: TrainingCode) -> TrainingCode:
    """Keep a code, in the place of the one that was made or asked for longest ago."""
    if key is not None:
        codes.pop(key, None)
        codes[key] = code  # the latest last
        while len(codes) > _MOST_KEPT:
            codes.pop(next(iter(codes)), None)
    return code


def _specs(data: Sequence[Array], rows: int) -> list[Spec]:
    """Return what a batch of so many rows is."""
    return [Spec((rows, *array.shape[1:]), array.dtype) for array in data]


def _arranged(step: TrainingStep, batch: Sequence[Spec]) -> Graph:
    """Return the graph of a step on a batch, in the arrangement of `StepForm`."""
    arguments = step.arguments(*batch)
    arguments.pop("fixed", None)
    if step.buffers:
        arguments["buffers"] = [_carried_spec(buffer, step) for buffer in step.buffers.values()]
    graph = step.trace(arguments)
    before = [step.optimizer.recall(place) for place in step.places]
    written = 2 if step.buffers else 1
    _check_memory(step.optimizer, before, graph.gives[1:-written])
    count = len(step.params) + sum(map(len, before)) + len(step.buffers)
    (*news, loss), state = graph.outputs, graph.inputs[:count]
    start = count + len(step.levels)
    rows, rest = graph.inputs[start : start + len(batch)], graph.inputs[start + len(batch) :]
    numbers = [*graph.inputs[count:start], *rest]
    if {symbol.node for symbol in state} & {getattr(new, "node", None) for new in news}:
        raise Unlowerable("the loss does not depend on every parameter")
    return Graph([*state, *numbers, *rows], [loss, *news], name=graph.name)


def _carried_spec(buffer: Tensor, step: TrainingStep) -> Spec:
    """Return what a buffer is in the state, all of which has the dtype of the parameters."""
    if not np.can_cast(buffer.dtype, step.dtype):
        raise Unlowerable(f"a buffer of {buffer.dtype} beside parameters of {step.dtype}")
    return Spec(buffer.shape, step.dtype)


def _check_memory(optimizer: Optimizer, before: Sequence[Memory], after: Sequence[Any]) -> None:
    """Refuse memory that a step gives other names: where it lies would change."""
    for old, new in zip(before, after[0] if after else [{} for _ in before], strict=True):
        if old.keys() != new.keys():
            raise Unlowerable(
                f"{type(optimizer).__name__} remembers {sorted(new)} after a step, but "
                f"initial_memory gives {sorted(old)}"
            )
