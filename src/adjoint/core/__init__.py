"""The core says what a primitive is, what a value is, and how derivatives follow from one fact."""

from .primitive import (
    LATE,
    NUMPY,
    PRIMITIVES,
    STRONG,
    Node,
    Operation,
    Primitive,
    Spec,
    Value,
    as_operand,
    attach,
    values_in,
)

__all__ = [
    "LATE",
    "NUMPY",
    "PRIMITIVES",
    "STRONG",
    "Node",
    "Operation",
    "Primitive",
    "Spec",
    "Value",
    "as_operand",
    "attach",
    "values_in",
]
