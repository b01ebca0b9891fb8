"""A layout puts a statement on one line, or an item of its brackets on each, as formatters do."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .printer import call_arguments, dict_items, show

WIDTH = 88
# Lines without brackets to break may be somewhat longer.
_LIMIT = 100


def lay_out(before: str, expression: ast.expr, comment: str = "", indent: int = 4) -> list[str]:
    """Return the lines of ``before`` and an expression, with a comment behind.

    >>> lay_out("x = ", ast.parse("f(a)", mode="eval").body, "(3,)")
    ['    x = f(a)  # (3,)']
    """
    comment = f"  # {comment}" if comment else ""
    line = f"{' ' * indent}{before}{show(expression)}{comment}"
    if len(line) <= WIDTH:
        return [line]
    bare = line.removesuffix(comment)
    brackets = _brackets(expression)
    if len(bare) <= WIDTH and comment:
        return [f"{' ' * indent}#{comment[3:]}", bare]
    if brackets is None:
        if len(bare) <= _LIMIT:
            return [bare]
        margin = " " * indent
        return [f"{margin}{before}(", f"{margin}    {show(expression)}", f"{margin}){comment}"]
    opening, items, closing = brackets
    lines = [f"{' ' * indent}{before}{opening}"]
    for item in items:
        lines += _item(item, indent + 4)
    return [*lines, f"{' ' * indent}{closing}{comment}"]


def signature(name: str, arguments: Sequence[str]) -> list[str]:
    """Return the lines that begin a function.

    >>> signature("f", ["x", "y"])
    ['def f(x, y):']
    """
    line = f"def {name}({', '.join(arguments)}):"
    if len(line) <= WIDTH:
        return [line]
    return [f"def {name}(", *(f"    {argument}," for argument in arguments), "):"]


def _item(text: str, indent: int) -> list[str]:
    """Return the lines of one item, with the comma that keeps formatters from joining them."""
    if indent + len(text) < WIDTH or text.startswith(("*", "lambda")):
        return [f"{' ' * indent}{text},"]
    before, expression = _split(text)
    *lines, last = lay_out(before, expression, indent=indent)
    return [*lines, f"{last},"]


def _split(text: str) -> tuple[str, ast.expr]:
    """Return what stands before the value of an item, a key or a keyword, and the value."""
    parsed = ast.parse(f"f({text})" if "=" in text else f"{{{text}}}", mode="eval").body
    if isinstance(parsed, ast.Call) and parsed.keywords:
        return f"{parsed.keywords[0].arg}=", parsed.keywords[0].value
    if isinstance(parsed, ast.Dict) and parsed.keys[0] is not None:
        return f"{show(parsed.keys[0])}: ", parsed.values[0]
    return "", ast.parse(text, mode="eval").body


def _brackets(expression: ast.expr) -> tuple[str, list[str], str] | None:
    """Return the opening, the items and the closing of the outermost brackets, if there are any."""
    if isinstance(expression, ast.Call):
        return f"{show(expression.func)}(", call_arguments(expression), ")"
    if isinstance(expression, ast.List):
        return "[", [show(item) for item in expression.elts], "]"
    if isinstance(expression, ast.Tuple) and expression.elts:
        return "(", [show(item) for item in expression.elts], ")"
    if isinstance(expression, ast.Dict):
        return "{", dict_items(expression), "}"
    return None
