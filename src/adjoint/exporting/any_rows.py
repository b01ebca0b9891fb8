"""Source for any number of rows, from two sources that were written for two numbers of them.

A graph has fixed shapes. Where its source is written for 101 rows and for 103, a number that stands
in one as 101 k and in the other as 103 k is the number of rows, k times.
"""

from __future__ import annotations

import io
import re
import tokenize

FIRST, SECOND = 101, 103
_STILL = (tokenize.NL, tokenize.COMMENT)
_DIGITS = re.compile(r"\d+")


def for_any_rows(first: str, second: str, name: str) -> str | None:
    """Return a source in which ``name`` is the number of rows; None if it cannot be told.

    >>> for_any_rows("np.zeros((101, 4))", "np.zeros((103, 4))", "rows")
    'np.zeros((rows, 4))'
    >>> for_any_rows("x / 101.5", "x / 103.5", "rows") is None
    True
    """
    pairs = zip(_tokens(first), _tokens(second), strict=False)
    lines = first.splitlines(keepends=True)
    if len(_tokens(first)) != len(_tokens(second)):
        return None
    changes = []
    for one, other in pairs:
        if one.string == other.string:
            continue
        text = _joined(one.string, other.string, name, is_comment=one.type == tokenize.COMMENT)
        if text is None or one.type not in (tokenize.NUMBER, tokenize.COMMENT):
            return None
        changes.append((one.start, one.end, text))
    for (row, start), (_, end), text in reversed(changes):
        lines[row - 1] = lines[row - 1][:start] + text + lines[row - 1][end:]
    return "".join(lines)


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def _joined(one: str, other: str, name: str, *, is_comment: bool) -> str | None:
    """Return a text with the number of rows in the place of the numbers that differ."""
    numbers, others = _DIGITS.findall(one), _DIGITS.findall(other)
    if _DIGITS.split(one) != _DIGITS.split(other) or (len(numbers) != 1 and not is_comment):
        return None
    found = [_times(int(a), int(b), name) for a, b in zip(numbers, others, strict=True)]
    if None in found:
        return None
    rest = iter(found)
    return _DIGITS.sub(lambda _: str(next(rest)), one)


def _times(a: int, b: int, name: str) -> str | None:
    if a == b:
        return str(a)
    k = a // FIRST
    if (a, b) != (k * FIRST, k * SECOND):
        return None
    return name if k == 1 else f"({k} * {name})"
