"""A bridge makes an estimator of any module: scikit-learn's `fit` and `predict` around `fit`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..core.annotations import Array, ArrayLike
from ..core.operand import refuse_subclass
from ..errors import choose
from ..graphs.recording import no_grad
from ..nn.module import Module
from ..optim import Adam
from ..special import expit
from ..training.callbacks import Callback, EarlyStopping
from ..training.fit import fit
from ..training.task import MakesOptimizer
from .objective import RowLoss
from .parameters import RandomState
from .pickled import with_all_settings
from .tables import (
    Table,
    TableEncoder,
    Targets,
    is_frame,
    read_features,
    read_rows,
    refuse_missing,
    without_objects,
)

# The losses of classes, and those of them that take one output for two classes.
_OF_CLASSES = ("cross_entropy", "binary_cross_entropy", "focal_loss", "hinge_loss")
_ONE_OUTPUT = ("binary_cross_entropy", "focal_loss")
# Rows predicted at a time, so that many of them need little memory.
_BLOCK = 4096


def as_estimator(
    module: Callable[..., Module],
    *,
    loss: str | RowLoss,
    task: str = "auto",
    **settings: Any,
) -> ModuleClassifier | ModuleRegressor:
    """Return a scikit-learn estimator of a module.

    Parameters
    ----------
    module : callable
        Makes a new module. It is given those of ``n_features``, ``n_outputs`` and ``rng``, a seed,
        that it has parameters for. A named function, unlike a lambda, can be pickled.
    loss : str or callable
        As `fit` takes it.
    task : {"auto", "classifier", "regressor"}
        "auto" knows the losses of classes by their names, and takes all others for regression.
    **settings
        The settings of `ModuleClassifier` and `ModuleRegressor`.

    Raises
    ------
    ValueError, TypeError
        If the task or a setting is unknown.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> import adjoint as ad
    >>> from adjoint.estimators import as_estimator
    >>> def network(n_features, n_outputs, rng):
    ...     return ad.nn.MLP(n_features, 16, n_outputs, activation="tanh", rng=rng)
    >>> estimator = as_estimator(network, loss="cross_entropy", random_state=0)
    >>> X, y = load_iris(return_X_y=True)
    >>> bool(cross_val_score(estimator, X, y).mean() > 0.9)
    True
    """
    choose("task", task, ("auto", "classifier", "regressor"))
    if task == "auto":
        task = "classifier" if loss in _OF_CLASSES else "regressor"
    kind = ModuleClassifier if task == "classifier" else ModuleRegressor
    return kind(module, loss=loss, **settings)


class _BaseBridge(BaseEstimator):  # type: ignore[misc]
    """What both kinds share: a module made, trained and asked."""

    def __init__(
        self,
        module: Callable[..., Module],
        *,
        loss: str | RowLoss,
        optimizer: MakesOptimizer | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        callbacks: Sequence[Callback] = (),
        random_state: RandomState = None,
        verbose: bool = False,
        compile: bool | Literal["auto"] = "auto",
        reproducible: bool = False,
    ) -> None:
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
        self.compile = compile
        self.reproducible = reproducible

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle, also what was pickled before there was some setting."""
        super().__setstate__(with_all_settings(type(self), state))

    def _train(self, X: Array, targets: Array, outputs: int, sample_weight: Array | None) -> None:
        """Make a module and train it."""
        rng = check_random_state(self.random_state)
        self.module_ = self._made(X, outputs, int(rng.randint(2**31 - 1)))
        arrays = [X, targets] if sample_weight is None else [X, targets, sample_weight]
        validation, callbacks = None, list(self.callbacks)
        if self.early_stopping:
            parts = train_test_split(
                *arrays,
                test_size=self.validation_fraction,
                random_state=rng,
                stratify=self._stratify(targets),
            )
            arrays, validation = parts[0::2], (parts[1], parts[3])
            callbacks.append(EarlyStopping(patience=self.n_iter_no_change))
        self.history_ = fit(
            self.module_,
            (arrays[0], arrays[1]),
            loss=self.loss,
            optimizer=self.optimizer or Adam,
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=int(rng.randint(2**31 - 1)),
            validation=validation,
            sample_weight=arrays[2] if sample_weight is not None else None,
            callbacks=callbacks,
            progress=bool(self.verbose),
            compile=self.compile,
            reproducible=self.reproducible,
        )
        self.n_iter_ = len(self.history_)
        record = self.history_.to_dict()
        self.loss_curve_ = list(record["loss"])
        self.validation_loss_curve_ = list(record["val_loss"]) if self.early_stopping else None

    def sha256(self) -> str:
        """Return one SHA-256 of the module's weights and of all that was recorded, 64 digits.

        With ``reproducible=True`` it is the same on every machine; see `History.sha256`.
        """
        check_is_fitted(self, "module_")
        return self.history_.sha256(self.module_)

    def _made(self, X: Array, outputs: int, seed: int) -> Module:
        known = {"n_features": X.shape[1], "n_outputs": outputs, "rng": seed}
        names = inspect.signature(self.module).parameters
        module = self.module(**{name: x for name, x in known.items() if name in names})
        if not isinstance(module, Module):
            raise TypeError(
                f"module: expected a callable that makes a Module, got one that makes "
                f"{type(module).__name__}"
            )
        return module

    def _stratify(self, targets: Array) -> Array | None:
        return None

    def _checked(
        self, X: Table, y: Targets, sample_weight: ArrayLike | None
    ) -> tuple[Array, Array, Array | None]:
        refuse_subclass(X, y, sample_weight)
        refuse_missing(y)
        if is_frame(X):
            rows, targets = read_rows(self, X, y, TableEncoder(None, "error"), is_first=True)
        else:
            found = validate_data(self, without_objects(X), y, multi_output=True, **_ACCEPTED)
            rows, targets = found
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)
        if sample_weight is None:
            return rows, targets, None
        weights = _check_sample_weight(sample_weight, rows, ensure_non_negative=True)
        counts = weights > 0
        return rows[counts], targets[counts], weights[counts]

    def _outputs(self, X: Table) -> Array:
        """Return what the module gives, in evaluation mode and in blocks of rows."""
        check_is_fitted(self, "module_")
        refuse_subclass(X)
        if is_frame(X):
            rows = read_features(self, X, TableEncoder(None, "error"))
        else:
            rows = validate_data(self, without_objects(X), reset=False, **_ACCEPTED)
        dtype = next(self.module_.parameters()).dtype
        self.module_.eval()
        with no_grad():
            blocks = [
                np.asarray(self.module_(rows[i : i + _BLOCK].astype(dtype)).data)
                for i in range(0, len(rows), _BLOCK)
            ]
        return np.concatenate(blocks)


