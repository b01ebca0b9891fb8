"""The tier of a run is chosen before the first step: the fastest that takes the task and pays."""

from __future__ import annotations

from typing import Any

from ..compiler.native.kernel import Unlowerable
from ..nn.functional import LOSSES
from ..nn.losses.loss import Weighted
from ..nn.module import Module
from ..optim import Optimizer
from .compiled_run import CompiledRun
from .eager_run import EagerRun
from .effort import is_worthwhile
from .history import History
from .native_run import NativeRun
from .run import Run
from .saving import Saver
from .task import Loss, Task

# A compiled step saves a tenth of a millisecond, and takes ten or thirty to be made.
_WORTHWHILE = 500
_REFUSALS = (ImportError, Unlowerable, TypeError, ValueError)


def check_compile(compile: object) -> None:
    """Refuse what is no wish about compilation."""
    if compile not in (True, False, "auto", "prefer"):
        raise ValueError(f'compile: expected True, False or "auto", got {compile!r}')


def fastest_run(
    task: Task,
    history: History,
    *,
    epochs: int,
    compile: bool | str,
    saver: Saver | None = None,
) -> Run:
    """Return the run in the fastest tier, and note in the history why not in a faster one.

    Parameters
    ----------
    task : Task
        Its model is in training mode.
    history : History
    epochs : int
        How many there may be in all.
    compile : bool, "auto" or "prefer"
        As `fit` takes it; "prefer" compiles what can be, whether it pays or not.
    saver : Saver, optional

    Raises
    ------
    ValueError
        If ``compile=True`` and the step cannot be compiled.
    """
    check_compile(compile)
    history.reasons = _reasons_against(task, compile)
    if history.reasons:
        return EagerRun(task, history, saver)
    for what, make in (("native epochs", _native_run), ("compiled steps", _compiled_run)):
        try:
            return make(task, history, saver, epochs, compile)
        except _REFUSALS as error:
            history.reasons.append(f"no {what}: {error}")
            if compile is True and make is _compiled_run:
                text = f"fit: compile=True, but the step cannot be compiled: {error}"
                raise ValueError(text) from error
    return EagerRun(task, history, saver)


def _reasons_against(task: Task, compile: bool | str) -> list[str]:
    """Return why nothing is to be compiled, whatever the step is."""
    if not compile:
        return ["compile=False"]
    if task.accumulate > 1:
        return ["gradients are accumulated"]
    if task.stream is not None:
        return ["the data come in batches of their own"]
    return []


def _native_run(
    task: Task, history: History, saver: Saver | None, epochs: int, compile: bool | str
) -> Run:
    """Return the training as native code, or raise why there is none."""
    if task.metrics:
        raise Unlowerable("metrics of the training data need the predictions of every step")
    if compile == "auto":
        _refuse_foreign(task)
        steps = epochs * task.steps
        if not is_worthwhile(task.model, steps=steps, batch_size=task.batch_size):
            raise Unlowerable(f"{steps} steps are done before native code is there")
    return NativeRun(task, history, saver, epochs=epochs)


def _compiled_run(
    task: Task, history: History, saver: Saver | None, epochs: int, compile: bool | str
) -> Run:
    """Return the steps as traced graphs, or raise why there are none."""
    is_native = True
    if compile == "auto":
        steps = (epochs - 1) * task.steps
        if steps < _WORTHWHILE:
            raise Unlowerable(f"{steps} steps after the first epoch are too few")
        _refuse_foreign(task)
        is_native = is_worthwhile(task.model, steps=steps, batch_size=task.batch_size)
    return CompiledRun(task, history, saver, native=is_native)


def _refuse_foreign(task: Task) -> None:
    """Refuse to compile, unasked, a step that is not all adjoint's own."""
    foreign = foreign_part(task.model, task.loss, task.optimizer)
    if foreign is not None:
        raise Unlowerable(f"{foreign} is not adjoint's own")


def foreign_part(model: Module, loss: Loss, optimizer: Optimizer | None = None) -> Any:
    """Return a part of a step that adjoint itself does not define; None if it defines all.

    Code of the user's may do other things besides computing, or differ from call to call, so that
    it is compiled only where that is asked for.
    """
    # An optimiser around another one holds it as ``inner``.
    rules = [] if optimizer is None else [optimizer, getattr(optimizer, "inner", optimizer)]
    parts = [*model.modules(), *rules, *(loss.modules() if isinstance(loss, Module) else ())]
    for part in parts:
        if type(part).__module__.partition(".")[0] != "adjoint":
            return part
    inside = loss.loss if isinstance(loss, Weighted) else loss
    return None if isinstance(inside, Module) or inside in LOSSES.values() else inside
