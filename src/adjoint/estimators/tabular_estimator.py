"""A tabular estimator fits a network to a frame as `adjoint fit` fits one to a table in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from numbers import Integral
from typing import Any, ClassVar, Self, TypedDict, Unpack

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import (
    check_consistent_length,
    check_random_state,
)
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ..core.annotations import Array, ArrayLike
from ..core.checks import positive_size
from ..core.magnitude import magnitude
from ..core.operand import refuse_subclass
from ..tables.choice import NAMES
from ..tables.model import TableModel
from ..tables.search import Search, check_search, search
from ..tables.settings import MOST_BINS, TableSettings
from ..tables.training import train
from ..tables.trial import prepare
from ..training.history import History
from .parameters import Check, RandomState, flag, number, or_value
from .pickled import with_all_settings
from .tables import DataFrame, refuse_missing
from .tabular_reader import TabularReader, unchanged_by_errors

DEFAULTS = TableSettings()


def _size_or_none(name: str, value: object) -> None:
    if value is not None:
        positive_size(name, value)


def _bins(name: str, value: object) -> None:
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (is_whole and 0 <= value <= MOST_BINS):  # type: ignore[operator]
        raise ValueError(f"{name}: expected a whole number, 0 to {MOST_BINS}, got {value!r}")


_CHECKS: dict[str, Check] = {
    "ensemble": _size_or_none,
    "epochs": _size_or_none,
    "patience": positive_size,
    "batch_size": _size_or_none,
    "learning_rate": number(0, closed="neither"),
    "dropout": number(0, 1),
    "weight_decay": number(0),
    "bins": _bins,
    "minutes": or_value(number(0, closed="neither"), None),
    "validation": number(0, 1, closed="neither"),
    "verbose": flag,
    "reproducible": flag,
}
# What `adjoint fit` asks for and an estimator has otherwise: its class is the task, its caller
# holds rows out and scores by them, and scikit-learn's name of a seed is random_state.
_OTHERWISE = ("task", "test", "folds", "seed")
# What is of one of the two alone.
_OF_CLASSES, _OF_NUMBERS = ("class_weight", "label_smoothing"), ("quantiles",)


class Weights(TypedDict, total=False):
    """How much each row counts in a fit, (n,) numbers from 0; 0 is as if it was not there.

    They are no named parameter of `fit`: scikit-learn demands of estimators that name it that a
    weight of 2 gives the same model as the row twice, to the last digits. No network can that is
    trained in batches and stopped by rows that are drawn.
    """

    sample_weight: ArrayLike | None


class TabularEstimator(TabularReader, BaseEstimator):  # type: ignore[misc]
    """A network for a frame; abstract.

    A subclass says what task it is, how targets are checked, and what its outputs mean.
    """

    # `fit` does not name its keyword, see `Weights`, so that scikit-learn has to be told.
    __metadata_request__fit: ClassVar = {"sample_weight": None}

    task: str
    model_: TableModel
    history_: History
    trials_: list[dict[str, Any]]

    def __init__(
        self,
        *,
        metric: str | None = DEFAULTS.metric,
        hidden: Sequence[int] = DEFAULTS.hidden,
        ensemble: int | None = DEFAULTS.ensemble,
        epochs: int | None = DEFAULTS.epochs,
        patience: int = DEFAULTS.patience,
        batch_size: int | None = DEFAULTS.batch_size,
        learning_rate: float = DEFAULTS.learning_rate,
        dropout: float = DEFAULTS.dropout,
        weight_decay: float = DEFAULTS.weight_decay,
        bins: int = DEFAULTS.bins,
        minutes: float | None = None,
        validation: float = DEFAULTS.validation,
        split_by: str | None = DEFAULTS.split_by,
        time: str | None = DEFAULTS.time,
        decimal: str | None = None,
        thousands: str | None = None,
        dates: str | None = None,
        missing: Sequence[str] = (),
        random_state: RandomState = None,
        verbose: bool = False,
        reproducible: bool = DEFAULTS.reproducible,
    ) -> None:
        self.metric = metric
        self.hidden, self.ensemble = hidden, ensemble
        self.epochs, self.patience = epochs, patience
        self.batch_size, self.learning_rate, self.dropout = batch_size, learning_rate, dropout
        self.weight_decay, self.bins, self.minutes = weight_decay, bins, minutes
        self.validation = validation
        self.split_by, self.time = split_by, time
        self.decimal, self.thousands = decimal, thousands
        self.dates, self.missing = dates, missing
        self.random_state, self.verbose = random_state, verbose
        self.reproducible = reproducible

    def _read_targets(self, y: Any, rows: int) -> Array:
        """Return targets as a table of the task has them, and learn what they are of."""
        raise NotImplementedError

    def _class_weights(self, targets: Array) -> Array | None:
        """Return how much each row counts by its class; None if all count alike."""
        return None

    def fit(self, X: ArrayLike | DataFrame, y: ArrayLike, **weights: Unpack[Weights]) -> Self:
        """Learn what the columns are, and train a network on them.

        Parameters
        ----------
        X : frame or (n, columns) array
            A frame of pandas, polars or Arrow, or another that speaks Arrow's PyCapsule protocol.
        y : (n,) array, or (n, k) array of numbers
            The targets.
        sample_weight : (n,) array, optional
            How much each row counts beside others, from 0; a row with 0 is as if it was not
            there. Weights are not the same as repeated rows: other rows would be held out to stop
            by, and other ones stand in a step together.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no column to learn from, nothing to predict, or a wrong parameter.
        TypeError
            If there is another keyword.
        """
        unknown = set(weights) - {"sample_weight"}
        if unknown:
            raise TypeError(f"fit: unknown keyword {unknown.pop()!r}; sample_weight is one")
        conventions, settings = self._conventions(), self._settings()
        if self.minutes is not None:
            check_search(settings, _fixed(settings), conventions)
        with unchanged_by_errors(self):
            table = self._read(X, is_first=True)
            targets = self._read_targets(y, len(table))
            of_rows = self._row_weights(targets, weights.get("sample_weight"))
            names: list[str] = []
            # The target is a column of the table as in a file; X may have one of that name.
            for column in targets.T if targets.ndim == 2 else [targets]:
                name = "target" if targets.ndim == 1 else f"target {len(names) + 1}"
                while name in table.column_names:
                    name += "_"
                table = table.append_column(name, [np.ascontiguousarray(column)])
                names.append(name)
            encoder, target, parts = prepare(table, names, settings, conventions, weights=of_rows)
            trials: list[dict[str, Any]] = []
            if self.minutes is None:
                trained = train(encoder, target, parts, settings, progress=self.verbose)
            else:
                wanted = Search(self.minutes, _fixed(settings))
                shown = "log" if self.verbose else False
                found = search(encoder, target, parts, settings, wanted, progress=shown)
                trained, trials = found.trained, found.searched.table()
        self.trials_ = trials
        self.model_, self.encoder_ = trained.model, trained.model.encoder
        self.history_ = trained.history
        return self

    def sha256(self) -> str:
        """Return one SHA-256 of the weights and of the recorded losses, 64 digits.

        With ``reproducible=True`` it is the same on every machine; see `History.sha256`.
        """
        check_is_fitted(self, "model_")
        return self.history_.sha256(self.model_.network)

    def _settings(self) -> TableSettings:
        for name, check in _CHECKS.items():
            check(name, getattr(self, name))
        hidden = np.atleast_1d(np.asarray(self.hidden)).tolist()
        for size in hidden:
            positive_size("hidden", size)
        left_out = (*_OTHERWISE, *(_OF_NUMBERS if self.task == "classification" else _OF_CLASSES))
        names = [each.name for each in fields(TableSettings) if each.name not in left_out]
        given = {name: getattr(self, name) for name in names} | {"hidden": tuple(hidden)}
        given |= {"bins": int(self.bins)}
        given |= self._own_settings()
        return TableSettings(task=self.task, test=0.0, seed=_seed(self.random_state), **given)

    def _own_settings(self) -> dict[str, Any]:
        """Return the settings of the subclass alone, checked."""
        raise NotImplementedError

    def _row_weights(self, targets: Array, sample_weight: Any) -> Array | None:
        weights = self._class_weights(targets)
        if sample_weight is not None:
            refuse_subclass(sample_weight)
            own = _check_sample_weight(
                sample_weight, targets.reshape(len(targets), -1), ensure_non_negative=True
            )
            weights = own if weights is None else _of_mean_one(own) * _of_mean_one(weights)
        return None if weights is None else _of_mean_one(weights)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on from a pickle, also from one of before there were some of the settings."""
        super().__setstate__(with_all_settings(type(self), state))

    def _outputs(self, X: ArrayLike | DataFrame) -> Any:
        # The last digits of products of 32 bits depend on where in a batch a row stands.
        rows = self._encoded(X, Counter()).astype(np.float64)
        return self.model_.outputs(rows)


