"""A reading turns a line of NumPy, as its syntax tree, into a formula with the same names."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import Any

from ..compiler.printer import show
from . import notation
from .notation import Formula, bracketed, identifier, joined, symbol, words

Names = Callable[[str], Formula]
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = 10, 11, 12, 13, 15
_COMMA = symbol(", ")
_COMPARED = {
    ast.Eq: symbol(" = "),
    ast.NotEq: symbol(" ≠ ", r" \ne "),
    ast.Lt: symbol(" < "),
    ast.LtE: symbol(" ≤ ", r" \le "),
    ast.Gt: symbol(" > "),
    ast.GtE: symbol(" ≥ ", r" \ge "),
}
_LOGICAL = {
    ast.BitAnd: (symbol(" ∧ ", r" \land "), 8),
    ast.BitOr: (symbol(" ∨ ", r" \lor "), 6),
    ast.BitXor: (symbol(" ⊕ ", r" \oplus "), 7),
    ast.FloorDiv: (symbol(" // ", r" \mathbin{//} "), _PRODUCT),
    ast.Mod: (symbol(" mod ", r" \bmod "), _PRODUCT),
}
# NumPy's names of what mathematics writes in another way.
_FUNCTIONS = {
    "sigmoid": Formula("σ", r"\sigma", "<mi>σ</mi>"),
    "sum": Formula("Σ", r"\textstyle\sum", "<mo>∑</mo>"),
    **{
        name: Formula(name, f"\\{name}", f"<mi>{name}</mi>")
        for name in (
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "log",
            "arcsin",
            "arccos",
            "arctan",
            "max",
            "min",
        )
    },
    "maximum": Formula("max", r"\max", "<mi>max</mi>"),
    "minimum": Formula("min", r"\min", "<mi>min</mi>"),
}
_CONSTANTS = {"inf": symbol("∞", r"\infty"), "pi": symbol("π", r"\pi"), "newaxis": words("None")}


class Reading:
    """Reads expressions; ``names`` says how a variable is written, and which is a number."""

    def __init__(
        self, names: Names = identifier, is_number: Callable[[str], bool] = lambda name: False
    ) -> None:
        self.names, self.is_number = names, is_number

    def read(self, expression: ast.expr, at_least: int = 0) -> Formula:
        """Return an expression's formula, in brackets if it binds less than ``at_least``.

        >>> tree = ast.parse("(a1 + np.exp(x)).T @ W2 / 50", mode="eval").body
        >>> Reading().read(tree).text
        '(a1 + exp(x))ᵀ W2 / 50'
        >>> Reading().read(tree).latex
        '\\\\frac{{\\\\left(a_{1} + e^{x}\\\\right)}^{\\\\top} \\\\, W_{2}}{50}'
        """
        formula, level = _read(expression, self)
        return bracketed(formula) if level < at_least else formula

    def arguments(self, call: ast.Call) -> Formula:
        """Return what stands inside a call's brackets."""
        parts = [self.read(argument) for argument in call.args]
        parts += [
            words(item.arg or "") + symbol("=") + self.read(item.value) for item in call.keywords
        ]
        return joined(parts, _COMMA)


@functools.singledispatch
def _read(expression: Any, reading: Reading) -> tuple[Formula, int]:
    """Return the formula of an expression and how strongly it binds; as code where unknown."""
    text = show(expression) if isinstance(expression, ast.expr) else ast.unparse(expression)
    return words(text), _ATOM


@_read.register
def _name(x: ast.Name, reading: Reading) -> tuple[Formula, int]:
    return reading.names(x.id), _ATOM


@_read.register
def _constant(x: ast.Constant, reading: Reading) -> tuple[Formula, int]:
    if isinstance(x.value, (int, float)) and not isinstance(x.value, bool):
        formula = notation.number(repr(x.value))
        return formula, _SIGN if formula.text.startswith("-") or "e" in formula.text else _ATOM
    if x.value is Ellipsis:
        return Formula("…", r"\dots", "<mo>…</mo>"), _ATOM
    return words(str(x.value)), _ATOM


@_read.register
def _binary(x: ast.BinOp, reading: Reading) -> tuple[Formula, int]:
    if isinstance(x.op, (ast.Add, ast.Sub)):
        sign = symbol(" + ") if isinstance(x.op, ast.Add) else symbol(" − ", " - ")
        return reading.read(x.left, _SUM) + sign + reading.read(x.right, _SUM + 1), _SUM
    if isinstance(x.op, ast.MatMult):
        blank = Formula(" ", r" \, ", '<mspace width="0.25em"/>')
        return reading.read(x.left, _PRODUCT) + blank + reading.read(x.right, _SIGN), _PRODUCT
    if isinstance(x.op, ast.Mult):
        scales = _is_number(x.left, reading) or _is_number(x.right, reading)
        sign = symbol(" · ", r" \cdot ") if scales else symbol(" ⊙ ", r" \odot ")
        return reading.read(x.left, _PRODUCT) + sign + reading.read(x.right, _SIGN), _PRODUCT
    if isinstance(x.op, ast.Div):
        left, right = reading.read(x.left, _PRODUCT).text, reading.read(x.right, _SIGN).text
        text = f"{left} / {right}"
        return notation.fraction(reading.read(x.left), reading.read(x.right), text), _PRODUCT
    if isinstance(x.op, ast.Pow):
        return _raised(reading.read(x.left, _ATOM), reading.read(x.right), x.right), _POWER
    sign, level = _LOGICAL[type(x.op)]
    return reading.read(x.left, level) + sign + reading.read(x.right, level + 1), level


