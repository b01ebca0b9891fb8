"""A rewrite replaces one operation by a simpler one of the same value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.annotations import AnyArray, Operand, Params
from ...core.node import Operation
from ...core.registry import PRIMITIVES
from ...core.spec import Spec
from ...core.value import Value
from ...core.views import plain

# Applies a primitive, by name, to operands; what a rewrite may build with.
Build = Callable[..., Any]
# Gives the simpler value, or None where the rewrite does not apply.
Rewrite = Callable[[Sequence[Any], Params, Build], Any]


def taken_apart(x: Operand, name: str) -> list[Any] | None:
    """Return the operands of the primitive ``name`` if ``x`` is its result, else None."""
    if not isinstance(x, Value) or not isinstance(x.node, Operation):
        return None
    if getattr(x.node, "meant", x.node.primitive) is not PRIMITIVES[name]:
        return None
    return [
        arg if parent is None else plain(type(x))(arg, parent) for arg, parent in x.node.edges()
    ]


def is_number(x: Operand, number: float) -> bool:
    """Return whether an operand is a constant with no other entry than ``number``."""
    if isinstance(x, (Value, Spec)) or x is None:
        return False
    if isinstance(x, np.ndarray) and x.size > 1 and x.flat[0] != number:
        return False  # without a look at all of a large array
    return bool(np.size(x)) and bool(np.all(np.equal(x, number)))


def _is_zero(x: AnyArray, *, negative: bool) -> bool:
    """Return whether an operand is a constant of zeros, all of one sign."""
    return is_number(x, 0) and bool(np.all(np.signbit(np.asarray(x, float)) == negative))


def _has_sign(x: AnyArray, args: Sequence[AnyArray]) -> bool:
    """Return whether -x is the same before and after x takes the dtype of the result.

    NumPy negates no boolean, and 1 of uint8 to 255.
    """
    whole = np.result_type(*(getattr(arg, "dtype", arg) for arg in args))
    return x.dtype.kind == "f" or bool(x.dtype == whole)


def _itself(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    return args[0]


def _add(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    x, y = args
    for one, other in ((x, y), (y, x)):
        # x + -0 is x for every x, but x + 0 is not: -0 + 0 is 0.
        if _is_zero(other, negative=True):
            return one
    if (opposite := taken_apart(y, "negative")) is not None and _has_sign(y, args):
        return build("subtract", x, opposite[0])
    if (opposite := taken_apart(x, "negative")) is not None and _has_sign(x, args):
        return build("subtract", y, opposite[0])
    return None


def _subtract(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    x, y = args
    if _is_zero(y, negative=False):
        return x
    if _is_zero(x, negative=True) and _has_sign(y, args):
        return build("negative", y)
    if (opposite := taken_apart(y, "negative")) is not None and _has_sign(y, args):
        return build("add", x, opposite[0])
    return None


def _multiply(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    for one, other in (args, args[::-1]):
        if is_number(other, 1):
            return one
        if is_number(other, -1) and _has_sign(one, args):
            return build("negative", one)
    return None


def _strong_multiply(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    for one, other in (args, args[::-1]):
        # A factor -0 counts as 0 as well: in a strong product the sign of a zero says nothing more.
        if is_number(other, 0):
            shape = np.broadcast_shapes(np.shape(other), getattr(one, "shape", ()))
            return np.zeros(shape, getattr(one, "dtype", None))
    return _multiply(args, params, build)


def _divide(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    return args[0] if is_number(args[1], 1) else None


def _power(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    return args[0] if is_number(args[1], 1) else None


def _negative(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    inner = taken_apart(args[0], "negative")
    return None if inner is None else inner[0]


def _axes(x: AnyArray, axes: Sequence[int] | None) -> tuple[int, ...]:
    order = range(x.ndim)[::-1] if axes is None else axes
    return tuple(int(a) % x.ndim for a in order)


def _transpose(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    x = args[0]
    axes = _axes(x, params["axes"])
    if axes == tuple(range(x.ndim)):
        return x
    inner = taken_apart(x, "transpose")
    if inner is None:
        is_reversal = axes == _axes(x, None) and params["axes"] is not None
        return build("transpose", x, axes=None) if is_reversal else None
    assert isinstance(x, Value)
    assert x.node is not None
    before = _axes(inner[0], x.node.params["axes"])
    return build("transpose", inner[0], axes=tuple(before[a] for a in axes))


def _reshape(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    inner = taken_apart(args[0], "reshape")
    if inner is not None:
        return build("reshape", inner[0], shape=params["shape"])
    for name in ("matmul", "strong_matmul"):
        if (factors := taken_apart(args[0], name)) is not None:
            return _product_with_vector(name, factors, build)
    return None


def _product_with_vector(name: str, factors: Sequence[AnyArray], build: Build) -> Any:
    """Multiply by a vector itself, not by the matrix of one column or row made of it."""
    x, y = factors
    if x.ndim != 2 or y.ndim != 2:
        return None
    row, column = taken_apart(x, "reshape"), taken_apart(y, "reshape")
    if column is not None and column[0].ndim == 1 and y.shape[1] == 1:
        return build(name, x, column[0])
    if row is not None and row[0].ndim == 1 and x.shape[0] == 1:
        return build(name, row[0], y)
    return None


def _index(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    """Drop ``x[...]`` and ``x[:, :]``, which pick all entries."""
    everything = (slice(None), Ellipsis, slice(None, None, 1))
    return args[0] if all(any(p == e for e in everything) for p in params["key"]) else None


def _not_equal(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    """Drop ``mask != False``."""
    x, y = args
    return x if isinstance(x, Value) and x.dtype == np.bool_ and is_number(y, 0) else None


def _and(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    x, y = args
    for one, other in ((x, y), (y, x)):
        if _is_truth(other, False):
            shape = np.broadcast_shapes(np.shape(other), getattr(one, "shape", ()))
            return np.zeros(shape, np.bool_)
        if _is_truth(other, True):
            return one
    return None


def _or(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    x, y = args
    for one, other in ((x, y), (y, x)):
        if _is_truth(other, False):
            return one
    return None


def _where(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    """Choose, where the condition is known and everywhere the same."""
    condition, x, y = args
    if _is_truth(condition, True):
        return x
    return y if _is_truth(condition, False) else None


def _extreme(truth: str) -> Rewrite:
    """Return the rewrite of the greatest or least truth value: whether any or all hold."""

    def rewrite(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
        return build(truth, args[0], **params) if args[0].dtype == np.bool_ else None

    return rewrite


def _clip(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
    """Limit on one side by a maximum or minimum."""
    x, low, high = [*args, None, None][:3]
    if low is not None and high is not None:
        return None
    # A number that is limited by an array has a type of its own, for np.clip alone.
    x = x if hasattr(x, "dtype") else np.asarray(x)
    x = x if low is None else build("maximum", x, low)
    return x if high is None else build("minimum", x, high)


def without_zero(name: str, args: Sequence[Operand]) -> Operand:
    """Return what is left of a sum or difference with a constant 0, for -0 the one as the other."""
    x, y = args
    if is_number(y, 0):
        return x
    return y if name == "add" and is_number(x, 0) else None


def _is_truth(operand: AnyArray, truth: bool) -> bool:
    return getattr(operand, "dtype", None) == np.bool_ and is_number(operand, truth)


# These change nothing at all if they do not change the shape or dtype.
IDLE = ("reshape", "broadcast_to", "sum_to", "astype")


def _of_floats(name: str) -> Rewrite:
    """Convert integers first: differences of small ones would wrap around."""

    def rewrite(args: Sequence[AnyArray], params: Params, build: Build) -> Any:
        x, *labels = args
        if x.dtype.kind == "f":
            return None
        dtype = np.exp(np.zeros((), x.dtype)).dtype
        return build(name, build("astype", x, dtype=dtype.name), *labels, **params)

    return rewrite


_EXPONENTIAL = ("softmax", "log_softmax", "logsumexp", "softmax_cross_entropy")
REWRITES: dict[str, Rewrite] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "strong_multiply": _strong_multiply,
    "divide": _divide,
    "power": _power,
    "negative": _negative,
    "positive": _itself,
    "stop_gradient": _itself,
    "transpose": _transpose,
    "reshape": _reshape,
    "index": _index,
    "not_equal": _not_equal,
    "bitwise_and": _and,
    "bitwise_or": _or,
    "where": _where,
    "clip": _clip,
    "max": _extreme("any"),
    "min": _extreme("all"),
    **{name: _of_floats(name) for name in _EXPONENTIAL},
}

# The answers of these questions about numbers that are finite for all arguments.
ANSWERS = {"isfinite": True, "isinf": False, "isnan": False}
