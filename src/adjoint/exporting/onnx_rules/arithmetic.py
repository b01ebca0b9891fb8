"""Arithmetic of entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.node import Operation
from ..onnx_graph import OnnxGraph, Wire
from .rule import Rule, as_wire, elementwise, is_nan, is_negative, rule

_OPERATORS = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "negative": "Neg",
    "absolute": "Abs",
    "fabs": "Abs",
    "floor": "Floor",
    "ceil": "Ceil",
    "rint": "Round",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "sin": "Sin",
    "cos": "Cos",
    "relu": "Relu",
    "maximum": "Max",
    "minimum": "Min",
}


def _named(operator: str) -> Rule:
    return lambda *wires: wires[0].graph.apply(operator, *wires)


for _name, _operator in _OPERATORS.items():
    elementwise(_name)(_named(_operator))


@elementwise("divide")
def divide(x: Wire, y: Wire) -> Wire:
    """Return the quotient."""
    return x / y


@elementwise("reciprocal")
def reciprocal(x: Wire) -> Wire:
    """Return 1 / x."""
    return 1 / x


@elementwise("square")
def square(x: Wire) -> Wire:
    """Return x²."""
    return x * x


@elementwise("trunc")
def trunc(x: Wire) -> Wire:
    """Return x without its decimals."""
    if x.dtype.kind != "f":
        return x
    return copysign(x.graph.apply("Floor", abs(x)), x)


@elementwise("sign")
def sign(x: Wire) -> Wire:
    """Return -1, 0 or 1."""
    return x.graph.apply("Sign", x)


@elementwise("remainder")
def remainder(x: Wire, y: Wire) -> Wire:
    """Return the remainder that has the sign of y."""
    if x.dtype.kind != "f":
        return x.graph.apply("Mod", x, y)
    rest = x.graph.apply("Mod", x, y, fmod=1)
    is_other = ((rest < 0) & (y > 0)) | ((rest > 0) & (y < 0))
    return copysign(is_other.choose(rest + y, rest), y)


@elementwise("fmod")
def fmod(x: Wire, y: Wire) -> Wire:
    """Return the remainder that has the sign of x."""
    return x.graph.apply("Mod", x, y, fmod=1)


@elementwise("floor_divide")
def floor_divide(x: Wire, y: Wire) -> Wire:
    """Return the quotient, rounded down; that of floats is made of the remainder, as NumPy's is."""
    if x.dtype.kind != "f":
        return (x - remainder(x, y)) / y
    rest, quotient = x.graph.apply("Mod", x, y, fmod=1), x / y
    found = (x - rest) / y
    is_other = ((rest < 0) & (y > 0)) | ((rest > 0) & (y < 0))
    found = is_other.choose(found - 1, found)
    down = x.graph.apply("Floor", found)
    near = (found - down > 0.5).choose(down + 1, down)
    return copysign(y.equals(0).choose(quotient, near), quotient)


@elementwise("strong_multiply")
def strong_multiply(x: Wire, y: Wire) -> Wire:
    """Return the product in which 0·∞ and 0·NaN are 0."""
    return (x.equals(0) | y.equals(0)).choose(0, x * y)


@elementwise("copysign")
def copysign(x: Wire, y: Wire) -> Wire:
    """Return the size of x with the sign of y, which -0 has, too.

    It is a product, as one of two choices would lose -0.
    """
    one = x.dtype.type(1)
    return abs(x) * is_negative(y).choose(-one, one)


@elementwise("heaviside")
def heaviside(x: Wire, y: Wire) -> Wire:
    """Return 0 below 0, 1 above, and y at 0."""
    step = (x > 0).cast(x.dtype)
    return is_nan(x).choose(x, x.equals(0).choose(y, step))


@elementwise("hypot")
def hypot(x: Wire, y: Wire) -> Wire:
    """Return the length of the hypotenuse, without overflow on the way."""
    x, y = abs(x), abs(y)
    greater, less = x.graph.apply("Max", x, y), x.graph.apply("Min", x, y)
    ratio = less / greater
    found = greater * x.graph.apply("Sqrt", 1.0 + ratio * ratio)
    is_infinite = x.equals(np.inf) | y.equals(np.inf)
    return is_infinite.choose(np.inf, greater.equals(0).choose(greater, found))


@elementwise("cbrt")
def cbrt(x: Wire) -> Wire:
    """Return the cube root: a power, and a step of Newton's method."""
    size = abs(x)
    root = x.graph.apply("Exp", x.graph.apply("Log", size) / 3.0)
    found = root - (root - size / (root * root)) / 3.0
    is_end = size.equals(0) | size.equals(np.inf)
    return copysign(is_end.choose(size, found), x)


@rule("fmax", "fmin")
def without_nan(graph: OnnxGraph, node: Operation, x: Any, y: Any) -> Wire:
    """Return the greater or the less, and the other where one is NaN."""
    x, y = (as_wire(graph, one, node.output.dtype) for one in (x, y))
    if x.dtype.kind == "f":
        x, y = is_nan(x).choose(y, x), is_nan(y).choose(x, y)
    return graph.apply("Max" if node.primitive.name == "fmax" else "Min", x, y)


@rule("power")
def power(graph: OnnxGraph, node: Operation, x: Any, y: Any) -> Wire:
    """Return x to the power of y; squares are products."""
    dtype = node.output.dtype
    base = as_wire(graph, x, dtype)
    if not isinstance(y, Wire) and np.ndim(y) == 0 and y == 2:
        return base * base
    return graph.apply("Pow", base, as_wire(graph, y, dtype))


@rule("clip")
def clip(graph: OnnxGraph, node: Operation, x: Any, low: Any = None, high: Any = None) -> Wire:
    """Return x within bounds, NaN where it is NaN."""
    dtype = node.output.dtype
    found: Wire = as_wire(graph, x, dtype)
    if low is not None:
        found = graph.apply("Max", found, as_wire(graph, low, dtype))
    return found if high is None else graph.apply("Min", found, as_wire(graph, high, dtype))


@rule("positive", "stop_gradient")
def itself(graph: OnnxGraph, node: Operation, x: Any, *_: Any) -> Wire:
    """Return x."""
    return as_wire(graph, x)


@rule("astype")
def astype(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return x in another dtype."""
    return as_wire(graph, x).cast(node.output.dtype)


@rule("zeros_like", "ones_like")
def filled(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return zeros or ones of the shape of x."""
    number = np.asarray(node.primitive.name == "ones_like", node.output.dtype)
    return graph.constant(number).broadcast(node.output.shape)


@rule("round")
def rounded(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return x rounded to so many decimals, halves to even."""
    wire = as_wire(graph, x, node.output.dtype)
    if wire.dtype.kind != "f":
        return wire
    decimals = node.params.get("decimals", 0)
    if not decimals:
        return graph.apply("Round", wire)
    shift: float = 10.0 ** abs(decimals)
    if decimals > 0:
        return graph.apply("Round", wire * shift) / shift
    return graph.apply("Round", wire / shift) * shift
