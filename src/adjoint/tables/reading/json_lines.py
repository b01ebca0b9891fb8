"""Lines of JSON are a table: each is an object with the values of a row by column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import TableError
from .dialect import unique_names
from .encoding import Recoded, encoding_of

_HEAD = 1 << 20
_ROWS = 16_384
_READABLE = (str, bool, type(None))


class JSONLines:
    """A table in lines of JSON.

    The columns are those of the first thousand lines; where a line lacks one, its value is
    missing. Values are read as texts, as in CSV: 1 and "1" are the same.

    Parameters
    ----------
    opened : function
        Returns the file's bytes from the beginning, as a file, each time that it is called.

    Raises
    ------
    TableError
        If a line is no object of JSON, has a column that the first lines have not, or holds a
        list or an object.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, opened: Callable[[], Any], *, encoding: str | None = None) -> None:
        self._opened, self._encoding = opened, encoding
        names: dict[str, None] = {}
        for place, (_, row) in enumerate(self._lines()):
            names.update(dict.fromkeys(row))
            if place == 1000:
                break
        if not names:
            raise TableError("the file is empty")
        self._keys = list(names)
        self.names = unique_names(self._keys)
        " ".join(self.names).encode()  # a name may hold what UTF-8 has no bytes for

    def blocks(self) -> Iterator[Any]:
        """Yield record batches of some thousand rows."""
        rows: list[dict[str, Any]] = []
        known = set(self._keys)
        for number, row in self._lines():
            for name, value in row.items():
                if name not in known:
                    raise TableError(f"line {number} has a column {name!r}, unlike the first lines")
                if not isinstance(value, _READABLE):
                    raise TableError(f"line {number}: {name!r} is no text or number")
            rows.append(row)
            if len(rows) == _ROWS:
                yield self._block(rows)
                rows = []
        if rows:
            yield self._block(rows)

    def _block(self, rows: list[dict[str, Any]]) -> Any:
        import pyarrow

        columns = [[_as_text(row.get(name)) for row in rows] for name in self._keys]
        arrays = [pyarrow.array(column, pyarrow.string()) for column in columns]
        return pyarrow.RecordBatch.from_arrays(arrays, self.names)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with self._opened() as stream:
            head = stream.read(_HEAD)
        with self._opened() as stream:
            text = Recoded(stream, self._encoding or encoding_of(head))
            for number, line in enumerate(_split(text), 1):
                if line.strip():
                    yield number, _parsed(line, number)


def _split(text: Recoded) -> Iterator[bytes]:
    rest = b""
    while block := text.read(_HEAD):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    yield rest


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        # Numbers stay as they are written: a float would round a long one.
        row = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise TableError(f"line {number} is no JSON") from None
    if not isinstance(row, dict):
        raise TableError(f'line {number} is no object of JSON, as {{"age": 41}}')
    return row


def _as_text(value: Any) -> str | None:
    """Return a value as a text that reads the same in CSV."""
    if value is None or isinstance(value, str):
        return value
    return str(value)
