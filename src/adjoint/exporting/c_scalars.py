"""A kernel of scalars lets the rules of elementwise native code write C, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..compiler.native.elementwise import RULES
from ..compiler.native.entries import Entries, kind_of
from ..compiler.native.formats import FORMATS
from ..compiler.native.functions import FUNCTIONS
from ..compiler.native.instructions import INSTRUCTIONS, converted
from ..compiler.native.kernel import Element
from ..compiler.native.lanes import Lanes
from ..compiler.native.unlowerable import Unlowerable
from ..core.annotations import Array
from ..core.node import Operation
from .c_lanes import CBlock, CLanes
from .c_literals import TYPES, number
from .refusal import ExportError


class Scalar(NamedTuple):
    """An entry, with the fields of a kernel's element."""

    operation: str
    kind: str
    payload: Any = None
    lanes: Any = None
    args: tuple[Any, ...] = ()


class Scalars:
    """Stands for a kernel, and writes each operation at once."""

    def __init__(self, block: CBlock) -> None:
        self.block = block
        self.doubts: list[Scalar] = []
        self._constants: dict[tuple[str, str], Scalar] = {}

    def constant(self, value: float, kind: str) -> Scalar:
        """Return a constant; equal ones are one object."""
        key = repr(value), kind
        return self._constants.setdefault(key, Scalar("constant", kind, value))

    def apply(self, operation: str, kind: str, *args: Scalar) -> Scalar:
        """Write an operation."""
        lanes = [self.lanes(arg) for arg in args]
        if operation == "convert":
            result = converted(lanes[0], kind)
        elif operation in INSTRUCTIONS:
            result = instruction(self.block, operation, lanes)
        else:
            raise ExportError(f"C99 has no {operation}")
        return Scalar(operation, kind, None, result, args)

    def lanes(self, scalar: Scalar) -> Lanes:
        """Return an entry as lanes."""
        if scalar.operation == "constant":
            return self.block.constant(scalar.payload, scalar.kind)
        found: Lanes = scalar.lanes
        return found


def applied(element: Element, block: CBlock, values: Mapping[Element, str]) -> Lanes:
    """Write an operation of native code on numbers that have names already, or a constant."""
    if element.operation == "constant":
        return block.constant(element.payload, element.kind)
    args = [CLanes(block, values[arg], arg.kind) for arg in element.args]
    if element.operation == "convert":
        return converted(args[0], element.kind)
    return instruction(block, element.operation, args)


def instruction(block: CBlock, operation: str, args: Sequence[Lanes]) -> Lanes:
    """Write an operation: a call of a function of the file if it is a long one."""
    if operation in FUNCTIONS:
        return block.outline(operation, INSTRUCTIONS[operation], *args)
    return INSTRUCTIONS[operation](*args)


def elementwise(scalars: Scalars, node: Operation, args: list[Scalar]) -> Scalar:
    """Write an elementwise operation on one entry of each operand.

    Raises
    ------
    ExportError
        If there is no such rule.
    """
    name = node.primitive.name
    if name == "astype" and args[0].kind in FORMATS and node.output.dtype.kind == "i":
        return _whole(scalars, args[0], kind_of(node.output.dtype))
    entries = [
        Entries(_single(arg, len(_shape(x))), _shape(x))
        for x, arg in zip(node.args, args, strict=True)
    ]
    try:
        found = RULES[name](scalars, node, entries)  # type: ignore[arg-type]
    except Unlowerable as reason:
        raise ExportError(f"C99 has no {name} here: {reason}") from None
    except ExportError as reason:
        raise ExportError(
            f"C99 has no {name}: {reason}; use --to py, or write it in others"
        ) from None
    scalar: Scalar = next(iter(found.elements.flat))
    return scalar


def _single(scalar: Scalar, ndim: int) -> Array:
    """Return an entry as an array of one element, which stands for all."""
    found = np.empty((1,) * ndim, object)
    found.reshape(-1)[0] = scalar
    return found


def _whole(scalars: Scalars, x: Scalar, kind: str) -> Scalar:
    """Cut the decimals off; what no integer is near becomes the least one, as with NumPy on x86."""
    lanes, most = scalars.lanes(x), 63 if kind == "i64" else 31
    inside = lanes.compare(">=", -(2.0**most)) & lanes.compare("<", 2.0**most)
    least = number(-(2**most), kind)
    text = f"{inside} ? ({TYPES[kind]}){lanes} : {least}"
    return Scalar("astype", kind, None, scalars.block.let(text, kind))


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))
