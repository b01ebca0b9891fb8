"""Arrow's files, Parquet and Feather, hold tables whose columns have types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .dialect import unique_names

_ROWS = 16_384


class _Typed:
    """A table whose columns have types, and names in a schema."""

    notes: tuple[str, ...] = ()
    names: list[str]

    def _named(self, blocks: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for block in blocks:
            yield pyarrow.RecordBatch.from_arrays(block.columns, self.names)


class ParquetFile(_Typed):
    """A table in a file of Parquet."""

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet

        self._path = path
        with parquet.ParquetFile(path) as file:
            self.names = unique_names(file.schema_arrow.names)

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
    """Files of Parquet that are one table: those in a folder, or of a pattern; also partitions."""

    def __init__(self, paths: list[Path] | Path) -> None:
        from pyarrow import dataset

        source = str(paths) if isinstance(paths, Path) else [str(path) for path in paths]
        self._dataset = dataset.dataset(
            source, format="parquet", partitioning="hive", exclude_invalid_files=False
        )
        self.names = unique_names(self._dataset.schema.names)

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows, file by file in the order of their names."""
        yield from self._named(
            batch for batch in self._dataset.to_batches(batch_size=_ROWS) if batch.num_rows
        )
