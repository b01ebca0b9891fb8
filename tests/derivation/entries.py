"""The algebra of symbolic entries: arrays of SymPy's expressions, equal if that can be proved."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from latex import Tree


class Exp(sp.Function):
    """The exponential function, of sums a product, so that powers of it are a polynomial's."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        x = sp.expand(x)
        if x.is_Add:
            return sp.Mul(*(cls(term) for term in x.args))
        if x.is_number and x == 0:
            return sp.Integer(1)
        return 1 / cls(-x) if x.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> Any:
        return self


class Log(sp.Function):
    """The logarithm, of a product of positive factors the sum of theirs."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        if x.is_Mul:
            return sp.Add(*(cls(factor) for factor in x.args))
        if x.is_Pow:
            return x.exp * cls(x.base)
        if isinstance(x, Exp):
            return x.args[0]
        return sp.Integer(0) if x == 1 else None

    def fdiff(self, argindex: int = 1) -> Any:
        return 1 / self.args[0]


class Root(sp.Function):
    """The square root of what is positive, of a product or quotient that of the factors' roots."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        expanded = sp.expand(x)
        numerator, denominator = sp.together(expanded).as_numer_denom()
        if denominator.free_symbols:
            return cls(numerator) / cls(denominator)
        if expanded.is_Mul:
            return sp.Mul(*(cls(factor) for factor in expanded.args))
        return None if expanded == x else cls(expanded)

    def fdiff(self, argindex: int = 1) -> Any:
        return 1 / (2 * self)


class SecondSlope(sp.Function):
    """The second derivative of any activation."""


class Slope(sp.Function):
    """The derivative of any activation."""

    def fdiff(self, argindex: int = 1) -> Any:
        return SecondSlope(self.args[0])


class Activation(sp.Function):
    """Any differentiable function of one number."""

    def fdiff(self, argindex: int = 1) -> Any:
        return Slope(self.args[0])


class Entries:
    """Every entry a symbol of its own."""

    def __init__(self, **sizes: int) -> None:
        self.sizes = sizes
        self.symbols: dict[str, Any] = {}

    def choose(self, name: str, where: Tree) -> Any:
        """Return symbols; of rows that add up to 1, the last entry is what the others leave."""
        if not where.parts:
            return sp.Symbol(name, positive=True)
        shape = tuple(int(self.sizes.get(size.name) or size.name) for size in where.parts)
        if name == r"\mathbf{1}":
            return self.ones(shape)
        array = np.empty(shape, object)
        for place in itertools.product(*map(range, shape)):
            row, column = place
            array[place] = sp.Symbol(f"{name}_{row + 1}{column + 1}", real=True)
        if where.name.startswith(r"\{"):
            array[:, -1] = 1 - array[:, :-1].sum(axis=1)
        return array

    def history(self, name: str, steps: int) -> list[Any]:
        return [sp.Symbol(f"{name}_{step + 1}", real=True) for step in range(steps)]

    def number(self, number: int) -> Any:
        return sp.Integer(number)

    def ones(self, shape: tuple[int, ...]) -> Any:
        return np.full(shape, sp.Integer(1), object)

    def stack(self, rows: list[list[Any]]) -> Any:
        return np.array(rows, dtype=object)

    def product(self, left: Any, right: Any) -> Any:
        both = isinstance(left, np.ndarray) and isinstance(right, np.ndarray)
        return left @ right if both else left * right

    def exp(self, x: Any) -> Any:
        return _entrywise(Exp, x)

    def log(self, x: Any) -> Any:
        return _entrywise(Log, x)

    def sqrt(self, x: Any) -> Any:
        return _entrywise(Root, x)

    def call(self, name: str, x: Any) -> Any:
        """Apply a function of which nothing is known but that it has derivatives."""
        if name == r"\ell":
            return self._any_loss(x)
        functions = {r"\sigma": Activation, r"\sigma'": Slope, r"\mathrm{sign}": sp.sign}
        return _entrywise(functions[name], x)

    def _any_loss(self, x: Any) -> Any:
        """Return a function with any gradient at x, and with second derivatives."""
        terms = [
            sp.Symbol(f"c_{i}", real=True) * entry + sp.Symbol(f"q_{i}", real=True) * entry**2
            for i, entry in enumerate(np.ravel(x))
        ]
        return sp.Add(*terms)

    def gradient(self, function: Callable[[Any], Any], at: Any) -> Any:
        """Return the derivatives by symbols put in for the entries, which replace them again."""
        at = np.asarray(at, dtype=object)
        symbols = np.empty(at.shape, object)
        for place in itertools.product(*map(range, at.shape)):
            symbols[place] = sp.Dummy(real=True)
        value = sp.sympify(function(symbols if at.ndim else symbols[()]))
        back = dict(zip(symbols.ravel(), at.ravel(), strict=True))
        gradient = np.empty(at.shape, object)
        for place in itertools.product(*map(range, at.shape)):
            gradient[place] = value.diff(symbols[place]).xreplace(back)
        return gradient if at.ndim else gradient[()]

    def same(self, left: Any, right: Any) -> bool:
        """Whether the difference of all entries is proved to be zero."""
        if np.shape(left) != np.shape(right):
            return False
        return all(is_zero(entry) for entry in np.ravel(left - right))


