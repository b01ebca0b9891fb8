"""A symbol is a shape and a dtype without numbers; a graph is a function traced with symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from .core import Node, Operand, Params, Primitive, Spec, Value, as_operand, explain_failure
from .sweep import reachable


class Symbol(Value):
    """A value of which only the shape and dtype are known: the static graph.

    Python cannot branch on it or convert it to a number; both raise, so that no number of one
    example is baked into the graph.
    """

    __slots__ = ()
    rank = 2

    @classmethod
    def input(cls, spec: Spec) -> Symbol:
        """Return a symbol that stands for an argument."""
        return cls(spec, Node(None, output=spec))

    @classmethod
    def apply(cls, primitive: Primitive, args: Sequence[Operand], params: Params) -> Symbol:
        """Infer the result's shape and dtype, and record the primitive."""
        data = [arg.data if isinstance(arg, Value) else as_operand(arg) for arg in args]
        try:
            spec = primitive.infer(*data, **params)
        except (ValueError, TypeError, IndexError) as error:
            raise explain_failure(primitive, data, params, error) from None
        parents = [arg.node if isinstance(arg, Value) else None for arg in args]
        return cls(spec, Node(primitive, data, params, parents, spec))

    @classmethod
    def fallback(cls, function: Callable[..., Any], args: Any, kwargs: Any) -> NoReturn:
        """Refuse: a NumPy function without a card cannot be traced."""
        raise TypeError(
            f"{getattr(function, '__name__', function)} cannot be traced: adjoint has no primitive "
            "for it; compute it outside of the traced function and pass the result as an argument"
        )

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError(
            "a traced value has a shape and a dtype but no number yet: Python cannot branch on it "
            "or convert it; use ad.where for a choice, or pass the number as a plain argument"
        )

    __bool__ = __float__ = __int__ = __index__ = __array__ = item = numpy = tolist = _refuse

    def __repr__(self) -> str:
        return f"symbol({self.dtype}{list(self.shape)})"


class Graph:
    """A traced function: its inputs and outputs and all the nodes between, oldest first."""

    def __init__(self, inputs: Sequence[Symbol], outputs: Sequence[Symbol]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.nodes = [
            node
            for node in reachable([symbol.node for symbol in outputs if symbol.node is not None])
            if node.primitive is not None and isinstance(node.output, Spec)
        ]

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Evaluate the graph on arrays, one primitive after another."""
        # A node without a value here is a tensor's: a constant of the graph.
        values: dict[Node | None, Any] = {
            symbol.node: np.asarray(array)
            for symbol, array in zip(self.inputs, arrays, strict=True)
        }
        for node in self.nodes:
            args = [
                values.get(parent, arg) for arg, parent in zip(node.args, node.parents, strict=True)
            ]
            assert node.primitive is not None
            values[node] = node.primitive.forward(*args, **(node.params or {}))
        return tuple(values[symbol.node] for symbol in self.outputs)


def trace(function: Callable[..., Any], *examples: Any, symbol: type[Symbol] = Symbol) -> Graph:
    """Return the graph of ``function``, traced with the shapes and dtypes of the examples.

    Parameters
    ----------
    function : callable
        Of as many arrays as there are examples; returns one value or a tuple of them.
    *examples : array or Spec
        Only their shape and dtype matter.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> graph = ad.graph.trace(lambda x: ad.tanh(x).sum(), np.ones(3))
    >>> [node.primitive.name for node in graph.nodes]
    ['tanh', 'sum']
    """
    inputs = [
        symbol.input(x if isinstance(x, Spec) else Spec(np.shape(x), np.asarray(x).dtype))
        for x in examples
    ]
    result = function(*inputs)
    return Graph(inputs, result if isinstance(result, (tuple, list)) else (result,))
