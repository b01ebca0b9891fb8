"""A source is a text of Python, which a notebook shows highlighted."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import accumulate

from .html import view
from .verbatim import Verbatim


class Source(Verbatim):
    """Python as text: a str that shows as it prints, and highlighted in a notebook.

    >>> Source("x = 1")
    x = 1
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return view(f"<pre>{highlighted(self)}</pre>")


def highlighted(source: str) -> str:
    """Return Python as HTML, with keywords, literals and comments marked.

    >>> highlighted("return 1 < x")
    '<span class="keyword">return</span> <span class="literal">1</span> &lt; x'
    """
    starts = [0, *accumulate(len(line) + 1 for line in source.split("\n"))]
    parts, done = [], 0
    for kind, (top, left), (bottom, right) in _marks(source):
        start, end = starts[top - 1] + left, starts[bottom - 1] + right
        parts.append(escape(source[done:start]))
        parts.append(f'<span class="{kind}">{escape(source[start:end])}</span>')
        done = end
    return "".join([*parts, escape(source[done:])])


# A line, counted from 1, and a column, from 0.
Place = tuple[int, int]


def _marks(source: str) -> Iterator[tuple[str, Place, Place]]:
    """Yield what is marked and where; up to a place that is no Python."""
    import io  # here: with `tokenize`, only a notebook needs them
    import keyword
    import tokenize

    kinds = {tokenize.STRING: "literal", tokenize.NUMBER: "literal", tokenize.COMMENT: "comment"}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = "keyword" if keyword.iskeyword(token.string) else kinds.get(token.type)
            if kind is not None:
                yield kind, token.start, token.end
    except (tokenize.TokenError, SyntaxError):
        return
