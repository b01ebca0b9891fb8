"""A tabular classifier tells classes apart by the columns of a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from ..core.annotations import Array, ArrayLike
from ..data.row_weights import ClassWeight
from .parameters import RandomState, number
from .tables import DataFrame, refuse_missing
from .tabular_estimator import DEFAULTS, TabularEstimator, checked_targets
from .tabular_score import score_of_classes


class TabularClassifier(ClassifierMixin, TabularEstimator):  # type: ignore[misc]
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
        metric: str | None = DEFAULTS.metric,
        class_weight: ClassWeight | None = DEFAULTS.class_weight,
        label_smoothing: float = DEFAULTS.label_smoothing,
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
        y = column_or_1d(checked_targets(self, y, rows), warn=True)
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
