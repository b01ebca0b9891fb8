"""Fitting is the loop of an estimator: an epoch, its record, was it better, is it time to stop."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..compiler.native.epoch_loop import Patience
from ..core.annotations import Array
from ..data.reshuffle import Reshuffle
from ..errors import DivergedError
from ..graphs.recording import enable_grad
from ..graphs.tracing.users_code import is_fixed
from ..optim.snapshot import modes_kept
from ..training.history import History
from ..training.run import Watch
from ..training.task import Task, step_form
from ..training.tiers import check_compile, fastest_run
from .held import Held
from .solvers import scaled_inversely
from .watching import watch

if TYPE_CHECKING:
    from .perceptron import BasePerceptron


def as_task(estimator: BasePerceptron, X: Array, y: Array, sample_weight: Array | None) -> Task:
    """Return the task of training an estimator's network on rows."""
    if estimator.batch_size == "auto":
        size = min(200, len(X))
    else:
        size = int(np.clip(estimator.batch_size, 1, len(X)))
        if estimator.batch_size > len(X):
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                f"clipped to {len(X)}",
                stacklevel=4,
            )
    network, optimizer = estimator._network, estimator._optimizer
    weights = () if sample_weight is None else (sample_weight,)
    return Task(
        network,
        (X, y, *weights),
        estimator._objective,
        optimizer,
        size,
        form=step_form(network, _loss_form(estimator), optimizer),
    )


def _loss_form(estimator: BasePerceptron) -> Hashable:
    """Return what determines an estimator's loss; None where the user's own code does.

    It is that of the present network, which the settings may have changed since. The penalty is not
    part of it, because it is an argument of the graph.
    """
    loss = estimator._objective.loss
    if not is_fixed(type(loss).__module__):
        return None
    fixed = tuple(vars(loss).items())
    if not all(isinstance(x, (int, float, str, tuple, type(None))) for _, x in fixed):
        return None
    return type(loss), fixed, estimator._objective.is_penalised


