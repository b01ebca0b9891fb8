"""All that the commands print goes through here: text out of a file tells a terminal nothing.

Names of columns, categories and files may hold what moves the cursor, changes colours or the title,
or turns the order of letters round. Such a letter is shown as Python writes it.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from typing import Any, BinaryIO

# Control characters, separators of lines, lone surrogates, marks of direction and what is seen
# nowhere. Joiners are none of these, which make one sign of several emoji or Persian letters.
_TOLD = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f"
    "\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff\\U000e0000-\\U000e00ff"
)
# The flags of England, Scotland and Wales are spelt in letters that are seen nowhere else.
_FLAG = "\U0001f3f4[\U000e0030-\U000e007a]{2,8}\U000e007f"
_UNSEEN = re.compile(f"({_FLAG})|[{_TOLD}]")
_UNSEEN_IN_JSON = re.compile(f"({_FLAG})|(?!\n)[{_TOLD}]")


def write_all_letters() -> None:
    """Let standard output show a letter that its encoding lacks as Python writes it.

    Standard error does so from the start.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def shown(text: str) -> str:
    """Return a text as one line in which nothing but text reaches the terminal.

    >>> print(shown("\\x1b[31mred\\n红 👩‍🚀"))
    \\x1b[31mred\\n红 👩‍🚀
    """
    return _UNSEEN.sub(lambda found: found[1] or ascii(found[0])[1:-1], text)


def say(line: str) -> None:
    """Print a line on standard output."""
    print(shown(line), flush=True)


def note(line: str) -> None:
    """Print a line on standard error."""
    print(shown(line), file=sys.stderr, flush=True)


def say_lines(text: str) -> None:
    """Print a text whose line breaks are its own, and those of no name in it."""
    for line in text.split("\n"):
        say(line)


def note_lines(text: str) -> None:
    """Print such a text on standard error."""
    for line in text.split("\n"):
        note(line)


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print JSON that is valid, with texts as they are, but for what a terminal would obey."""
    lacks_letters = not (sys.stdout.encoding or "utf").lower().startswith("utf")
    text = json.dumps(value, indent=indent, ensure_ascii=lacks_letters, allow_nan=False)
    print(
        _UNSEEN_IN_JSON.sub(lambda found: found[1] or json.dumps(found[0])[1:-1], text), flush=True
    )


def rows_out() -> BinaryIO:
    """Return what rows of a table are written to: standard output, as they are if it is a pipe."""
    return _Shown() if sys.stdout.isatty() else sys.stdout.buffer  # type: ignore[return-value]


class _Shown(io.RawIOBase):
    """A file of rows in UTF-8 that shows them on a terminal; their line breaks stay."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def write(self, content: Any) -> int:
        """Show some bytes, which may end within a letter."""
        lines = self._decode(bytes(content)).split("\n")
        sys.stdout.write("\n".join(map(shown, lines)))
        return len(content)

    def flush(self) -> None:
        """Show at once what was written."""
        sys.stdout.flush()
