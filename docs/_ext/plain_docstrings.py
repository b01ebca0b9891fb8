"""Docstrings are plain sentences: |x| and a*b in them are mathematics, and no markup."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

_CODE = re.compile(r"(``.+?``|`[^`]+`)")
_MARKUP = re.compile(r"[|*]|(?<=\w)_(?!\w)")
# The heading of a parameter, whose stars numpydoc takes care of.
_PARAMETER = re.compile(r"([*\w, ]+ : )?(.*)", re.DOTALL)


def escaped(line: str) -> str:
    r"""Return a line of text in which characters that mark something up are only themselves.

    >>> print(escaped("|x| of `a | b`, a_ and a_b"))
    \|x\| of `a | b`, a\_ and a_b
    """
    name, text = _PARAMETER.fullmatch(line).groups("")
    parts = _CODE.split(text)
    parts[::2] = [_MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
    return name + "".join(parts)


def _escape(
    app: Sphinx, what: str, name: str, item: object, options: object, lines: list[str]
) -> None:
    """Escape all lines but those of examples, which end with an empty one."""
    in_example = False
    for place, line in enumerate(lines):
        in_example = bool(line.strip()) and (in_example or line.lstrip().startswith(">>>"))
        if not in_example:
            lines[place] = escaped(line)


def setup(app: Sphinx) -> dict[str, bool]:
    """Escape before numpydoc reads."""
    app.connect("autodoc-process-docstring", _escape, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