def _entrywise(function: Any, x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return function(sp.sympify(x))
    applied = np.empty(x.shape, object)
    for place in itertools.product(*map(range, x.shape)):
        applied[place] = function(x[place])
    return applied


def is_zero(expression: Any) -> bool:
    """Whether an expression is zero: as a rational function of symbols, functions and roots."""
    expression = sp.sympify(expression)
    if expression == 0:
        return True
    names: dict[Any, Any] = {}
    renamed = _renamed(expression, names)
    if _is_refuted(renamed, names):
        return False
    numerator = sp.expand(sp.together(renamed).as_numer_denom()[0])
    for atom, symbol in names.items():
        if isinstance(atom, Root):
            square = _renamed(atom.args[0], names)
            numerator = _without_squares(numerator, symbol, square)
    return bool(numerator == 0)


def _is_refuted(renamed: Any, names: dict[Any, Any]) -> bool:
    """Whether an expression is not zero at some point, which is sooner seen than no proof found."""
    roots = {symbol: atom for atom, symbol in names.items() if isinstance(atom, Root)}
    inside = [root.args[0] for root in roots.values()]
    free = set().union(*(each.free_symbols for each in (renamed, *inside))) - roots.keys()
    ordered = sorted(free, key=lambda symbol: symbol.sort_key())
    point = {symbol: sp.Float(0.7 + 0.61 * i % 1) for i, symbol in enumerate(ordered)}
    for symbol, root in roots.items():
        square = _renamed(root.args[0], names)
        point[symbol] = sp.sqrt(square.xreplace(point))
    return bool(abs(sp.N(renamed.xreplace(point))) > 1e-6)


def _renamed(expression: Any, names: dict[Any, Any]) -> Any:
    """Put a symbol for every function, and for every power with an exponent that is none."""

    def symbol(atom: Any) -> Any:
        return names.setdefault(atom, sp.Dummy())

    def is_atom(x: Any) -> bool:
        return isinstance(x, sp.Function) or (x.is_Pow and not x.exp.is_Integer)

    return (
        expression.replace(is_atom, symbol) if expression.has(sp.Function, sp.Pow) else expression
    )


def _without_squares(numerator: Any, root: Any, square: Any) -> Any:
    """Put the square for the even powers of a root."""
    terms = sp.Poly(numerator, root).terms() if numerator.has(root) else [((0,), numerator)]
    whole, denominator = square.as_numer_denom()
    most = max(power for (power,), _ in terms) // 2
    reduced = [
        factor * whole ** (power // 2) * denominator ** (most - power // 2) * root ** (power % 2)
        for (power,), factor in terms
    ]
    return sp.expand(sp.Add(*reduced))
