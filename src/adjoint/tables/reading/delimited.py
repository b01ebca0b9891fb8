"""A delimited text is a table whose fields are parted by commas, semicolons, tabs or bars."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import TableError
from .dialect import Dialect, counted, dialect_of
from .encoding import Recoded, encoding_of

_HEAD = 1 << 20
_BLOCK_BYTES = 1 << 20


class Delimited:
    """A table in a delimited text. All values are texts.

    Parameters
    ----------
    opened : function
        Returns the file's bytes from the beginning, as a file, each time that it is called.
    encoding : str, optional
        By default the text's beginning decides.

    Raises
    ------
    TableError
        If the file is empty, or its bytes are not in the encoding.
    """

    def __init__(self, opened: Callable[[], Any], *, encoding: str | None = None) -> None:
        self._opened = opened
        with opened() as stream:
            head = stream.read(_HEAD)
        self.encoding = encoding or encoding_of(head)
        self.dialect = self._find_dialect()
        self.names = self.dialect.names
        self.comments = 0
        self.notes = list(self.dialect.notes)
        if encoding is None and self.encoding != "utf-8":
            self.notes.append(f"read as {self.encoding}; --encoding chooses another")

    def _find_dialect(self) -> Dialect:
        with self._opened() as stream:
            head = Recoded(stream, self.encoding).read(_HEAD)
        found = dialect_of(head.decode("utf-8", "ignore"))
        if found is None:
            raise TableError("the file is empty")
        return found

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows, the comments among them left out.

        Raises
        ------
        TableError
            If a row has too many fields or too few.
        """
        import pyarrow
        from pyarrow import csv as arrow_csv

        self.comments, self._ragged, self._line = 0, False, 0
        with self._opened() as stream:
            rows = self._rows(stream)
            if rows is None:
                return
            try:
                yield from arrow_csv.open_csv(
                    pyarrow.PythonFile(rows, mode="r"),
                    read_options=arrow_csv.ReadOptions(
                        column_names=self.names, block_size=_BLOCK_BYTES
                    ),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=self.dialect.delimiter,
                        newlines_in_values=True,
                        invalid_row_handler=self._on_ragged,
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=dict.fromkeys(self.names, pyarrow.string())
                    ),
                )
            except pyarrow.ArrowInvalid:
                if self._ragged:
                    self._check_quotes()
                    raise TableError(self._where_ragged()) from None
                raise
            if rows.quotes % 2:
                self._check_quotes()

    def _rows(self, stream: Any) -> Recoded | None:
        """Return the text below the names; None if there are only empty lines."""
        rows = Recoded(stream, self.encoding)
        head = rows.read(_HEAD)
        header = head.decode("utf-8", "ignore")[: self.dialect.header_end]
        rows.push_back(head[len(header.encode()) :])
        while start := rows.read(_BLOCK_BYTES):
            if start.strip(b"\r\n"):
                rows.push_back(start)
                return rows
        return None

    def _on_ragged(self, row: Any) -> str:
        if row.text.startswith("#"):
            self.comments += 1
            return "skip"
        if not row.text.strip():
            return "skip"
        self._ragged = True
        return "error"

    def _check_quotes(self) -> None:
        """Refuse a text that ends within quotes: the rest of the table would be one field."""
        try:
            for _ in self._slowly(strict=True):
                pass
        except csv.Error as error:
            if "unexpected end" in str(error):
                told = f"a quote is opened in line {self._line}, and not closed"
                raise TableError(told) from None

    def _slowly(self, *, strict: bool = False) -> Iterator[list[str]]:
        """Yield the fields of each row as Python reads them; `_line` is where it begins."""
        with self._opened() as stream:
            text = Recoded(stream, self.encoding).read().decode("utf-8", "replace")
        above = 1 + len(re.findall(r"\r\n|\r|\n", text[: self.dialect.header_end]))
        below = io.StringIO(text[self.dialect.header_end :], newline="")
        reader = csv.reader(below, delimiter=self.dialect.delimiter, strict=strict)
        self._line = above
        # The limit is one for the whole process.
        limit = csv.field_size_limit(len(text))
        try:
            for row in reader:
                yield row
                self._line = above + reader.line_num
        finally:
            csv.field_size_limit(limit)

    def _where_ragged(self) -> str:
        """Return which line has how many fields, the slow way, for which there is time now."""
        width = len(self.names)
        shown = f"{', '.join(self.names[:3])}{', …' if width > 3 else ''}"
        there = f"there {'is' if width == 1 else 'are'} {counted(width, 'column')}: {shown}"
        for row in self._slowly():
            is_empty = len(row) < 2 and not any(map(str.strip, row))
            if len(row) != width and not is_empty and not row[0].startswith("#"):
                return f"line {self._line} has {counted(len(row), 'field')}, but {there}"
        return "a row has too many fields or too few"
