"""A reading turns a line of NumPy, as its syntax tree, into a formula with the same names."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compiler.source.printer import show
from ...core.annotations import Params
from ...core.primitive import Primitive
from ...core.registry import NUMPY, PRIMITIVES
from ...ops.structural import transpose
from .brackets import fill
from .formula import EMPTY, Formula, bracketed, identifier, joined, number, symbol, words
from .tex import place

Names = Callable[[str], Formula]
# How strongly a formula's text holds together; its LaTeX has brackets by rules of its own.
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = 10, 11, 12, 13, 15
_COMMA = symbol(", ")
_COMPARED = {
    ast.Eq: ("equal", " = "),
    ast.NotEq: ("not_equal", " ≠ "),
    ast.Lt: ("less", " < "),
    ast.LtE: ("less_equal", " ≤ "),
    ast.Gt: ("greater", " > "),
    ast.GtE: ("greater_equal", " ≥ "),
}
_BINARY = {
    ast.Add: ("add", " + ", _SUM),
    ast.Sub: ("subtract", " − ", _SUM),
    ast.MatMult: ("matmul", " ", _PRODUCT),
    ast.Mult: ("multiply", " ⊙ ", _PRODUCT),
    ast.Div: ("divide", " / ", _PRODUCT),
    ast.BitAnd: ("bitwise_and", " ∧ ", 8),
    ast.BitOr: ("bitwise_or", " ∨ ", 6),
    ast.BitXor: ("bitwise_xor", " ⊕ ", 7),
    ast.FloorDiv: ("floor_divide", " // ", _PRODUCT),
    ast.Mod: ("remainder", " mod ", _PRODUCT),
}
_UNARY = {
    ast.USub: ("negative", "−"),
    ast.UAdd: ("positive", "+"),
    ast.Invert: ("invert", "¬"),
    ast.Not: ("logical_not", "¬"),
}
_CONSTANTS = {"inf": symbol("∞", r"\infty"), "pi": symbol("π", r"\pi"), "newaxis": words("None")}
# How text writes what has a sign of its own in mathematics; all else has NumPy's name.
_NAMES = {"sigmoid": "σ", "sum": "Σ", "maximum": "max", "minimum": "min", "sqrt": "√"}


def applied(
    primitive: Primitive, operands: Sequence[str], params: Params, *, scales: bool = False
) -> str:
    """Return a primitive's LaTeX over that of its operands, which is in brackets where needed.

    Parameters
    ----------
    scales : bool
        Whether an operand is a single number; then products have a plain dot.
    """
    places = [place(number) for number in range(len(operands))]
    template = primitive.write_latex(*places, **params)
    if scales:
        template = template.replace(r"\odot", r"\cdot")
    return fill(template, dict(zip(places, operands, strict=True)))


class Reading:
    """Reads expressions; ``names`` says how a variable is written, and which is a number."""

    def __init__(
        self, names: Names = identifier, is_number: Callable[[str], bool] = lambda name: False
    ) -> None:
        self.names, self.is_number = names, is_number

    def read(self, expression: ast.expr, at_least: int = 0) -> Formula:
        """Return an expression's formula, with its text in brackets if that binds too weakly.

        >>> tree = ast.parse("(a1 + np.exp(x)).T @ W2 / 50", mode="eval").body
        >>> Reading().read(tree).text
        '(a1 + exp(x))ᵀ W2 / 50'
        >>> Reading().read(tree).latex
        '\\\\frac{{\\\\left(a_{1} + e^{x}\\\\right)}^{\\\\top} \\\\, W_{2}}{50}'
        """
        formula, level = _read(expression, self)
        return formula._replace(text=f"({formula.text})") if level < at_least else formula

    def arguments(self, call: ast.Call) -> Formula:
        """Return what stands inside a call's brackets."""
        parts = [self.read(argument) for argument in call.args]
        parts += [
            words(item.arg or "") + symbol("=") + self.read(item.value) for item in call.keywords
        ]
        return joined(parts, _COMMA)


@functools.singledispatch
def _read(expression: ast.AST, reading: Reading) -> tuple[Formula, int]:
    """Return an expression's formula and how strongly its text binds; as code where unknown."""
    text = show(expression) if isinstance(expression, ast.expr) else ast.unparse(expression)
    return words(text), _ATOM


