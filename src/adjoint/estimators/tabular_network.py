"""A tabular network is fitted to a frame as `adjoint fit` fits one to a table in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, ClassVar, Self, TypedDict, Unpack

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import (
    Tags,
    check_consistent_length,
    check_random_state,
    column_or_1d,
    compute_sample_weight,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted

from ..core.annotations import Array, ArrayLike
from ..core.checks import positive_size
from ..core.operand import refuse_subclass
from ..data.row_weights import ClassWeight
from ..tables.choice import NAMES
from ..tables.model import TableModel
from ..tables.search import Search, check_search, search
from ..tables.settings import MOST_BINS, TableSettings, check_quantiles
from ..tables.training import train
from ..tables.trial import prepare
from ..training.history import History
from .parameters import Check, RandomState, flag, number, or_value
from .pickled import with_all_settings
from .tables import DataFrame, refuse_missing
from .tabular_reader import TabularReader, unchanged_by_errors
from .tabular_score import score_of_classes, score_of_numbers

_DEFAULTS = TableSettings()


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


class TabularNetwork(TabularReader, BaseEstimator):  # type: ignore[misc]
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
        metric: str | None = _DEFAULTS.metric,
        hidden: Sequence[int] = _DEFAULTS.hidden,
        ensemble: int | None = _DEFAULTS.ensemble,
        epochs: int | None = _DEFAULTS.epochs,
        patience: int = _DEFAULTS.patience,
        batch_size: int | None = _DEFAULTS.batch_size,
        learning_rate: float = _DEFAULTS.learning_rate,
        dropout: float = _DEFAULTS.dropout,
        weight_decay: float = _DEFAULTS.weight_decay,
        bins: int = _DEFAULTS.bins,
        minutes: float | None = None,
        validation: float = _DEFAULTS.validation,
        split_by: str | None = _DEFAULTS.split_by,
        time: str | None = _DEFAULTS.time,
        decimal: str | None = None,
        thousands: str | None = None,
        dates: str | None = None,
        missing: Sequence[str] = (),
        random_state: RandomState = None,
        verbose: bool = False,
        reproducible: bool = _DEFAULTS.reproducible,
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
            How much each row counts, from 0; a row with 0 is as if it was not there. Weights are
            not the same as repeated rows: other rows would be held out to stop by, and other ones
            stand in a step together.

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
            check_search(settings, self._fixed(), conventions)
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
                wanted = Search(self.minutes, self._fixed())
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
            weights = own if weights is None else own * weights
        if weights is not None and not weights.any():
            raise ValueError("sample_weight, class_weight: the weights of all rows are 0")
        return weights

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on from a pickle, also from one of before there were some of the settings."""
        super().__setstate__(with_all_settings(type(self), state))

    def _fixed(self) -> frozenset[str]:
        """Return the names of what no search changes: what is not as by default."""
        default = {name: getattr(_DEFAULTS, name) for name in NAMES}
        settings = self._settings()
        return frozenset(name for name in NAMES if getattr(settings, name) != default[name])

    def _outputs(self, X: ArrayLike | DataFrame) -> Any:
        # The last digits of products of 32 bits depend on where in a batch a row stands.
        rows = self._encoded(X, Counter()).astype(np.float64)
        return self.model_.outputs(rows)


