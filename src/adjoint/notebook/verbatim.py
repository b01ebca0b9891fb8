"""A verbatim text shows at a prompt as it prints."""

from __future__ import annotations

import textwrap

# A plain terminal has so many columns.
TERMINAL = 80


class Verbatim(str):
    """A text whose `repr` is the text itself, without quotes.

    It is a str everywhere else.

    >>> Verbatim("tier: native")
    tier: native
    >>> Verbatim("a") == "a", [Verbatim("a")]
    (True, [a])
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def wrapped(text: str) -> str:
    """Return a text with its long lines broken for a terminal, each with its own indentation.

    >>> print(wrapped("  advice: " + "word " * 20))
      advice: word word word word word word word word word word word word word word
        word word word word word word
    """
    return "\n".join(map(_wrapped_line, text.splitlines()))


def _wrapped_line(line: str) -> str:
    indentation = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line.strip(),
        TERMINAL,
        initial_indent=indentation,
        subsequent_indent=f"{indentation}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
