"""To simplify a graph is to run it again on fresh symbols, building less on the way."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from ...core.annotations import Constant, Params
from ...core.constants import is_filled
from ...core.node import Node
from ...core.primitive import Primitive
from ...core.registry import PRIMITIVES
from ...core.spec import Spec, shape_of
from ...graphs.graph import Graph
from ...graphs.loops.row import RESULT
from ...graphs.symbol import Symbol, node_of
from ...graphs.tracing.tracer import Origin, TracedNode, TracedOperation
from .certainty import is_plain, magnitude, magnitude_of
from .expectation import asked_about, is_expected_finite, is_finite
from .fingerprint import key_of
from .loops import slimmed, taken_result
from .rewrites import ANSWERS, IDLE, REWRITES, Rewrite, taken_apart, without_zero

# An operand of an operation in a graph that is run again.
Traced: TypeAlias = Symbol | Constant


def simplify(
    graph: Graph,
    *,
    expansions: Mapping[str, Rewrite] = MappingProxyType({}),
    writes_out: bool = False,
    keeps: Collection[str] = (),
) -> Graph:
    """Return a graph of the same values with fewer and simpler operations.

    Constants are folded, common subexpressions shared, what no output needs dropped, neutral
    elements and movements that undo each other removed. Products in which 0·∞ = 0 become plain ones
    where no factor can be infinite; where none is expected to be, a plain product stands for the
    strong one (`TracedOperation.strong`), which decides where it gives NaN: see `doubts`. The
    values are the same for all arguments, whatever they are. It is for evaluation: differentiate
    the original, whose `stop_gradient` is still in place. Operations that ``expansions`` name are
    written in others first, and if the graph ``writes_out`` those whose cards say what they are
    made of. What is named in ``keeps`` is for a reader, and stays.
    """
    if graph.is_simple and not expansions and not writes_out:
        return graph
    uncertain, needless = asked_about(graph), _asked_by_a_loss(graph)
    fresh = _Simplifier(expansions, writes_out, keeps)
    inputs = [fresh.input(symbol, expected=symbol.node not in uncertain) for symbol in graph.inputs]

    def simpler(node: TracedOperation, args: list[Any]) -> Any:
        return args[0] if node in needless else fresh.replay(node, args)

    made = graph.like(inputs, graph.ends(graph.interpret(inputs, simpler)), name=graph.name)
    made.is_simple = True
    return slimmed(made, simplify)


def written_out(graph: Graph) -> Graph:
    """Return a simplified graph with each operation written in those that its card makes it of.

    Native code is made of it. Where NaN has to be looked for, and which numbers may be out of
    range, is then told by the parts: it is only known of the operations that are there. Products
    that simplifying has made plain stay so, since the parts of a factor say less about it than its
    own card does.
    """
    if not any(node.meant.expand for node in graph.nodes):
        return graph
    return simplify(graph, writes_out=True)


def _asked_by_a_loss(graph: Graph) -> set[Node]:
    """Return the checks of labels that a loss makes, too."""
    return {
        labels
        for node in graph.nodes
        if node.primitive is PRIMITIVES["softmax_cross_entropy"]
        and (labels := node.parents[1]) is not None
        and labels.primitive is PRIMITIVES["class_labels"]
        and labels.params["classes"] == node.args[0].shape[-1]
    }


class _Simplifier:
    """Builds operations, each once, and knows of each value whether it is finite.

    ``finite`` says of a value whether its entries are expected to be finite; ``magnitudes`` has a
    bound that holds for certain.
    """

    def __init__(
        self, expansions: Mapping[str, Rewrite], writes_out: bool, keeps: Collection[str]
    ) -> None:
        self.expansions, self.writes_out, self.keeps = expansions, writes_out, keeps
        self.seen: dict[Any, Symbol] = {}
        self.keys: dict[int, tuple[Any, Hashable]] = {}
        # What is being written out: operations, by the shapes and dtypes that they are applied to.
        self.under_way: list[Any] = []
        self.finite: dict[Node | None, bool] = {}
        self.magnitudes: dict[Node | None, float] = {}
        self.origin: Origin | None = None
        self.module: int | None = None
        # Whether the operation that is being built was a plain product in the place of a strong one
        # in the old graph already.
        self.is_plain = False

    def input(self, old: Symbol, *, expected: bool) -> Symbol:
        new = Symbol.input(old.data, getattr(old.node, "name", None))
        self.finite[new.node] = expected
        self.magnitudes[new.node] = np.inf if old.dtype.kind == "f" else 2.0**64
        return new

    def replay(self, node: TracedOperation, args: Sequence[Traced]) -> Any:
        """Return what stands for a node of the old graph, applied to new operands."""
        self.origin, self.is_plain = node.origin, node.strong is not None
        self.module = node.module
        value = self.build(node.meant.name, *args, primitive=node.meant, **node.params)
        if not isinstance(value, Symbol):
            return np.asarray(value, node.output.dtype)
        name = getattr(node, "name", None)
        if isinstance(value.node, TracedNode) and value.node.name is None:
            value.node.name = name
        return value

    def build(
        self, name: str, *args: Traced, primitive: Primitive | None = None, **params: object
    ) -> Any:
        """Apply a primitive, or what is simpler."""
        primitive = primitive or PRIMITIVES[name]
        if not any(isinstance(arg, Symbol) for arg in args):
            with np.errstate(all="ignore"):
                return primitive.forward(*args, **params)
        specs = [arg.data if isinstance(arg, Symbol) else arg for arg in args]
        spec = primitive.infer(*specs, **params)
        if primitive.facts.constant is not None:
            return np.full(spec.shape, primitive.facts.constant, spec.dtype)
        known = self._answer(name, args, spec)
        if known is not None:
            return known
        args = self._slim(primitive, args, params, spec)
        simpler = self._rewritten(primitive, args, params)
        if simpler is not None and _is_like(simpler, spec):
            return simpler
        expanded = self._expanded(primitive, args, params)
        if expanded is not None and _is_like(expanded, spec):
            return expanded
        return self._applied(primitive, args, params, spec)

    def _expanded(self, primitive: Primitive, args: Sequence[Traced], params: Params) -> Any:
        if primitive.name in self.expansions:
            return self.expansions[primitive.name](args, params, self.build)
        if not self.writes_out or primitive.expand is None:
            return None
        if any(0 in shape_of(arg) for arg in args):
            return None
        specs = tuple(x.data if isinstance(x, Symbol) else key_of(x) for x in args)
        key = (id(primitive), specs, key_of(dict(params)))
        if key in self.under_way:
            return None  # it is made of itself: it stays as it is, and so do those made of it
        self.under_way.append(key)
        try:
            return self._written_out(primitive, args, params)
        finally:
            self.under_way.pop()

    def _written_out(self, primitive: Primitive, args: Sequence[Traced], params: Params) -> Any:
        """Build the operations that an operation is made of."""
        inside = [Symbol.input(x.data) if isinstance(x, Symbol) else x for x in args]
        try:
            with np.errstate(all="ignore"):
                made = primitive.expand(*inside, **params)  # type: ignore[misc]
        except Exception as error:
            error.add_note(f"adjoint: it came from what the card of {primitive.name} has as expand")
            raise
        if not isinstance(made, Symbol):
            return made
        given = [arg for arg in args if isinstance(arg, Symbol)]

        def build(node: TracedOperation, operands: list[Any]) -> Any:
            return self.build(node.meant.name, *operands, primitive=node.meant, **node.params)

        parts = Graph([x for x in inside if isinstance(x, Symbol)], [made])
        return parts.interpret(given, build)[node_of(made)]

    def _answer(self, name: str, args: Sequence[Traced], spec: Spec) -> Any:
        """Return the result where it needs no operation, else None."""
        if name in ANSWERS and self._magnitude(args[0]) < np.inf:
            return np.full(spec.shape, ANSWERS[name])
        x = args[0]
        return x if name in IDLE and isinstance(x, Symbol) and x.data == spec else None

    def _rewritten(self, primitive: Primitive, args: Sequence[Traced], params: Params) -> Any:
        name = primitive.name
        if primitive is RESULT:
            return taken_result(args, params, self.build)
        if name not in REWRITES or name in self.keeps or primitive is not PRIMITIVES.get(name):
            return None
        simpler = REWRITES[name](args, params, self.build)
        if simpler is None and self.origin is not None and name in ("add", "subtract"):
            # A derivative that is 0 throughout may be left out, but what the user writes may not:
            # it makes 0 of -0.
            return without_zero(name, args)
        return simpler

    def _applied(
        self, primitive: Primitive, args: Sequence[Traced], params: Params, spec: Spec
    ) -> Symbol:
        """Apply a primitive as it is, or a plain product for a strong one."""
        if primitive.plain is None:
            return self._share(primitive, args, params)
        plain = PRIMITIVES[primitive.plain]
        if is_plain(args, spec, [self._magnitude(arg) for arg in args]):
            return self._share(plain, args, params)
        if self.is_plain or all(map(self._is_finite, args)):
            return self._share(plain, args, params, strong=primitive)
        return self._share(primitive, args, params)

    def _slim(
        self, primitive: Primitive, args: Sequence[Traced], params: Params, spec: Spec
    ) -> tuple[Traced, ...]:
        """Let an elementwise operation itself repeat entries, where it would be repeated for it."""
        if primitive.kind != "elementwise" and primitive.name != "strong_multiply":
            return tuple(args)
        slim = list(args)
        for position, arg in enumerate(args):
            slim[position] = _unrepeated(arg)
            if slim[position] is arg:
                continue
            specs = [x.data if isinstance(x, Symbol) else x for x in slim]
            if not any(isinstance(x, Symbol) for x in slim) or not _gives(
                spec, primitive, specs, params
            ):
                slim[position] = arg
        return tuple(slim)

    def _share(
        self,
        primitive: Primitive,
        args: Sequence[Traced],
        params: Params,
        strong: Primitive | None = None,
    ) -> Symbol:
        """Apply a primitive, or return what it gave before for the same operands."""
        keys = [self._key_of(arg) for arg in args]
        if primitive.facts.commutes:
            keys.sort(key=repr)
        key = (primitive.name, id(strong or primitive), tuple(keys), key_of(dict(params)))
        if key not in self.seen:
            made = Symbol.apply(primitive, args, params)
            assert isinstance(made.node, TracedOperation)
            made.node.origin, made.node.strong = self.origin, strong
            made.node.module = self.module
            self.finite[made.node] = is_expected_finite(
                primitive, args, params, made.data, [self._is_finite(arg) for arg in args]
            )
            self.magnitudes[made.node] = magnitude(
                primitive, args, params, made.data, [self._magnitude(arg) for arg in args]
            )
            self.seen[key] = made
        return self.seen[key]

    def _key_of(self, operand: Traced) -> Hashable:
        """Return `key_of` an operand; of an array, which many operations may read, only once."""
        if not isinstance(operand, np.ndarray):
            return key_of(operand)
        # The array is remembered as well, so that no other one gets its identity.
        known, key = self.keys.get(id(operand), (None, None))
        if known is not operand:
            self.keys[id(operand)] = operand, (key := key_of(operand))
        return key

    def _is_finite(self, operand: Traced) -> bool:
        if isinstance(operand, Symbol):
            return self.finite[operand.node]
        return operand is None or is_finite(operand)

    def _magnitude(self, operand: Traced) -> float:
        if isinstance(operand, Symbol):
            return self.magnitudes[operand.node]
        return magnitude_of(operand)


def _gives(spec: Spec, primitive: Primitive, operands: Sequence[Traced], params: Params) -> bool:
    """Return whether a primitive of these operands has a result of that shape and dtype."""
    try:
        return bool(primitive.infer(*operands, **params) == spec)
    except OverflowError:  # a number that an array of its type held, but not the other's type
        return False


def _is_like(value: Traced, spec: Spec) -> bool:
    made = value.data if isinstance(value, Symbol) else value
    return isinstance(made, (Spec, np.ndarray, np.generic)) and (
        (made.shape, made.dtype) == (spec.shape, spec.dtype)
    )


def _unrepeated(operand: Traced) -> Traced:
    """Return the value that was broadcast, or the number that fills a constant array."""
    if isinstance(operand, Symbol):
        inner = taken_apart(operand, "broadcast_to")
        return operand if inner is None else inner[0]
    if isinstance(operand, (np.ndarray, np.generic)) and operand.size:
        array = np.asarray(operand)
        return array.flat[0].item() if array.dtype.kind in "fiu" and is_filled(array) else operand
    return operand
