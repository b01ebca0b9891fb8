"""A tabular regressor predicts numbers by the columns of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, column_or_1d
from sklearn.utils.validation import check_array

from ..core.annotations import Array, ArrayLike
from ..tables.settings import check_quantiles
from .parameters import RandomState
from .tables import DataFrame, refuse_missing
from .tabular_estimator import DEFAULTS, TabularEstimator, checked_targets
from .tabular_score import score_of_numbers


class TabularRegressor(RegressorMixin, TabularEstimator):  # type: ignore[misc]
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
        metric: str | None = DEFAULTS.metric,
        quantiles: float | Sequence[float] | None = DEFAULTS.quantiles,
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
        self.quantiles = quantiles

    def _own_settings(self) -> dict[str, Any]:
        try:
            given = () if self.quantiles is None else self.quantiles
            levels = np.asarray(given, dtype=object).ravel().tolist()
            return {"quantiles": check_quantiles(levels)}
        except ValueError as error:
            raise ValueError(f"quantiles: {error}") from None

    def _read_targets(self, y: Any, rows: int) -> Array:
        y = checked_targets(self, y, rows)
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
