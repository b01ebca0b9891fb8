"""A table is what estimators are given as X: its columns become numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_X_y, validate_data

from ..core.annotations import Array, ArrayLike
from ..core.operand import refuse_subclass
from ..core.reproducibility import is_reproducible, ordered_sum
from ..data.rows import as_numbers, is_missing
from ..errors import require

# What numbers are trained on in; others become the first.
_DTYPES = (np.float64, np.float32)


class DataFrame(Protocol):
    """A table of pandas, polars or their kind."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns there are."""


class Sparse(Protocol):
    """A sparse matrix of SciPy."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns there are."""

    def toarray(self) -> Array:
        """Return the matrix as an array."""


class Series(Protocol):
    """A column of a frame."""

    dtype: Any

    def to_list(self) -> list[Any]:
        """Return the entries."""


# What an estimator takes as X and as y, and what names some columns of X.
Table = ArrayLike | DataFrame | Sparse
Targets = ArrayLike | Sparse
Columns = str | Sequence[int | str] | None


class TableEncoder:
    """Turns categories into their numbers, and fills in what is missing.

    The categories of a column are numbered from 1 in their order; 0 stands for one that was not
    there when it was fitted, or is missing. A missing number is an error, or becomes the mean of
    its column with a 1 in a column of its own, which comes after all others.

    Parameters
    ----------
    categorical : "auto", list of int or str, or None
        Which columns are categories; "auto" takes those of a frame that hold texts, categories or
        truth values.
    missing : {"error", "mean"}

    Attributes
    ----------
    categories : dict of int to int
        How many numbers each of those columns has, by its place.
    levels : dict of int to list
        The categories of each, in order.
    """

    def __init__(self, categorical: Columns, missing: str) -> None:
        self.categorical, self.missing = categorical, missing
        self.categories: dict[int, int] = {}
        self.levels: dict[int, list[Any]] = {}
        self.means: Array | None = None
        self.marked: Array | None = None

    def fit(self, X: Array | DataFrame) -> None:
        """Learn categories and means."""
        columns = _columns(X)
        self.levels = {
            place: _levels(columns[place][1]) for place in self._categorical_places(columns)
        }
        self.categories = {place: len(levels) + 1 for place, levels in self.levels.items()}
        if self.missing == "mean":
            numbers = self._numbers(columns)
            numeric = np.ones(numbers.shape[1], bool)
            numeric[list(self.levels)] = False
            gaps = np.isnan(numbers)
            self.marked = np.flatnonzero(gaps.any(axis=0) & numeric)
            known = _sum(np.where(gaps, 0, numbers))
            self.means = known / np.maximum((~gaps).sum(axis=0), 1)

    def transform(self, X: Array | DataFrame) -> Array:
        """Return the columns as floats; those that are marked for missing numbers come last."""
        columns = _columns(X)
        numbers = self._numbers(columns)
        if self.means is None or self.marked is None:
            if is_frame(X):
                _refuse_gaps(numbers, [name for name, _ in columns])
            return numbers
        gaps = np.isnan(numbers)
        filled = np.where(gaps, self.means.astype(numbers.dtype), numbers)
        return np.hstack([filled, gaps[:, self.marked].astype(numbers.dtype)])

    def _numbers(self, columns: list[tuple[str, Array | Series]]) -> Array:
        parts = [
            _codes(values, self.levels[place]) if place in self.levels else _floats(name, values)
            for place, (name, values) in enumerate(columns)
        ]
        return np.column_stack(parts)

    def _categorical_places(self, columns: list[tuple[str, Array | Series]]) -> list[int]:
        """Return where the categories are."""
        if self.categorical is None:
            return []
        if isinstance(self.categorical, str):
            if self.categorical != "auto":
                raise ValueError(
                    f'categorical_features: expected "auto", a list or None, got '
                    f"{self.categorical!r}"
                )
            return [i for i, (_, values) in enumerate(columns) if _holds_categories(values)]
        names = [name for name, _ in columns]
        return sorted(self._place(one, names) for one in self.categorical)

    @staticmethod
    def _place(column: int | str, names: list[str]) -> int:
        if isinstance(column, str) and column in names:
            return names.index(column)
        if isinstance(column, (int, np.integer)) and 0 <= column < len(names):
            return int(column)
        raise ValueError(
            f"categorical_features: no column {column!r}; there are {len(names)}: "
            f"{', '.join(map(str, names[:10]))}"
        )


def _sum(x: Array) -> Array:
    """Return the sum over the first axis."""
    return ordered_sum(x) if is_reproducible() else np.asarray(x.sum(axis=0))


def is_frame(X: object) -> TypeGuard[DataFrame]:
    """Return whether X is a frame of pandas, polars or their kind."""
    # Told by its attributes, so that no library of frames has to be imported.
    return hasattr(X, "columns") and hasattr(X, "shape") and not isinstance(X, np.ndarray)


def is_sparse(X: object) -> TypeGuard[Sparse]:
    """Return whether X is a sparse matrix."""
    return hasattr(X, "toarray")


def _columns(X: Array | DataFrame) -> list[tuple[str, Array | Series]]:
    """Return the names and the values of the columns, an array each."""
    if isinstance(X, np.ndarray):
        return [(str(i), X[:, i]) for i in range(X.shape[1])]
    narwhals = require("narwhals", extra="sklearn", purpose="a frame as X")
    frame = narwhals.from_native(X, eager_only=True)
    return [(str(column.name), column) for column in frame.iter_columns()]


