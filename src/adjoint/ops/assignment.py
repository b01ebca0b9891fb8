"""Assignment changes an array in place, as in NumPy: every name of the object sees it.

``x[i] = v`` and ``x += v`` put a new array in the place of the old one, which operations recorded
before go on using. The left side keeps its shape and dtype, or NumPy's own error comes. Where NumPy
has a number and not an array, ``x += v`` gives its name to a new number, as there.
"""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike
from ..core.operand import as_operand
from ..core.registry import PRIMITIVES
from ..core.spec import Spec
from ..core.value import Value, attach
from ..core.views import View
from .indexing import put_at, read_key
from .structural import astype

# Python's operators that assign, by the primitive that each applies.
_AUGMENTED: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.iadd,
    "subtract": operator.isub,
    "multiply": operator.imul,
    "divide": operator.itruediv,
    "floor_divide": operator.ifloordiv,
    "remainder": operator.imod,
    "power": operator.ipow,
    "matmul": operator.imatmul,
    "bitwise_and": operator.iand,
    "bitwise_or": operator.ior,
    "bitwise_xor": operator.ixor,
}


def setitem(x: Value, index_: Any, v: AnyArray) -> None:
    """Replace the value inside ``x`` by one with ``v`` at ``[index]``; all its names see it."""
    key, arrays = read_key(index_)
    if isinstance(v, View) and not arrays and v.shows(x, key):
        return  # the end of x[i] += v, which has been written into x already
    _refuse_scalar(x)
    x.refuse_assignment()
    _refuse_cut(x, v)
    x.adopt(put_at(x, v, *arrays, key=key))


def _refuse_scalar(x: Value) -> None:
    if x.is_scalar:
        raise TypeError(
            "a result without axes is a number, as NumPy's, into which nothing can be assigned; "
            "give the name to the new number"
        )


def _refuse_cut(x: Value, v: AnyArray) -> None:
    if isinstance(v, Value) and v.node is not None and x.dtype.kind != "f" == v.dtype.kind:
        raise TypeError(
            f"assigning floats into a tensor of dtype {x.dtype} would cut their graph; make it one "
            "of floats, as ad.zeros(n)"
        )


def _augmented(name: str, assign: Callable[[Any, Any], Any]) -> Callable[[Value, ArrayLike], Any]:
    def augment(self: Value, other: ArrayLike) -> Any:
        if self.is_scalar:
            return PRIMITIVES[name](self, other)
        if isinstance(self, View):
            return _augment_entries(self, other, name, sys._getframe(1))
        self.refuse_assignment()
        self.adopt(_fitted(self, other, name))
        return self

    augment.__name__ = assign.__name__
    return augment


def _augment_entries(view: View, other: ArrayLike, name: str, caller: FrameType) -> Value:
    """Change what a view was taken from, if Python is about to store it where it came from.

    In ``x[:2] += v`` the view is taken, changed and stored again; in ``y = x[:2]; y += v`` it has a
    name, and is refused as ``y[0] = v`` is.
    """
    source, key = view.source, view.params.get("key")
    if key is None or isinstance(source, View) or not _stores_entries(caller):
        view.refuse_assignment()
    source.refuse_assignment()
    source.adopt(put_at(source, _fitted(view, other, name), key=key))
    return view


_STORES = {dis.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in dis.opmap}
_BETWEEN = {dis.opmap[name] for name in ("CACHE", "SWAP", "EXTENDED_ARG") if name in dis.opmap}


def _stores_entries(frame: FrameType) -> bool:
    """Return whether the instruction after this one is ``x[i] = …``.

    Whatever the answer, no wrong number comes of it: "yes" writes into the source, as NumPy does.
    """
    code, at = frame.f_code.co_code, frame.f_lasti + 2
    while at < len(code) and code[at] in _BETWEEN:
        at += 2
    return at < len(code) and code[at] in _STORES


def _fitted(x: Value, other: ArrayLike, name: str) -> Value:
    """Return the result of an operator in the shape and dtype of ``x``, its left side."""
    operand = other if isinstance(other, Value) else as_operand(other)
    kept = x.shape, x.dtype
    try:
        result: Value = PRIMITIVES[name].bind((x, operand), {})
    except (ValueError, TypeError):
        _raise_as_numpy(kept, operand, name)
        raise
    fits = result.shape == x.shape and np.can_cast(result.dtype, x.dtype, "same_kind")
    if not fits or (name == "matmul" and getattr(operand, "ndim", 0) < 2):
        _raise_as_numpy(kept, operand, name)
    return result if result.dtype == x.dtype else astype(result, dtype=x.dtype)


def _raise_as_numpy(left: tuple[Any, Any], right: ArrayLike, name: str) -> None:
    """Let NumPy assign to an array like the left side, for the error that it raises."""
    if isinstance(right, Value):
        spec = right.data if isinstance(right.data, Spec) else Spec(right.shape, right.dtype)
        right = np.ones(spec.shape, spec.dtype)
    with np.errstate(all="ignore"):
        _AUGMENTED[name](np.ones(*left), right)


attach("__setitem__", setitem)
for _name, _assign in _AUGMENTED.items():
    attach(f"__{_assign.__name__}__", _augmented(_name, _assign))
