"""A page that is a notebook is offered as one, to be run in Jupyter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import nbformat
from myst_nb.core.read import is_myst_markdown_notebook
from pygments.lexer import bygroups
from pygments.lexers.python import PythonLexer
from pygments.token import Operator, Text, Whitespace
from sphinx.application import Sphinx

# What colours a cell is said by the kernel that runs it; here for cells that are not run.
_LEXER = "language_info:\n  name: python\n  pygments_lexer: ipython3\n"
_IN_CHINESE = 'mystnb:\n  code_prompt_show: "显示代码"\n  code_prompt_hide: "隐藏代码"\n'


class CellLexer(PythonLexer):
    r"""Python with commands: lines that begin with ! or %, and those that a backslash joins on.

    >>> [text for kind, text in CellLexer().get_tokens("!ls \\\n-l\nx") if text.strip()]
    ['!', 'ls \\\n-l', 'x']
    """

    name = "Cell"
    _command = (
        r"^([ \t]*)([!%]{1,2})((?:[^\\\n]|\\(?:.|\n))*)",
        bygroups(Whitespace, Operator, Text),
    )
    tokens = {**PythonLexer.tokens, "root": [_command, *PythonLexer.tokens["root"]]}  # noqa: RUF012


def is_notebook(text: str) -> bool:
    """Return whether a page has cells to run."""
    return is_myst_markdown_notebook(text)


def _complete(app: Sphinx, name: str, source: list[str]) -> None:
    """Say at the top of a notebook what its author need not."""
    if app.env.doc2path(name).suffix == ".md" and is_notebook(source[0]):
        words = _IN_CHINESE if name.startswith("zh/") else ""
        source[0] = source[0].replace("---\n", f"---\n{_LEXER}{words}", 1)


def as_notebook(text: str) -> nbformat.NotebookNode:
    """Return a page as a notebook of Jupyter, which is checked."""
    notebook = jupytext.reads(text, fmt="md:myst")
    nbformat.validate(notebook)
    return notebook


def _offer(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    path = Path(app.env.doc2path(page)) if page in app.env.found_docs else Path()
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else ""
    if not is_notebook(text):
        return
    written = Path(app.outdir) / f"{page}.ipynb"
    written.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(as_notebook(text), written)
    context["notebook"] = f"{page}.ipynb"


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the notebooks beside their pages."""
    app.add_lexer("ipython3", CellLexer)
    app.connect("source-read", _complete)
    app.connect("html-page-context", _offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
