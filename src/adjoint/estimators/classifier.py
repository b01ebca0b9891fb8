"""A multilayer perceptron that classifies, for scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from ..core.annotations import Array, ArrayLike
from ..core.operand import as_plain
from ..data.row_weights import ClassWeight
from ..errors import choose
from ..network import Activation
from ..ops.softmax import softmax
from ..optim.optimizer import Schedule
from ..special import expit
from .held import accuracy
from .objective import BinaryLogLoss, LogLoss, RowLoss
from .parameters import RandomState
from .perceptron import BasePerceptron
from .solvers import Solver
from .tables import Columns, Sparse, Table, Targets, is_sparse, refuse_missing

LOSSES = ("log_loss", "focal")


class MLPClassifier(ClassifierMixin, BasePerceptron):  # type: ignore[misc]
    """Multilayer perceptron classifier: scikit-learn's, and what it lacks.

    Every parameter that scikit-learn's has keeps its name, default and meaning, and so do the
    fitted attributes: with the same ``random_state`` the first weights, the batches and the steps
    are scikit-learn's own, to rounding. Steps are native code where llvmlite is installed.

    Parameters
    ----------
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
    loss : {"log_loss", "focal"} or callable
        A callable takes outputs before their activation, and targets.
    class_weight : "balanced", dict or None
    label_smoothing : float
        This share of every target goes to all classes alike.
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
    classes_ : array
        The labels, in the order of the outputs.

    Raises
    ------
    ValueError
        From `fit`: if a parameter is out of its range, the message says what was expected; if the
        weights become infinite.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from adjoint.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((20,), layer_norm=True, solver="lbfgs", random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    def __init__(
        self,
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
        loss: str | RowLoss = "log_loss",
        class_weight: ClassWeight | None = None,
        label_smoothing: float = 0.0,
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
        self.loss = loss
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
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
        """Train on rows and their classes.

        Parameters
        ----------
        X : (n, features) array, sparse matrix or frame
        y : (n,) array of labels, or (n, labels) array of 0 and 1
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
        classes: ArrayLike | None = None,
        *,
        X_val: Table | None = None,
        y_val: Targets | None = None,
    ) -> Self:
        """Train for one epoch on these rows; ``classes`` names all there will be, the first time.

        With ``early_stopping`` or rows of your own to validate on, the score of each call is
        recorded, and the best weights so far are those of the estimator.
        """
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._learn_classes(y, classes)
        elif classes is not None and not np.array_equal(unique_labels(classes), self.classes_):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}"
            )
        held_out = self._held_out(X_val, y_val)
        self._fit(X, y, sample_weight, held_out, incremental=True)
        return self

    def _learn_classes(self, y: ArrayLike | Sparse, classes: ArrayLike) -> None:
        """Learn which classes there are, or how many labels a row has."""
        self._is_multilabel = type_of_target(y).startswith("multilabel")
        if self._is_multilabel:
            self.classes_ = np.arange((y if is_sparse(y) else np.asarray(y)).shape[1])
        else:
            self.classes_ = unique_labels(classes)

    def _read_targets(self, y: Targets, *, is_first: bool) -> Array:
        labels: Array = np.asarray(y.toarray() if is_sparse(y) else y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = column_or_1d(labels, warn=True)
        if not _holds_names(labels):
            check_classification_targets(labels)
        # `partial_fit` has learnt the classes before the first fit: then there are classes but no
        # weights.
        if is_first and not (hasattr(self, "classes_") and not hasattr(self, "coefs_")):
            if _holds_names(labels):
                self.classes_, self._is_multilabel = np.unique(labels), False
            else:
                self._learn_classes(labels, labels)
        else:
            self._check_known(labels)
        if self._is_multilabel:
            return np.asarray(labels, np.float64)
        numbers = np.searchsorted(self.classes_, labels)
        if len(self.classes_) > 2:
            return np.asarray(numbers)
        # Two classes need one output: the loss is that of a yes or no.
        return np.asarray(numbers[:, np.newaxis], np.float64)

    def _check_known(self, y: Array) -> None:
        """Refuse targets of other classes, or of another number of labels, than before."""
        if y.ndim == 2:
            if not self._is_multilabel or y.shape[1] != len(self.classes_):
                before = f"{len(self.classes_)} labels" if self._is_multilabel else "one class"
                raise ValueError(f"y has {y.shape[1]} labels a row, before it had {before}")
            return
        found = unique_labels(y)
        if self.warm_start and not self._is_multilabel and set(found) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}; fit another "
                "estimator, or let partial_fit, without warm_start, see the rows"
            )
        if self._is_multilabel or not np.isin(found, self.classes_).all():
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {found}."
            )

    def _output_size(self, targets: Array) -> int:
        if targets.ndim == 1:
            self.out_activation_ = "softmax"
            return len(self.classes_)
        self.out_activation_ = "logistic"
        return int(targets.shape[1])

    def _loss(self) -> Callable[..., Any]:
        if callable(self.loss):
            return self.loss
        choose("loss", self.loss, LOSSES)
        if self.out_activation_ == "softmax":
            if self.loss == "focal":
                raise ValueError("loss='focal' is for two classes or labels; y has more classes")
            return LogLoss(self.label_smoothing)
        return BinaryLogLoss(self.label_smoothing, 2.0 if self.loss == "focal" else None)

    def _row_weights(self, y: Array, sample_weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        weights: Array = compute_sample_weight(self.class_weight, y)
        return weights if sample_weight is None else weights * sample_weight

    def _stratify(self, targets: Array) -> Array | None:
        # scikit-learn splits by class only where there is one output.
        return targets if targets.ndim == 2 and targets.shape[1] == 1 else None

    def _score_of(self, outputs: Array, targets: Array, sample_weight: Array | None) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        if targets.ndim == 1:
            found = outputs.argmax(axis=1)
            return accuracy(targets, found, sample_weight)
        return accuracy(targets > 0.5, outputs > 0, sample_weight)

    # --- using it ---------------------------------------------------------------------------------

    def predict(self, X: Table) -> Array:
        """Return the most probable class of each row, or the labels that are more likely than not.

        Returns
        -------
        (n,) array of the classes, or (n, labels) array of 0 and 1
        """
        outputs = self._outputs(X)
        if self.out_activation_ == "softmax":
            return self.classes_[outputs.argmax(axis=1)]  # type: ignore[no-any-return]
        found = (outputs > 0).astype(int)
        if self._is_multilabel:
            return found
        return self.classes_[np.minimum(found.ravel(), len(self.classes_) - 1)]  # type: ignore[no-any-return]

    def score(self, X: Table, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy; where a row has several labels, all of them must be right."""
        refuse_missing(y)
        found, expected = self.predict(X), as_plain(y)
        is_plain = _holds_names(expected) and expected.dtype.kind == found.dtype.kind
        if sample_weight is None and is_plain and expected.shape == found.shape:
            return float(np.mean(found == expected))
        return float(accuracy_score(y, found, sample_weight=sample_weight))

    def predict_proba(self, X: Table) -> Array:
        """Return the probability of each class, a column each in the order of ``classes_``.

        Returns
        -------
        (n, classes) array; (n, labels) where a row may have several
        """
        outputs = self._outputs(X)
        if self.out_activation_ == "softmax":
            return np.asarray(softmax(outputs, axis=1))
        probability = np.asarray(expit(outputs))
        return np.hstack([1 - probability, probability]) if self.n_outputs_ == 1 else probability

    def predict_log_proba(self, X: Table) -> Array:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        """Say that several labels a row will do."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _holds_names(y: Array) -> bool:
    """Return whether targets are classes by their kind alone: one a row, and no float."""
    return y.ndim == 1 and y.dtype.kind in "biuUS"
