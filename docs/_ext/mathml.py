"""Mathematics is written as MathML while the site is built, so that no script has to draw it."""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from docutils.utils.math import MathError, unichar2tex
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
_TAG = re.compile(r"\\tag\{([^}]+)\}")
# Inline mathematics as GitHub reads it, which leaves its underscores alone.
_INLINE = re.compile(r"\$`([^`]+)`\$")
# docutils knows it by the name that it has inside of a display.
_ALIGN = re.compile(r"\\(begin|end)\{align\*?\}")


def anchor(number: str) -> str:
    """Return where the equation of a number stands on its page.

    >>> anchor("7"), anchor("7'")
    ('equation-7', 'equation-7-prime')
    """
    return f"equation-{number}".replace("'", "-prime")


def mathml(latex: str, *, display: bool = False) -> str:
    """Return LaTeX as an element of MathML.

    >>> " ".join(mathml("x^2").split())
    '<math xmlns="http://www.w3.org/1998/Math/MathML"> <msup> <mi>x</mi> <mn>2</mn> </msup> </math>'
    """
    latex = _ALIGN.sub(r"\\\1{aligned}", latex).replace(":=", r"\coloneq ")
    return tex2mathml(latex.translate(unichar2tex.uni2tex_table).strip(), as_block=display)


def _written(node: nodes.Element, latex: str, *, display: bool) -> str:
    try:
        return mathml(latex, display=display)
    except MathError as error:
        LOGGER.warning("%s in the formula %s", error, latex, location=node)
        return f"<code>{escape(latex)}</code>"


def _inline(translator, node: nodes.math) -> None:
    translator.body.append(_written(node, node.astext(), display=False))
    raise nodes.SkipNode


def _display(translator, node: nodes.math_block) -> None:
    latex = node.astext()
    tag = _TAG.search(latex)
    number = tag[1] if tag else str(node["number"] or "")
    formula = _written(node, _TAG.sub("", latex), display=True)
    names = [anchor(number)] if tag else []
    ids = "".join(f'<span id="{escape(name)}"></span>' for name in [*node["ids"], *names])
    shown = f'<span class="eqno">({escape(number)})</span>' if number else ""
    translator.body.append(f'<div class="math">{ids}<div>{formula}</div>{shown}</div>\n')
    raise nodes.SkipNode


def _as_roles(app: Sphinx, name: str, source: list[str]) -> None:
    """Read inline mathematics in GitHub's notation as the role that it is."""
    source[0] = _INLINE.sub(r"{math}`\1`", source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.connect("source-read", _as_roles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
