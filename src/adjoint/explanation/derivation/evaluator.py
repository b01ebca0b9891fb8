"""An evaluator computes a printed line of NumPy from its text, without the rest of adjoint.

It walks over the syntax tree of the text. Besides the value it computes the magnitude of its terms,
which is the value if every difference were a sum and every number positive. Rounding errors are
proportional to that magnitude, and not to a value that is small because its terms cancel.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...errors import require

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.MatMult: operator.matmul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
# Ufuncs whose value can be small beside their arguments, since these may cancel.
_ADDING = frozenset({"add", "subtract", "hypot", "logaddexp", "logaddexp2", "remainder", "fmod"})


class Evaluator:
    """Evaluates expressions over named arrays and functions."""

    def __init__(self, functions: str = "") -> None:
        self.scope: dict[str, Any] = {"np": np}
        self.magnitudes: Mapping[str, Any] = {}
        exec(functions, self.scope)

    def __getitem__(self, name: str) -> Any:
        """Return the value of a name: an array or a function, or one of Python's own."""
        if name == "special" and name not in self.scope:
            self.scope[name] = require("scipy.special", extra="native", purpose="this derivation")
        return self.scope[name] if name in self.scope else getattr(builtins, name)

    def __setitem__(self, name: str, value: object) -> None:
        self.scope[name] = value

    def value(self, text: str, given: Mapping[str, Any] | None = None) -> Any:
        """Return the value of an expression's text."""
        with np.errstate(all="ignore"):
            return self._value(ast.parse(text, mode="eval").body, given or {})

    def magnitude(self, text: str, given: Mapping[str, Any] | None = None) -> Any:
        """Return the sum of the magnitudes of an expression's terms, entry by entry.

        ``given`` has the magnitudes of names that are not those of their values.
        """
        self.magnitudes = given or {}
        with np.errstate(all="ignore"):
            return self._magnitude(ast.parse(text, mode="eval").body)

    # --- values

    def _value(self, x: ast.AST, given: Mapping[str, Any]) -> Any:
        # The method is found by the kind of the expression: `_binop` evaluates an `ast.BinOp`.
        return getattr(self, f"_{type(x).__name__.lower()}")(x, given)

    def _constant(self, x: ast.Constant, given: Mapping[str, Any]) -> Any:
        return x.value

    def _name(self, x: ast.Name, given: Mapping[str, Any]) -> Any:
        return given[x.id] if x.id in given else self[x.id]

    def _binop(self, x: ast.BinOp, given: Mapping[str, Any]) -> Any:
        return _BINARY[type(x.op)](self._value(x.left, given), self._value(x.right, given))

    def _unaryop(self, x: ast.UnaryOp, given: Mapping[str, Any]) -> Any:
        return _UNARY[type(x.op)](self._value(x.operand, given))

    def _compare(self, x: ast.Compare, given: Mapping[str, Any]) -> Any:
        (op,), (right,) = x.ops, x.comparators
        return _COMPARED[type(op)](self._value(x.left, given), self._value(right, given))

    def _attribute(self, x: ast.Attribute, given: Mapping[str, Any]) -> Any:
        return getattr(self._value(x.value, given), x.attr)

    def _subscript(self, x: ast.Subscript, given: Mapping[str, Any]) -> Any:
        return self._value(x.value, given)[self._value(x.slice, given)]

    def _slice(self, x: ast.Slice, given: Mapping[str, Any]) -> slice:
        ends = [x.lower, x.upper, x.step]
        return slice(*(None if end is None else self._value(end, given) for end in ends))

    def _items(self, items: list[ast.expr], given: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = []
        for item in items:
            if isinstance(item, ast.Starred):
                found += self._value(item.value, given)
            else:
                found.append(self._value(item, given))
        return found

    def _tuple(self, x: ast.Tuple, given: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(self._items(x.elts, given))

    def _list(self, x: ast.List, given: Mapping[str, Any]) -> list[Any]:
        return self._items(x.elts, given)

    def _call(self, x: ast.Call, given: Mapping[str, Any]) -> Any:
        keywords = {item.arg or "": self._value(item.value, given) for item in x.keywords}
        return self._value(x.func, given)(*self._items(x.args, given), **keywords)

    def _lambda(self, x: ast.Lambda, given: Mapping[str, Any]) -> Callable[..., Any]:
        names = [argument.arg for argument in x.args.args]
        rest = x.args.vararg

        def function(*args: Any) -> Any:
            inner = {**given, **dict(zip(names, args, strict=False))}
            if rest is not None:
                inner[rest.arg] = args[len(names) :]
            return self._value(x.body, inner)

        return function

    # --- magnitudes

    def _magnitude(self, x: ast.expr) -> Any:
        if isinstance(x, ast.BinOp) and isinstance(x.op, (ast.Add, ast.Sub)):
            return self._magnitude(x.left) + self._magnitude(x.right)
        if isinstance(x, ast.BinOp) and isinstance(x.op, (ast.Mult, ast.MatMult)):
            return _BINARY[type(x.op)](self._magnitude(x.left), self._magnitude(x.right))
        if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Div):
            return self._magnitude(x.left) / np.abs(self._value(x.right, {}))
        if isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.USub):
            return self._magnitude(x.operand)
        if isinstance(x, ast.Attribute) and x.attr == "T":
            return self._magnitude(x.value).T
        if isinstance(x, ast.Call):
            return self._magnitude_of_call(x)
        if isinstance(x, ast.Name) and x.id in self.magnitudes:
            return self.magnitudes[x.id]
        return _absolute(self._value(x, {}))

    def _magnitude_of_call(self, x: ast.Call) -> Any:
        """Return a ufunc's own magnitude; of other calls the largest number that takes part."""
        value, function = self._value(x, {}), self._value(x.func, {})
        name = getattr(x.func, "attr", getattr(x.func, "id", ""))
        if isinstance(function, np.ufunc) and name not in _ADDING:
            return _absolute(value)
        parts = [*x.args, *(item.value for item in x.keywords)]
        if isinstance(x.func, ast.Attribute):
            parts.append(x.func.value)  # a method reads the array that it belongs to
        return np.full(np.shape(value), max(_largest(value), *map(self._scale, parts)))

    def _scale(self, part: ast.expr) -> float:
        """Return the largest magnitude in an argument; 0 of what is no array of floats."""
        if isinstance(part, (ast.Tuple, ast.List)):
            return max(map(self._scale, part.elts), default=0.0)
        if isinstance(part, (ast.Constant, ast.Lambda, ast.Starred, ast.Slice)):
            return 0.0
        value = self._value(part, {})
        is_float = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
        return _largest(self._magnitude(part)) if is_float else 0.0


def _absolute(value: ArrayLike) -> Any:
    array = np.asarray(value)
    return np.abs(array) if array.dtype.kind in "fiu" else np.ones(array.shape)


def _largest(value: ArrayLike) -> float:
    array = np.asarray(value, float)
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
