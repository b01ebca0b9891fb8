"""The cards: one file a family, each primitive with all that is known about it."""

from . import composite, elementwise, indexing, losses, products, reductions, structural

__all__ = [
    "composite",
    "elementwise",
    "indexing",
    "losses",
    "products",
    "reductions",
    "structural",
]
