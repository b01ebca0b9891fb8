"""A multilayer perceptron that predicts numbers, for scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from ..compiler.compiled import compile
from ..core.annotations import Array, ArrayLike
from ..core.reproducibility import is_reproducible
from ..errors import choose
from ..network import Activation
from ..nn.losses.regression import HuberLoss, MAELoss
from ..optim.optimizer import Schedule
from .held import determination, outputs_and_loss
from .objective import PoissonDeviance, QuantileError, RowLoss, SquaredError
from .parameters import RandomState
from .perceptron import BasePerceptron
from .solvers import Solver
from .tables import Columns, Table, Targets, refuse_missing

LOSSES = ("squared_error", "poisson", "absolute_error", "huber", "quantile")


class MLPRegressor(RegressorMixin, BasePerceptron):  # type: ignore[misc]
    """Multilayer perceptron regressor: scikit-learn's, and what it lacks.

    Every parameter that scikit-learn's has keeps its name, default and meaning, and so do the
    fitted attributes: with the same ``random_state`` the first weights, the batches and the steps
    are scikit-learn's own, to rounding. Steps are native code where llvmlite is installed.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber", "quantile"} or callable
        A callable takes outputs and targets, (n, outputs) each.
    hidden_layer_sizes : int or sequence of int
    activation : str, callable, or list of them
        One for all hidden layers, or one for each: scikit-learn's four, any of `nn.ACTIVATIONS`, or
        a function in adjoint's operations, which is traced.
    solver : str or callable
        "adam", "sgd" or "lbfgs" as scikit-learn has them; "adamw", "amsgrad", "nadam", "radam",
        "rmsprop", "adagrad", "adadelta" or "lion" as in `optim`; or a callable that makes an
        optimiser, ``lambda params: ad.optim.SGD(params, lr=0.1)``.
    alpha, batch_size, power_t, max_iter, shuffle, random_state, tol, verbose, momentum, \
nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, \
n_iter_no_change, max_fun
        As scikit-learn's.
    learning_rate : {"constant", "invscaling", "adaptive"} or callable
        The names mean what they mean in scikit-learn, and hold for all solvers save "adam", which
        ignores them there, too. A schedule, a function of the steps taken, replaces
        ``learning_rate_init`` for every solver.
    learning_rate_init : float
    warm_start : bool
        `fit` goes on with the weights, the optimiser and the order of rows that the last call left:
        five epochs and five more are ten.
    quantile : float or list of float
        The level of loss "quantile"; of several, `predict` returns a column each.
    dropout : float
        The probability of leaving an entry of a hidden layer out while training.
    batch_norm, layer_norm : bool
        Normalise each hidden layer before its activation.
    residual : bool
        Add the input of a hidden layer to its output, where both have one size.
    categorical_features : "auto", list of int or str, or None
        Columns of categories, each of which gets a few numbers of its own that are trained
        (embeddings): "auto" takes those of a frame that hold texts, categories or truth values. A
        category that was not there in `fit`, or is missing, counts as one of its own.
    embedding_size : int or "auto"
        How many numbers; by default about 1.6 c^0.56 for c categories, at most 50.
    missing : {"error", "mean"}
        Missing numbers are refused, or replaced by the mean of their column; then a further column
        tells the network where they were.
    compile : bool or "auto"
        Whether to run native code; "auto" where it can.
    reproducible : bool
        Whether weights, losses and scores must have the same bits on every processor
        (docs/how-to/reproducible); ``sha256()`` tells. Not for the solver "lbfgs".

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
    loss_, best_loss_, loss_curve_, n_iter_, t_, n_layers_, n_outputs_, out_activation_, \
