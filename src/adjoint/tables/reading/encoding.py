"""An encoding says which characters the bytes of a text are."""

from __future__ import annotations

import codecs
from typing import Any

from ...errors import TableError

# What an encoding is called to whoever chooses it, and by Python.
ENCODINGS = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "gb18030": "gb18030",
    "cp1252": "cp1252",
}
# That of UTF-32 begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 20
# Nearly all characters of a Chinese text are among the 3,755 that GB 2312 puts first.
_COMMON = 0.8
# The high byte is 0 in nearly all characters of Western texts, and in the marks of Chinese tables.
_NULS = 0.2


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its first bytes, which may end within a character.

    A byte order mark decides; else text of which many bytes are 0, all at even or all at odd
    places, is UTF-16, and what can be UTF-8 is UTF-8. What cannot is GB18030 if four of five
    characters that are not ASCII are Chinese punctuation or common Chinese characters, and cp1252,
    which Windows uses in the west, if not: accented letters, read in pairs as GB18030, are rare
    characters.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        high, low = head[place::2], head[1 - place :: 2]
        if high.count(0) > _NULS * len(high) and not low.count(0):
            return name
    if _decodes(head, "utf-8"):
        return "utf-8"
    return "gb18030" if _is_chinese(head) else "cp1252"


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(head: bytes) -> bool:
    if not _decodes(head, "gb18030"):
        return False
    text = codecs.getincrementaldecoder("gb18030")().decode(head)
    codes = [code.encode("gb18030") for code in text if code > "\x7f"]
    # Rows A1 to A3 are punctuation and full-width signs, B0 to D7 the common characters.
    common = sum(
        len(code) == 2 and code[1] >= 0xA1 and (0xA1 <= code[0] <= 0xA3 or 0xB0 <= code[0] <= 0xD7)
        for code in codes
    )
    return common >= _COMMON * len(codes)


class Recoded:
    """A stream of bytes in some encoding, read as UTF-8 without a byte order mark.

    Parameters
    ----------
    stream : file
        It gives bytes.
    encoding : str
        One of `ENCODINGS`, or another that Python has.

    Raises
    ------
    TableError
        From `read`, with the place, if the bytes are not in that encoding.
    """

    def __init__(self, stream: Any, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(ENCODINGS.get(encoding, encoding))()
        self._place, self._rest, self._ended = 0, b"", False
        self.quotes = 0

    closed = False

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes, all that are left if the size is negative."""
        parts = [self._rest]
        count = len(self._rest)
        while not self._ended and (size < 0 or count < size):
            parts.append(self._more())
            count += len(parts[-1])
        found = b"".join(parts)
        end = len(found) if size < 0 else size
        self._rest = found[end:]
        return found[:end]

    def push_back(self, data: bytes) -> None:
        """Let the next `read` begin with these bytes."""
        self._rest = data + self._rest

    def _more(self) -> bytes:
        block = self._stream.read(_BLOCK)
        self._ended = not block
        try:
            text = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            raise TableError(
                f"byte {self._place + error.start:,} is not text in {self._encoding}; save the "
                f"table as UTF-8, or choose by --encoding ({', '.join(ENCODINGS)}, or another that "
                "Python has)"
            ) from None
        self._place += len(block)
        self.quotes += text.count('"')
        # A text may hold half of a pair of UTF-16, which UTF-8 has no bytes for.
        return text.encode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()
        self.closed = True

    def readable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return False."""
        return False

    def seekable(self) -> bool:
        """Return False."""
        return False
