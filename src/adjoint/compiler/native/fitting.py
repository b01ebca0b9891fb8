"""A native fit is a training of a model run natively: its step traced, its state carried over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ...calculus import value_and_grad
from ...core import Spec
from ...graph import Graph, Symbol, trace
from ...nn.functional import LOSSES
from ...nn.module import Module
from ...optim import Memory, Optimizer
from ..state import standing_in
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
        self.model = model
        _require_own(model, optimizer)
        memories = [optimizer.recall(i) for i in range(len(optimizer.params))]
        self._remembered = [tuple(memory) for memory in memories]
        y = y.astype(np.int64) if y.dtype.kind in "iu" else y

        def traced(rows: int) -> Graph:
            specs = [Spec((rows, *array.shape[1:]), array.dtype) for array in (X, y)]
            return _trace_step(model, loss, optimizer, memories, *specs)

        step = traced(batch_size)
        short = len(X) % batch_size
        count = len(optimizer.params)
        form = StepForm(count, count + sum(map(len, memories)), settings=1)
        code = compile_training(
            step, form, tail=traced(short) if short else None, limit=limit or LIMIT
        )
        self._known = self._circumstances()
        self._training = Training(
            code, self._read(), [X, y], epochs=epochs, settings=[optimizer.lr], seed=seed
        )
        self._written = self._read()
        self._steps = 500

    def advance(self, until: int, show: Callable[[int, float], None]) -> Status:
        """Train up to an epoch, and leave model and optimiser as after the last whole step."""
        training = self._training
        training.settings[:] = self.optimizer.lr
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
        return bool(self._known == self._circumstances())

    def _circumstances(self) -> Any:
        """Return all that a callback might change and that is frozen into the code."""
        hyper = {name: value for name, value in self.optimizer.hyper.items() if name != "lr"}
        flags = [p.requires_grad for p in self.model.parameters()]
        trained = set(map(id, self.optimizer.params))
        fixed = [id(p.data) for p in self.model.parameters() if id(p) not in trained]
        return hyper, flags, fixed, repr(self.model)

    # --- the state --------------------------------------------------------------------------------

    def _read(self) -> list[Array]:
        """Return parameters and memory, in the order of the graph's inputs."""
        optimizer = self.optimizer
        memory = [
            np.asarray(optimizer.recall(i)[name])
            for i, names in enumerate(self._remembered)
            for name in names
        ]
        return [*(p.data for p in optimizer.params), *memory]

    def _arranged(self, state: Sequence[Array]) -> tuple[list[Array], list[Memory]]:
        count = len(self.optimizer.params)
        rest = iter(state[count:])
        memory = [{name: next(rest) for name in names} for names in self._remembered]
        return list(state[:count]), memory

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
    foreign = [x for x in (*model.modules(), optimizer) if not _is_own(type(x))]
    if foreign or loss not in LOSSES.values():
        raise Unlowerable(f"{foreign[0] if foreign else loss} is not adjoint's own")
    return min(LIMIT, steps // 2)


def _is_own(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "adjoint"


def _require_own(model: Module, optimizer: Optimizer) -> None:
    trained = {id(p) for p in model.parameters() if p.requires_grad}
    if not all(id(parameter) in trained for parameter in optimizer.params):
        raise Unlowerable("the optimiser has parameters that the model has not")
    if any(True for _ in model.named_buffers()):
        raise Unlowerable("the model has buffers, which a step might change")


def _trace_step(
    model: Module,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    memories: Sequence[Memory],
    x: Spec,
    y: Spec,
) -> Graph:
    """Return the graph of a step: state, learning rate and rows in, loss and state out."""
    tensors = optimizer.params
    arrays = [parameter.data for parameter in tensors]

    def step(params: Any, memories: Any, lr: Any, x: Any, y: Any) -> Any:
        def forward(*values: Any) -> Any:
            with standing_in(tensors, values):
                return loss(model(x), y)

        value, gradients = value_and_grad(forward, argnums=range(len(params)))(*params)
        if not all(isinstance(g, Symbol) for g in gradients):
            raise Unlowerable("the loss does not depend on every parameter")
        hyper, optimizer.hyper = optimizer.hyper, {**optimizer.hyper, "lr": lr}
        try:
            updates = list(map(optimizer.update, params, gradients, memories))
        finally:
            optimizer.hyper = hyper
        _check_memory(optimizer, memories, [memory for _, memory in updates])
        return value, *zip(*updates, strict=True)

    rate = Spec((), arrays[0].dtype)
    return trace(step, arrays, list(memories), rate, x, y)


def _check_memory(optimizer: Optimizer, before: Sequence[Memory], after: Sequence[Memory]) -> None:
    """Refuse memory that a step gives other names: where it lies would change."""
    for old, new in zip(before, after, strict=True):
        if old.keys() != new.keys():
            raise Unlowerable(
                f"{type(optimizer).__name__} remembers {sorted(new)} after a step, but "
                f"initial_memory gives {sorted(old)}"
            )
