"""A source is a table in a file, which is read in blocks of rows."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import TableError, require

_ROWS = 16_384
_BLOCK_BYTES = 1 << 20
_DELIMITERS = ",;\t|"
_KINDS = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".feather": "Feather",
    ".arrow": "Feather",
}
_COMPRESSED = (".gz", ".bz2", ".zst")
_BEGINNINGS = {b"PAR1": "Parquet", b"ARROW1": "Feather", b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip"}


class TableFile:
    """A table in a file: CSV, also compressed, Parquet or Feather, as its name says.

    Values of CSV are texts; the others have types of their own.

    Parameters
    ----------
    path : str or path

    Attributes
    ----------
    names : list of str
        The names of the columns.

    Raises
    ------
    TableError
        If the file is not there, not what its name says, empty, or has two columns of one name.
    ImportError
        If pyarrow is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        require("pyarrow", extra="cli", purpose="reading a table")
        self.path = Path(path)
        self._is_compressed = self.path.suffix.lower() in _COMPRESSED
        self.kind = self._kind()
        with self._told():
            self._check_beginning()
            self.names = self._read_names()
        self._check_names()

    def __str__(self) -> str:
        return str(self.path)

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows."""
        with self._told():
            yield from self._blocks()

    def read(self) -> Any:
        """Return all rows as one table."""
        import pyarrow

        blocks = list(self.blocks())
        if not sum(block.num_rows for block in blocks):
            raise TableError(f"{self}: no rows below the names of the columns")
        return pyarrow.Table.from_batches(blocks)

    # --- what there is ----------------------------------------------------------------------------

    def _kind(self) -> str:
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        if self._is_compressed:
            suffixes.pop()
        kind = _KINDS.get(suffixes[-1] if suffixes else "")
        if kind is None or (self._is_compressed and kind != "CSV"):
            raise TableError(
                f"{self}: unknown kind of file; expected .csv (also .csv.gz), .parquet or .feather"
            )
        return kind

    def _check_beginning(self) -> None:
        """Refuse a file whose first bytes are those of another kind than its name says."""
        if self.path.is_dir():
            raise TableError(f"{self}: a folder; expected a file")
        with self.path.open("rb") as file:
            start = file.read(6)
        if not start:
            raise TableError(f"{self}: the file is empty")
        found = next((kind for mark, kind in _BEGINNINGS.items() if start.startswith(mark)), "CSV")
        is_packed = self._is_compressed and found == "gzip"
        if found not in (self.kind, "CSV") and not is_packed:
            raise TableError(
                f"{self}: its name says {self.kind}, but it begins like a {found} file"
            )

    def _read_names(self) -> list[str]:
        if self.kind != "CSV":
            opened = self._opened()
            return list((opened.schema_arrow if self.kind == "Parquet" else opened.schema).names)
        with self._stream() as stream:
            head = stream.read(_BLOCK_BYTES)
        line = head.decode("utf-8-sig").lstrip("\r\n").partition("\n")[0].rstrip("\r")
        if not line.strip():
            raise TableError(f"{self}: the file is empty")
        self._delimiter = max(_DELIMITERS, key=line.count)
        names = [name.strip() for name in next(csv.reader([line], delimiter=self._delimiter))]
        return [name or f"column {place}" for place, name in enumerate(names, 1)]

    def _check_names(self) -> None:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise TableError(f"{self}: two columns are called {twice[0]!r}; rename one")

    # --- reading it -------------------------------------------------------------------------------

    def _stream(self) -> Any:
        import pyarrow

        return pyarrow.input_stream(str(self.path), compression="detect")

    def _opened(self) -> Any:
        if self.kind == "Parquet":
            from pyarrow import parquet

            return parquet.ParquetFile(self.path)
        from pyarrow import ipc

        return ipc.open_file(str(self.path))

    def _blocks(self) -> Iterator[Any]:
        if self.kind == "CSV":
            yield from self._csv_blocks()
        elif self.kind == "Parquet":
            yield from self._opened().iter_batches(_ROWS)
        else:
            opened = self._opened()
            yield from (opened.get_batch(i) for i in range(opened.num_record_batches))

    def _csv_blocks(self) -> Iterator[Any]:
        import pyarrow
        from pyarrow import csv as arrow_csv

        with self._stream() as stream:
            reader = arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(
                    column_names=self.names, skip_rows=1, block_size=_BLOCK_BYTES
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._delimiter, newlines_in_values=True
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pyarrow.string())
                ),
            )
            yield from reader

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in the terms of a table what cannot be read."""
        import pyarrow

        try:
            yield
        except FileNotFoundError:
            raise TableError(f"{self}: no such file") from None
        except UnicodeDecodeError:
            raise TableError(f"{self}: not text in UTF-8; save it as UTF-8 CSV") from None
        except (pyarrow.ArrowException, EOFError) as error:
            raise TableError(f"{self}: cannot be read as {self.kind}: {error}") from None
        except OSError as error:
            raise TableError(f"{self}: cannot be read: {error.strerror or error}") from None
