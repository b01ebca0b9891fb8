"""A program of C: the loops over arrays that a graph becomes, in the order of its operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.native.arrays.expansion import EXPANSIONS
from ..compiler.native.elementwise import RULES
from ..compiler.native.formats import FORMATS
from ..compiler.native.instructions import INSTRUCTIONS
from ..compiler.native.lanes import Lanes
from ..compiler.simplify.doubts import careful
from ..compiler.simplify.simplify import simplify
from ..core.annotations import Array
from ..core.node import Node, Operation
from ..graphs.graph import Graph
from ..ops.keys import SLOT
from .c_lanes import CLanes
from .c_literals import TYPES, number
from .c_loops import Loops, kind_in_c
from .c_places import Places, offset, strides_of
from .c_scalars import Scalar, Scalars, elementwise
from .refusal import ExportError
from .subject import without_loops

_CHECKS = ("required", "class_labels")
_REDUCTIONS = ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin")


def written_for_c(graph: Graph) -> Graph:
    """Return a graph in the operations that loops over arrays have, with strong products strong.

    Raises
    ------
    ExportError
        If it has a loop whose turns nobody can count.
    """
    expansions = {name: rule for name, rule in EXPANSIONS.items() if name not in _CHECKS}
    return careful(simplify(without_loops(graph, "C99"), expansions=expansions, writes_out=True))


class Program(Loops):
    """Turns the operations of a graph into loops, oldest first.

    Attributes
    ----------
    inputs, outputs : list of (str, str, tuple of int)
        The name, the kind and the shape of each array that comes in and goes out.
    held : mapping of int to Places
        Where arrays of the state lie, by their number, that are no constants.
    """

    def __init__(
        self,
        graph: Graph,
        paths: Sequence[str],
        state: Sequence[Array],
        prefix: str,
        *,
        beside: Loops | None = None,
        held: Mapping[int, Places] | None = None,
    ) -> None:
        super().__init__(prefix, beside)
        self.held = held or {}
        self.graph = written_for_c(graph)
        self.values: dict[Node, Places] = {}
        self.pending: dict[Node, Operation] = {}
        self.uses = Counter(p for n in self.graph.nodes for p in n.parents if p is not None)
        self.users: dict[Node, Operation] = {
            p: n for n in self.graph.nodes for p in n.parents if p is not None
        }
        self.results = {getattr(x, "node", None) for x in self.graph.outputs}
        self._inputs(paths, state)
        for node in self.graph.nodes:
            self._write(node)
        self._outputs()

    # --- what comes in and goes out

    def _inputs(self, paths: Sequence[str], state: Sequence[Array]) -> None:
        given = len(self.graph.inputs) - len(state)
        self.inputs: list[tuple[str, str, tuple[int, ...]]] = []
        for position, symbol in enumerate(self.graph.inputs):
            node = symbol.node
            assert node is not None
            kind = kind_in_c(symbol.dtype)
            if position < given:
                name = f"x{position}" if given > 1 else "x"
                self.inputs.append((name, kind, symbol.shape))
                self.values[node] = Places.whole(name, kind, symbol.shape)
            else:
                place = position - given
                if place in self.held:
                    self.values[node] = self.held[place]
                elif self.uses[node] or node in self.results:
                    self.values[node] = self.table(paths[place], np.asarray(state[place]))

    def _outputs(self) -> None:
        self.outputs: list[tuple[str, str, tuple[int, ...]]] = []
        for position, output in enumerate(self.graph.outputs):
            name = f"y{position}" if len(self.graph.outputs) > 1 else "y"
            node = getattr(output, "node", None)
            if node is None:
                places = self.table("constant", np.asarray(output))
            else:
                places = self.stored(node)
            shape = places.flat.shape
            self.outputs.append((name, places.kind, shape))
            with self.loops(shape) as counters:
                block = self.block()
                value = self.read(block, places, counters, shape)
                self.put(block, f"{self.at(name, shape, counters)} = {value};")

    # --- operands

    def operand(self, node: Operation, position: int) -> Any:
        """Return an operand: an array, an operation that waits, or a constant."""
        parent = node.parents[position]
        if parent is not None:
            return self.pending.get(parent) or self.values[parent]
        value = node.args[position]
        if np.ndim(value) == 0:
            kind = kind_in_c(np.asarray(value).dtype)
            return Scalar("constant", kind, np.asarray(value).item())
        return self.table("constant", np.asarray(value))

    def stored(self, node: Node) -> Places:
        """Return an array in memory, computed now if it waits."""
        waiting = self.pending.pop(node, None)
        if waiting is not None:
            self.values[node] = self._computed(waiting)
        return self.values[node]

    def array(self, node: Operation, position: int) -> Places:
        """Return an operand as an array in memory."""
        parent = node.parents[position]
        if parent is not None:
            return self.stored(parent)
        return self.table("constant", np.asarray(node.args[position]))

    def entry(
        self, scalars: Scalars, x: Any, counters: Sequence[str], shape: Sequence[int]
    ) -> Scalar:
        """Return an entry of an operand."""
        if isinstance(x, Scalar):
            return x
        if isinstance(x, Places):
            return Scalar("load", x.kind, None, self.read(scalars.block, x, counters, shape))
        args = [
            self.entry(scalars, self.operand(x, n), counters, shape) for n in range(len(x.args))
        ]
        return elementwise(scalars, x, args)

    def _computed(self, node: Operation) -> Places:
        shape, kind = node.output.shape, kind_in_c(node.output.dtype)
        out = self.buffer(kind, shape)
        with self.loops(shape) as counters:
            block = self.block()
            scalars = Scalars(block)
            value = scalars.lanes(self.entry(scalars, node, counters, shape))
            self.put(block, f"{self.at(out.buffer, shape, counters)} = {_as(value, kind)};")
        return out

    # --- operations

    def _write(self, node: Operation) -> None:
        name = node.primitive.name
        if 0 in node.output.shape or any(0 in np.shape(x) for x in node.args):
            raise ExportError("C99 has no arrays without entries")
        if name in _CHECKS:
            self._check(node)
        elif name in RULES:
            self.pending[node] = node
            if not self._may_wait(node):
                self.stored(node)
        elif name in _REDUCTIONS:
            self.values[node] = self._reduced(node)
        elif name in ("matmul", "strong_matmul"):
            self.values[node] = self._product(node)
        elif name == "index" and any(entry is SLOT for entry in node.params["key"]):
            self.values[node] = self._gathered(node)
        elif node.primitive.facts.moves:
            self.values[node] = self._moved(node)
        else:
            raise ExportError(f"C99 has no {name}; use --to py, or write it in other operations")

    def _may_wait(self, node: Operation) -> bool:
        """Return whether an operation is computed inside of the one that reads it."""
        if self.uses[node] != 1 or node in self.results:
            return False
        user = self.users[node]
        name = user.primitive.name
        if name in RULES and name not in _CHECKS:
            return bool(user.output.shape == node.output.shape)
        return name in _REDUCTIONS

    def _check(self, node: Operation) -> None:
        x = self.array(node, 0)
        if node.primitive.name == "required":
            holds = self.array(node, 1)
            with self.loops(holds.flat.shape) as counters:
                block = self.block()
                found = self.read(block, holds, counters, holds.flat.shape)
                self.put(block, f"if (!{found}) {{", "return 1;", "}")
        else:
            with self.loops(x.flat.shape) as counters:
                block = self.block()
                found = self.read(block, x, counters, x.flat.shape)
                most = number(node.params["classes"], x.kind)
                self.put(block, f"if ({found} < 0 || {found} >= {most}) {{", "return 1;", "}")
        self.values[node] = x

    def _reduced(self, node: Operation) -> Places:
        x, name = self.operand(node, 0), node.primitive.name
        unknown = set(node.params) - {"axis", "keepdims"}
        if unknown:
            raise ExportError(f"C99 has no {name} with {unknown.pop()}")
        shape: tuple[int, ...] = node.args[0].shape
        axis = node.params.get("axis")
        axes = range(len(shape)) if axis is None else np.atleast_1d(axis) % max(len(shape), 1)
        inner = [n for n in range(len(shape)) if n in set(map(int, axes))]
        outer = [n for n in range(len(shape)) if n not in inner]
        kind = kind_in_c(node.output.dtype)
        out = self.buffer(kind, node.output.shape)
        own = kind if name in ("sum", "prod", "any", "all") else kind_in_c(node.args[0].dtype)
        with self.loops([shape[n] for n in outer]) as kept:
            self.lines += ["{"]
            start = {"sum": 0, "prod": 1, "any": 0, "all": 1}.get(name, 0)
            self.lines.append(f"{TYPES[own]} sum = {number(start, own)};")
            self.lines += ["int at = -1;"] * (name not in ("sum", "prod", "any", "all"))
            with self.loops([shape[n] for n in inner]) as gone:
                block = self.block()
                places = dict(zip([*outer, *inner], [*kept, *gone], strict=True))
                counters = [places[n] for n in range(len(shape))]
                scalars = Scalars(block)
                value = scalars.lanes(self.entry(scalars, x, counters, shape))
                flat = self.at("", [shape[n] for n in inner], gone)[1:-1]
                self.put(block, *_accumulated(name, _as(value, own), own, flat))
            result = "at" if name.startswith("arg") else "sum"
            sizes = [shape[n] for n in outer]
            self.lines += [f"{self.at(out.buffer, sizes, kept)} = {result};", "}"]
        return out

    def _product(self, node: Operation) -> Places:
        x, y = (self.array(node, n) for n in (0, 1))
        a = x.flat if x.flat.ndim > 1 else x.flat[np.newaxis]
        b = y.flat if y.flat.ndim > 1 else y.flat[:, np.newaxis]
        kind, inner = kind_in_c(node.output.dtype), a.shape[-1]
        out = self.buffer(kind, node.output.shape)
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        shape = (*batch, a.shape[-2], b.shape[-1])
        left = Places(x.buffer, x.kind, a[..., :, np.newaxis, :])
        right = Places(y.buffer, y.kind, np.swapaxes(b, -1, -2)[..., np.newaxis, :, :])
        with self.loops(shape) as kept:
            self.lines += ["{", f"{TYPES[kind]} sum = {number(0, kind)};"]
            with self.loops([inner]) as gone:
                block = self.block()
                counters, whole = [*kept, *gone], [*shape, inner]
                p = self.read(block, left, counters, whole)
                q = self.read(block, right, counters, whole)
                p, q = (CLanes(block, _as(z, kind), kind) for z in (p, q))
                is_strong = node.primitive.name == "strong_matmul"
                rule = INSTRUCTIONS["strong_multiply" if is_strong else "multiply"]
                self.put(block, f"sum += {rule(p, q)};")
            self.lines += [f"{self.at(out.buffer, shape, kept)} = sum;", "}"]
        return out

    def _gathered(self, node: Operation) -> Places:
        x, key, size = self.array(node, 0), list(node.params["key"]), node.args[0].ndim
        while key and key[-1] in (Ellipsis, slice(None)) and key[-1] is not SLOT:
            key.pop()
        first = next(n for n, entry in enumerate(key) if entry is SLOT)
        plain = all(e is SLOT for e in key[first:]) and all(
            isinstance(e, slice) and e == slice(None) for e in key[:first]
        )
        found = strides_of(x.flat)
        arrays = [self.array(node, n) for n in range(1, len(node.args))]
        if not plain or found is None or any(a.kind == "i1" for a in arrays):
            raise ExportError("C99 has no index of this kind; index arrays come after whole slices")
        start, steps = found
        shape, kind = node.output.shape, x.kind
        out = self.buffer(kind, shape)
        inner = np.broadcast_shapes(*(a.flat.shape for a in arrays))
        with self.loops(shape) as counters:
            terms = list(zip(counters[:first], steps[:first], strict=True))
            block = self.block()
            for axis, index in enumerate(arrays, first):
                middle = counters[first : first + len(inner)]
                at = self.read(block, index, middle, inner)
                self.names.count += 1
                name, length = f"w{self.names.count}", x.flat.shape[axis]
                block.lines += [
                    f"int64_t {name} = {at};",
                    f"if ({name} < {-length} || {name} >= {length}) {{",
                    "return 1;",
                    "}",
                    f"{name} += {name} < 0 ? {length} : 0;",
                ]
                terms.append((name, steps[axis]))
            terms += list(
                zip(counters[first + len(inner) :], steps[first + len(arrays) : size], strict=True)
            )
            terms = [(c, s) for c, s in terms if c != "0"]
            target = self.at(out.buffer, shape, counters)
            self.put(block, f"{target} = {x.buffer}[{offset(start, terms)}];")
        return out

    def _moved(self, node: Operation) -> Places:
        args = [self.array(node, n) for n in range(len(node.args))]
        ends = np.cumsum([1, *(x.flat.size for x in args)])
        numbered = [
            np.arange(a, b).reshape(x.flat.shape)
            for a, b, x in zip(ends, ends[1:], args, strict=False)
        ]
        try:
            result = np.asarray(node.primitive.forward(*numbered, **node.params))
        except Exception as error:
            raise ExportError(f"C99 has no {node.primitive.name} here: {error}") from None
        if len(args) == 1 and result.min() > 0:
            return Places(args[0].buffer, args[0].kind, args[0].flat.ravel()[result - 1])
        kind = kind_in_c(node.output.dtype)
        out = self.buffer(kind, result.shape)
        if result.min() == 0:
            self.lines.append(f"memset({out.buffer}, 0, sizeof {out.buffer});")
        for first, x in zip(ends, args, strict=False):
            self._copied(x, out, result, int(first))
        return out

    def _copied(self, x: Places, out: Places, result: Array, first: int) -> None:
        """Write the entries of an operand to their places in a result."""
        targets = np.flatnonzero((result >= first) & (result < first + x.flat.size))
        sources = result.ravel()[targets] - first
        if not targets.size:
            return
        if targets.size == x.flat.size and len(np.unique(sources)) == targets.size:
            places = np.empty(x.flat.size, np.int64)
            places[sources] = targets
            there = Places(out.buffer, out.kind, places.reshape(x.flat.shape))
            source = x
        else:
            there = Places(out.buffer, out.kind, targets)
            source = Places(x.buffer, x.kind, x.flat.ravel()[sources])
        shape = there.flat.shape
        with self.loops(shape) as counters:
            block = self.block()
            value = self.read(block, source, counters, shape)
            target = block.lines, self.read(block, there, counters, shape)
            text = target[0].pop().partition(" = ")[2]
            self.put(block, f"{text.removesuffix(';')} = {_as(value, out.kind)};")


def _as(value: Lanes, kind: str) -> str:
    return str(value) if value.kind == kind else f"({TYPES[kind]}){value}"


def _accumulated(name: str, value: str, kind: str, flat: str) -> list[str]:
    if name in ("sum", "prod"):
        return [f"sum {'+' if name == 'sum' else '*'}= {value};"]
    if name in ("any", "all"):
        return [f"sum = sum {'||' if name == 'any' else '&&'} {value};"]
    sign = ">" if name.endswith("max") else "<"
    is_better = f"at < 0 || entry {sign} sum"
    if kind in FORMATS:  # the first NaN stays
        is_better += " || (entry != entry && sum == sum)"
    return [
        f"const {TYPES[kind]} entry = {value};",
        f"if ({is_better}) {{",
        "sum = entry;",
        f"at = {flat};",
        "}",
    ]
