"""A graph is a traced function: its inputs, its outputs and the operations between them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Operand, Tree
from ..core.memory import separate
from ..core.node import Node
from ..core.operand import as_operand
from ..core.spec import Spec
from ..core.tree import filled, map_leaves, present
from ..core.value import Value
from ..core.views import as_argument, as_scalar, is_number
from ..errors import ShapeError
from ..version import __version__
from . import cost, listing
from .sweep import interpret, reachable
from .symbol import Number, Symbol, node_of
from .tracing import naming
from .tracing.tracer import TracedNode, TracedOperation, Tracer, traced_by

if TYPE_CHECKING:
    from .source_line import SourceLine

# A graph gives a tuple of its outputs, if it does not say otherwise.
_EACH = ...


class Graph:
    """A traced function: its inputs and outputs and all the nodes between, oldest first.

    Attributes
    ----------
    inputs : tuple of Symbol
        The leaves of the arguments in order; ``symbol.data`` is the `Spec` and ``symbol.node`` the
        node that stands in the ``parents`` of those it enters.
    outputs : tuple of Symbol or array
        The leaves of the result in order; a plain array or number where a result is constant.
    nodes : list of TracedOperation
        Every operation that the outputs need, oldest first. ``node.output`` is the result's `Spec`;
        ``node.args[i]`` is a `Spec` where ``node.parents[i]`` is a node (an input's or an earlier
        one of the list), and the constant itself, an array or a Python number, where it is None.
    names : dict of Node to str
        A unique identifier for every input and node.
    arguments : tuple of str
        The names of the arguments, an identifier each.
    takes, gives : tree
        The structure of the arguments (a tuple) and of the result: the position of each leaf among
        ``inputs`` and ``outputs`` stands in its place, None where the result has None.
    name : str
        The name of the traced function.
    is_simple : bool
        Whether `simplify` made it, which then has nothing left to do.
    mostly_from : SourceLine or None
        In a traced graph of many operations the line of the user's that most of them come from.

    Examples
    --------
    >>> graph = ad.trace(lambda x: np.tanh(x) * 2.0, np.zeros(3))
    >>> [node.primitive.name for node in graph.nodes], graph.outputs[0].shape
    (['tanh', 'multiply'], (3,))
    >>> graph(np.array([0.0, 1.0, 20.0]))
    array([0.        , 1.52318831, 2.        ])
    """

    def __init__(
        self,
        inputs: Sequence[Symbol],
        outputs: Sequence[Any],
        *,
        takes: tuple[Any, ...] | None = None,
        gives: Tree = _EACH,
        arguments: Sequence[str] | None = None,
        name: str = "function",
    ) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.takes = tuple(range(len(self.inputs))) if takes is None else takes
        self.gives: Any = tuple(range(len(self.outputs))) if gives is _EACH else gives
        self.name = name
        self.arguments = tuple(arguments or (f"x{n}" for n in range(len(self.takes))))
        self.nodes = _operations(self.outputs)
        self.is_simple = False
        self.mostly_from: SourceLine | None = None

    @cached_property
    def names(self) -> dict[Node, str]:
        """A unique identifier for every input and node."""
        # On demand: most graphs are steps of a compilation, which nobody reads.
        return naming.unique_names([*self.input_nodes, *self.nodes])

    @property
    def input_nodes(self) -> list[Node]:
        """The nodes of the inputs."""
        return [node_of(symbol) for symbol in self.inputs]

    @property
    def constants(self) -> list[Any]:
        """All constant arrays in the graph."""
        held = [arg for node in self.nodes for arg in node.args] + list(self.outputs)
        return [array for array in held if isinstance(array, np.ndarray)]

    # --- what it costs

    @property
    def operations(self) -> Counter[str]:
        """How often each primitive is applied."""
        return Counter(node.primitive.name for node in self.nodes)

    @property
    def flops(self) -> int:
        """Floating-point operations of one evaluation, see `graphs.cost`."""
        return sum(map(cost.flops, self.nodes))

    @property
    def bytes(self) -> int:
        """Bytes of the arrays that one evaluation reads as arguments and writes as results."""
        return sum(map(cost.bytes_of, [x.data for x in self.inputs])) + sum(
            cost.bytes_of(node.output) for node in self.nodes
        )

    # --- evaluating it

    def __call__(self, *args: Tree) -> Any:
        """Evaluate the graph on arrays, one primitive after another.

        Raises
        ------
        TypeError, ValueError
            If the arguments have not the structure, shapes and dtypes of the examples.
        """
        arrays = self.flatten(args)
        found = separate(self.evaluate(arrays), [*arrays, *self.constants])
        return filled(self.gives, (found[position] for position in present(self.gives)))

    def flatten(self, args: tuple[Any, ...]) -> list[Any]:
        """Return the arrays among the arguments in the order of ``inputs``, checked."""
        flat: list[Any] = [None] * len(self.inputs)

        def place(position: int, array: Operand) -> None:
            flat[position] = self._checked(position, array)

        map_leaves(place, self.takes, args)
        return flat

    def _checked(self, position: int, array: Operand) -> Any:
        symbol = self.inputs[position]
        spec, name = symbol.data, self.names[node_of(symbol)]
        given: Any = array if isinstance(array, Value) else np.asarray(as_operand(array))
        if isinstance(symbol, Number) and not isinstance(array, Value):
            symbol.check(given)
        if given.shape != spec.shape:
            raise ShapeError(
                f"{name}: shape {given.shape}, but the graph was traced for {spec.shape}; trace it "
                "again with an example of the new shape"
            )
        if given.dtype != spec.dtype and not np.can_cast(given.dtype, spec.dtype):
            raise TypeError(
                f"{name}: dtype {given.dtype}, but the graph was traced for {spec.dtype}; convert "
                f"it with {name}.astype({str(spec.dtype)!r})"
            )
        return given if given.dtype == spec.dtype else given.astype(spec.dtype)

    def evaluate(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the outputs, given one array for each of the inputs."""
        with np.errstate(all="ignore"):
            return self.ends(self.interpret(arrays, _evaluated))

    def interpret(
        self,
        inputs: Iterable[Any],
        apply: Callable[[TracedOperation, list[Any]], Any],
        *,
        constant: Callable[[Any], Any] | None = None,
    ) -> dict[Node, Any]:
        """Return a value for each input and operation, see `sweep.interpret`.

        To evaluate a graph, to simplify it, to lower it and to print it are four of the ways.
        """
        values = dict(zip(self.input_nodes, inputs, strict=True))
        return interpret(self.nodes, values, apply, constant=constant)

    def ends(self, values: Mapping[Node, Any]) -> list[Any]:
        """Return what stands for the outputs, given a value for each node."""
        return [values[node_of(x)] if isinstance(x, Symbol) else x for x in self.outputs]

    def like(self, inputs: Sequence[Symbol], outputs: Sequence[Any], *, name: str) -> Graph:
        """Return a graph of other inputs and outputs, which takes and gives the same structures."""
        return Graph(
            inputs,
            outputs,
            takes=self.takes,
            gives=self.gives,
            arguments=self.arguments,
            name=name,
        )

    # --- text and files

    def __repr__(self) -> str:
        return listing.write(self)

    def _repr_html_(self) -> str:
        return listing.html(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.pop("version", "0.1.0 or an earlier one")
        if version != __version__:
            raise ValueError(
                f"this pickled Graph was written by version {version} of adjoint, and only that "
                f"version reads it, this is {__version__}; what Graph.save writes, later versions "
                "read as well"
            )
        self.__dict__.update(state)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph as JSON, from which `load` makes it again, whole or not at all."""
        from . import archive  # here: json is a good part of what `import adjoint` takes

        archive.write(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, max_entries: int = 2**27) -> Graph:
        """Return the graph that `save` wrote.

        The file may come from a stranger. Nothing in it is executed, neither when it is read nor
        when the graph is compiled or written as source later, and no array is made but those in
        the file.
        Running the graph takes as much time and memory as its shapes ask for.

        Parameters
        ----------
        path : str or path
        max_entries : int
            A value with more entries is refused; by default 2²⁷, which are 1 GiB of float64.

        Raises
        ------
        ValueError
            If the file is no graph, damaged, of another version, or has larger values.
        """
        from . import archive

        graph: Graph = archive.read(path, cls, Symbol, max_entries=max_entries)
        return graph


def _operations(outputs: Iterable[Any]) -> list[TracedOperation]:
    """Return the operations that outputs need, oldest first, without edges to graphs of tensors."""
    ends = [node_of(x) for x in outputs if isinstance(x, Symbol)]
    found = [node for node in reachable(ends) if isinstance(node, TracedOperation)]
    for node in found:
        # A tensor's node is not one of ours: its array is a constant of the graph.
        node.parents = [parent if isinstance(arg, Spec) else None for arg, parent in node.edges()]
    return found


def _evaluated(node: TracedOperation, operands: list[Any]) -> Any:
    return node.meant.bind(operands, node.params)


def trace(
    function: Callable[..., Any],
    *examples: Tree,
    symbol: type[Symbol] = Symbol,
    names: Sequence[Any] | None = None,
    arguments: Sequence[str] | None = None,
    may_act: bool = False,
) -> Graph:
    """Return the graph of ``function``, traced with the shapes and dtypes of the examples.

    Loops over Python numbers unroll; a branch on a traced value raises. Tensors and arrays that the
    function closes over are constants of the graph, as they are when an operation reads them.

    Parameters
    ----------
    function : callable
        It takes as many arrays, or trees of arrays, as there are examples, and returns a tree of
        values.
    *examples : array, Spec, or list, tuple or dict of them
        Only their structure, shape and dtype matter.
    symbol : type
        The class of the values that the function is called with.
    names : sequence, optional
        A name for each argument, or a tree of names for its leaves; by default from ``arguments``.
    arguments : sequence of str, optional
        A name for each argument; by default those of the function's parameters.
    may_act : bool
        Whether the function may do other things besides computing, once, now.

    Raises
    ------
    TypeError
        If the function branches on a traced value, or needs its number; or draws random numbers
        from a generator, takes from an iterator or changes an object, an array or a variable from
        outside, which the graph would not repeat. What it has changed is put back.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> ad.trace(lambda x: ad.tanh(x).sum(), np.ones(3))
    graph function(x: float64[3])
        v1 = tanh(x)    # float64[3]
        v2 = sum(v1)    # float64[]
        return v2
    """
    if not callable(function):
        raise TypeError(
            f"trace: expected a function, got {type(function).__name__}; the sum of a diagonal is "
            "np.trace(x) or x.trace()"
        )
    from .tracing import effects  # here: with all it reads, it is needed by traces alone

    tracer = Tracer()
    if arguments is None:
        arguments = naming.argument_names(function, examples)
    paths = tuple(arguments) if names is None else tuple(names)
    inputs: list[Symbol] = []
    guard = nullcontext() if may_act else effects.refused(function, resumed=tracer.resumed)
    with guard, traced_by(tracer):
        args = tuple(
            _as_symbols(x, path, symbol, inputs) for x, path in zip(examples, paths, strict=True)
        )
        result = function(*args)
    if tracer.saw_entropy and not may_act:
        effects.refuse_entropy()
    takes = map_leaves(_counter(), args)
    outputs = [_as_output(leaf) for leaf in present(result)]
    gives = filled(result, range(len(outputs)))
    _refuse_escaped(outputs, inputs)
    made = Graph(
        inputs,
        outputs,
        takes=takes,
        gives=gives,
        arguments=arguments,
        name=naming.function_name(function),
    )
    if tracer.sampled:
        ((made.mostly_from, _),) = Counter(tracer.sampled).most_common(1)
    return made


def _as_symbols(example: Tree, path: Any, symbol: type[Symbol], inputs: list[Symbol]) -> Any:
    """Return the example with a symbol in the place of each leaf."""
    if isinstance(example, dict):
        return {
            key: _as_symbols(item, naming.entry(path, key), symbol, inputs)
            for key, item in example.items()
        }
    if isinstance(example, (list, tuple)) and not isinstance(example, Spec):
        items = [
            _as_symbols(item, naming.entry(path, key), symbol, inputs)
            for key, item in enumerate(example)
        ]
        return type(example)(*items) if hasattr(example, "_fields") else type(example)(items)
    if symbol is Symbol and type(example) in (float, int, bool):
        number = np.asarray(example)
        inputs.append(Number.input(Spec((), number.dtype), path))
        return inputs[-1]
    is_scalar = is_number(example)
    if not isinstance(example, Spec):
        array = np.asarray(as_operand(example))
        example = Spec(array.shape, array.dtype)
    made = symbol.input(example, path)
    inputs.append(as_scalar(made) if is_scalar else as_argument(made))
    return inputs[-1]


def _refuse_escaped(outputs: Sequence[Any], inputs: Sequence[Symbol]) -> None:
    """Raise if a result needs a value that there was inside of a loop's body alone."""
    own = set(map(node_of, inputs))
    since = min((node.order for node in own), default=math.inf)
    ends = [node_of(x) for x in outputs if isinstance(x, Symbol)]
    for node in reachable(ends):
        if type(node) is TracedNode and node.order > since and node not in own:
            raise TypeError(
                f"a value of a loop's or a branch's body{f', {node.name},' if node.name else ''} "
                "is used outside of it, where there is none: the body must return it, as part of "
                "the carry or of what is gathered"
            )


def _counter() -> Callable[[Any], int]:
    """Return a function that numbers what it is called with, from 0."""
    count = iter(range(1 << 62))
    return lambda _: next(count)


def _as_output(leaf: Operand) -> Any:
    """Return a result as a graph holds it: a symbol, or a constant as an array."""
    if isinstance(leaf, Symbol):
        return leaf
    return np.array(as_operand(leaf))