_ACCEPTED: dict[str, Any] = {"dtype": (np.float64, np.float32), "allow_nd": True}


class ModuleClassifier(ClassifierMixin, _BaseBridge):  # type: ignore[misc]
    """A scikit-learn classifier around a module; see `as_estimator`.

    Parameters
    ----------
    module : callable
    loss : str or callable
        The module's outputs are logits, one for each class; "binary_cross_entropy" and
        "focal_loss" take a single one for two classes.
    optimizer : callable, optional
        Makes one of the parameters; by default Adam.
    epochs, batch_size : int
    early_stopping : bool
        Hold a part of the rows out, and end once the loss on it has not fallen for
        ``n_iter_no_change`` epochs, with the best weights.
    validation_fraction : float
    n_iter_no_change : int
    callbacks : sequence of Callback
    random_state : int, RandomState or None
    verbose : bool
        Whether to show a progress bar.
    compile : bool or "auto"
        As `fit` takes it.
    reproducible : bool
        As `fit` takes it; ``sha256()`` tells.

    Attributes
    ----------
    module_ : Module
    history_ : History
    classes_ : array
    loss_curve_ : list of float
        The loss at each epoch.
    validation_loss_curve_ : list of float or None
        The loss on the rows held out.
    n_iter_ : int

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> import adjoint as ad
    >>> from adjoint.estimators import ModuleClassifier
    >>> def network(n_features, n_outputs, rng):
    ...     return ad.nn.MLP(n_features, 8, n_outputs, activation="tanh", rng=rng)
    >>> X, y = make_moons(200, noise=0.1, random_state=0)
    >>> y = np.array(["lower", "upper"])[y]
    >>> classifier = ModuleClassifier(network, loss="cross_entropy", random_state=0).fit(X, y)
    >>> classifier.predict([[0.0, 1.0], [1.0, -0.5]])
    array(['lower', 'upper'], dtype='<U5')
    """

    def fit(self, X: Table, y: Targets, sample_weight: ArrayLike | None = None) -> Self:
        """Train a new module on rows and their classes.

        Parameters
        ----------
        X : (n, …) array
        y : (n,) array of labels
        sample_weight : (n,) array, optional
        """
        refuse_missing(y)
        check_classification_targets(y)
        rows, labels, weights = self._checked(X, y, sample_weight)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has {len(self.classes_)} class; a classifier needs two or more")
        if self.loss not in _ONE_OUTPUT:
            self._train(rows, numbers, len(self.classes_), weights)
            return self
        if len(self.classes_) > 2:
            raise ValueError(
                f"loss={self.loss!r} is of two classes, y has {len(self.classes_)}; choose "
                "'cross_entropy'"
            )
        self._train(rows, numbers[:, np.newaxis].astype(rows.dtype), 1, weights)
        return self

    def _stratify(self, targets: Array) -> Array | None:
        return targets

    def predict_proba(self, X: Table) -> Array:
        """Return the probability of each class, (n, classes)."""
        outputs = self._outputs(X)
        if self.loss in _ONE_OUTPUT:
            chance = np.asarray(expit(outputs)).reshape(len(outputs), 1)
            return np.hstack([1 - chance, chance])
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def predict(self, X: Table) -> Array:
        """Return the most probable class of each row, (n,)."""
        numbers = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[numbers])