class TabularClassifier(ClassifierMixin, TabularNetwork):  # type: ignore[misc]
    """A network that classifies the rows of a frame, whatever its columns hold.

    It does what `adjoint fit` does with a table in a file: `TabularEncoder` reads the columns,
    categories are embedded, and a network is trained until it does not get better on a part of the
    rows. No rows are held out to score by; do so with scikit-learn's `train_test_split` or
    `cross_val_score`.

    Parameters
    ----------
    metric : str, optional
        What `score` returns: "accuracy", which it is by default, "balanced_accuracy", "f1" (of the
        second of two classes, or the mean of all), "roc_auc", or "log_loss" with its sign changed,
        so that more is better.
    class_weight : "balanced", dict or None
        How much the rows of each class count, by its label; a class that is left out of the dict
        has weight 1. "balanced" lets all classes weigh alike. They are multiplied with the weights
        of the rows.
    label_smoothing : float
        The part of a class's target that all classes share, in [0, 1).
    hidden : sequence of int
        Units of each hidden layer.
    ensemble : int, optional
        How many networks answer together, by their mean; by default as the rows need.
    epochs : int, optional
        At most; it stops early. By default as many as the rows need.
    patience : int
        Epochs without a better loss on the rows to validate on, before it stops.
    batch_size : int, optional
        Rows a step; by default as the rows need.
    learning_rate : float
        The first step length of AdamW.
    dropout : float
        The part of the units that a step leaves out, in [0, 1).
    weight_decay : float
        By which part of a step length AdamW makes weights shrink at each step.
    bins : int
        In how many bins each number enters the network besides its value, 0 to 64.
    minutes : float, optional
        For how long to search hidden, batch_size, learning_rate, dropout, weight_decay and bins,
        those of them that are as by default, by the rows to stop by. The first trial is of the
        parameters as given, and others must beat it by more than noise. ``trials_`` tells them.
    validation : float
        The part of the rows that is held out to stop by, in (0, 1).
    split_by : str, optional
        A column of which no value is both among the rows to train on and those to stop by. It is
        not read. Score with scikit-learn's `GroupKFold` then.
    time : str, optional
        A column of dates or numbers; the latest rows are to stop by. Score with scikit-learn's
        `TimeSeriesSplit` then, or by later rows.
    decimal, thousands, dates, missing
        How texts write numbers, dates and missing values, as of `TabularEncoder`.
    random_state : int, RandomState or None
        An int gives the same network each time.
    verbose : bool
        Whether a line tells of the training now and then.
    reproducible : bool
        Whether the weights must have the same bits on every machine
        (docs/how-to/reproducible); the networks then do not start as a linear model.

    Attributes
    ----------
    classes_ : (classes,) array
    columns_, ignored_ : dict of str to str
        What each column is to the network, and why others are left out.
    history_ : History
        The losses of each epoch.
    trials_ : list of dict
        What was tried in ``minutes``, in order: the settings, their "score", its standard "error"
        beside the first trial's, how many "networks" were trained in how many "seconds", and
        whether it was "chosen".
    model_ : TableModel
        What `adjoint fit` keeps in a folder.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only if all columns of the frame had names that are texts.

    See Also
    --------
    TabularRegressor : The same for numbers.
    MLPClassifier : scikit-learn's network, for columns of numbers and categories.

    Examples
    --------
    >>> import pandas as pd
    >>> from adjoint.estimators import TabularClassifier
    >>> frame = pd.DataFrame({
    ...     "age": [f"{20 + i % 50} years" for i in range(200)],
    ...     "town": ["Oslo", "Rome", None, "Kyiv"] * 50,
    ... })
    >>> y = ["old" if i % 50 > 25 else "young" for i in range(200)]
    >>> model = TabularClassifier(epochs=40, learning_rate=0.01, random_state=0).fit(frame, y)
    >>> print(model.columns_["age"])
    number, 20 to 69; in years, '39 years' is 39
    >>> model.predict(pd.DataFrame({"age": ["21 years", "60 years"], "town": ["Rome", "Oslo"]}))
    array(['young', 'old'], dtype='<U5')
    >>> model.score(frame, y) > 0.95
    True
    """

    task = "classification"
    classes_: Array

    def __init__(
        self,
        *,
        metric: str | None = _DEFAULTS.metric,
        class_weight: ClassWeight | None = _DEFAULTS.class_weight,
        label_smoothing: float = _DEFAULTS.label_smoothing,
        hidden: Sequence[int] = _DEFAULTS.hidden,
        ensemble: int | None = _DEFAULTS.ensemble,
        epochs: int | None = _DEFAULTS.epochs,
        patience: int = _DEFAULTS.patience,
        batch_size: int | None = _DEFAULTS.batch_size,
        learning_rate: float = _DEFAULTS.learning_rate,
        dropout: float = _DEFAULTS.dropout,
        weight_decay: float = _DEFAULTS.weight_decay,
        bins: int = _DEFAULTS.bins,
        minutes: float | None = None,
        validation: float = _DEFAULTS.validation,
        split_by: str | None = _DEFAULTS.split_by,
        time: str | None = _DEFAULTS.time,
        decimal: str | None = None,
        thousands: str | None = None,
        dates: str | None = None,
        missing: Sequence[str] = (),
        random_state: RandomState = None,
        verbose: bool = False,
        reproducible: bool = _DEFAULTS.reproducible,
    ) -> None:
        super().__init__(
            metric=metric,
            hidden=hidden,
            ensemble=ensemble,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            dropout=dropout,
            weight_decay=weight_decay,
            bins=bins,
            minutes=minutes,
            validation=validation,
            split_by=split_by,
            time=time,
            decimal=decimal,
            thousands=thousands,
            dates=dates,
            missing=missing,
            random_state=random_state,
            verbose=verbose,
            reproducible=reproducible,
        )
        self.class_weight, self.label_smoothing = class_weight, label_smoothing

    def _own_settings(self) -> dict[str, Any]:
        number(0, 1)("label_smoothing", self.label_smoothing)
        weight = self.class_weight
        is_name = isinstance(weight, str) and weight == "balanced"
        if not (weight is None or is_name or isinstance(weight, Mapping)):
            raise ValueError(f'class_weight: expected "balanced", a dict or None, got {weight!r}')
        # Weights of single classes become those of their rows.
        return {"class_weight": "balanced" if is_name else None}

    def _class_weights(self, targets: Array) -> Array | None:
        if not isinstance(self.class_weight, Mapping):
            return None
        weights: Array = compute_sample_weight(dict(self.class_weight), self.classes_[targets])
        if not (np.isfinite(weights) & (weights >= 0)).all():
            raise ValueError("class_weight: expected finite numbers from 0")
        return weights

    def _read_targets(self, y: Any, rows: int) -> Array:
        y = column_or_1d(_checked(self, y, rows), warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class, {self.classes_.tolist()[0]!r}: there is nothing to tell apart; "
                "at least two are needed"
            )
        return codes

    def predict_proba(self, X: ArrayLike | DataFrame) -> Array:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : frame or (n, columns) array

        Returns
        -------
        (n, classes) array, in the order of ``classes_``
        """
        # The labels of the model are the places of the classes, in their order.
        return np.asarray(self._outputs(X))

    def predict(self, X: ArrayLike | DataFrame) -> Array:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : frame or (n, columns) array

        Returns
        -------
        (n,) array of the classes' type
        """
        chances = self.predict_proba(X)
        return np.asarray(self.classes_[chances.argmax(axis=1)])

    def score(
        self, X: ArrayLike | DataFrame, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the accuracy, or what ``metric`` says; more is better.

        Parameters
        ----------
        X : frame or (n, columns) array
        y : (n,) array
        sample_weight : (n,) array, optional
        """
        refuse_missing(y)
        outputs = self.predict_proba(X)
        return score_of_classes(self.metric, outputs, y, self.classes_, sample_weight)


class TabularRegressor(RegressorMixin, TabularNetwork):  # type: ignore[misc]
    """A network that predicts a number for the rows of a frame, whatever its columns hold.

    It does what `adjoint fit` does with a table in a file, as `TabularClassifier` does, which has
    the parameters.

    Parameters
    ----------
    metric : str, optional
        What `score` returns: "r2", which it is by default, or "mae" or "rmse" with its sign
        changed, so that more is better; of quantiles "pinball_loss", likewise.
    quantiles : float or sequence of float
        Which quantiles to predict, rising, between 0 and 1; by default none, but the mean. `score`
        is then the share of the pinball loss that constant quantiles have and these do not have,
        as of scikit-learn's `d2_pinball_score`, on average over the quantiles.
    hidden, ensemble, epochs, patience, batch_size, learning_rate, dropout, weight_decay, \
bins, minutes, validation, split_by, time, decimal, thousands, dates, missing, random_state, \
verbose, reproducible
        As of `TabularClassifier`.

    Attributes
    ----------
    columns_, ignored_, history_, model_, n_features_in_, feature_names_in_
        As of `TabularClassifier`.

    See Also
    --------
    TabularClassifier : The same for classes.
    MLPRegressor : scikit-learn's network, for columns of numbers and categories.

    Examples
    --------
    >>> import pandas as pd
    >>> from adjoint.estimators import TabularRegressor
    >>> frame = pd.DataFrame({
    ...     "area": [f"{20 + i % 50} m²" for i in range(200)],
    ...     "town": ["Oslo", "Rome", None, "Kyiv"] * 50,
    ... })
    >>> rent = [12.0 * (20 + i % 50) + 200 * (i % 4 == 0) for i in range(200)]
    >>> model = TabularRegressor(epochs=100, learning_rate=0.01, random_state=0).fit(frame, rent)
    >>> model.score(frame, rent) > 0.9
    True
    """

    task = "regression"

    def __init__(
        self,
        *,
        metric: str | None = _DEFAULTS.metric,
        quantiles: float | Sequence[float] | None = _DEFAULTS.quantiles,
        hidden: Sequence[int] = _DEFAULTS.hidden,
        ensemble: int | None = _DEFAULTS.ensemble,
        epochs: int | None = _DEFAULTS.epochs,
        patience: int = _DEFAULTS.patience,
        batch_size: int | None = _DEFAULTS.batch_size,
        learning_rate: float = _DEFAULTS.learning_rate,
        dropout: float = _DEFAULTS.dropout,
        weight_decay: float = _DEFAULTS.weight_decay,
        bins: int = _DEFAULTS.bins,
        minutes: float | None = None,
        validation: float = _DEFAULTS.validation,
        split_by: str | None = _DEFAULTS.split_by,
        time: str | None = _DEFAULTS.time,
        decimal: str | None = None,
        thousands: str | None = None,
        dates: str | None = None,
        missing: Sequence[str] = (),
        random_state: RandomState = None,
        verbose: bool = False,
        reproducible: bool = _DEFAULTS.reproducible,
    ) -> None:
        super().__init__(
            metric=metric,
            hidden=hidden,
            ensemble=ensemble,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            dropout=dropout,
            weight_decay=weight_decay,
            bins=bins,
            minutes=minutes,
            validation=validation,
            split_by=split_by,
            time=time,
            decimal=decimal,
            thousands=thousands,
            dates=dates,
            missing=missing,
            random_state=random_state,
            verbose=verbose,
            reproducible=reproducible,
        )
        self.quantiles = quantiles

    def _own_settings(self) -> dict[str, Any]:
        try:
            given = () if self.quantiles is None else self.quantiles
            levels = np.asarray(given, dtype=object).ravel().tolist()
            return {"quantiles": check_quantiles(levels)}
        except ValueError as error:
            raise ValueError(f"quantiles: {error}") from None

    def _read_targets(self, y: Any, rows: int) -> Array:
        y = _checked(self, y, rows)
        if y.ndim < 2 or y.shape[1] < 2:
            y = column_or_1d(y, warn=True)
        if y.dtype.kind in "Mm":
            raise TypeError(
                f"y holds {y.dtype}, which is no number; its unit decides, as in "
                "(y - y.min()) / np.timedelta64(1, 'D')"
            )
        return np.asarray(check_array(y, ensure_2d=False, dtype=np.float64, input_name="y"))

    def predict(self, X: ArrayLike | DataFrame) -> Array:
        """Return a number for each row, or several: a target or a quantile each.

        Parameters
        ----------
        X : frame or (n, columns) array

        Returns
        -------
        (n,), (n, targets) or (n, quantiles) array of float64
        """
        found = np.asarray(self._outputs(X))
        is_one = isinstance(self.quantiles, Real)
        return found.ravel() if is_one else found

    def score(
        self, X: ArrayLike | DataFrame, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return R², of several targets its mean, or what ``metric`` says; more is better.

        Parameters
        ----------
        X : frame or (n, columns) array
        y : (n,) or (n, targets) array
        sample_weight : (n,) array, optional
        """
        refuse_missing(y)
        outputs, levels = np.asarray(self._outputs(X)), self.model_.target.quantiles
        return score_of_numbers(self.metric, outputs, y, levels, sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        has_quantiles = self.quantiles is not None and np.size(self.quantiles) > 0
        tags.target_tags.multi_output = not has_quantiles
        # The share of a pinball loss that is gone is less than that of squares.
        tags.regressor_tags.poor_score = has_quantiles
        return tags


def _checked(estimator: BaseEstimator, y: Any, rows: int) -> Array:
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


def _seed(random_state: RandomState) -> int:
    """Return the seed of the training: an int is that of `adjoint fit --seed`."""
    if isinstance(random_state, (int, np.integer)):
        if not 0 <= random_state < 2**32:
            raise ValueError(f"random_state: expected 0 to 2**32 - 1, got {random_state}")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
