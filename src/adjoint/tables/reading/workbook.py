"""A workbook is a file of Excel's; the table is on its first sheet, or on the one that is named."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import TableError, require
from .dialect import unique_names

_ROWS = 16_384


class Workbook:
    """A table on a sheet of a workbook; its first row with several values has the names.

    Values are texts as in CSV; dates and times are written as ISO 8601 does.

    Raises
    ------
    TableError
        If there is no such sheet, or the sheet is empty.
    ImportError
        If python-calamine is not installed.
    """

    def __init__(self, path: Path, *, sheet: str | None = None) -> None:
        calamine = require("python_calamine", extra="excel", purpose="reading a workbook of Excel")
        try:
            book = calamine.CalamineWorkbook.from_path(str(path))
        except calamine.CalamineError as error:
            raise TableError(f"cannot be read as a workbook of Excel: {error}") from None
        if sheet is not None and sheet not in book.sheet_names:
            raise TableError(f"no sheet {sheet!r}; there are {', '.join(book.sheet_names)}")
        self.notes: list[str] = []
        chosen = sheet or _first_sheet(book, calamine)
        self._sheet = book.get_sheet_by_name(chosen)
        self._top, names = self._find_names()
        self.names = unique_names(names)
        others = [name for name in book.sheet_names if name != chosen]
        if others and not sheet:
            self.notes.append(f"the sheet {chosen!r}, not {', '.join(others)}; --sheet chooses")

    def _find_names(self) -> tuple[int, list[str]]:
        """Return the first row with several values, or the only one: a title above has one."""
        title = None
        for place, row in enumerate(self._sheet.iter_rows()):
            texts = [_as_text(value) or "" for value in row]
            count = sum(map(bool, texts))
            if count > 1 or (count and len(texts) == 1):
                if title:
                    self.notes.append(f"above the names: {next(filter(None, title[1]))!r}")
                return place, texts
            if count and title is None:
                title = place, texts
        if title is None:
            raise TableError("the sheet is empty")
        return title

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows; rows without any value are left out."""
        rows: list[list[str | None]] = []
        for place, values in enumerate(self._sheet.iter_rows()):
            row = [_as_text(value) for value in values]
            if place > self._top and any(value is not None for value in row):
                rows.append(row)
            if len(rows) == _ROWS:
                yield self._block(rows)
                rows = []
        if rows:
            yield self._block(rows)

    def _block(self, rows: list[list[str | None]]) -> Any:
        import pyarrow

        columns = zip(*rows, strict=True)
        arrays = [pyarrow.array(column, pyarrow.string()) for column in columns]
        return pyarrow.RecordBatch.from_arrays(arrays, self.names)


def _first_sheet(book: Any, calamine: Any) -> str:
    """Return the first sheet that is shown and not empty, or the first of all."""
    for sheet in book.sheets_metadata:
        is_shown = sheet.visible == calamine.SheetVisibleEnum.Visible
        if is_shown and book.get_sheet_by_name(sheet.name).height:
            return str(sheet.name)
    return str(book.sheet_names[0])


def _as_text(value: Any) -> str | None:
    """Return a cell's value as CSV would write it; None where the cell is empty."""
    if value in ("", None):
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return str(value.total_seconds())
    return str(value)
