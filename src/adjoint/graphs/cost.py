"""A cost is what one operation of a graph takes: floating-point operations and bytes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import Operand
from ..core.node import Operation
from ..core.spec import Spec


def flops(node: Operation) -> int:
    """Return the floating-point operations of a node.

    One for each entry of an elementwise operation (an exponential counts as one too) or of what a
    reduction reads, two for each product of a matrix product, none where entries only move.
    Factorisations count as n³ for matrices of n rows.
    """
    facts = node.primitive.facts
    if facts.moves is not None or facts.constant is not None or node.output.dtype.kind != "f":
        return 0
    if facts.flops is not None:
        return facts.flops(node.output, *node.args, **node.params)
    return max([size_of(node.output), *map(size_of, node.args)])


def bytes_of(operand: Spec | Operand) -> int:
    """Return the bytes of an array of a spec."""
    return size_of(operand) * int(getattr(operand, "dtype", np.dtype(float)).itemsize)


def size_of(operand: Any) -> int:
    """Return the number of entries of an array of this spec."""
    return math.prod(getattr(operand, "shape", ()))
