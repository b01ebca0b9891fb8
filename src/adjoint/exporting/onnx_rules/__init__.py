"""How each operation is written in ONNX: what has an operator there, or is made of such."""

from . import arithmetic, functions, indexing, logic, movements, products, reductions
from .rule import RULES

__all__ = [
    "RULES",
    "arithmetic",
    "functions",
    "indexing",
    "logic",
    "movements",
    "products",
    "reductions",
]
