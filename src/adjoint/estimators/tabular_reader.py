"""A tabular reader is an estimator whose X is a frame, read as the commands read tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import _num_features, check_is_fitted, validate_data

from ..core.annotations import Array, ArrayLike
from ..core.operand import refuse_subclass
from ..errors import require
from ..tables.conventions import Conventions
from ..tables.date_format import ORDERS
from ..tables.encoder import Encoder
from ..tables.frame import as_table, names_of
from .tables import DataFrame, is_frame

if TYPE_CHECKING:
    import pyarrow


class TabularReader:
    """An estimator whose X is a frame, read as the commands read tables; abstract.

    A subclass has the parameters that say how texts write numbers and dates, and sets ``encoder_``.
    """

    decimal: str | None
    thousands: str | None
    dates: str | None
    missing: Sequence[str]
    encoder_: Encoder

    def treated(self, X: ArrayLike | DataFrame) -> dict[str, int]:
        """Return how many values `transform` treats specially, by column and reason.

        Those are numbers and dates outside of the range of the fit, categories that were rare or
        not there, values that are missing where none was, and texts that are no number or date.

        Parameters
        ----------
        X : frame or (n, columns) array

        Returns
        -------
        dict of str to int
            Empty if there are none.
        """
        found = Counter[str]()
        self._encoded(X, found)
        return dict(sorted(found.items()))

    @property
    def columns_(self) -> dict[str, str]:
        """What each column is that becomes numbers."""
        check_is_fitted(self)
        return {column.name: str(column) for column in self.encoder_.columns}

    @property
    def ignored_(self) -> dict[str, str]:
        """Why the others are left out."""
        check_is_fitted(self)
        return dict(self.encoder_.ignored)

    def _conventions(self) -> Conventions:
        return as_conventions(self.decimal, self.thousands, self.dates, self.missing)

    def _read(self, X: ArrayLike | DataFrame, *, is_first: bool) -> pyarrow.Table:
        return read_table(self, X, is_first=is_first)

    def _encoded(self, X: ArrayLike | DataFrame, treated: Counter[str]) -> Array:
        check_is_fitted(self)
        return self.encoder_.encode(self._read(X, is_first=False), treated)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        holds = tags.input_tags
        holds.string = holds.categorical = holds.allow_nan = True
        return tags


@contextmanager
def unchanged_by_errors(estimator: BaseEstimator) -> Iterator[None]:
    """Give an estimator back the attributes that it had if a fit fails half-way."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def as_conventions(
    decimal: str | None, thousands: str | None, dates: str | None, missing: Sequence[str]
) -> Conventions:
    """Return conventions, checked.

    Raises
    ------
    ValueError
    """
    marks = (None, ".", ",")
    if decimal not in marks:
        raise ValueError(f"decimal: expected '.', ',' or None, got {decimal!r}")
    if thousands not in (*marks, " ", "'"):
        raise ValueError(f"thousands: expected ',', '.', ' ', \"'\" or None, got {thousands!r}")
    if decimal is not None and decimal == thousands:
        raise ValueError(f"thousands: {thousands!r} is the mark before decimals")
    if dates not in (None, *ORDERS):
        raise ValueError(f"dates: expected {', '.join(ORDERS)} or None, got {dates!r}")
    is_list = isinstance(missing, Iterable) and not isinstance(missing, str)
    if not is_list or not all(isinstance(word, str) for word in missing):
        raise ValueError(f"missing: expected a list of texts, got {missing!r}")
    return Conventions(decimal, thousands, dates, tuple(missing), options="")


def read_table(estimator: BaseEstimator, X: Any, *, is_first: bool) -> pyarrow.Table:
    """Return X as a table, checked by scikit-learn's rules; note its names if it is the first."""
    require("pyarrow", extra="cli", purpose=type(estimator).__name__)
    refuse_subclass(X)
    if callable(getattr(X, "collect", None)):
        raise TypeError(f"X: a {type(X).__name__} has no rows yet; give X.collect()")
    fewest = 2 if is_first else 1
    X = _as_scikit_knows(X)
    if is_frame(X):
        names_of(X)  # refuses names that are there twice
        validate_data(estimator, X, skip_check_array=True, reset=is_first)
        _check_size(X, fewest)
    else:
        X = validate_data(
            estimator,
            X,
            dtype=None,
            ensure_all_finite=False,
            ensure_min_samples=fewest,
            reset=is_first,
        )
    if is_first:
        estimator._names = names_of(X)
    # The columns have the places of the fit, whatever a plain array or numbers call them.
    return as_table(X, estimator._names)


def _as_scikit_knows(X: Any) -> Any:
    """Return a frame with names and a number of columns that scikit-learn finds."""
    import pyarrow

    return pyarrow.Table.from_batches([X]) if isinstance(X, pyarrow.RecordBatch) else X


def _check_size(X: DataFrame, fewest: int) -> None:
    rows, columns = X.shape[0], _num_features(X)
    if not columns:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={(rows, columns)}) while a minimum of 1 is "
            "required."
        )
    if rows < fewest:
        raise ValueError(
            f"Found array with {rows} sample(s) (shape={(rows, columns)}) while a minimum of "
            f"{fewest} is required."
        )