def _is_number(x: ast.expr, reading: Reading) -> bool:
    """Return whether an expression is a single number, as far as its operators tell."""
    if isinstance(x, ast.BinOp):
        return _is_number(x.left, reading) and _is_number(x.right, reading)
    if isinstance(x, ast.UnaryOp):
        return _is_number(x.operand, reading)
    return isinstance(x, ast.Constant) or (isinstance(x, ast.Name) and reading.is_number(x.id))


def _raised(base: Formula, exponent: Formula, tree: ast.expr) -> Formula:
    text = exponent.text if isinstance(tree, (ast.Constant, ast.Name)) else f"({exponent.text})"
    small = {"2": "²", "3": "³"}.get(text)
    return notation.power(base, exponent, base.text + (small or f"^{text}"))


@_read.register
def _unary(x: ast.UnaryOp, reading: Reading) -> tuple[Formula, int]:
    sign = {
        ast.USub: symbol("−", "-"),
        ast.UAdd: symbol("+"),
        ast.Invert: symbol("¬", r"\lnot "),
        ast.Not: symbol("¬", r"\lnot "),
    }[type(x.op)]
    return sign + reading.read(x.operand, _SIGN), _SIGN


@_read.register
def _compare(x: ast.Compare, reading: Reading) -> tuple[Formula, int]:
    if (classes := _labels(x)) is not None:
        return words("onehot") + bracketed(reading.read(classes)), _ATOM
    formula = reading.read(x.left, 6)
    for op, right in zip(x.ops, x.comparators, strict=True):
        formula = formula + _COMPARED[type(op)] + reading.read(right, 6)
    return bracketed(formula, "[", "]"), _ATOM


def _labels(x: ast.Compare) -> ast.expr | None:
    """Return y of ``y[..., None] == np.arange(n)``, the rows of a unit matrix that y picks."""
    left, right = x.left, x.comparators[0]
    if not (isinstance(x.ops[0], ast.Eq) and isinstance(left, ast.Subscript)):
        return None
    picks = isinstance(right, ast.Call) and show(right.func) == "np.arange"
    return left.value if picks and show(left.slice) in ("..., None", "(..., None)") else None


@_read.register
def _attribute(x: ast.Attribute, reading: Reading) -> tuple[Formula, int]:
    if x.attr in ("T", "mT"):
        base = reading.read(x.value, _ATOM)
        top = Formula("ᵀ", r"\top", "<mo>⊤</mo>")
        return notation.power(base, top, f"{base.text}ᵀ"), _ATOM
    if isinstance(x.value, ast.Name) and x.value.id == "np":
        return _CONSTANTS.get(x.attr, words(x.attr)), _ATOM
    return reading.read(x.value, _ATOM) + symbol(".") + words(x.attr), _ATOM


@_read.register
def _subscript(x: ast.Subscript, reading: Reading) -> tuple[Formula, int]:
    keys = x.slice.elts if isinstance(x.slice, ast.Tuple) else [x.slice]
    key = joined([reading.read(item) for item in keys], _COMMA)
    return notation.indexed(reading.read(x.value, _ATOM), key), _ATOM


@_read.register
def _slice(x: ast.Slice, reading: Reading) -> tuple[Formula, int]:
    ends = [x.lower, x.upper, *([] if x.step is None else [x.step])]
    parts = [notation.EMPTY if end is None else reading.read(end) for end in ends]
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
    familiar = _FAMILIAR.get(name)
    if familiar is not None and len(x.args) == 1 and not x.keywords:
        return familiar(inner), _ATOM
    return _FUNCTIONS.get(name, words(name)) + bracketed(inner), _ATOM


def _swapped(x: ast.Call) -> ast.expr | None:
    """Return of what a call of transpose swaps the last two axes; None if it does another thing."""
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


def _exponential(inner: Formula) -> Formula:
    latex, mathml = f"e^{{{inner.latex}}}", f"<msup><mi>e</mi><mrow>{inner.mathml}</mrow></msup>"
    return Formula(f"exp({inner.text})", latex, mathml)


_FAMILIAR: dict[str, Callable[[Formula], Formula]] = {
    "exp": _exponential,
    "sqrt": notation.root,
    "abs": lambda inner: bracketed(inner, "|", "|"),
    "absolute": lambda inner: bracketed(inner, "|", "|"),
}
