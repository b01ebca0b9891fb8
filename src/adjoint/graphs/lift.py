"""To lift a payload is to make a value again of what a node holds."""

from __future__ import annotations

from ..core.annotations import Payload
from ..core.node import Node
from ..core.spec import Spec
from ..core.value import Value
from .symbol import Symbol
from .tensor import Tensor


def lift(payload: Payload, node: Node) -> Value:
    """Make a value of what a node holds."""
    return Symbol(payload, node) if isinstance(payload, Spec) else Tensor(payload, node)
