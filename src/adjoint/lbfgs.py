"""L-BFGS fits a model to all rows at once: SciPy's solver over the model's value and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from .calculus import value_and_grad
from .checks import in_range, positive, positive_size
from .compiler.compiled import compile as compile_function
from .compiler.native.fitting import is_worthwhile
from .compiler.state import standing_in
from .compiler.step import foreign_part
from .epochs import as_number
from .errors import DivergedError, require
from .history import History
from .nn.mode import modes_kept
from .nn.module import Module
from .optim import SGD
from .progress import epoch_bar
from .task import Loss, Task, prepare
from .tensor import enable_grad

Array = np.ndarray[Any, Any]
Callback = Callable[[History, Module], Any]

# SciPy also ends where an iteration lowers the loss by less than so many roundings of it.
_ROUNDINGS = 64


def fit_lbfgs(
    model: Module,
    data: tuple[Any, Any],
    *,
    loss: str | Loss,
    max_iter: int = 200,
    tolerance: float = 1e-5,
    history_size: int = 10,
    weight_decay: float = 0.0,
    callbacks: Iterable[Callback] = (),
    progress: bool = True,
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
        Trained where it is, in training mode.
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
    progress : bool
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
    # No step is ever taken by this rule: a task wants one, for the parameters that it lists.
    task = prepare(
        model, data, loss=loss, optimizer=lambda params: SGD(params, lr=1.0), batch_size=1
    )
    if task.stream is not None:
        raise TypeError(
            "fit_lbfgs: data must be a pair of arrays (X, y): it takes all rows at once"
        )
    objective = _Objective(task, in_range("weight_decay", weight_decay))
    kept = [(t, t.data) for t in [*model.parameters(), *(b for _, b in model.named_buffers())]]
    attributes = [(vars(module), dict(vars(module))) for module in model.modules()]
    try:
        with modes_kept(model), enable_grad(), epoch_bar(max_iter, progress) as show:
            model.train()
            return _Descent(objective, list(callbacks), show).run(options, compile)
    except BaseException:
        for now, before in attributes:
            now.clear()
            now.update(before)
        for tensor, array in kept:
            tensor.data = array
        raise
    finally:
        task.optimizer.zero_grad()


class _Objective:
    """The loss of all rows and its gradient, as a function of one float64 vector of parameters."""

    def __init__(self, task: Task, weight_decay: float) -> None:
        self.task, self.weight_decay = task, weight_decay
        self.params = task.optimizer.params
        self.compiled: Any = None

    def vector(self) -> Array:
        """Return the parameters as they are now."""
        return _joined([parameter.data for parameter in self.params])

    def write(self, vector: Array) -> None:
        """Replace the parameters."""
        for parameter, array in zip(self.params, self._arrays(vector), strict=True):
            parameter.data = array

    def __call__(self, vector: Array) -> tuple[float, Array]:
        """Return the loss, the penalty included, and its gradient."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            number, gradients = (self._compiled if self.compiled else self._eager)(vector)
            gradient = _joined(gradients)
            if self.weight_decay:
                number += self.weight_decay / 2 * float(vector @ vector)
                gradient += self.weight_decay * vector
        return number, gradient

    def compile(self, wanted: Any, evaluations: int) -> tuple[str, list[str]]:
        """Compile the loss if that is wanted and pays; return the tier, and why no faster one."""
        task = self.task
        if not wanted:
            return "eager", ["compile=False"]
        if wanted == "auto":
            foreign = foreign_part(task.model, task.loss)
            if foreign is not None:
                return "eager", [f"not compiled: {foreign} is not adjoint's own"]
            if not is_worthwhile(task.model, steps=evaluations, batch_size=task.rows):
                return "eager", [f"not compiled: {evaluations} evaluations are too few"]
        compiled = compile_function(_gradient_of(task))
        try:
            compiled(self._arrays(self.vector()), *task.data)
        except (TypeError, ValueError) as error:
            if wanted == "auto":
                return "eager", [f"not compiled: {error}"]
            raise ValueError(f"fit_lbfgs: compile=True, but it cannot be: {error}") from error
        self.compiled = compiled
        return compiled.programs[-1].tier, []

    def _compiled(self, vector: Array) -> tuple[float, list[Array]]:
        value, gradients = self.compiled(self._arrays(vector), *self.task.data)
        return float(value), gradients

    def _eager(self, vector: Array) -> tuple[float, list[Array]]:
        task = self.task
        self.write(vector)
        task.optimizer.zero_grad()
        X, *targets = task.data
        value = task.loss(task.model(X), *targets)
        number = as_number(value)
        value.backward()
        grads = [(p, p.grad) for p in self.params]
        return number, [np.zeros_like(p.data) if g is None else g.data for p, g in grads]

    def _arrays(self, vector: Array) -> list[Array]:
        """Return a new array for each parameter."""
        ends = np.cumsum([parameter.size for parameter in self.params])
        parts = zip(self.params, np.split(vector, ends[:-1]), strict=True)
        return [np.array(part.reshape(p.shape), p.dtype) for p, part in parts]


class _Descent:
    """A run of SciPy's solver under way: the best point so far, and the record of those before."""

    def __init__(
        self, objective: _Objective, callbacks: list[Callback], show: Callable[[int, float], None]
    ) -> None:
        self.objective, self.callbacks, self.show = objective, callbacks, show
        self.history = History(seed=0)  # there are no batches to put in order
        self.best = objective.vector()

    def run(self, options: dict[str, Any], wanted: Any) -> History:
        """Descend, and leave the model at the best point."""
        history, objective = self.history, self.objective
        try:
            first, _ = objective(self.best)
            if not np.isfinite(first):
                raise DivergedError(
                    f"fit_lbfgs: the loss of the first weights is {first}; scale the inputs, or "
                    "begin with smaller weights",
                    history,
                )
            history.tier, history.reasons = objective.compile(wanted, options["maxiter"])
            history.reasons.append(self._minimise(options))
        except KeyboardInterrupt:
            history.interrupted = True
            history.reasons.append("interrupted")
        objective.write(self.best)
        return history

    def _minimise(self, options: dict[str, Any]) -> str:
        """Run the solver; return how it ended."""
        optimize = require("scipy.optimize", extra="native", purpose="fit_lbfgs")
        dtype = min((p.dtype for p in self.objective.params), key=lambda d: d.itemsize)
        found = optimize.minimize(
            self.objective,
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

    def _accept(self, intermediate_result: Any) -> None:
        """Record a point that the solver goes on from; SciPy asks for this argument's name."""
        point, loss = np.array(intermediate_result.x), float(intermediate_result.fun)
        if not (np.isfinite(loss) and np.isfinite(point).all()):
            raise StopIteration
        self.objective.write(point)
        self.best = point
        self.history.append(loss=loss)
        self.show(len(self.history), loss)
        model = self.objective.task.model
        answers = [callback(self.history, model) for callback in self.callbacks]
        if any(answers):
            raise StopIteration


def _gradient_of(task: Task) -> Callable[..., Any]:
    """Return the loss and its gradient as a function of the parameters that can be compiled."""
    model, loss, params = task.model, task.loss, task.optimizer.params

    def loss_and_gradients(parameters: Any, X: Any, *targets: Any) -> Any:
        def loss_of(parameters: Any) -> Any:
            with standing_in(params, parameters):
                return loss(model(X), *targets)

        return value_and_grad(loss_of)(parameters)

    return loss_and_gradients


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)
