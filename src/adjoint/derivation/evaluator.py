"""An evaluator computes a printed line of NumPy from its text, without the rest of adjoint.

It walks over the syntax tree of the text. Beside the value it gives the magnitude of its terms, the
value with every difference a sum and every number positive: the scale of its rounding errors.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import require

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
# What adds entries up, or only moves them: of magnitudes it gives the magnitude.
_LINEAR = frozenset(
    [
        "sum",
        "mean",
        "reshape",
        "transpose",
        "broadcast_to",
        "moveaxis",
        "swapaxes",
        "concatenate",
        "stack",
        "repeat",
        "tile",
        "squeeze",
        "expand_dims",
        "ravel",
        "einsum",
        "cumsum",
        "trace",
        "diagonal",
        "placed_at",
        "sum_to",
        "dot",
        "outer",
        "tensordot",
        "convolve",
        "array",
        "asarray",
        "astype",
        "where",
    ]
)


class Evaluator:
    """Evaluates expressions over named arrays and functions."""

    def __init__(self, functions: str = "") -> None:
        self.scope: dict[str, Any] = {"np": np}
        exec(functions, self.scope)

    def __getitem__(self, name: str) -> Any:
        """Return the value of a name: an array or a function, or one of Python's own."""
        if name == "special" and name not in self.scope:
            self.scope[name] = require("scipy.special", extra="native", purpose="this derivation")
        return self.scope[name] if name in self.scope else getattr(builtins, name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.scope[name] = value

    def value(self, text: str, given: Mapping[str, Any] | None = None) -> Any:
        """Return the value of an expression's text."""
        with np.errstate(all="ignore"):
            return self._value(ast.parse(text, mode="eval").body, given or {})

    def magnitude(self, text: str) -> Any:
        """Return the sum of the magnitudes of an expression's terms, entry by entry."""
        with np.errstate(all="ignore"):
            return self._magnitude(ast.parse(text, mode="eval").body)

    # --- values

    def _value(self, x: Any, given: Mapping[str, Any]) -> Any:
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
        return _absolute(self._value(x, {}))

    def _magnitude_of_call(self, x: ast.Call) -> Any:
        """Return that of what adds up or moves entries; else the largest entry that takes part."""
        value = self._value(x, {})
        name = getattr(x.func, "attr", getattr(x.func, "id", ""))
        if name not in _LINEAR:
            function = self._value(x.func, {})
            if isinstance(function, np.ufunc):
                return _absolute(value)
        parts: list[ast.expr] = [
            item for item in x.args if isinstance(item, (ast.Name, ast.BinOp, ast.Call))
        ]
        if isinstance(x.func, ast.Attribute) and not isinstance(x.func.value, ast.Name):
            parts.append(x.func.value)
        scales = [_largest(value)]
        for part in parts:
            scales.append(_largest(self._part(part)))
        return np.full(np.shape(value), max(scales))

    def _part(self, part: ast.expr) -> Any:
        value = self._value(part, {})
        is_numbers = isinstance(value, (np.ndarray, np.generic, float)) and (
            np.asarray(value).dtype.kind == "f"
        )
        return self._magnitude(part) if is_numbers else 0.0


def _absolute(value: Any) -> Any:
    array = np.asarray(value)
    return np.abs(array) if array.dtype.kind in "fiu" else np.ones(array.shape)


def _largest(value: Any) -> float:
    array = np.asarray(value, float)
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