def _holds_categories(values: Array | Series) -> bool:
    return not (isinstance(values, np.ndarray) or values.dtype.is_numeric())


def _levels(values: Array | Series) -> list[Any]:
    """Return the categories of a column in order, missing ones left out."""
    found = {value for value in _items(values) if not is_missing(value)}
    try:
        return sorted(found)
    except TypeError:  # of several types
        return sorted(found, key=lambda value: (type(value).__name__, str(value)))


def _codes(values: Array | Series, levels: list[Any]) -> Array:
    """Return the number of each category, 0 for one that is unknown."""
    numbers = {level: float(number) for number, level in enumerate(levels, 1)}
    return np.array([0.0 if is_missing(x) else numbers.get(x, 0.0) for x in _items(values)])


def _items(values: Array | Series) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values.to_list()


def _floats(name: str, values: Array | Series) -> Array:
    """Return a column of numbers; what is missing is NaN."""
    if isinstance(values, np.ndarray):
        return values
    try:
        items = [np.nan if is_missing(value) else float(value) for value in values.to_list()]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"column {name!r} holds {error}, which is no number; name it among the "
            "categorical_features, or convert it"
        ) from None
    return np.array(items, np.float64)


def _refuse_gaps(numbers: Array, names: list[str]) -> None:
    gaps = np.argwhere(np.isnan(numbers))
    if gaps.size:
        row, column = gaps[0].tolist()
        raise ValueError(
            f"Input X contains NaN: column {names[column]!r} misses a number in row {row}; fill it "
            "in, or use an MLPClassifier or MLPRegressor with missing='mean'"
        )


def read_rows(
    estimator: BaseEstimator, X: Table, y: Targets, encoder: TableEncoder, *, is_first: bool
) -> tuple[Array, Array]:
    """Return X as floats, and y checked: rows to fit to."""
    refuse_subclass(X, y)
    refuse_missing(y)
    if not is_frame(X):
        rows, targets = validate_data(
            estimator,
            without_objects(X),
            y,
            multi_output=True,
            reset=is_first,
            skip_check_array=_is_sound_table(X) and _is_sound(y) and len(y) == len(X),
            **_accepted(encoder),
        )
        numbers = _dense(rows)
        if is_first:
            encoder.fit(numbers)
        return encoder.transform(numbers), targets
    if y is None:
        validate_data(estimator, X, y)  # which says that y is missing
    # Scikit-learn notes only the names of the columns here, which may be of any type. What they are
    # encoded to is checked below.
    validate_data(estimator, X, y, skip_check_array=True, reset=is_first)
    if is_first:
        encoder.fit(X)
    return check_X_y(encoder.transform(X), y, multi_output=True)  # type: ignore[no-any-return]


def refuse_missing(y: Targets | None) -> None:
    """Refuse targets of which some are missing, where scikit-learn would stumble over them.

    Raises
    ------
    ValueError
        It names the first.
    """
    # scikit-learn itself refuses NaN in arrays of numbers, sparse ones included.
    if (
        y is None
        or hasattr(y, "toarray")
        or (isinstance(y, np.ndarray) and y.dtype.kind in "fiubUS")
    ):
        return
    array = np.asarray(y)
    if array.dtype.kind not in "fOMm":
        return
    for place in np.ndindex(array.shape):
        if is_missing(array[place]):
            raise ValueError(
                f"Input y contains {array[place]}, a missing value, at row {(*place, 0)[0]}; drop "
                "such rows, as X[y.notna()] does, or fill them in"
            )


def without_objects(X: Table) -> Table:
    """Return rows that are objects, as a frame with gaps gives them, as numbers and NaN."""
    if not (isinstance(X, np.ndarray) and X.dtype.kind == "O"):
        return X
    if any(isinstance(x, (str, bytes, dict, list)) for x in X.flat):
        return X  # scikit-learn says what is wrong, or converts it
    return as_numbers("X", X)


def read_features(estimator: BaseEstimator, X: Table, encoder: TableEncoder) -> Array:
    """Return X as floats: rows to predict."""
    refuse_subclass(X)
    if is_frame(X):
        validate_data(estimator, X, skip_check_array=True, reset=False)
        return check_array(encoder.transform(X))  # type: ignore[no-any-return]
    rows = validate_data(
        estimator,
        without_objects(X),
        reset=False,
        skip_check_array=_is_sound_table(X),
        **_accepted(encoder),
    )
    return encoder.transform(_dense(rows))


def _accepted(encoder: TableEncoder) -> dict[str, Any]:
    return {
        "accept_sparse": ["csr", "csc"],
        "dtype": _DTYPES,
        "ensure_all_finite": "allow-nan" if encoder.missing == "mean" else True,
    }


def _is_sound_table(X: Table) -> TypeGuard[Array]:
    """Return whether scikit-learn's checks, which take longer than to look, would give X itself."""
    return _is_sound(X) and X.ndim == 2 and X.dtype in _DTYPES


def _is_sound(given: object) -> TypeGuard[Array]:
    """Return whether it is a plain array of rows: numbers, all of them finite, or texts."""
    if type(given) is not np.ndarray or given.ndim not in (1, 2) or not given.size:
        return False
    if given.dtype.kind != "f":
        return given.dtype.kind in "biuUS"
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(given.sum()))


def _dense(X: Array | Sparse) -> Array:
    return X if isinstance(X, np.ndarray) else X.toarray()
