"""Row groups are the pieces of which files of Parquet consist, each read by itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..errors import TableError, require
from .window import WINDOW, ByWindow, Told

if TYPE_CHECKING:
    from pathlib import Path

# How the names of files of Parquet end.
PARQUET = (".parquet", ".pq")


class RowGroups:
    """The row groups of a dataset of Arrow's that consists of files of Parquet.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
        Its schema is that of all groups.

    Attributes
    ----------
    sizes : list of int
        How many rows each group has; groups without rows are left out.
    bytes : list of int
        How many bytes each group takes, unpacked.

    Raises
    ------
    ValueError
        If the dataset does not consist of files of Parquet.
    TableError
        If a file is not there any more, was changed, or cannot be read; also from `read`.
    """

    def __init__(self, dataset: Any) -> None:
        self.schema = dataset.schema
        self._groups, self.sizes, self.bytes = [], [], []
        self._states: dict[str, tuple[Any, ...]] = {}
        for file in dataset.get_fragments():
            if not hasattr(file, "split_by_row_group"):
                raise ValueError("expected files of Parquet; other data come as one table")
            self._states[file.path] = self._state(file)
            with _readable(file.path):
                groups = file.split_by_row_group()
            for group in groups:
                about = group.row_groups[0]
                if about.num_rows:
                    self._groups.append(group)
                    self.sizes.append(about.num_rows)
                    self.bytes.append(about.total_byte_size)

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def identity(self) -> str:
        """A checksum of the names, the sizes and the times of the files."""
        told = sorted(f"{os.path.basename(path)} {s}" for path, s in self._states.items())
        return f"files of checksum {hashlib.sha256(repr(told).encode()).hexdigest()[:16]}"

    def read(self, place: int, columns: Sequence[str] | None = None) -> Any:
        """Return the rows of a group as a table of Arrow's."""
        group = self._groups[place]
        if self._state(group) != self._states[group.path]:
            raise TableError(f"{group.path}: the file was changed while it was read")
        names = None if columns is None else list(columns)
        with _readable(group.path):
            return group.to_table(schema=self.schema, columns=names, use_threads=False)

    def _state(self, file: Any) -> tuple[Any, ...]:
        [info] = file.filesystem.get_file_info([file.path])
        if not info.is_file:
            raise TableError(f"{file.path}: the file is not there any more")
        return info.size, info.mtime_ns


def schema_of_all(dataset: Any) -> Any:
    """Return the columns of all files, each of a type that holds the values of all of them."""
    import pyarrow

    schemas = [dataset.schema, *(file.physical_schema for file in dataset.get_fragments())]
    schema = pyarrow.unify_schemas(schemas, promote_options="permissive")
    return schema.remove_metadata()


@contextmanager
def _readable(place: Any) -> Iterator[None]:
    """Turn an error of Arrow's into one line that says what cannot be read."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(f"{place}: cannot be read: {' '.join(str(error).split())}") from None


def parquet_batches(
    source: Any,
    *,
    X: Sequence[str],
    y: str,
    batch_size: int = 32,
    window: int = WINDOW,
    shuffle: bool = True,
    seed: np.random.Generator | int | None = None,
    tell: Told = lambda epoch, rows, of: None,
) -> ByWindow:
    """Return batches of rows from files of Parquet, of which a window at a time is in memory.

    Parameters
    ----------
    source : path, pattern as ``parts/*.parquet``, list of paths, or pyarrow.dataset.Dataset
        A folder stands for all files in it whose names end in ``.parquet`` or ``.pq``.
    X : sequence of str
        Columns of numbers; only those of floats may lack values, which are NaN.
    y : str
        The column to predict: integers for classes, or floats, which have shape (n, 1) in a batch.
    batch_size, window, shuffle, seed, tell
        As for `ByWindow`; its blocks are the row groups.

    Returns
    -------
    ByWindow
        To be given to `fit` as data.

    Raises
    ------
    ValueError
        If there are no rows, or no such file or column, or X is empty, or a file cannot be read;
        while reading, if a file was changed or is gone, or integers lack values.
    TypeError
        While reading, if a column is not of numbers.
    ImportError
        If pyarrow is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, pyarrow
    >>> from pyarrow import parquet
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "points.parquet"
    >>> table = pyarrow.table({"a": np.arange(6.0), "b": np.ones(6), "label": np.arange(6) % 2})
    >>> parquet.write_table(table, path, row_group_size=2)
    >>> batches = parquet_batches(path, X=["a", "b"], y="label", batch_size=4, seed=0)
    >>> [(X.shape, y.tolist()) for X, y in batches(0)]
    [((4, 2), [1, 0, 1, 1]), ((2, 2), [0, 0])]
    """
    if not X:
        raise ValueError("X: expected the name of one column at least")
    groups = RowGroups(_dataset(source))
    absent = [name for name in (*X, y) if name not in groups.schema.names]
    if absent:
        names = ", ".join(groups.schema.names)
        raise ValueError(f"{source}: no column {absent[0]!r}; there are {names}")

    def read(place: int) -> tuple[Array, ...]:
        table = groups.read(place, list(dict.fromkeys([*X, y])))
        target = _numbers(table, y)
        target = target[:, np.newaxis] if target.dtype.kind == "f" else target
        return np.column_stack([_numbers(table, name) for name in X]), target

    return ByWindow(
        groups.sizes,
        read,
        batch_size=batch_size,
        window=window,
        shuffle=shuffle,
        seed=seed,
        tell=tell,
        identity=f"{groups.identity}, X {list(X)}, y {y}",
    )


def _dataset(source: Any) -> Any:
    import glob  # here, as below: a training on arrays needs none
    from pathlib import Path

    dataset = require("pyarrow.dataset", extra="cli", purpose="files of Parquet")
    if isinstance(source, dataset.Dataset):
        return source
    if isinstance(source, (list, tuple)):
        paths = [os.fspath(path) for path in source]
    elif os.path.isdir(source := os.fspath(source)):
        paths = [str(path) for path in files_in(Path(source))]
    elif not os.path.exists(source) and glob.has_magic(source):
        paths = sorted(glob.glob(source, recursive=True))
    else:
        paths = [source]
    if not paths:
        raise TableError(f"{source}: no file of Parquet is there")
    with _readable(source):
        found = dataset.dataset(paths, format="parquet")
        return dataset.dataset(paths, format="parquet", schema=schema_of_all(found))


def files_in(folder: Path) -> list[Path]:
    """Return the files of Parquet in a folder, also in those below it; Spark keeps hidden ones."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PARQUET
        and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    )


def _numbers(table: Any, name: str) -> Array:
    """Return a column of numbers or truth values; a missing float is NaN."""
    column = table[name]
    found = column.drop_null().to_numpy()
    if found.dtype.kind not in "fiub":
        raise TypeError(f"column {name!r} holds {column.type}; expected numbers")
    if not column.null_count:
        return np.asarray(found)
    if found.dtype.kind != "f":
        # They would be floats in some batches, and integers in others.
        raise ValueError(
            f"column {name!r} holds {column.type} and lacks values; drop such rows, or write it "
            "as floats"
        )
    return np.asarray(column.to_numpy(), found.dtype)
