"""A table is what estimators are given as X: its columns become numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

Array = np.ndarray[Any, Any]


class TableEncoder:
    """Turns categories into their numbers and fills in what is missing.

    A category that was not there when it was fitted, and a missing one, have the number 0 each
    stands for itself. Missing numbers are an error, or become the mean of their column.

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
    """

    def __init__(self, categorical: Any, missing: str) -> None:
        self.categorical, self.missing = categorical, missing
        self.categories: dict[int, int] = {}
        self.levels: dict[int, list[Any]] = {}
        self.means: Array | None = None


def is_frame(X: Any) -> bool:
    """Return whether X is a frame of pandas, polars or their kind."""
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def read_table(
    estimator: Any, X: Any, y: Any, encoder: TableEncoder, *, reset: bool
) -> tuple[Array, Any]:
    """Return X as floats, and y checked; both as scikit-learn validates them."""
    settings: dict[str, Any] = {
        "accept_sparse": ["csr", "csc"],
        "dtype": (np.float64, np.float32),
        "reset": reset,
    }
    if y is None:
        X = validate_data(estimator, X, **settings)
    else:
        X, y = validate_data(estimator, X, y, multi_output=True, y_numeric=False, **settings)
    return (X.toarray() if hasattr(X, "toarray") else X), y
