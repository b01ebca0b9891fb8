"""A formula is a text in x and y that a user typed: parsed to a short list of parts, never run.

A comparison tells two classes apart; any other formula is a number to be predicted. What is parsed
can be computed, and written as NumPy.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..core.annotations import Array
from .values import SettingsError

LONGEST, DEEPEST = 200, 30
FUNCTIONS: dict[str, tuple[np.ufunc, int]] = {
    "abs": (np.abs, 1), "cos": (np.cos, 1), "exp": (np.exp, 1), "floor": (np.floor, 1),
    "log": (np.log, 1), "max": (np.maximum, 2), "min": (np.minimum, 2), "sin": (np.sin, 1),
    "sqrt": (np.sqrt, 1), "tan": (np.tan, 1), "tanh": (np.tanh, 1),
}  # fmt: skip
_OPERATORS: dict[type[ast.AST], tuple[str, Callable[..., Any]]] = {
    ast.Add: ("+", operator.add), ast.Sub: ("-", operator.sub), ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv), ast.Pow: ("**", operator.pow),
    ast.Gt: (">", operator.gt), ast.GtE: (">=", operator.ge),
    ast.Lt: ("<", operator.lt), ast.LtE: ("<=", operator.le),
}  # fmt: skip
_KNOWN = re.compile(r"[A-Za-z0-9_.+\-*/^()<>=, ]")


@dataclass(frozen=True)
class Formula:
    """What a text says.

    Attributes
    ----------
    source : str
        The formula as NumPy writes it, of arrays ``x`` and ``y``.
    has_classes : bool
        Whether it compares.
    compute : callable
        Returns its values of arrays ``x`` and ``y``.
    """

    source: str
    has_classes: bool
    compute: Callable[[Array, Array], Any]


def parse(text: object) -> Formula:
    """Return the formula of a text.

    Raises
    ------
    SettingsError
        If it is too long or too deep, or has a part that is not known; with its place.

    Examples
    --------
    >>> parse("y > sin(2x)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    adjoint.playground.values.SettingsError: formula: at place 9, '2x)' is not understood; ...
    >>> parse("y > sin(2*x)^2").source
    'y > np.sin(2.0 * x) ** 2.0'
    """
    if not isinstance(text, str) or not text.strip():
        raise SettingsError("formula: expected a text, as y > sin(x)")
    if len(text) > LONGEST:
        raise SettingsError(f"formula: {len(text):,} characters; there may be {LONGEST}")
    for place, character in enumerate(text):
        if not _KNOWN.fullmatch(character):
            _refuse(text, place)
    python = text.replace("^", "**")
    places = [n for n, c in enumerate(text) for _ in range(1 + (c == "^"))] + [len(text)]
    lead = len(python) - len(python.lstrip())
    try:
        tree = _tree(python.strip())
    except SyntaxError as error:
        at = max((error.offset or 1) - 1, 0) + lead
        _refuse(text, len(text) if _is_begun(python.strip()) else places[min(at, len(python))])
    except (ValueError, RecursionError, MemoryError):
        _refuse(text, 0)
    part = _Reader(text, places[lead:]).read(tree, 0, compares=True)
    if part.value is not None:
        raise SettingsError("formula: expected x or y in it")
    return Formula(part.source, isinstance(tree, ast.Compare), part.compute)


def _tree(python: str) -> ast.expr:
    with warnings.catch_warnings():  # of texts as "1and x"
        warnings.simplefilter("ignore")
        return ast.parse(python, mode="eval").body


def _is_begun(python: str) -> bool:
    """Return whether a text only lacks its end."""
    try:
        _tree(f"{python} x")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _refuse(text: str, place: int) -> NoReturn:
    rest = text[place : place + 12] or "the end"
    raise SettingsError(
        f"formula: at place {place + 1}, {rest!r} is not understood; expected x, y, numbers, "
        f"+ - * / ** and {', '.join(FUNCTIONS)}"
    )


@dataclass(frozen=True)
class _Part:
    """A part of a formula; ``value`` is the number that it is where it has no name in it."""

    source: str
    binds: int  # how strongly: 0 compares, 1 adds, 2 multiplies, 3 negates, 4 powers, 5 is whole
    compute: Callable[[Array, Array], Any]
    value: float | None = None

    def inside(self, binds: int) -> str:
        """Return its source as a part of one that binds so strongly."""
        return self.source if self.binds >= binds else f"({self.source})"


class _Reader:
    """Reads the parts of a parsed text, and refuses those that are not on the list."""

    def __init__(self, text: str, places: list[int]) -> None:
        self.text, self.places = text, places

    def refuse(self, node: ast.AST) -> NoReturn:
        _refuse(self.text, self.places[min(getattr(node, "col_offset", 0), len(self.places) - 1)])

    def read(self, node: ast.expr, depth: int, *, compares: bool = False) -> _Part:
        if depth > DEEPEST:
            raise SettingsError(f"formula: it is more than {DEEPEST} parts deep")
        if isinstance(node, ast.Constant):
            return self._number(node, node.value)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.UnaryOp):
            return self._signed(node, depth)
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.BinOp):
            return self._operation(node, node.op, node.left, node.right, depth)
        if isinstance(node, ast.Compare) and compares and len(node.ops) == 1:
            return self._operation(node, node.ops[0], node.left, node.comparators[0], depth)
        return self.refuse(node)

    def _number(self, node: ast.AST, value: object) -> _Part:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(node)
        try:
            number = float(value)
        except OverflowError:
            self.refuse(node)
        if not np.isfinite(number):
            self.refuse(node)
        return _Part(repr(number), 3 if number < 0 else 5, lambda x, y: number, number)

    def _name(self, node: ast.Name) -> _Part:
        if node.id == "pi":
            return self._number(node, float(np.pi))
        if node.id not in ("x", "y"):
            self.refuse(node)
        return _Part(node.id, 5, (lambda x, y: x) if node.id == "x" else (lambda x, y: y))

    def _signed(self, node: ast.UnaryOp, depth: int) -> _Part:
        inner = self.read(node.operand, depth + 1)
        if isinstance(node.op, ast.UAdd):
            return inner
        if not isinstance(node.op, ast.USub):
            self.refuse(node)
        source = f"-{inner.inside(3)}"
        return self._made(node, source, 3, lambda a: -a, [inner])

    def _call(self, node: ast.Call, depth: int) -> _Part:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS or node.keywords or len(node.args) != FUNCTIONS[name][1]:
            self.refuse(node)
        function = FUNCTIONS[name][0]
        given = [self.read(each, depth + 1) for each in node.args]
        source = f"np.{function.__name__}({', '.join(each.source for each in given)})"
        return self._made(node, source, 5, function, given)

    def _operation(
        self, node: ast.AST, kind: ast.AST, left: ast.expr, right: ast.expr, depth: int
    ) -> _Part:
        if type(kind) not in _OPERATORS:
            self.refuse(node)
        sign, function = _OPERATORS[type(kind)]
        binds = {"+": 1, "-": 1, "*": 2, "/": 2, "**": 4}.get(sign, 0)
        a, b = self.read(left, depth + 1), self.read(right, depth + 1)
        # Powers lead from the right, all others from the left.
        sides = (
            (a.inside(5), b.inside(3)) if sign == "**" else (a.inside(binds), b.inside(binds + 1))
        )
        return self._made(node, f"{sides[0]} {sign} {sides[1]}", binds, function, [a, b])

    def _made(
        self,
        node: ast.AST,
        source: str,
        binds: int,
        function: Callable[..., Any],
        given: list[_Part],
    ) -> _Part:
        """Return a part of parts; of numbers alone it is their number, as NumPy computes it."""
        values = [each.value for each in given]
        if all(value is not None for value in values):
            with np.errstate(all="ignore"):
                return self._number(node, float(function(*map(np.float64, values))))
        inner = [each.compute for each in given]
        return _Part(source, binds, lambda x, y: function(*(each(x, y) for each in inner)))


def rows_of(text: str, rows: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Return points in a square, and the class or the number of each.

    Raises
    ------
    SettingsError
        If it is no finite number somewhere, or all points have one class.
    """
    formula = parse(text)
    rng = np.random.default_rng(seed)
    X = rng.uniform(-3, 3, (rows, 2))
    moved = rng.standard_normal((rows, 2))
    with np.errstate(all="ignore"):
        if formula.has_classes:
            x, y = (X + noise * moved).T
            target = formula.compute(x, y).astype(int)
        else:
            x, y = X.T
            target = formula.compute(x, y) + noise * moved[:, 0]
    _check(target, x, y, formula)
    return X, target


def _check(target: Array, x: Array, y: Array, formula: Formula) -> None:
    if formula.has_classes and len(set(target.tolist())) < 2:
        raise SettingsError("formula: all points are on one side of it")
    wrong = np.flatnonzero(~np.isfinite(target) | (np.abs(target) > 1e100))
    if len(wrong):
        at = wrong[0]
        raise SettingsError(f"formula: it is no usual number at x = {x[at]:.3g}, y = {y[at]:.3g}")


def definition(text: str) -> list[str]:
    """Return the lines that make the points in a program."""
    formula = parse(text)
    lines = ["X = rng.uniform(-3, 3, (rows, 2))", "moved = rng.standard_normal((rows, 2))"]
    if formula.has_classes:
        lines += ["x, y = (X + noise * moved).T", f"return X, ({formula.source}).astype(int)"]
    else:
        lines += ["x, y = X.T", f"return X, {formula.source} + noise * moved[:, 0]"]
    about = "on which side of the formula they are" if formula.has_classes else "the formula there"
    return [
        "def make_points(rows, noise, seed):",
        f'    """Return points in a square, and {about}."""',
        "    rng = np.random.default_rng(seed)",
        *(f"    {line}" for line in lines),
    ]
