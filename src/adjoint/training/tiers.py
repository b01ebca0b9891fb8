"""The tier of a run is chosen before the first step: the fastest that takes the task and pays.

What pays is estimated from sizes and never measured: the tier of a training, and with it the last
bits of its numbers, must not depend on the clock.
"""

from __future__ import annotations

from typing import Any

from ..compiler.native.unlowerable import Unlowerable
from ..core.reproducibility import is_reproducible
from ..errors import ReproducibleError
from ..graphs.recording import no_grad
from ..nn.functional import LOSSES
from ..nn.losses.loss import Weighted
from ..nn.module import Module
from ..optim import Optimizer
from ..optim.snapshot import kept_on_error
from .compiled_run import CompiledRun
from .eager_run import EagerRun
from .history import History
from .native_run import NativeRun, not_reproducible
from .run import Run
from .saving import Saver
from .streamed_run import REFUSALS, StreamedRun
from .task import Loss, Task, work_of

# A compiled step saves about 0.1 ms, and takes 10 to 30 ms to compile. So many steps repay that.
_STEPS_THAT_REPAY = 500
# Without native code a step takes `_OVERHEAD` seconds whatever its size, and does `_OPERATIONS` a
# second beyond that. Native code takes about `_COMPILATION` seconds to make. All were measured
# once.
_OVERHEAD = 1e-4
_OPERATIONS = 5e10
_COMPILATION = 0.2


def check_compile(compile: object) -> None:
    """Refuse a value of ``compile`` that is none of those `fit` knows."""
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
    ReproducibleError, ImportError
        If the same bits on every machine are asked for, and not all of the training can be native.
    """
    check_compile(compile)
    if is_reproducible():
        return _reproducible_run(task, history, saver, epochs, compile)
    history.reasons = _reasons_against(task, compile)
    if history.reasons:
        return EagerRun(task, history, saver)
    if task.stream is not None:
        try:
            return _streamed_run(task, history, saver, epochs, compile)
        except Unlowerable as error:
            history.reasons.append(f"no native steps: {error}")
            return EagerRun(task, history, saver)
    for what, make in (("native epochs", _native_run), ("compiled steps", _compiled_run)):
        try:
            return make(task, history, saver, epochs, compile)
        except REFUSALS as error:
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
    return []


def _reproducible_run(
    task: Task, history: History, saver: Saver | None, epochs: int, compile: bool | str
) -> Run:
    """Return the training as native code, or say which part of it cannot be."""
    reasons = _reasons_against(task, compile)
    if task.stream is not None:
        reasons.append("the batches come from a stream, not from arrays")
    if reasons:
        raise not_reproducible(reasons[0])
    try:
        return NativeRun(task, history, saver, epochs=epochs)
    except ReproducibleError:
        raise
    except (Unlowerable, TypeError, ValueError) as error:
        _see_first_rows(task)
        raise not_reproducible(str(error)) from error


def _see_first_rows(task: Task) -> None:
    """Let model and loss see one batch, and some rows of the validation, that they may refuse."""
    before = task.snapshot()
    with kept_on_error(before), no_grad():
        for X, *targets in filter(None, (task.data, task.validation)):
            first = [array[: task.batch_size] for array in targets]
            task.loss(task.model(X[: task.batch_size]), *first)
    before.restore()


def native_code_pays(model: Module, *, steps: int, rows: int) -> bool:
    """Return whether so many steps, on so many rows each, take longer than native code to make."""
    return steps * (_OVERHEAD + work_of(model, rows) / _OPERATIONS) >= _COMPILATION


def _native_run(
    task: Task, history: History, saver: Saver | None, epochs: int, compile: bool | str
) -> Run:
    """Return the training as native code, or raise why there is none."""
    if compile == "auto":
        _refuse_foreign(task)
        steps = epochs * task.steps
        if not native_code_pays(task.model, steps=steps, rows=task.batch_size):
            raise Unlowerable(f"{steps} steps are done before native code is there")
    return NativeRun(task, history, saver, epochs=epochs)


def _streamed_run(
    task: Task, history: History, saver: Saver | None, epochs: int, compile: bool | str
) -> Run:
    """Return the training on a stream with native steps, or raise why there are none."""
    _refuse_metrics(task)
    window, is_unknown = task.window, False
    if compile == "auto":
        _refuse_foreign(task)
        is_unknown = window is None
        if window is not None:
            steps = epochs * window.steps
            if not native_code_pays(task.model, steps=steps, rows=window.batch_size):
                raise Unlowerable(f"{steps} steps are done before native code is there")
    is_forced = compile is True
    return StreamedRun(task, history, saver, begins_eagerly=is_unknown, is_forced=is_forced)


def _refuse_metrics(task: Task) -> None:
    if task.metrics:
        raise Unlowerable("metrics of the training data need the predictions of every step")


def _compiled_run(
    task: Task, history: History, saver: Saver | None, epochs: int, compile: bool | str
) -> Run:
    """Return the steps as traced graphs, or raise why there are none."""
    is_native = True
    if compile == "auto":
        steps = (epochs - 1) * task.steps
        if steps < _STEPS_THAT_REPAY:
            raise Unlowerable(f"{steps} steps after the first epoch are too few")
        _refuse_foreign(task)
        is_native = native_code_pays(task.model, steps=steps, rows=task.batch_size)
    return CompiledRun(task, history, saver, native=is_native)


def _refuse_foreign(task: Task) -> None:
    """Refuse to compile, unasked, a step that is not all adjoint's own."""
    foreign = foreign_part(task.model, task.loss, task.optimizer)
    if foreign is not None:
        raise Unlowerable(f"{foreign} is not adjoint's own")


def foreign_part(model: Module, loss: Loss, optimizer: Optimizer | None = None) -> Any:
    """Return a part of a step that adjoint itself does not define; None if it defines all.

    Code of the user's may do more than compute, or do another thing at each call, and a trace would
    see only the first. So it is compiled only where the user asks for that.
    """
    # An optimiser around another one holds it as ``inner``.
    rules = [] if optimizer is None else [optimizer, getattr(optimizer, "inner", optimizer)]
    parts = [*model.modules(), *rules, *(loss.modules() if isinstance(loss, Module) else ())]
    for part in parts:
        if type(part).__module__.partition(".")[0] != "adjoint":
            return part
    inside = loss.loss if isinstance(loss, Weighted) else loss
    return None if isinstance(inside, Module) or inside in LOSSES.values() else inside