def checked_targets(estimator: BaseEstimator, y: Any, rows: int) -> Array:
    """Refuse targets that are none, or are not as many as there are rows."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
    refuse_subclass(y)
    refuse_missing(y)
    y = y if hasattr(y, "ndim") else np.asarray(y)
    if y.ndim > 2:
        raise ValueError(f"y has {y.ndim} axes; expected one, or two of several targets")
    check_consistent_length(range(rows), y)
    return np.asarray(y)


def _fixed(settings: TableSettings) -> frozenset[str]:
    """Return the names of what no search changes: what is not as by default."""
    return frozenset(name for name in NAMES if getattr(settings, name) != getattr(DEFAULTS, name))


def _of_mean_one(weights: Array) -> Array:
    """Return weights of mean 1 over the rows that count.

    The linear model that a network starts as would be pulled to 0 less by larger weights.
    """
    if not weights.any():
        raise ValueError("sample_weight, class_weight: the weights of all rows are 0")
    scaled = np.ldexp(weights, -magnitude(weights))
    return np.asarray(scaled / scaled[scaled > 0].mean())


def _seed(random_state: RandomState) -> int:
    """Return the seed of the training: an int is that of `adjoint fit --seed`."""
    if isinstance(random_state, (int, np.integer)):
        if not 0 <= random_state < 2**32:
            raise ValueError(f"random_state: expected 0 to 2**32 - 1, got {random_state}")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