class ModuleRegressor(RegressorMixin, _BaseBridge):  # type: ignore[misc]
    """A scikit-learn regressor around a module; see `as_estimator`.

    Parameters and attributes are those of `ModuleClassifier`, save ``classes_``. The loss is given
    outputs and targets of shape (n, outputs).

    Examples
    --------
    >>> import adjoint as ad
    >>> from adjoint.estimators import ModuleRegressor
    >>> def line(n_features, n_outputs):
    ...     return ad.nn.Linear(n_features, n_outputs, rng=0)
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> regressor = ModuleRegressor(line, loss="mse_loss", random_state=0,
    ...                             optimizer=lambda p: ad.optim.SGD(p, lr=0.1))
    >>> regressor.fit(X, 3 * X[:, 0] + 1).predict([[2.0]]).round(3)
    array([7.])
    """

    def fit(self, X: Table, y: Targets, sample_weight: ArrayLike | None = None) -> Self:
        """Train a new module on rows and their numbers.

        Parameters
        ----------
        X : (n, …) array
        y : (n,) or (n, outputs) array
        sample_weight : (n,) array, optional
        """
        rows, numbers, weights = self._checked(X, y, sample_weight)
        self._has_one = numbers.ndim == 1
        targets = numbers.astype(rows.dtype).reshape(len(numbers), -1)
        self._train(rows, targets, targets.shape[1], weights)
        return self

    def predict(self, X: Table) -> Array:
        """Return the numbers of each row, (n,) or (n, outputs)."""
        outputs = self._outputs(X)
        return outputs.reshape(len(outputs)) if self._has_one else outputs
