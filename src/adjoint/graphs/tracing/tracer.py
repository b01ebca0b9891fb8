"""A tracer looks on while a function is traced: it notes the names of values and their origin."""

from __future__ import annotations

import os
import sys
import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import CO_GENERATOR
from operator import attrgetter
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np

from ...core.annotations import Array, Cotangent, Params, Payload
from ...core.constants import has_same_bits
from ...core.facts import Range
from ...core.node import Node, Operation, creation
from ...core.primitive import Primitive
from ...core.spec import Spec
from ...core.value import Value
from ..recording import Watcher, watched_by

if TYPE_CHECKING:
    from ..source_line import SourceLine

# By os.path: pathlib would take a tenth of the time of `import adjoint`.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
# Frames inside of the user's: Python 3.11 has them for comprehensions too, later versions do not.
_INNER = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_PYTHON = os.path.dirname(os.__file__)
_UNIFORM = os.path.join(_PACKAGE, "ops", "random.py")
# Python's own, which is not imported before it is needed.
_RANDOM = os.path.join(_PYTHON, "random.py")
_NUMPY = os.path.dirname(np.__file__)
_order = attrgetter("order")
# One node of so many tells from which line it comes: to look for that takes long.
_SAMPLED = 512


class Origin(NamedTuple):
    """The rule that made a node, where it was not the user's own line.

    ``rule`` is the primitive that was differentiated, ``argument`` the position of the argument
    whose cotangent the node belongs to (None where it serves several), and ``group`` a number that
    all nodes of one application of the rule share. For an optimiser's update ``rule`` is its name.
    """

    rule: str
    argument: int | None
    group: int


class TracedNode(Node):
    """A node of the static graph, as such an input: it has a name, or None, and an origin, or None.

    Its ``output`` is the `Spec` of what it stands for; ``range`` is what is known of its entries,
    once that was asked; ``module`` is the identity of the module whose `forward` made it, or None.
    """

    __slots__ = ("module", "name", "origin", "range")

    def __init__(self, output: Spec) -> None:
        super().__init__(output)
        self.name: str | None = None
        self.origin: Origin | None = None
        self.module: int | None = None
        self.range: Range | None = None
        if (tracer := _tracing.tracer) is not None:
            tracer.see_node(self)


class TracedOperation(TracedNode, Operation):
    """An operation of the static graph.

    Where a plain product stands for one in which 0·∞ = 0, ``strong`` is that one: it decides where
    the plain product gives NaN.
    """

    __slots__ = ("strong",)

    # The constructors of both bases, written out: while tracing, each call of a function costs
    # a call of the profiler as well.
    def __init__(
        self,
        primitive: Primitive,
        args: Sequence[Payload],
        params: Params,
        parents: Sequence[Node | None],
        output: Spec,
    ) -> None:
        self.primitive = primitive
        self.args = args
        self.params = params
        self.parents = parents
        self.output = output
        self.grad = None
        self.order = next(creation)
        self.name = None
        self.origin = None
        self.module = None
        self.strong: Primitive | None = None
        self.range = None
        if (tracer := _tracing.tracer) is not None:
            tracer.see_node(self)

    @property
    def meant(self) -> Primitive:
        """The primitive whose result the operation's must equal."""
        return self.strong or self.primitive


class _Tracing(threading.local):
    """Who traces in this thread."""

    tracer: Tracer | None = None


_tracing = _Tracing()


def current() -> Tracer | None:
    """Return the tracer of this thread, or None outside of a trace."""
    return _tracing.tracer


def held(operand: Payload) -> Any:
    """Return an operand as a graph that is being traced holds it: an array is copied."""
    if _tracing.tracer is None or not isinstance(operand, np.ndarray):
        return operand
    return _tracing.tracer.hold(operand)


@contextmanager
def traced_by(tracer: Tracer) -> Iterator[None]:
    """Let ``tracer`` see all nodes, sweeps and frames of this thread inside the ``with`` block."""
    before, profile = _tracing.tracer, sys.getprofile()
    _tracing.tracer = tracer
    # A profiler that runs already stays in place; the names are then v1, v2, ….
    is_free = profile is None or isinstance(getattr(profile, "__self__", None), Tracer)
    try:
        with watched_by(tracer):
            if is_free:
                # The values of local variables show only in frames, when these return.
                sys.setprofile(tracer.see_frame)
            yield
    finally:
        if is_free:
            sys.setprofile(profile)
        _tracing.tracer = before
        # Frames that have not returned, such as that of this block, keep all their callers alive.
        tracer.started.clear()
        tracer.modules.clear()
        tracer.name_cotangents()


