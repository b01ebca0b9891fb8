"""A number is weak, as NumPy has it: beside an array it takes the dtype of the array.

This is how a Python number behaves whose value is not known yet: an argument of a traced function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ..core.annotations import DType, Operand, Params, Payload
from ..core.node import Node
from ..core.primitive import Primitive
from ..core.registry import NUMPY, PRIMITIVES
from ..core.value import Value

_COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")


class WeakNumber(Value):
    """A Python number that is not known yet, to be mixed with what stands for arrays.

    Beside an array it takes the array's dtype, so that float32 stays float32. Python's operators
    make numbers of nothing but numbers, NumPy's functions arrays.
    """

    __slots__ = ("limits",)
    is_weak = True
    array_type: ClassVar[Any]

    def __init__(self, data: Payload, node: Node | None) -> None:
        super().__init__(data, node)
        # An integer argument must lie between these two, if it met smaller integers while traced.
        is_argument = node is not None and node.primitive is None
        self.limits: list[int] | None = [] if is_argument else None

    @classmethod
    def apply(cls, primitive: Primitive, args: Sequence[Operand], params: Params) -> Any:
        """Convert numbers as NumPy does, and record the primitive of symbols."""
        if primitive.name == "astype":
            for x in args:
                if isinstance(x, WeakNumber):
                    x._limit(np.dtype(params["dtype"]), primitive)
        dtypes = [getattr(x, "dtype", None) for x in args if not isinstance(x, WeakNumber)]
        others = [dtype for dtype in dtypes if dtype is not None]
        if others and _takes_weak(primitive) and not _is_strong(primitive, args, params):
            args = [x.beside(others, primitive) if isinstance(x, WeakNumber) else x for x in args]
        return cls.array_type.apply(primitive, args, params)

    def as_array(self) -> Any:
        """Return the same number as a symbol of an array, whose dtype counts beside others."""
        return self.array_type(self.data, self.node)

    def beside(self, dtypes: Sequence[DType], primitive: Primitive) -> Any:
        """Return a symbol for the number as an operand beside arrays of these dtypes."""
        dtype = np.result_type(*dtypes, self.dtype.type(0).item())
        if dtype == self.dtype or (dtype.kind in "iub" and primitive.name in _COMPARISONS):
            return self.as_array()  # whatever their types, integers compare exactly
        self._limit(dtype, primitive)
        return self.array_type.apply(PRIMITIVES["astype"], [self], {"dtype": dtype})

    def _limit(self, dtype: DType, primitive: Primitive) -> None:
        """Note that an integer must fit a smaller type, as NumPy demands."""
        if dtype.kind not in "iu" or self.dtype.kind not in "iu" or dtype == self.dtype:
            return
        if self.limits is None:
            raise TypeError(
                f"{primitive.name}: a Python integer that was computed from others meets an array "
                f"of {dtype}, and may not fit it; convert the array or the number by .astype"
            )
        low, high = self.limits or (-(2**63), 2**64)
        self.limits[:] = max(low, np.iinfo(dtype).min), min(high, np.iinfo(dtype).max)

    def check(self, number: float) -> None:
        """Raise if an argument does not fit the integer types that it met while traced."""
        if self.limits and not self.limits[0] <= number <= self.limits[1]:
            raise OverflowError(
                f"{number} is out of bounds for the integers that it is combined with, "
                f"{self.limits[0]} to {self.limits[1]}; convert those by .astype"
            )


@functools.cache
def _takes_weak(primitive: Primitive) -> bool:
    """Return whether NumPy lets a Python number among the operands take the others' dtype."""
    if primitive.name == "ldexp":  # its second operand stays an integer beside floats
        return False
    ufuncs = [known for known in NUMPY if isinstance(known, np.ufunc)]
    return primitive.name in ("where", "clip", "strong_multiply") or any(
        NUMPY[ufunc] is primitive for ufunc in ufuncs
    )


def _is_strong(primitive: Primitive, args: Sequence[Operand], params: Params) -> bool:
    """Return whether a number counts as float64 beside float32, as for some ufuncs of SciPy's."""
    if primitive.kind != "elementwise":
        return False
    weak = [x.dtype.type(1).item() if isinstance(x, WeakNumber) else _plain(x) for x in args]
    arrays = [_plain(x) for x in args]
    strong = primitive.infer(*arrays, **params).dtype
    return primitive.infer(*weak, **params).dtype == strong


def _plain(x: Operand) -> Operand:
    return x.data if isinstance(x, Value) else x


def _weak_operator(name: str) -> Callable[..., Any]:
    """Return a Python operator, which makes a number of numbers."""
    operator = getattr(Value, name)

    def apply(self: WeakNumber, *others: Operand) -> Any:
        if not all(isinstance(x, WeakNumber) or type(x) in (float, int, bool) for x in others):
            return operator(self, *others)
        operands: Sequence[Operand] = (self, *others)
        _refuse_power(name, operands)
        if name.strip("_").lstrip("r") not in ("and", "or", "xor"):
            operands = [_without_truth(x) for x in operands]
        found = operator(*operands)
        return type(self)(found.data, found.node)

    return apply


def _refuse_power(name: str, operands: Sequence[Operand]) -> None:
    """Raise where Python's power may be an integer of any size, or a fraction."""
    exponent = operands[-1 if name == "__pow__" else 0]
    kinds = [
        x.dtype.kind if isinstance(x, WeakNumber) else "f" * (type(x) is float) for x in operands
    ]
    if name in ("__pow__", "__rpow__") and isinstance(exponent, WeakNumber) and "f" not in kinds:
        raise TypeError(
            "a power of Python integers, whose exponent is an argument, is an integer or not as "
            "that is positive or not; make the base a float, as 2.0**n"
        )


def _without_truth(x: Operand) -> Operand:
    """Return an integer for a boolean: Python computes with 1 and 0, where NumPy has its own."""
    if isinstance(x, WeakNumber) and x.dtype.kind == "b":
        found = x.array_type.apply(PRIMITIVES["astype"], [x], {"dtype": np.dtype(np.int64)})
        return type(x)(found.data, found.node)
    return int(x) if isinstance(x, bool) else x


_BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"]
for _name in (*_BINARY, *(f"r{name}" for name in _BINARY), "neg", "pos", "abs", "invert"):
    setattr(WeakNumber, f"__{_name}__", _weak_operator(f"__{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(WeakNumber, f"__{_name}__", _weak_operator(f"__{_name}__"))
