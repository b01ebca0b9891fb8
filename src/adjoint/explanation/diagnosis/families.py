"""A family is a set of primitives through which gradients get lost in one and the same way."""

from __future__ import annotations

from ...core.facts import Facts
from ...core.node import Node
from ...core.registry import PRIMITIVES

_NO_FACTS = Facts()


def name_of(node: Node) -> str:
    """Return the name of the primitive that made a value."""
    return node.primitive.name if node.primitive is not None else "leaf"


def facts_of(node: Node) -> Facts:
    """Return what the card of the primitive that made a value says about its results."""
    return node.primitive.facts if node.primitive is not None else _NO_FACTS


def is_product(node: Node) -> bool:
    """Return whether a value is a product, or a quotient."""
    primitive = node.primitive
    if primitive is None:
        return False
    is_scaled = primitive is PRIMITIVES["multiply"] or primitive is PRIMITIVES["divide"]
    return is_scaled or primitive.kind == "multilinear"


def is_movement(node: Node) -> bool:
    """Return whether entries were only moved, or added up."""
    primitive = node.primitive
    return primitive is not None and (
        primitive.kind == "linear" or primitive.facts.moves is not None
    )


def reason_of(node: Node) -> str:
    """Return why an operation without a derivative has none."""
    name, kind = name_of(node), node.output.dtype.kind
    if name == "stop_gradient":
        return "stop_gradient"
    if kind == "b":
        return "comparison"
    if kind not in "iu":
        return "no_derivative"
    if name == "astype":
        return "integer_cast"
    is_place = node.primitive is not None and node.primitive.kind == "constant"
    return "argmax" if is_place else "rounding"
