"""A cost is what one operation of a graph takes: floating-point operations and bytes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import Operand, Operation, Spec

_MOVING = """
reshape transpose broadcast_to index astype positive stop_gradient stack concatenate flip roll
repeat tile tril triu diagonal diagflat pad_with_zeros pad_with_entries put_at zeros_like
ones_like
"""
_FREE = frozenset(_MOVING.split())


def flops(node: Operation) -> int:
    """Return the floating-point operations of a node.

    One for each entry of an elementwise operation (an exponential counts as one too) or of what a
    reduction reads, two for each product of a matrix product, none where entries only move.
    Factorisations count as n³ for matrices of n rows.
    """
    name = node.primitive.name
    if name in _FREE or node.output.dtype.kind != "f":
        return 0
    largest = max([size_of(node.output), *map(size_of, node.args)])
    if name in ("matmul", "strong_matmul"):
        return 2 * size_of(node.output) * int(node.args[0].shape[-1])
    if name in ("named_product", "strong_einsum"):
        return 2 * _einsum_size(node)
    if node.primitive.__module__.rpartition(".")[2] in _CUBIC and node.args[0].shape:
        return largest * int(node.args[0].shape[-1])
    return largest


_CUBIC = ("eigen", "svd", "solvers", "determinants", "factorisations")


def _einsum_size(node: Operation) -> int:
    """Return the product of the sizes of all the letters of an einsum."""
    inputs = node.params["subscripts"].partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for letters, arg in zip(inputs, node.args, strict=True):
        sizes.update(zip(letters, arg.shape, strict=False))
    return math.prod(sizes.values())


def bytes_of(operand: Spec | Operand) -> int:
    """Return the bytes of an array of a spec."""
    return size_of(operand) * int(getattr(operand, "dtype", np.dtype(float)).itemsize)


def size_of(operand: Any) -> int:
    """Return how many entries an array of a spec has."""
    return math.prod(getattr(operand, "shape", ()))
