"""Arrow's files, Parquet and Feather, hold tables whose columns have types."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ...data.row_groups import PARQUET, RowGroups, schema_of_all
from ...errors import TableError
from ..values import plain
from .dialect import counted, unique_names

_ROWS = 16_384


class _Typed:
    """A table whose columns have types, and names in a schema."""

    notes: tuple[str, ...] = ()
    names: list[str]

    def _named(self, blocks: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for block in blocks:
            yield pyarrow.RecordBatch.from_arrays(list(map(plain, block.columns)), self.names)


class ParquetFile(_Typed):
    """A table in a file of Parquet."""

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet

        self._path = path
        with parquet.ParquetFile(path) as file:
            self.names = unique_names(file.schema_arrow.names)

    def groups(self) -> RowGroups:
        """Return its row groups."""
        from pyarrow import dataset

        return RowGroups(dataset.dataset(self._path, format="parquet"))

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows."""
        from pyarrow import parquet

        with parquet.ParquetFile(self._path) as file:
            yield from self._named(file.iter_batches(_ROWS))


class FeatherFile(_Typed):
    """A table in a file of Feather, also called Arrow's file format, or in a stream of Arrow's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self._is_file = file.read(6) == b"ARROW1"
        with self._opened() as file:
            self.names = unique_names(file.schema.names)

    def _opened(self) -> Any:
        import pyarrow
        from pyarrow import ipc

        source = pyarrow.OSFile(str(self._path))
        return ipc.open_file(source) if self._is_file else ipc.open_stream(source)

    def blocks(self) -> Iterator[Any]:
        """Yield record batches as they were written."""
        with self._opened() as opened:
            if self._is_file:
                places = range(opened.num_record_batches)
                yield from self._named(opened.get_batch(place) for place in places)
            else:
                yield from self._named(opened)


class ParquetFolder(_Typed):
    """Files of Parquet that are one table: those in a folder, or of a pattern; also partitions.

    It has the columns of all files, each of a type that holds the values of all of them.

    Parameters
    ----------
    paths : list of Path
    folder : Path, optional
        Where they are: names of folders below it, as ``year=2024``, are values of partitions.

    Raises
    ------
    TableError
        If a file is none of Parquet.
    """

    def __init__(self, paths: list[Path], folder: Path | None = None) -> None:
        from pyarrow import dataset, fs

        strange = [path for path in paths if path.suffix.lower() not in PARQUET]
        if strange:
            raise TableError(f"several files are one table if all are Parquet; {strange[0]} is not")
        within, names = None, [str(path) for path in paths]
        if folder is not None:
            within = fs.SubTreeFileSystem(str(folder.resolve()), fs.LocalFileSystem())
            names = [path.relative_to(folder).as_posix() for path in paths]
        how = {"format": "parquet", "partitioning": "hive", "filesystem": within}
        found = dataset.dataset(names, **how)
        schema = schema_of_all(found)
        self._dataset = dataset.dataset(names, schema=schema, **how)
        self.names = unique_names(schema.names)
        self.notes = tuple(_absent(found))

    def groups(self) -> RowGroups:
        """Return its row groups."""
        return RowGroups(self._dataset)

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows, file by file in the order of their names."""
        from pyarrow import dataset

        yield from self._named(
            batch
            for batch in self._dataset.to_batches(
                batch_size=_ROWS,
                # By default Arrow reads four whole files and sixteen blocks ahead.
                batch_readahead=1,
                fragment_readahead=1,
                fragment_scan_options=dataset.ParquetFragmentScanOptions(pre_buffer=False),
            )
            if batch.num_rows
        )


def _absent(dataset: Any) -> Iterator[str]:
    """Say of each column that some files lack in how many its values count as missing."""
    names = {file.path: file.physical_schema.names for file in dataset.get_fragments()}
    for name in dict.fromkeys(chain.from_iterable(names.values())):
        without = [path for path, own in names.items() if name not in own]
        if without:
            yield (
                f"no column {name!r} in {counted(len(without), 'file')} of {len(names)}, as "
                f"{without[0]}: its values are missing there"
            )
