"""A frame is a table in memory: of pandas, polars, Arrow or their kind, or a plain array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TableError, require

if TYPE_CHECKING:
    import pyarrow

# What no text of a cell stands for.
_CONTAINERS = (dict, list, tuple, set, frozenset, np.ndarray)


def names_of(X: Any) -> list[str]:
    """Return the names of a frame's columns, or x0, x1, … of an array's.

    Raises
    ------
    TableError
        If two columns have the same name.
    """
    pyarrow = require("pyarrow", extra="cli", purpose="the columns of a table")
    if isinstance(X, np.ndarray):
        return [f"x{place}" for place in range(X.shape[1])]
    is_arrow = isinstance(X, (pyarrow.Table, pyarrow.RecordBatch))
    names = [str(name) for name in (X.column_names if is_arrow else X.columns)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TableError(f"two columns are called {twice!r}; give each a name of its own")
    return names


def as_table(X: Any, names: Sequence[str]) -> pyarrow.Table:
    """Return a frame, or an array of two axes, as a table of Arrow.

    Parameters
    ----------
    X : frame or (n, columns) array
    names : sequence of str
        What to call the columns.

    Raises
    ------
    TableError
        If a column holds what Arrow has no type for.
    """
    pyarrow = require("pyarrow", extra="cli", purpose="the columns of a table")
    if isinstance(X, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([X]).rename_columns(list(names))
    if isinstance(X, pyarrow.Table):
        return X.rename_columns(list(names))
    if isinstance(X, np.ndarray) or hasattr(X, "iloc"):
        parts = [X[:, i] if isinstance(X, np.ndarray) else X.iloc[:, i] for i in range(X.shape[1])]
        columns = [as_column(name, part) for name, part in zip(names, parts, strict=True)]
        return pyarrow.table(dict(zip(names, columns, strict=True)))
    try:
        table = X.to_arrow() if hasattr(X, "to_arrow") else pyarrow.table(X)
    except pyarrow.ArrowException as error:
        raise TableError(
            f"a column of the {type(X).__name__} holds what Arrow has no type for ({error}); "
            "cast it to a usual type"
        ) from None
    return table.rename_columns(list(names))


def as_column(name: str, values: Any) -> Any:
    """Return an array or a series as a column of Arrow; objects of several types become texts."""
    import pyarrow

    kind = getattr(values.dtype, "kind", "")
    try:
        known = _known_to_arrow if isinstance(values, np.ndarray) else _without_types_of_pandas
        return pyarrow.array(known(values), from_pandas=True)
    except (TypeError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        if kind != "O":
            raise TableError(f"column {name!r} holds {values.dtype}: {error}") from None
    return pyarrow.array([_text(name, value) for value in values.tolist()], pyarrow.string())


def _known_to_arrow(values: Any) -> Any:
    """Return an array with a type that Arrow has too, of the same meaning."""
    kind = values.dtype.kind
    if kind in "Mm":  # Arrow lacks NumPy's hours and weeks
        return values.astype(f"{kind}8[us]")
    if kind == "f" and values.dtype.itemsize > 8:
        return values.astype(np.float64)
    return values.astype(object) if kind == "T" else values


def _without_types_of_pandas(values: Any) -> Any:
    """Return a series with a type that Arrow has too: a period is its first moment.

    An interval, as `pandas.cut` makes them, is a category by its text.
    """
    if hasattr(values, "sparse"):
        return values.sparse.to_dense()
    inner = getattr(getattr(values.dtype, "categories", values), "dtype", None)
    if str(inner).startswith("interval"):
        return values.astype(object).map(str, na_action="ignore")
    if str(inner).startswith("period"):
        return values.astype(inner).dt.to_timestamp()
    return values


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, _CONTAINERS):
        raise TypeError(
            f"column {name!r} holds a {type(value).__name__}; a value must be a string or a number"
        )
    is_missing = value is None or value != value or str(value) in ("<NA>", "NaT")
    return None if is_missing else str(value)