class Fitting:
    """The epochs of one call of ``fit`` or ``partial_fit``.

    Parameters
    ----------
    estimator : estimator
        Initialised: it has a network, an objective, an optimiser, and what was recorded before.
    task : Task
    held : Held or None
    epochs : int
    """

    def __init__(
        self, estimator: BasePerceptron, task: Task, held: Held | None, epochs: int
    ) -> None:
        self.estimator, self.task, self.held, self.epochs = estimator, task, held, epochs
        self.state = estimator._fit_state
        before = self.state.order
        rows = np.arange(task.rows) if len(before) != task.rows else before
        self._reshuffle = Reshuffle(estimator._random_state, rows)
        task.reshuffle = self._reshuffle if estimator.shuffle else None
        X, y, *weights = task.data
        self._watch = watch(estimator, X, y, weights[0] if weights else None, epochs)

    def run(self) -> None:
        """Train, and leave the estimator with its best weights if it stops early."""
        estimator, task, recorded = self.estimator, self.task, self.estimator.n_iter_
        # The seed is not used: the rows stay as they are, or scikit-learn's generator orders them.
        history = History(seed=0)
        compile = "prefer" if estimator.compile == "auto" else estimator.compile
        check_compile(compile)
        try:
            with modes_kept(task.model), enable_grad():
                task.model.train()
                run = fastest_run(task, history, epochs=self.epochs, compile=compile)
                while len(history) < self.epochs:
                    before = len(history)
                    if self._watch is not None:
                        self._watch.begin_epoch()
                    if before or self._watch is not None:  # else nobody can have changed anything
                        task.model.train()
                        run = run.current()
                    run.train(self._until(before), watch=self._watch_of_loss())
                    if self._ends_with_all(history.loss[before:]):
                        break
                else:
                    self._warn_unfinished()
        except KeyboardInterrupt:
            # Native code had epochs behind it which are not recorded here yet.
            for loss in history.loss[estimator.n_iter_ - recorded :]:
                self._record(loss)
            warnings.warn("Training interrupted by user.", stacklevel=3)
        except DivergedError as error:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                f"values and need to be preprocessed. ({error})"
            ) from error
        finally:
            self.state.report, self.state.order = history.report(), self._reshuffle.rows
        if self.held is not None and self.state.best_weights is not None:
            task.model.load_state_dict(self.state.best_weights)
        if self._watch is not None:
            self._watch.end()

    def _until(self, epoch: int) -> int:
        """Return up to which epoch it may train before Python has to do something between two."""
        looks = self.held is not None or self._watch is not None
        if looks or self.estimator.verbose or self._has_rate_of_epochs():
            return epoch + 1
        return self.epochs

    def _watch_of_loss(self) -> Watch | None:
        """Return how long it goes on without a better loss; None where the loss does not count."""
        estimator = self.estimator
        if self.held is not None or estimator.best_loss_ is None:
            return None
        patience = Patience(
            most=min(estimator.n_iter_no_change, self.epochs),
            tolerance=estimator.tol,
            best=estimator.best_loss_,
            worse=self.state.worse,
        )
        return Watch("loss", patience)

    def _ends_with_all(self, losses: Sequence[float]) -> bool:
        """Record epochs, and return whether to stop after the last of them."""
        estimator, best = self.estimator, self.estimator.best_loss_
        if best is None or self._watch is not None or estimator.verbose or len(losses) < 2:
            return any(self._ends_with(loss) for loss in losses)
        if self.held is not None or self._has_rate_of_epochs():
            return any(self._ends_with(loss) for loss in losses)
        # As `_record`, for hundreds of epochs of a small network in the time of one.
        estimator.n_iter_ += len(losses)
        estimator.t_ += self.task.rows * len(losses)
        estimator.loss_ = losses[-1]
        estimator.loss_curve_ += losses
        worse, tol = self.state.worse, estimator.tol
        for loss in losses:
            worse = worse + 1 if loss > best - tol else 0
            best = min(best, loss)
        estimator.best_loss_, self.state.worse = best, worse
        return bool(worse > estimator.n_iter_no_change)

    def _ends_with(self, loss: float) -> bool:
        """Record an epoch, let it be seen, and return whether to stop after it."""
        is_over = self._record(loss)
        return (self._watch is not None and self._watch.end_epoch()) or is_over

    def _record(self, loss: float) -> bool:
        """Record an epoch; return whether to stop after it."""
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.t_ += self.task.rows
        estimator.loss_ = loss
        estimator.loss_curve_.append(loss)
        if self.held is not None:
            is_worse = self._record_validation(self.held)
        else:
            assert estimator.best_loss_ is not None  # scikit-learn has None where rows are held out
            is_worse = loss > estimator.best_loss_ - estimator.tol
            estimator.best_loss_ = min(estimator.best_loss_, loss)
        self.state.worse = self.state.worse + 1 if is_worse else 0
        if estimator.verbose:
            self._print()
        is_stuck = self.state.worse > estimator.n_iter_no_change
        return self._adapt(is_stuck) if self._has_rate_of_epochs() else is_stuck

    def _has_rate_of_epochs(self) -> bool:
        """Return whether the learning rate is changed between epochs; Adam's never is."""
        estimator = self.estimator
        return estimator.learning_rate in ("invscaling", "adaptive") and estimator.solver != "adam"

    def _adapt(self, is_stuck: bool) -> bool:
        """Set the next epoch's learning rate; return whether to stop."""
        estimator, optimizer = self.estimator, self.task.optimizer
        if estimator.learning_rate == "invscaling":
            rate = scaled_inversely(estimator.learning_rate_init, estimator.t_, estimator.power_t)
            optimizer.lr = rate
            return is_stuck
        if not is_stuck or optimizer.lr <= 1e-6:
            return is_stuck
        self.state.worse = 0
        # A fifth, and the bound of 1e-6 above, are scikit-learn's.
        optimizer.lr = optimizer.lr / 5
        return False

    def _record_validation(self, held: Held) -> bool:
        estimator, best = self.estimator, self.estimator.best_validation_score_
        scores, losses = estimator.validation_scores_, estimator.validation_loss_curve_
        assert best is not None  # the three are None only where no rows are held out
        assert scores is not None
        assert losses is not None
        score = float(held.score())
        scores.append(score)
        losses.append(float(held.loss()))
        is_worse = bool(score < best + estimator.tol)
        if score > best:
            estimator.best_validation_score_ = score
            self.state.best_weights = self.task.model.state_dict()
        return is_worse

    def _print(self) -> None:
        estimator = self.estimator
        print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        if self.held is not None and estimator.validation_scores_:
            print(f"Validation score: {estimator.validation_scores_[-1]:f}")

    def _warn_unfinished(self) -> None:
        """Say that the iterations are used up, as scikit-learn does."""
        if self.epochs > 1 or self.estimator.max_iter == 1:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.estimator.max_iter}) reached and "
                "the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )
