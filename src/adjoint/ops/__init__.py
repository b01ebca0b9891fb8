"""The cards: one file a family, each primitive with all that is known about it."""

from . import (
    arithmetic,
    composite,
    exponential,
    indexing,
    logic,
    piecewise,
    products,
    reductions,
    softmax,
    structural,
    trigonometric,
)

__all__ = [
    "arithmetic",
    "composite",
    "exponential",
    "indexing",
    "logic",
    "piecewise",
    "products",
    "reductions",
    "softmax",
    "structural",
    "trigonometric",
]
