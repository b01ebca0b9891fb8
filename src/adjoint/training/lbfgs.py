"""L-BFGS fits a model to all rows at once: SciPy's solver over the model's value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.annotations import ArrayLike
from ..core.checks import in_range, positive, positive_size
from ..errors import DivergedError, require
from ..graphs.recording import enable_grad
from ..nn.module import Module
from ..optim import SGD
from ..optim.snapshot import full_snapshot, kept_on_error, modes_kept
from .flat_loss import FlatLoss
from .history import History
from .progress import epoch_bar
from .run import Show
from .task import Loss, Task, prepare
from .tiers import foreign_part, native_code_pays

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

Callback = Callable[[History, Module], Any]

# SciPy also ends where an iteration lowers the loss by less than so many of its roundings.
_ROUNDINGS = 64


def fit_lbfgs(
    model: Module,
    data: tuple[ArrayLike, ArrayLike],
    *,
    loss: str | Loss,
    max_iter: int = 200,
    tolerance: float = 1e-5,
    history_size: int = 10,
    weight_decay: float = 0.0,
    callbacks: Iterable[Callback] = (),
    progress: bool | Literal["log"] = True,
    compile: bool | Literal["auto"] = "auto",
) -> History:
    """Train a model on all rows at once by L-BFGS, and return what happened by iteration.

    Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization", SIAM
    J. Sci. Comput. 1995, as SciPy has it, without bounds. An iteration evaluates the loss once or a
    few times, so that the loss must be the same function each time. It is for models of up to some
    ten thousand parameters and data that fit one batch. Frozen parameters stay as they are.

    Ctrl-C ends the training and returns the history so far, with the model at its best.

    Parameters
    ----------
    model : Module
        It is trained in place, in training mode.
    data : (X, y)
        Arrays of n rows, as for `fit`.
    loss : str or callable
        As for `fit`.
    max_iter : int
        Iterations at most.
    tolerance : float
        Positive; the training ends where no entry of the gradient is larger, or the loss falls by
        no more than its rounding.
    history_size : int
        How many steps the solver remembers, as an estimate of the curvature.
    weight_decay : float
        weight_decay ‖p‖² / 2 is added to the loss, also to the one that is recorded.
    callbacks : iterable of callable
        ``callback(history, model)`` after every iteration; if one returns something true, the
        training ends.
    progress : bool or "log"
        As for `fit`.
    compile : bool or "auto"
        Whether to compile the loss and its gradient, from the second evaluation on: the first shows
        the loss every row. "auto" does so where it pays and every part is adjoint's own.

    Returns
    -------
    History
        One record an iteration, in ``loss``; the last of its ``reasons`` says how it ended.

    Raises
    ------
    DivergedError
        If the loss of the first weights is NaN or infinite.
    ImportError
        If SciPy is not installed.
    ValueError, ShapeError, TypeError
        As `fit`. After any error the model is what it was.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> model = ad.nn.Linear(1, 1, rng=0)
    >>> history = ad.fit_lbfgs(model, (X, 3 * X + 1), loss="mse_loss")
    >>> model.weight.data.round(4), model.bias.data.round(4)
    (array([[3.]]), array([1.]))
    >>> history.reasons[-1]
    'converged: the gradient or the fall of the loss is within the tolerance'
    """
    require("scipy.optimize", extra="native", purpose="fit_lbfgs")
    if compile not in (True, False, "auto"):
        raise ValueError(f'compile: expected True, False or "auto", got {compile!r}')
    options = {
        "maxiter": positive_size("max_iter", max_iter),
        "maxfun": 100 * max_iter,
        "gtol": positive("tolerance", tolerance),
        "maxcor": positive_size("history_size", history_size),
    }
    # A task needs an optimiser for the list of its parameters; this one never takes a step.
    task = prepare(
        model, data, loss=loss, optimizer=lambda params: SGD(params, lr=1.0), batch_size=1
    )
    if task.stream is not None:
        raise TypeError(
            "fit_lbfgs: data must be a pair of arrays (X, y): it takes all rows at once"
        )
    flat = FlatLoss(
        task.model,
        task.loss,
        task.optimizer.params,
        task.data,
        in_range("weight_decay", weight_decay),
    )
    try:
        with (
            kept_on_error(full_snapshot(model)),
            modes_kept(model),
            enable_grad(),
            epoch_bar(max_iter, progress) as show,
        ):
            model.train()
            return _Descent(task, flat, list(callbacks), show).run(options, compile)
    finally:
        task.optimizer.zero_grad()


class _Descent:
    """One run of SciPy's solver: the best point so far, and the losses of those before it."""

    def __init__(self, task: Task, flat: FlatLoss, callbacks: list[Callback], show: Show) -> None:
        self.task, self.flat, self.callbacks, self.show = task, flat, callbacks, show
        self.history = History(seed=0)  # there are no batches to put in order
        self.best = flat.vector()

    def run(self, options: dict[str, Any], compile: bool | str) -> History:
        """Descend, and leave the model at the best point."""
        history = self.history
        try:
            first, _ = self.flat(self.best)
            if not np.isfinite(first):
                raise DivergedError(
                    f"fit_lbfgs: the loss of the first weights is {first}; scale the inputs, or "
                    "begin with smaller weights",
                    history,
                )
            history.tier, history.reasons = self._compile(compile, options["maxiter"])
            history.reasons.append(self._minimise(options))
        except KeyboardInterrupt:
            history.interrupted = True
            history.reasons.append("interrupted")
        self.flat.write(self.best)
        return history

    def _compile(self, wanted: bool | str, evaluations: int) -> tuple[str, list[str]]:
        """Compile the loss if that is wanted and pays; return the tier, and why no faster one."""
        task = self.task
        if not wanted:
            return "eager", ["compile=False"]
        if wanted == "auto":
            foreign = foreign_part(task.model, task.loss)
            if foreign is not None:
                return "eager", [f"not compiled: {foreign} is not adjoint's own"]
            if not native_code_pays(task.model, steps=evaluations, rows=task.rows):
                return "eager", [f"not compiled: {evaluations} evaluations are too few"]
        try:
            compiled = self.flat.compile()
        except (TypeError, ValueError) as error:
            if wanted == "auto":
                return "eager", [f"not compiled: {error}"]
            raise ValueError(f"fit_lbfgs: compile=True, but it cannot be: {error}") from error
        return compiled.programs[-1].tier, []

    def _minimise(self, options: dict[str, Any]) -> str:
        """Run the solver; return how it ended."""
        optimize = require("scipy.optimize", extra="native", purpose="fit_lbfgs")
        dtype = min((p.dtype for p in self.flat.params), key=lambda d: d.itemsize)
        found = optimize.minimize(
            self.flat,
            self.best,
            jac=True,
            method="L-BFGS-B",
            callback=self._accept,
            options={**options, "ftol": _ROUNDINGS * float(np.finfo(dtype).eps)},
        )
        if found.status == 0:
            return "converged: the gradient or the fall of the loss is within the tolerance"
        if found.status == 1:
            return f"not converged: ended after max_iter={options['maxiter']} iterations"
        if found.status == 99:
            return "not converged: a callback ended the training"
        return f"not converged: {found.message}"

    def _accept(self, intermediate_result: OptimizeResult) -> None:
        """Record a point that the solver goes on from; SciPy asks for this argument's name."""
        point, loss = np.array(intermediate_result.x), float(intermediate_result.fun)
        if not (np.isfinite(loss) and np.isfinite(point).all()):
            raise StopIteration
        self.flat.write(point)
        self.best = point
        self.history.append(loss=loss)
        self.show(len(self.history), loss)
        model = self.task.model
        answers = [callback(self.history, model) for callback in self.callbacks]
        if any(answers):
            raise StopIteration