class Tracer(Watcher):
    """Notes during one trace what each node is called and which rule made it."""

    def __init__(self) -> None:
        self.nodes: list[TracedNode] = []
        self.cotangents: list[tuple[TracedNode, Node]] = []
        self.roles: dict[str, int] = {}
        self.started: dict[FrameType, int] = {}
        self.origin: Origin | None = None
        self.rule_start = 0
        self.swept: Node | None = None
        # The latest copy of each constant array, which equal uses share.
        self.held: dict[int, tuple[Any, Any]] = {}
        # All copies: a view of one needs no copy of its own.
        self.own_arrays: dict[int, Any] = {}
        # The frames of generators that ran.
        self.resumed: set[FrameType] = set()
        # The lines that one node of `_SAMPLED` came from.
        self.sampled: list[SourceLine] = []
        # Whether the operating system was asked for random numbers.
        self.saw_entropy = False
        # The frames of `forward` that run and whose modules they are, the innermost last.
        self.modules: list[tuple[FrameType, int]] = []

    # --- constants, which their owner may go on to change

    def hold(self, array: Array) -> Any:
        """Return a copy of an array; the same one until the array has changed.

        In the machine's byte order, the only one that native code reads.
        """
        if array.base is not None and id(array.base) in self.own_arrays:
            return array  # a rule's view of a copy, which nobody else has
        known, copy = self.held.get(id(array), (None, None))
        if known is not array or not has_same_bits(copy, array):
            copy = array.astype(array.dtype.newbyteorder("="))
            self.held[id(array)] = array, copy
            self.own_arrays[id(copy)] = copy
        return copy

    # --- nodes and the rules that make them

    def see_node(self, node: TracedNode) -> None:
        """Stamp a new node with its origin."""
        origin = self.origin
        if origin is not None and self.swept is not None:
            origin = origin._replace(argument=_like_which(node, self.swept))
        node.origin = origin
        node.module = self.modules[-1][1] if self.modules else None
        self.nodes.append(node)
        if not len(self.nodes) % _SAMPLED and origin is None:
            self._sample()

    def _sample(self) -> None:
        """Note from which line of the user's the latest node comes."""
        from ..source_line import users_line  # here: few traces are so long

        line = users_line()
        if line is not None:
            self.sampled.append(line)

    def see_forward(self, node: Operation, recorded: bool) -> None:
        """Ignore tensors: they are constants of the graph."""

    def see_backward(self, node: Operation, parts: Sequence[Any] | None) -> None:
        """Begin a group before a rule runs; after it, tell which node serves which argument."""
        if parts is None:
            self.origin = Origin(node.primitive.name, None, node.order)
            self.rule_start, self.swept = len(self.nodes), None
            return
        self._share_out(self.nodes[self.rule_start :], parts)
        self.swept = node  # until the next rule, nodes undo broadcasting and add parts up

    def _share_out(self, made: Sequence[TracedNode], parts: Sequence[Any]) -> None:
        """Give the nodes of a rule the argument that they serve, if it is only one."""
        serves: dict[TracedNode, list[int]] = {node: [] for node in made}
        for position, part in enumerate(parts):
            needed: set[Node | None] = {part.node} if isinstance(part, Value) else set()
            for node in reversed(made):
                if node in needed:
                    needed.update(node.parents)
                    serves[node].append(position)
        for node, positions in serves.items():
            if node.origin is not None and len(positions) == 1:
                node.origin = node.origin._replace(argument=positions[0])

    def see_cotangent(self, node: Node, g: Cotangent) -> None:
        """Note whose cotangent this is; names are known only when the frames have returned."""
        if isinstance(g, Value) and isinstance(g.node, TracedNode):
            self.cotangents.append((g.node, node))

    def see_end(self) -> None:
        """Forget the rule when a sweep is over."""
        self.origin = self.swept = None

    def name_cotangents(self) -> None:
        """Call the cotangent of ``x`` ``d_x``, unless the user has given it a name."""
        for cotangent, node in self.cotangents:
            name = _known_name(node)
            if cotangent.name is None and name is not None:
                cotangent.name = f"d_{name}"

    # --- names

    def see_frame(self, frame: FrameType, event: str, result: object) -> None:
        """Read the user's local variables when a frame returns, and see where numbers come from."""
        if event not in ("call", "return"):
            self.saw_entropy = self.saw_entropy or (result is os.urandom and _is_asked(frame))
            return
        file = frame.f_code.co_filename
        if frame.f_code.co_name == "forward":
            self._see_forward_of(frame, event)
        if event == "call" and file == _RANDOM and frame.f_code.co_qualname == "Random.seed":
            self.saw_entropy = self.saw_entropy or _is_unseeded(frame)
        if file.startswith(_PACKAGE):
            if event == "return" and frame.f_code.co_name == "forward":
                self._name_result(frame.f_locals.get("self"), result)
        elif not file.startswith((_NUMPY, "<frozen")) and frame.f_code.co_name not in _INNER:
            self._read_frame(frame, event)

    def _see_forward_of(self, frame: FrameType, event: str) -> None:
        """Note whose `forward` begins, or ends."""
        if event == "call":
            module = frame.f_locals.get("self")
            if hasattr(module, "named_children"):
                self.modules.append((frame, id(module)))
        elif self.modules and self.modules[-1][0] is frame:
            self.modules.pop()

    def _read_frame(self, frame: FrameType, event: str) -> None:
        if event == "call":
            if frame.f_code.co_flags & CO_GENERATOR:
                self.resumed.add(frame)
            self.started[frame] = len(self.nodes)
            return
        start = self.started.pop(frame, 0)
        code = frame.f_code
        # An argument was named where it was made.
        handed = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        for name, value in list(frame.f_locals.items()):
            node = value.node if isinstance(value, Value) else None
            if name not in handed and name.strip("_") and self._has_made(node, start):
                node.name = name

    def _has_made(self, node: Node | None, start: int) -> TypeGuard[TracedNode]:
        """Return whether a node is among those made since the first ``start``."""
        if node is None:
            return False
        place = bisect_left(self.nodes, node.order, start, key=_order)
        return place < len(self.nodes) and self.nodes[place] is node

    def _name_result(self, module: Any, result: object) -> None:
        """Name what a layer gave after its role: a1, a2 … affine maps, z1, z2 … activations."""
        node = result.node if isinstance(result, Value) else None
        if not isinstance(node, TracedNode) or node.name is not None or module is None:
            return
        if next(iter(module.named_children()), None) is None:
            # Parameters may be symbols now, so any value among the attributes counts.
            own = any(isinstance(item, Value) for item in vars(module).values())
            letter = "a" if own else "z"
            self.roles[letter] = self.roles.get(letter, 0) + 1
            node.name = f"{letter}{self.roles[letter]}"


