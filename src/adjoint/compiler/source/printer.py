"""A printer writes a Python expression on one line, bracketed and spaced as formatters do."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import Any

_BINARY: dict[type[ast.operator], tuple[str, int]] = {
    ast.BitOr: ("|", 6),
    ast.BitXor: ("^", 7),
    ast.BitAnd: ("&", 8),
    ast.Add: ("+", 10),
    ast.Sub: ("-", 10),
    ast.Mult: ("*", 11),
    ast.MatMult: ("@", 11),
    ast.Div: ("/", 11),
    ast.FloorDiv: ("//", 11),
    ast.Mod: ("%", 11),
}
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_COMPARISON, _UNARY, _POWER, _POSTFIX, _ATOM = 5, 12, 13, 14, 15


def show(expression: ast.expr, at_least: int = 0) -> str:
    """Return the expression's text, in brackets if it binds less strongly than ``at_least``.

    >>> show(ast.parse("(a+b)*(c@d)**2, x[1:,None], f('s', k=-1)", mode="eval").body)
    '((a + b) * (c @ d) ** 2, x[1:, None], f("s", k=-1))'
    """
    text, level = _write(expression)
    return f"({text})" if level < at_least else text


@functools.singledispatch
def _write(expression: ast.AST) -> tuple[str, int]:
    """Return the text of an expression and how strongly it binds."""
    return ast.unparse(expression), 0


def _writes(kind: type[ast.expr]) -> Callable[[Any], Any]:
    return _write.register(kind)


@_writes(ast.Name)
def _name(x: ast.Name) -> tuple[str, int]:
    return x.id, _ATOM


@_writes(ast.Constant)
def _constant(x: ast.Constant) -> tuple[str, int]:
    if x.value is Ellipsis:
        return "...", _ATOM
    text = repr(x.value)
    if isinstance(x.value, str) and '"' not in text:
        text = f'"{text[1:-1]}"'
    if isinstance(x.value, float):
        text = text.replace("e+", "e")
    # A method of a number needs brackets: (2.0).reshape(1).
    return text, _UNARY if isinstance(x.value, (int, float)) else _ATOM


@_writes(ast.BinOp)
def _binary(x: ast.BinOp) -> tuple[str, int]:
    if isinstance(x.op, ast.Pow):
        base, exponent = show(x.left, _POSTFIX), show(x.right, _UNARY)
        if isinstance(x.left, ast.Constant):
            base = show(x.left, _UNARY)
        simple = _is_simple(x.left) and _is_simple(x.right) and not base.startswith("(")
        sign = "**" if simple else " ** "
        return f"{base}{sign}{exponent}", _POWER
    sign, level = _BINARY[type(x.op)]
    return f"{show(x.left, level)} {sign} {show(x.right, level + 1)}", level


def _is_simple(x: ast.expr) -> bool:
    if isinstance(x, ast.UnaryOp):
        return _is_simple(x.operand)
    if isinstance(x, ast.Attribute):
        return _is_simple(x.value)
    return isinstance(x, (ast.Name, ast.Constant))


@_writes(ast.UnaryOp)
def _unary(x: ast.UnaryOp) -> tuple[str, int]:
    sign = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}.get(type(x.op), "not ")
    is_power = isinstance(x.operand, ast.BinOp) and isinstance(x.operand.op, ast.Pow)
    return f"{sign}{show(x.operand, _POSTFIX if is_power else _UNARY)}", _UNARY


@_writes(ast.Compare)
def _compare(x: ast.Compare) -> tuple[str, int]:
    text = show(x.left, _COMPARISON + 1)
    for op, right in zip(x.ops, x.comparators, strict=True):
        text += f" {_COMPARED[type(op)]} {show(right, _COMPARISON + 1)}"
    return text, _COMPARISON


@_writes(ast.Call)
def _call(x: ast.Call) -> tuple[str, int]:
    return f"{show(x.func, _POSTFIX)}({', '.join(call_arguments(x))})", _POSTFIX


def call_arguments(x: ast.Call) -> list[str]:
    """Return the text of each argument of a call."""
    return [show(arg) for arg in x.args] + [
        f"{item.arg}={show(item.value)}" if item.arg else f"**{show(item.value, _UNARY)}"
        for item in x.keywords
    ]


@_writes(ast.Attribute)
def _attribute(x: ast.Attribute) -> tuple[str, int]:
    return f"{show(x.value, _POSTFIX)}.{x.attr}", _POSTFIX


@_writes(ast.Subscript)
def _subscript(x: ast.Subscript) -> tuple[str, int]:
    key = x.slice
    bare = isinstance(key, ast.Tuple) and key.elts
    inner = _items(key.elts) if bare and isinstance(key, ast.Tuple) else show(key)
    return f"{show(x.value, _POSTFIX)}[{inner}]", _POSTFIX


@_writes(ast.Slice)
def _slice(x: ast.Slice) -> tuple[str, int]:
    ends = [x.lower, x.upper, *([] if x.step is None else [x.step])]
    return ":".join("" if end is None else show(end) for end in ends), _ATOM


@_writes(ast.Starred)
def _starred(x: ast.Starred) -> tuple[str, int]:
    return f"*{show(x.value, _UNARY)}", _ATOM


def _items(items: list[ast.expr]) -> str:
    return ", ".join(map(show, items)) + ("," if len(items) == 1 else "")


@_writes(ast.Tuple)
def _tuple(x: ast.Tuple) -> tuple[str, int]:
    return f"({_items(x.elts)})", _ATOM


@_writes(ast.List)
def _list(x: ast.List) -> tuple[str, int]:
    return f"[{', '.join(map(show, x.elts))}]", _ATOM


@_writes(ast.Dict)
def _dict(x: ast.Dict) -> tuple[str, int]:
    return f"{{{', '.join(dict_items(x))}}}", _ATOM


def dict_items(x: ast.Dict) -> list[str]:
    """Return the text of each item of a dict."""
    pairs = zip(x.keys, x.values, strict=True)
    return [f"{show(key)}: {show(value)}" for key, value in pairs if key is not None]


@_writes(ast.Lambda)
def _lambda(x: ast.Lambda) -> tuple[str, int]:
    return f"lambda {ast.unparse(x.args)}: {show(x.body)}", 0