validation_scores_, best_validation_score_
        As scikit-learn's.
    validation_loss_curve_ : list of float or None
        The loss on the rows held out, by epoch.

    Raises
    ------
    ValueError
        From `fit`: if a parameter is out of its range, the message says what was expected; if the
        weights become infinite.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from adjoint.estimators import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor("quantile", (8,), quantile=[0.1, 0.9], solver="lbfgs", random_state=0)
    >>> model.fit(X, y / 100).predict(X[:3]).shape
    (3, 2)
    """

    def __init__(
        self,
        loss: str | RowLoss = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Activation | Sequence[Activation] = "relu",
        *,
        solver: Solver = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        quantile: float | Sequence[float] = 0.5,
        dropout: float = 0.0,
        batch_norm: bool = False,
        layer_norm: bool = False,
        residual: bool = False,
        categorical_features: Columns = "auto",
        embedding_size: int | str = "auto",
        missing: str = "error",
        compile: bool | str = "auto",
        reproducible: bool = False,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.quantile = quantile
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm
        self.residual = residual
        self.categorical_features = categorical_features
        self.embedding_size = embedding_size
        self.missing = missing
        self.compile, self.reproducible = compile, reproducible

    def fit(
        self,
        X: Table,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Table | None = None,
        y_val: Targets | None = None,
    ) -> Self:
        """Train on rows and their numbers.

        Parameters
        ----------
        X : (n, features) array, sparse matrix or frame
        y : (n,) or (n, outputs) array
        sample_weight : (n,) array, optional
        X_val, y_val : optional
            Rows of your own to stop early by, in the place of some held out of X.

        Returns
        -------
        The estimator itself.
        """
        held_out = self._held_out(X_val, y_val)
        self._fit(X, y, sample_weight, held_out, incremental=False)
        return self

    @available_if(lambda estimator: estimator._takes_batches())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Table,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Table | None = None,
        y_val: Targets | None = None,
    ) -> Self:
        """Train for one epoch on these rows.

        With ``early_stopping`` or rows of your own to validate on, the score of each call is
        recorded, and the best weights so far are those of the estimator.
        """
        held_out = self._held_out(X_val, y_val)
        self._fit(X, y, sample_weight, held_out, incremental=True)
        return self

    def _read_targets(self, y: Targets, *, is_first: bool) -> Array:
        numbers: Array = np.asarray(y)
        if numbers.ndim == 2 and numbers.shape[1] == 1:
            numbers = column_or_1d(numbers, warn=True)
        if numbers.dtype.kind not in "fiub":
            numbers = numbers.astype(np.float64)
        if self.loss == "poisson" and (numbers < 0).any():
            raise ValueError("loss='poisson' needs y of at least 0, counts or rates")
        return np.asarray(numbers if numbers.ndim == 2 else numbers[:, np.newaxis], np.float64)

    def _output_size(self, targets: Array) -> int:
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        if self.loss != "quantile":
            return int(targets.shape[1])
        if targets.shape[1] > 1:
            raise ValueError(
                f"loss='quantile' is of one number a row; y has {targets.shape[1]} outputs"
            )
        return int(np.size(self.quantile))

    def _loss(self) -> Callable[..., Any]:
        if callable(self.loss):
            return self.loss
        choose("loss", self.loss, LOSSES)
        if self.loss == "quantile":
            levels = np.atleast_1d(np.asarray(self.quantile, float)).tolist()
            return QuantileError(levels)
        kinds: dict[str, Callable[[], Callable[..., Any]]] = {
            "squared_error": SquaredError,
            "poisson": PoissonDeviance,
            "absolute_error": MAELoss,
            "huber": HuberLoss,
        }
        return kinds[self.loss]()

    def _score_of(self, outputs: Array, targets: Array, sample_weight: Array | None) -> float:
        if self.loss == "quantile" and np.isfinite(outputs).all():
            weights = () if sample_weight is None else (sample_weight,)
            _, loss = outputs_and_loss(self._network, self._objective.loss)
            return -float(loss(outputs, targets, *weights))
        with np.errstate(over="ignore"):
            found = self._numbers(outputs)
        if len(targets) < 2 or not np.isfinite(found).all():
            return float("nan")
        return determination(targets, found, sample_weight)

    def _numbers(self, outputs: Array) -> Array:
        if self.out_activation_ == "exp" and is_reproducible():
            return np.asarray(compile(np.exp, reproducible=True)(outputs))
        return np.asarray(np.exp(outputs) if self.out_activation_ == "exp" else outputs)

    def predict(self, X: Table) -> Array:
        """Return a number for each row, several where y or ``quantile`` had several.

        Returns
        -------
        (n,) or (n, outputs) array
        """
        found = self._numbers(self._outputs(X))
        return found.ravel() if self.n_outputs_ == 1 and np.ndim(self.quantile) == 0 else found

    def score(self, X: Table, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return R², the share of the variance that is explained; 1 is the best."""
        refuse_missing(y)
        return float(super().score(X, y, sample_weight))
