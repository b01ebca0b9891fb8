"""A table file is read in blocks of rows, whatever kind of file it is."""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...data.row_groups import RowGroups, files_in
from ...errors import TableError, require
from .arrow_files import FeatherFile, ParquetFile, ParquetFolder
from .compressed import COMPRESSED, opened
from .delimited import Delimited
from .dialect import counted
from .json_lines import JSONLines
from .workbook import Workbook

_KINDS = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".tab": "CSV",
    ".txt": "CSV",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".feather": "Feather",
    ".arrow": "Feather",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".xlsx": "Excel",
}
_TEXTS = ("CSV", "JSON lines")
_BEGINNINGS = {
    b"PAR1": "Parquet",
    b"ARROW1": "Feather",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "Excel",
    b"\xd0\xcf\x11\xe0": "old Excel (.xls)",
}


class TableFile:
    """A table in a file, of the kind that its name says, or in several files of Parquet.

    CSV (`.csv`, `.tsv`, `.txt`, also compressed as `.csv.gz`), lines of JSON (`.jsonl`), Parquet,
    Feather and Arrow (`.arrow`), a workbook of Excel (`.xlsx`); a folder or a pattern such as
    ``parts/*.parquet``; ``-`` for standard input. What comes through a pipe is told by its first
    bytes. Values of CSV, JSON and Excel are texts; the others have types of their own.

    Parameters
    ----------
    path : str or path
    encoding : str, optional
        The encoding of a text; by default its first bytes decide.
    sheet : str, optional
        The sheet of a workbook; by default the first one that has rows.

    Attributes
    ----------
    names : list of str
        The names of the columns.
    notes : list of str
        What was passed over, and what had to be decided.

    Raises
    ------
    TableError
        If the file is not there, not what its name says, or empty.
    ImportError
        If pyarrow is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        encoding: str | None = None,
        sheet: str | None = None,
    ) -> None:
        require("pyarrow", extra="cli", purpose="reading a table")
        self.path, self._encoding, self._sheet = Path(path), encoding, sheet
        self.kind = "table"
        with self.told():
            self._reader = self._find_reader()
        self.names = list(self._reader.names)

    def __str__(self) -> str:
        return "standard input" if str(self.path) == "-" else str(self.path)

    @property
    def notes(self) -> list[str]:
        """What was passed over, and what had to be decided."""
        comments = getattr(self._reader, "comments", 0)
        told = [f"{counted(comments, 'comment')} between the rows"] if comments else []
        return [*self._reader.notes, *told]

    @property
    def delimiter(self) -> str:
        """What parts the fields of a text; "" where there are none."""
        return self._reader.dialect.delimiter if isinstance(self._reader, Delimited) else ""

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows.

        Raises
        ------
        TableError
            If there is no row, or one that cannot be read.
        """
        count = 0
        with self.told():
            for block in self._reader.blocks():
                count += block.num_rows
                yield block
        self._check_rows(count)

    def read(self) -> Any:
        """Return all rows as one table."""
        import pyarrow

        return pyarrow.Table.from_batches(list(self.blocks()))

    def groups(self) -> RowGroups | None:
        """Return the row groups of Parquet, which can be read one by one; None for other kinds.

        Raises
        ------
        TableError
            If there is no row, or a file that cannot be read.
        """
        if self.kind != "Parquet":
            return None
        with self.told():
            found: RowGroups = self._reader.groups()
        self._check_rows(len(found))
        return found

    def _check_rows(self, count: int) -> None:
        if not count:
            raise TableError(f"{self}: no rows below the names of the columns")

    # --- what there is ----------------------------------------------------------------------------

    def _find_reader(self) -> Any:
        parts = self._parts()
        if parts is not None:
            self.kind = "Parquet"
            return ParquetFolder(parts, self.path if self.path.is_dir() else None)
        place = self._place()
        self.kind = self._kind(place)
        if self._sheet is not None and self.kind != "Excel":
            raise TableError(f"{self}: --sheet is for workbooks of Excel; this is {self.kind}")
        if self.kind in _TEXTS:
            reader = Delimited if self.kind == "CSV" else JSONLines
            return reader(lambda: opened(place), encoding=self._encoding)
        if self._encoding is not None:
            raise TableError(f"{self}: --encoding is for texts; {self.kind} has its own")
        if self.kind == "Excel":
            return Workbook(place, sheet=self._sheet)
        return ParquetFile(place) if self.kind == "Parquet" else FeatherFile(place)

    def _parts(self) -> list[Path] | None:
        """Return the files of a folder or a pattern; None for a single file."""
        if self.path.is_dir():
            found = files_in(self.path)
            if not found:
                raise TableError(f"{self}: a folder without files of Parquet (*.parquet)")
            return found
        if self.path.exists() or not glob.has_magic(str(self.path)):
            return None
        found = sorted(Path(path) for path in glob.glob(str(self.path), recursive=True))
        if not found:
            raise TableError(f"{self}: no file of this pattern")
        return found

    def _place(self) -> Path:
        """Return where the bytes are: those of a pipe are kept in a file until this object goes."""
        if str(self.path) != "-" and (self.path.is_file() or not self.path.exists()):
            return self.path
        self._kept = tempfile.NamedTemporaryFile(prefix="adjoint-")  # noqa: SIM115
        with contextlib.ExitStack() as stack:
            source = sys.stdin.buffer if str(self.path) == "-" else self.path.open("rb")
            if source is not sys.stdin.buffer:
                stack.enter_context(source)
            while block := source.read(1 << 20):
                self._kept.write(block)
        self._kept.flush()
        return Path(self._kept.name)

    def _kind(self, place: Path) -> str:
        with place.open("rb") as file:
            start = file.read(6)
        if not start:
            raise TableError(f"{self}: the file is empty")
        found = next((kind for mark, kind in _BEGINNINGS.items() if start.startswith(mark)), None)
        if place is not self.path:
            if found in _KINDS.values():
                return str(found)
            return "JSON lines" if start.lstrip().startswith(b"{") else "CSV"
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        is_compressed = bool(suffixes) and suffixes[-1] in COMPRESSED
        suffix = (suffixes[:-1] if is_compressed else suffixes)[-1:]
        kind = _KINDS.get(suffix[0] if suffix else "")
        if kind is None or (is_compressed and kind not in _TEXTS):
            raise TableError(
                f"{self}: unknown kind of file; expected {', '.join(_KINDS)}, or .csv.gz"
            )
        is_packed = is_compressed and found == "gzip"
        if found not in (kind, None) and not is_packed:
            raise TableError(f"{self}: its name says {kind}, but it begins like {found}")
        return kind

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say in the terms of a table what cannot be read."""
        import pyarrow

        try:
            yield
        except FileNotFoundError:
            raise TableError(f"{self}: no such file") from None
        except TableError as error:
            told = str(error)
            raise TableError(told if told.startswith(str(self)) else f"{self}: {told}") from None
        except UnicodeEncodeError:
            raise TableError(f"{self}: a text holds half of a pair of UTF-16") from None
        except (pyarrow.ArrowException, EOFError) as error:
            raise TableError(f"{self}: cannot be read as {self.kind}: {error}") from None
        except OSError as error:
            raise TableError(f"{self}: cannot be read: {error.strerror or error}") from None
