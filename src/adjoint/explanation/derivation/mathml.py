"""MathML is a formula as browsers show it, written from its LaTeX."""

from __future__ import annotations

from html import escape

from .tex import Brackets, Fraction, Group, Item, Mark, Radical, Scripts, Table, parse


def write(latex: str) -> str:
    r"""Return a formula's LaTeX as MathML.

    >>> write(r"\log_{2}\left(x\right)")
    '<mrow><msub><mi>log</mi><mn>2</mn></msub><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow></mrow>'
    """
    return _written(parse(latex))


def _written(item: Item) -> str:
    if isinstance(item, Mark):
        return _mark(item)
    if isinstance(item, Group):
        parts = _row(item)
        return parts if len(item.items) == 1 else f"<mrow>{parts}</mrow>"
    if isinstance(item, Fraction):
        return f"<mfrac>{_written(item.above)}{_written(item.below)}</mfrac>"
    if isinstance(item, Radical):
        return _root(item)
    if isinstance(item, Scripts):
        return _scripts(item)
    if isinstance(item, Brackets):
        inner = _row(item.inner)
        return f"<mrow><mo>{item.opening}</mo>{inner}<mo>{item.closing}</mo></mrow>"
    return _table(item)


def _row(group: Group) -> str:
    """Return things side by side; a sign that follows no term belongs to the number behind it."""
    parts = []
    for place, item in enumerate(group.items):
        before = group.items[place - 1] if place else Mark("mo", "(")
        follows_none = isinstance(before, Mark) and before.kind == "mo" and before.text not in ")]|"
        if isinstance(item, Mark) and item.kind == "mo" and item.text in "+-" and follows_none:
            parts.append(f'<mo form="prefix">{item.text.replace("-", "−")}</mo>')
        else:
            parts.append(_written(item))
    return "".join(parts)


def _mark(mark: Mark) -> str:
    if mark.kind == "mspace":
        return '<mspace width="0.25em"/>'
    text = mark.text.replace("-", "−") if mark.kind == "mo" else mark.text
    return f"<{mark.kind}>{escape(text)}</{mark.kind}>"


def _root(root: Radical) -> str:
    inner = _written(root.inner)
    if root.degree is None:
        return f"<msqrt>{inner}</msqrt>"
    return f"<mroot>{inner}{_written(root.degree)}</mroot>"


def _scripts(scripts: Scripts) -> str:
    corners = dict(scripts.corners)
    kind = "m" + "sub" * ("_" in corners) + "sup" * ("^" in corners)
    parts = [_written(corners[side]) for side in "_^" if side in corners]
    return f"<{kind}>{_written(scripts.of)}{''.join(parts)}</{kind}>"


def _table(table: Table) -> str:
    rows = [f"<mtr>{''.join(f'<mtd>{_written(x)}</mtd>' for x in row)}</mtr>" for row in table.rows]
    written = "".join(rows)
    if table.kind == "cases":
        return f'<mrow><mo>{{</mo><mtable class="cases">{written}</mtable></mrow>'
    return f"<mtable>{written}</mtable>"
