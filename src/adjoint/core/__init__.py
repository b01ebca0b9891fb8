"""The core says what a primitive is, what a value is, and how derivatives follow from one fact."""

from .node import Node, Operation
from .operand import as_operand
from .primitive import Primitive
from .registry import LAZY_MODULES, NUMPY, PRIMITIVES, STRONG
from .spec import Spec
from .value import Value, attach, values_in

__all__ = [
    "LAZY_MODULES",
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
