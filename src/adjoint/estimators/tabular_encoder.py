"""A tabular encoder turns the columns of a frame into numbers, as the commands for tables do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ..core.annotations import Array, ArrayLike
from ..errors import choose
from ..tables.column import Column
from ..tables.encoder import DTYPE, Encoder, conventions_of, row_counters
from .tables import DataFrame
from .tabular_reader import TabularReader, unchanged_by_errors

CATEGORIES = ("codes", "one-hot")


class TabularEncoder(TransformerMixin, TabularReader, BaseEstimator):  # type: ignore[misc]
    """Turns the columns of a frame into numbers, whatever they hold, as `adjoint fit` does.

    What a column is gets learnt from its values. Texts may be numbers as people write them
    ("$1,234.50", "12,5 %"), dates or categories; "", "NA", "?" and their like are missing. A column
    that says nothing is left out: one that is always the same, that counts the rows, that repeats
    another, or whose texts say who a row is.

    A number becomes its rank among those of the fit, between -√3 and √3; one outside of them is
    taken as the nearest. Where there are more than two values, a column beside it has the value
    itself: less the median, by the range of the middle half, and smoothly within ±3. If some were
    missing, another column has a 1 where one is, and the number is that of the median, 0.

    A date becomes the rank of its time, and what varies of its year, month, weekday and hour.

    A category becomes a whole number from 1 in the order of the names; 0 stands for all that were
    in fewer than three rows or not there. Missing ones have the last number.

    Parameters
    ----------
    categories : {"codes", "one-hot"}
        Whether a category is one column with its number, as trees and embeddings want it, or a
        column of 0 and 1 for each, as linear models want it.
    decimal : {None, ".", ","}
        The mark before decimals in texts; by default the columns show it.
    thousands : {None, ",", ".", " ", "'"}
        The mark between thousands in texts; by default the columns show it.
    dates : {None, "dmy", "mdy"}
        Whether the day or the month comes first in texts; by default the columns show it.
    missing : sequence of str
        Texts that stand for missing values besides the usual ones.

    Attributes
    ----------
    encoder_ : Encoder
        What the folder of a table's model keeps, too.
    columns_ : dict of str to str
        What each column is that becomes numbers, as `adjoint fit` says it.
    ignored_ : dict of str to str
        Why the others are left out.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only if all columns of the frame had names that are texts.

    See Also
    --------
    TabularClassifier, TabularRegressor : Networks that read frames so.

    Examples
    --------
    >>> import pandas as pd
    >>> from adjoint.estimators import TabularEncoder
    >>> frame = pd.DataFrame({
    ...     "price": ["$1,200", "$80", "n/a", "$950", "$1,100", "$120"] * 5,
    ...     "town": ["Oslo", "Rome", "Oslo", None, "Rome", "Oslo"] * 5,
    ... })
    >>> encoder = TabularEncoder().set_output(transform="pandas").fit(frame)
    >>> encoder.transform(frame[:4])
          price  price_value  price_missing  town
    0  1.732...     0.254...            0.0   1.0
    1 -1.732...    -0.851...            0.0   2.0
    2  0.000...     0.000...            1.0   1.0
    3  0.000...     0.000...            0.0   3.0
    >>> print(encoder.columns_["town"])
    category, some missing, 2 values: Oslo, Rome
    >>> encoder.treated(pd.DataFrame({"price": ["$9,000"], "town": ["Bergen"]}))
    {'price: outside of 80 to 1200, taken as the nearest': 1, 'town: a category that was rare or not there': 1}
    """  # noqa: E501

    def __init__(
        self,
        *,
        categories: str = "codes",
        decimal: str | None = None,
        thousands: str | None = None,
        dates: str | None = None,
        missing: Sequence[str] = (),
    ) -> None:
        self.categories, self.missing = categories, missing
        self.decimal, self.thousands, self.dates = decimal, thousands, dates

    def fit(self, X: ArrayLike | DataFrame, y: object = None) -> Self:
        """Learn what the columns are.

        Parameters
        ----------
        X : frame or (n, columns) array
            A frame of pandas, polars or Arrow, or another that speaks Arrow's PyCapsule protocol.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no column to learn from, or a parameter is none of those named above.
        """
        choose("categories", self.categories, CATEGORIES)
        given = self._conventions()
        with unchanged_by_errors(self):
            table = self._read(X, is_first=True)
            self.encoder_ = Encoder.fit(
                table,
                skip=(),
                conventions=conventions_of(table, given),
                ignored=row_counters(table, [name for name in table.column_names[:1] if not name]),
            )
        return self

    def transform(self, X: ArrayLike | DataFrame) -> Any:
        """Return the rows as numbers.

        Parameters
        ----------
        X : frame or (n, columns) array
            With the columns of the fit.

        Returns
        -------
        (n, features) array of float32, or a frame if `set_output` says so

        Raises
        ------
        ValueError
            If a column is of another kind than in the fit.
        """
        rows = self._encoded(X, Counter())
        return one_hot(rows, self.encoder_) if self.categories == "one-hot" else rows

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : array of str, optional
            Names of the columns of X, if the fit saw an array; else those that it saw.

        Returns
        -------
        (features,) array of str objects
        """
        check_is_fitted(self)
        given = _check_feature_names_in(self, input_features)
        names = dict(zip(self._names, given.tolist(), strict=True))
        found = [
            name.replace(column.name, names[column.name], 1)
            for column in self.encoder_.columns
            for name in self._names_of(column)
        ]
        return np.array(list(_unique(found)), dtype=object)

    def _names_of(self, column: Column) -> list[str]:
        if column.kind == "category" and self.categories == "one-hot":
            return [f"{column.name}_{name}" for name in column.category_names()]
        return column.feature_names()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def one_hot(rows: Array, encoder: Encoder) -> Array:
    """Return encoded rows with a column of 0 and 1 for each category instead of its number."""
    categories = encoder.categories()
    parts = [
        np.eye(categories[place].count, dtype=DTYPE)[rows[:, place].astype(np.int64)]
        if place in categories
        else rows[:, [place]]
        for place in range(rows.shape[1])
    ]
    return np.hstack(parts)


def _unique(names: Sequence[str]) -> Iterator[str]:
    """Yield names, a number behind each that was there before."""
    seen: set[str] = set()
    for name in names:
        tries = (name if i == 1 else f"{name}_{i}" for i in count(1))
        free = next(
            each for each in tries if each not in seen and (each == name or each not in names)
        )
        seen.add(free)
        yield free