@_read.register
def _name(x: ast.Name, reading: Reading) -> tuple[Formula, int]:
    return reading.names(x.id), _ATOM


@_read.register
def _constant(x: ast.Constant, reading: Reading) -> tuple[Formula, int]:
    if isinstance(x.value, (int, float)) and not isinstance(x.value, bool):
        formula = number(repr(x.value))
        return formula, _SIGN if formula.text.startswith("−") or "e" in formula.text else _ATOM
    if x.value is Ellipsis:
        return Formula("…", r"\dots"), _ATOM
    return words(str(x.value)), _ATOM


@_read.register
def _binary(x: ast.BinOp, reading: Reading) -> tuple[Formula, int]:
    if isinstance(x.op, ast.Pow):
        return _raised(x, reading), _POWER
    card, sign, level = _BINARY[type(x.op)]
    left, right = reading.read(x.left, level), reading.read(x.right, level + 1)
    scales = _is_number(x.left, reading) or _is_number(x.right, reading)
    text = f"{left.text}{' · ' if scales and sign == ' ⊙ ' else sign}{right.text}"
    latex = applied(PRIMITIVES[card], [left.latex, right.latex], {}, scales=scales)
    return Formula(text, latex), level


def _is_number(x: ast.expr, reading: Reading) -> bool:
    """Return whether an expression is a single number, as far as its operators tell."""
    if isinstance(x, ast.BinOp):
        return _is_number(x.left, reading) and _is_number(x.right, reading)
    if isinstance(x, ast.UnaryOp):
        return _is_number(x.operand, reading)
    return isinstance(x, ast.Constant) or (isinstance(x, ast.Name) and reading.is_number(x.id))


def _raised(x: ast.BinOp, reading: Reading) -> Formula:
    base, exponent = reading.read(x.left, _ATOM), reading.read(x.right)
    simple = isinstance(x.right, (ast.Constant, ast.Name))
    text = exponent.text if simple else f"({exponent.text})"
    small = {"2": "²", "3": "³"}.get(text)
    latex = applied(PRIMITIVES["power"], [base.latex, exponent.latex], {})
    return Formula(base.text + (small or f"^{text}"), latex)


@_read.register
def _unary(x: ast.UnaryOp, reading: Reading) -> tuple[Formula, int]:
    card, sign = _UNARY[type(x.op)]
    operand = reading.read(x.operand, _SIGN)
    return Formula(sign + operand.text, applied(PRIMITIVES[card], [operand.latex], {})), _SIGN


@_read.register
def _compare(x: ast.Compare, reading: Reading) -> tuple[Formula, int]:
    if (classes := labels(x)) is not None:
        return one_hot(reading.read(classes)), _ATOM
    (op,), (right,) = x.ops, x.comparators
    card, sign = _COMPARED[type(op)]
    sides = [reading.read(side, 6) for side in (x.left, right)]
    latex = applied(PRIMITIVES[card], [side.latex for side in sides], {})
    return Formula(f"[{sides[0].text}{sign}{sides[1].text}]", latex), _ATOM


def labels(x: ast.expr) -> ast.expr | None:
    """Return y of ``y[..., None] == np.arange(n)``, the rows of a unit matrix that y picks."""
    if not (isinstance(x, ast.Compare) and isinstance(x.ops[0], ast.Eq)):
        return None
    left, right = x.left, x.comparators[0]
    if not (isinstance(left, ast.Subscript) and isinstance(right, ast.Call)):
        return None
    picks = show(right.func) == "np.arange" and show(left.slice) in ("..., None", "(..., None)")
    return left.value if picks else None


def one_hot(classes: Formula) -> Formula:
    """Return the rows of a unit matrix that labels pick."""
    return words("onehot") + bracketed(classes)


@_read.register
def _attribute(x: ast.Attribute, reading: Reading) -> tuple[Formula, int]:
    if x.attr in ("T", "mT"):
        base = reading.read(x.value, _ATOM)
        return Formula(f"{base.text}ᵀ", applied(transpose, [base.latex], {"axes": None})), _ATOM
    if isinstance(x.value, ast.Name) and x.value.id == "np":
        return _CONSTANTS.get(x.attr, words(x.attr)), _ATOM
    return reading.read(x.value, _ATOM) + symbol(".") + words(x.attr), _ATOM


