"""An expectation is that a value is neither infinite nor NaN; it may be wrong.

Products whose factors are expected to be finite are computed as plain ones first, and again where
that gives NaN; so a wrong expectation costs time, never a number. The arguments of a graph are
expected to be finite unless it asks whether they are, and sums and products of finite numbers too.
What grows without being large at first (exp, power), or has poles (divide, log), may give
infinities. The card says so (`Facts.finite`); a primitive whose card claims nothing may, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.annotations import Constant, Operand, Params
from ...core.node import Node
from ...core.primitive import Primitive
from ...core.spec import Spec
from ...graphs.graph import Graph
from .bounds import range_of
from .rewrites import ANSWERS


def asked_about(graph: Graph) -> set[Node]:
    """Return the values on which the user's questions about finiteness depend, inputs included."""
    found: set[Node] = set()
    for node in reversed(graph.nodes):
        # Whoever asks these has met numbers that are not finite, or reckons with them. What a
        # derivative's own rule asks says nothing about the numbers to come.
        asks = node.meant.name in ANSWERS and node.origin is None
        if asks or node in found:
            found.update(parent for parent in node.parents if parent is not None)
    return found


def is_finite(operand: Constant) -> bool:
    """Return whether all entries of a constant are finite."""
    # NumPy has no type for integers of more than 64 bits.
    return type(operand) is int or bool(np.all(np.isfinite(operand)))  # type: ignore[arg-type]


def is_expected_finite(
    primitive: Primitive, args: Sequence[Operand], params: Params, spec: Spec, known: Sequence[bool]
) -> bool:
    """Return whether a result is expected to be finite, given whether each argument is."""
    if spec.dtype.kind != "f":
        return True
    if not all(known):
        return False
    finite = primitive.facts.finite
    return finite(*map(range_of, args), **params) if callable(finite) else bool(finite)