def _is_asked(frame: FrameType | None) -> bool:
    """Return whether the user's code asked the operating system for random numbers.

    NumPy asks, too, whenever it makes a generator; one that our own primitive makes is then given
    its key, and forgets what came from the system.
    """
    while frame is not None and frame.f_code.co_filename.startswith(_PYTHON):
        frame = frame.f_back
    return frame is None or frame.f_code.co_filename != _UNIFORM


def _is_unseeded(frame: FrameType) -> bool:
    """Return whether the user makes a generator of Python's, which C code seeds by the system."""
    if frame.f_locals.get("a") is not None:
        return False
    user: FrameType | None = frame
    while user is not None and user.f_code.co_filename == _RANDOM:
        user = user.f_back
    return user is None or not user.f_code.co_filename.startswith(_PYTHON)


def _known_name(node: Node) -> str | None:
    """Return the name of a node; one that `grad` copied has that of the original."""
    name = getattr(node, "name", None)
    if name is None and node.primitive is not None and node.primitive.name == "positive":
        parent = node.parents[0]
        return None if parent is None else _known_name(parent)
    return name


def _like_which(node: Node, swept: Node) -> int | None:
    """Return the first argument of ``swept`` with the shape of a cotangent."""
    for position, arg in enumerate(swept.args):
        if getattr(arg, "shape", None) == node.output.shape:
            return position
    return None


@contextmanager
def made_by(rule: str) -> Iterator[None]:
    """Stamp all nodes made inside the ``with`` block as one group of a named rule."""
    tracer = _tracing.tracer
    if tracer is None:
        yield
        return
    before = tracer.origin
    tracer.origin, tracer.swept = Origin(rule, None, len(tracer.nodes)), None
    try:
        yield
    finally:
        tracer.origin = before
