"""Letters of a drawing all have one width, or two: Chinese ones are twice as wide."""

from __future__ import annotations

import re
import textwrap
import unicodedata

_TIE = "\u00a0"
# What XML 1.0 cannot hold in any way: most control characters, lone surrogates, two others.
_UNPRINTABLE = re.compile("[^\\t\\n\\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """Return a text in which a sign stands for every letter that no file can hold.

    >>> printable("a\\x00b")
    'a\ufffdb'
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def columns(text: str) -> int:
    """Return how many letters of Latin a text is as wide as.

    >>> columns("loss"), columns("损失")
    (4, 4)
    """
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def cut(text: str, most: int) -> str:
    """Return a text of so many columns at most, its middle left out where it is too long.

    >>> cut("feedforward.layers", 12)
    'feedfor…yers'
    """
    if columns(text) <= most:
        return text
    end = most // 3
    return f"{_within(text, most - end - 1)}…{_within(text[::-1], end)[::-1]}"


def wrapped(text: str, most: int, lines: int) -> list[str]:
    """Return a text in lines of so many columns; what has no room in the last one is left out.

    A tuple within a call stays on one line if it can.

    >>> wrapped("reshape(v6, (2, 6, 6, 4))", 16, 3)
    ['reshape(v6,', '  (2, 6, 6, 4))']
    """
    # `textwrap` counts letters; where some are wide, each line is cut by itself.
    found = textwrap.wrap(
        _tied(text),
        most,
        subsequent_indent="  ",
        break_on_hyphens=False,
        break_long_words=len(text) > most * lines,
    )
    found = [line.replace(_TIE, " ") for line in found]
    if len(found) > lines:
        found = [*found[: lines - 1], f"{found[lines - 1]}…"]
    return [cut(line, most) for line in found]


def _tied(text: str) -> str:
    """Return a text in which the spaces within inner brackets are no places to break at."""
    depth, letters = 0, []
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        letters.append(_TIE if letter == " " and depth > 1 else letter)
    return "".join(letters)


def _within(text: str, most: int) -> str:
    """Return as much of the beginning as has room."""
    while columns(text) > most:
        text = text[:-1]
    return text