@_read.register
def _subscript(x: ast.Subscript, reading: Reading) -> tuple[Formula, int]:
    keys = x.slice.elts if isinstance(x.slice, ast.Tuple) else [x.slice]
    key = joined([reading.read(item) for item in keys], _COMMA)
    base = reading.read(x.value, _ATOM)
    latex = fill(f"{{{place(0)}}}_{{[{place(1)}]}}", {place(0): base.latex, place(1): key.latex})
    return Formula(f"{base.text}[{key.text}]", latex), _ATOM


@_read.register
def _slice(x: ast.Slice, reading: Reading) -> tuple[Formula, int]:
    ends = [x.lower, x.upper, *([] if x.step is None else [x.step])]
    parts = [EMPTY if end is None else reading.read(end) for end in ends]
    return joined(parts, symbol(":")), 0


@_read.register
def _tuple(x: ast.Tuple, reading: Reading) -> tuple[Formula, int]:
    return bracketed(joined([reading.read(item) for item in x.elts], _COMMA)), _ATOM


@_read.register
def _list(x: ast.List, reading: Reading) -> tuple[Formula, int]:
    return bracketed(joined([reading.read(item) for item in x.elts], _COMMA), "[", "]"), _ATOM


@_read.register
def _call(x: ast.Call, reading: Reading) -> tuple[Formula, int]:
    function = x.func
    name = getattr(function, "id", getattr(function, "attr", ""))
    if name in _REWRITTEN and x.args:
        return _read(_REWRITTEN[name](x), reading)
    if name == "transpose" and (swapped := _swapped(x)) is not None:
        return _read(ast.Attribute(swapped, "mT"), reading)
    if name == "strong_product" and show(x.args[0]) == "np.matmul":
        return _read(ast.BinOp(x.args[1], ast.MatMult(), x.args[2]), reading)
    inner = reading.arguments(x)
    if isinstance(function, ast.Attribute) and not _is_module(function.value):
        receiver = reading.read(function.value)
        inner = receiver + _COMMA + inner if inner.text else receiver
    if not name:
        return reading.read(function, _ATOM) + bracketed(inner), _ATOM
    if name in ("abs", "absolute"):
        text = f"|{inner.text}|"
    else:
        text = f"{_NAMES.get(name, name)}({inner.text})"
    latex = of_card(x, reading)
    return Formula(text, latex or (words(name) + bracketed(inner)).latex), _ATOM


def of_card(x: ast.Call, reading: Reading) -> str | None:
    """Return the LaTeX of the card that a call of NumPy's function applies; None if there is none.

    A call that gives arrays by name, or metadata by position, is not looked up.
    """
    module, *path = show(x.func).split(".")
    try:
        function: Any = functools.reduce(getattr, path, np)
        params = {item.arg or "": ast.literal_eval(item.value) for item in x.keywords}
    except (AttributeError, ValueError):
        return None
    found = NUMPY.get(function) if module == "np" else None
    if not isinstance(found, Primitive) or len(x.args) != len(found.array_names):
        return None
    params = {**found.defaults, **params}
    if found.variadic or params.keys() != set(found.param_names):
        return None
    return applied(found, [reading.read(argument).latex for argument in x.args], params)


def _swapped(x: ast.Call) -> ast.expr | None:
    """Return the operand of a call that swaps its last two axes; None if it does another thing."""
    operands = list(x.args)
    if isinstance(x.func, ast.Attribute) and not _is_module(x.func.value):
        operands.insert(0, x.func.value)
    if len(operands) != 2 or not isinstance(operands[1], ast.Tuple):
        return None
    leading = range(len(operands[1].elts) - 2)
    return operands[0] if show(operands[1]) == repr((*leading, -1, -2)) else None


def _is_module(x: ast.expr) -> bool:
    while isinstance(x, ast.Attribute):
        x = x.value
    return isinstance(x, ast.Name) and x.id in ("np", "special")


# Calls that are written as other expressions: operators, and arrays as what fills them.
_REWRITTEN: dict[str, Callable[[ast.Call], ast.expr]] = {
    "strong_multiply": lambda call: ast.BinOp(call.args[0], ast.Mult(), call.args[1]),
    "square": lambda call: ast.BinOp(call.args[0], ast.Pow(), ast.Constant(2)),
    "zeros": lambda call: ast.Constant(0),
    "ones": lambda call: ast.Constant(1),
    "full": lambda call: call.args[1],
    "array": lambda call: call.args[0],
}
