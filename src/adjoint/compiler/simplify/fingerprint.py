"""A fingerprint is equal for graphs that compute the same in the same way, whatever their names."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from ...core.primitive import Primitive
from ...core.registry import PRIMITIVES
from ...graphs.graph import Graph
from ...graphs.loops.row import KIND
from ...graphs.symbol import Symbol, node_of
from ...graphs.tracing.contents import key_of_array
from ...graphs.tracing.tracer import TracedOperation

_PACKAGE = __name__.partition(".")[0]
# In the text of an object that has none of its own, and so means nothing in another process.
_ADDRESS = " at 0x"


class Fingerprint(NamedTuple):
    """What is equal only for graphs of the same operations on the same shapes.

    Attributes
    ----------
    digest : str
    is_lasting : bool
        Whether it means the same in every process that runs this version of adjoint. A primitive of
        the user's own has a name and nothing else that could be compared.
    """

    digest: str
    is_lasting: bool


def fingerprint(graph: Graph) -> Fingerprint:
    """Return the fingerprint of a graph: of its operations, shapes, dtypes and constants.

    Examples
    --------
    >>> import adjoint as ad
    >>> square = ad.graph.trace(lambda x: x * x, np.ones(3))
    >>> fingerprint(square) == fingerprint(ad.graph.trace(lambda y: y * y, np.ones(3)))
    True
    >>> fingerprint(square) == fingerprint(ad.graph.trace(lambda y: y * y, np.ones(4)))
    False
    """
    text = _Text()
    text.write([_form(symbol) for symbol in graph.inputs])
    numbers = itertools.count(len(graph.inputs))

    def number(node: TracedOperation, operands: list[Any]) -> int:
        params = key_of(dict(node.params)) if node.params else ()
        products = _name_of(node.primitive), _name_of(node.meant)
        # A rule's own zeros may be left out, and the user's may not, see `simplify`.
        text.write(products, operands, params, _form(node.output), node.origin is None)
        bodies = [fingerprint(x) for x in node.params.values() if isinstance(x, Graph)]
        text.is_lasting = text.is_lasting and all(body.is_lasting for body in bodies)
        text.is_lasting = text.is_lasting and all(isinstance(name, str) for name in products)
        return next(numbers)

    found = graph.interpret(range(len(graph.inputs)), number, constant=key_of)
    text.write(
        [
            found[node_of(x)] if isinstance(x, Symbol) else key_of(np.asarray(x))
            for x in graph.outputs
        ]
    )
    return Fingerprint(text.hasher.hexdigest(), text.is_lasting)


class _Text:
    """The text of a graph, of which only the digest is kept."""

    def __init__(self) -> None:
        self.hasher = hashlib.sha256()
        self.is_lasting = True

    def write(self, *items: object) -> None:
        """Add nested tuples and lists of texts, bytes and numbers: no two have the same text."""
        text = repr(items)
        self.is_lasting = self.is_lasting and _ADDRESS not in text
        self.hasher.update(text.encode())


def _form(item: Any) -> tuple[Any, str]:
    return item.shape, item.dtype.str


def _name_of(primitive: Primitive) -> Hashable:
    """Return a name of adjoint's own primitives, and a number of others in this process."""
    is_own = PRIMITIVES.get(primitive.name) is primitive or primitive.kind == KIND
    is_own = is_own and primitive.__module__.partition(".")[0] == _PACKAGE
    return primitive.name if is_own else id(primitive)


def key_of(item: Any) -> Hashable:
    """Return something hashable that is equal only for the same operand or metadata."""
    if isinstance(item, Symbol):
        return id(item.node)
    if isinstance(item, (np.ndarray, np.generic)):
        return key_of_array(item)
    if isinstance(item, Graph):
        return ("graph", fingerprint(item).digest)
    if isinstance(item, dict):
        return tuple((name, key_of(value)) for name, value in sorted(item.items()))
    if isinstance(item, (list, tuple)):
        return (type(item).__name__, *map(key_of, item))
    return (type(item).__name__, repr(item))
