"""A compressed text is unpacked while it is read, up to a bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import TableError

COMPRESSED = (".gz", ".bz2", ".zst")
# Tables shrink to a third or a tenth, the most regular ones to a hundredth.
_MOST_RATIO = 300
_ALWAYS = 1 << 28


def opened(path: Path) -> Any:
    """Return a file's bytes, unpacked if its name says that it is compressed.

    Raises
    ------
    TableError
        From `read`, if far more comes out of it than a table can hold in so few bytes.
    """
    import pyarrow

    if path.suffix.lower() not in COMPRESSED:
        return path.open("rb")
    stream = pyarrow.input_stream(str(path), compression="detect")
    return _Bounded(stream, max(_ALWAYS, _MOST_RATIO * path.stat().st_size))


class _Bounded:
    """A stream that refuses to give more bytes than a bound."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream, self._left, self._most = stream, most, most

    def __enter__(self) -> _Bounded:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes."""
        found: bytes = self._stream.read(None if size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise TableError(
                f"unpacks to more than {self._most >> 20:,} MiB, {_MOST_RATIO} times its size; if "
                "it is a table nevertheless, unpack it first"
            )
        return found

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()
