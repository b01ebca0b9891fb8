"""A native fit is a training of a model run natively: its step traced, its state carried over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from time import perf_counter
from typing import Any

import numpy as np

from ...core import Spec
from ...graph import Graph
from ...nn.module import Module
from ...optim import Memory, Optimizer
from ..step import TrainingStep, foreign_part
from .loop import Status
from .nest import LIMIT, Unlowerable
from .step_code import StepForm
from .training import Training
from .training_code import compile_training

Array = np.ndarray[Any, Any]

# Python is back in control after about this many seconds, for Ctrl-C and the progress bar.
_TURN = 0.06
_MOST_STEPS = 10_000_000
# Below this many steps the portable tier has finished before native code is there.
_WORTHWHILE = 2000


class NativeFit:
    """A training that `fit` runs natively, epoch by epoch or many at once.

    Parameters
    ----------
    model, loss, optimizer
        Checked, the model in training mode.
    data : (X, y)
        Arrays of n rows.
    batch_size, epochs : int
    seed : int or None
        Of the order of the rows; None keeps theirs.
    limit : int, optional
        The greatest number of scalar operations to unroll.

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
        data: tuple[Array, Array],
        *,
        batch_size: int,
        epochs: int,
        seed: int | None,
        limit: int | None = None,
    ) -> None:
        X, y = data
        self.optimizer = optimizer
        self.step = step = TrainingStep(model, loss, optimizer)
        self._remembered = step.remembered()
        y = y.astype(np.int64) if y.dtype.kind in "iu" else y

        def traced(rows: int) -> Graph:
            specs = [Spec((rows, *array.shape[1:]), array.dtype) for array in (X, y)]
            return _arranged(step, specs)

        full = traced(batch_size)
        short = len(X) % batch_size
        count = len(step.params)
        numbers = step.numbers().values()
        form = StepForm(count, count + sum(map(len, self._remembered)), settings=len(numbers))
        code = compile_training(
            full, form, tail=traced(short) if short else None, limit=limit or LIMIT
        )
        self._known = self._circumstances()
        self._constants = [tensor.data for tensor in step.fixed.values()]
        self._training = Training(
            code, self._read(), [X, y], epochs=epochs, settings=list(numbers), seed=seed
        )
        self._written = self._read()
        self._steps = 500

    def advance(self, until: int, show: Callable[[int, float], None]) -> Status:
        """Train up to an epoch, and leave model and optimiser as after the last whole step."""
        training = self._training
        training.settings[:] = list(self.step.numbers().values())
        state = self._read()
        if any(now is not left for now, left in zip(state, self._written, strict=True)):
            training.load(state, epoch=training.epoch)
        status = Status.PAUSED
        try:
            while status is Status.PAUSED and training.epoch < until:
                start, before = perf_counter(), training.epoch
                status = training.run(until, steps=self._steps)
                took = perf_counter() - start
                faster = min(4.0, _TURN / max(took, 1e-6))
                self._steps = min(max(1, int(self._steps * faster)), _MOST_STEPS)
                if training.epoch > before:
                    show(training.epoch, training.losses(training.epoch - 1)[0])
        finally:
            self._write(training.state)
        return status

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
        return self._training.order

    @property
    def previous(self) -> tuple[list[Array], list[Memory]]:
        """Parameters and memory before the last step."""
        return self._arranged(self._training.previous)

    def take_over(self, loss: float) -> None:
        """Go on after an epoch that was finished elsewhere, with this mean loss."""
        self._written = self._read()
        self._training.load(self._written, epoch=self._training.epoch + 1, loss=loss)

    @property
    def is_current(self) -> bool:
        """Return whether model and optimiser still are what was traced, but for their numbers."""
        now = [tensor.data for tensor in self.step.fixed.values()]
        return all(map(is_, now, self._constants)) and bool(self._known == self._circumstances())

    def _circumstances(self) -> Any:
        return self.step.circumstances, self.step.remembered()

    # --- the state --------------------------------------------------------------------------------

    def _read(self) -> list[Array]:
        """Return parameters and memory, in the order of the graph's inputs."""
        memory = [
            np.asarray(self.optimizer.recall(place)[name])
            for place, names in zip(self.step.places, self._remembered, strict=True)
            for name in names
        ]
        return [*(tensor.data for tensor in self.step.params.values()), *memory]

    def _arranged(self, state: Sequence[Array]) -> tuple[list[Array], list[Memory]]:
        """Return the arrays and the memory of the optimiser's parameters."""
        arrays = [parameter.data for parameter in self.optimizer.params]
        memory = self.optimizer.memory[:]
        rest = iter(state[len(self.step.places) :])
        for place, names, array in zip(self.step.places, self._remembered, state, strict=False):
            arrays[place] = array
            memory[place] = {name: next(rest) for name in names}
        return arrays, memory

    def _write(self, state: Sequence[Array]) -> None:
        arrays, memory = self._arranged(state)
        for parameter, array in zip(self.optimizer.params, arrays, strict=True):
            parameter.data = array
        self.optimizer.memory = memory
        self._written = list(state)
        self.optimizer.zero_grad()


def most_operations(model: Module, loss: Any, optimizer: Optimizer, *, steps: int) -> int:
    """Return how large a step may be to be compiled unasked, given how many there are.

    Raises
    ------
    Unlowerable
        If none should. Only what adjoint itself defines is traced unasked: Python code of the
        user's may do other things besides computing, or differ from call to call.
    """
    if steps < _WORTHWHILE:
        raise Unlowerable(f"{steps} steps are done before native code is there")
    foreign = foreign_part(model, loss, optimizer)
    if foreign is not None:
        raise Unlowerable(f"{foreign} is not adjoint's own")
    return min(LIMIT, steps // 2)


def _arranged(step: TrainingStep, batch: Sequence[Spec]) -> Graph:
    """Return the graph of a step on a batch, in the arrangement of `StepForm`."""
    arguments = step.arguments(*batch)
    arguments.pop("fixed", None)
    graph = step.trace(arguments)
    before = [step.optimizer.recall(place) for place in step.places]
    _check_memory(step.optimizer, before, graph.gives[1:-1])
    count = len(step.params) + sum(map(len, before))
    (*news, loss), state, numbers = graph.outputs, graph.inputs[:count], graph.inputs[count + 2 :]
    if {symbol.node for symbol in state} & {getattr(new, "node", None) for new in news}:
        raise Unlowerable("the loss does not depend on every parameter")
    rows = graph.inputs[count : count + 2]
    return Graph([*state, *numbers, *rows], [loss, *news], name=graph.name)


def _check_memory(optimizer: Optimizer, before: Sequence[Memory], after: Sequence[Any]) -> None:
    """Refuse memory that a step gives other names: where it lies would change."""
    for old, new in zip(before, after[0] if after else [{} for _ in before], strict=True):
        if old.keys() != new.keys():
            raise Unlowerable(
                f"{type(optimizer).__name__} remembers {sorted(new)} after a step, but "
                f"initial_memory gives {sorted(old)}"
            )
