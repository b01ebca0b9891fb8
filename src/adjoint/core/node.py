"""A node is a place in a graph: a leaf, or an operation with what it was applied to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .annotations import Params, Payload

if TYPE_CHECKING:
    from .primitive import Primitive

# Numbers nodes in the order in which they are made, which is a topological order.
creation = itertools.count()
_NO_PARAMS: Params = {}


class Node:
    """A place in the graph: a plain node is a leaf, which no operation made.

    A node holds payloads and its parents' nodes, never the value it belongs to: without that cycle
    reference counting frees a whole graph at once. The gradient of a leaf rests on its node, so
    that the value's handle may change without losing it.

    Attributes
    ----------
    output : Payload
        What the node stands for: an array, or a `Spec`; None for the leaf of a tensor.
    order : int
        How many nodes were made before it. A node is made after all that it depends on.
    primitive, args, params, parents
        Those of an `Operation`; none and empty for a leaf.
    """

    __slots__ = ("args", "grad", "order", "output", "params", "parents", "primitive")

    args: Sequence[Any]
    params: Params
    parents: Sequence[Node | None]
    primitive: Primitive | None
    output: Any
    grad: Any

    def __init__(self, output: Payload = None) -> None:
        self.primitive, self.args, self.params, self.parents = None, (), _NO_PARAMS, ()
        self.output, self.grad = output, None
        self.order = next(creation)

    def edges(self) -> Iterator[tuple[Any, Node | None]]:
        """Yield each operand's payload with the node that it came from, None for a constant."""
        return zip(self.args, self.parents, strict=True)


class Operation(Node):
    """The origin of a computed value: a primitive, its operands, and the result.

    ``args[i]`` is the payload of an operand, and ``parents[i]`` the node that it came from, None
    for a constant.
    """

    # The slots stand in Node. `TracedOperation` has two bases, and Python allows slots of its own
    # in one of these only.
    __slots__ = ()

    primitive: Primitive

    def __init__(
        self,
        primitive: Primitive,
        args: Sequence[Any],
        params: Params,
        parents: Sequence[Node | None],
        output: Payload,
    ) -> None:
        self.primitive = primitive
        self.args = args
        self.params = params
        self.parents = parents
        self.output = output
        self.grad = None
        self.order = next(creation)

    def operands(
        self, values: Mapping[Node, Any], constant: Callable[[Any], Any] | None = None
    ) -> list[Any]:
        """Return the operands: the ``values`` of its parents, and ``constant`` of the constants.

        By default a constant is returned itself.
        """
        if constant is None:
            return [arg if parent is None else values[parent] for arg, parent in self.edges()]
        return [constant(arg) if parent is None else values[parent] for arg, parent in self.edges()]

    def apply(self, operands: Sequence[Any]) -> Any:
        """Return the operation's result for other operands, see `Primitive.bind`."""
        return self.primitive.bind(operands, self.params)
