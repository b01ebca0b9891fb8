"""A block is a loop or a choice as written source: a ``for``, a ``while`` or an ``if``.

Its body is written by a writer of its own, further in, under names that nothing outside has.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.metadata import dtype_text
from ...core.node import Node, Operation
from ...core.spec import Spec
from ...graphs.graph import Graph
from ...graphs.loops.branching import BRANCH, Branch
from ...graphs.loops.loop import Loop
from ...graphs.loops.repetition import REPEAT, Repetition
from ...graphs.loops.row import RESULT
from ...graphs.symbol import node_of
from .constants import parse
from .layout import WIDTH, lay_out
from .printer import show


class Block(NamedTuple):
    """The lines of a loop or a choice."""

    lines: list[str]


def loop_block(writer: Any, node: Operation) -> Block:
    """Return the block of an operation, and let its results be read under their names."""
    if node.primitive is BRANCH:
        return Block(_choice(writer, node))
    if node.primitive is REPEAT:
        return Block(_repetition(writer, node))
    return Block(_scan(writer, node))


class _Inner:
    """The body of a loop, further in."""

    def __init__(self, writer: Any, body: Graph, operands: Sequence[Any], start: int) -> None:
        outer = writer.terms
        self.graph, self.outer = body, writer
        self.writer = type(writer)(
            body, before=outer, inside=set(outer.taken), indent=writer.indent + 4, root=writer.root
        )
        self.terms = self.writer.terms
        # A name that one of the two takes is taken for both.
        outer.taken |= self.terms.taken
        self.terms.taken = outer.taken
        self.before: list[str] = []
        for symbol, expression in zip(body.inputs[start:], operands, strict=True):
            node = node_of(symbol)
            if isinstance(expression, ast.Name):
                self.terms.names[node] = expression.id
            else:
                self.before += self._line(self.name(node), expression, symbol.data)

    def _line(self, name: str, expression: ast.expr, spec: Spec) -> list[str]:
        return lay_out(f"{name} = ", expression, repr(spec.shape), self.outer.indent)

    def name(self, node: Node) -> str:
        """Return the name of a value of the body."""
        if node not in self.terms.names:
            self.terms.names[node] = self.terms.fresh("v")
        name: str = self.terms.names[node]
        return name

    def lines(self) -> list[str]:
        """Return the lines of the body; after that, its outputs can be asked for."""
        self.writer.arrange()
        found: list[str] = self.writer.written()
        return [*found, *self.writer.guard()]

    def outputs(self) -> list[ast.expr]:
        """Return the expression of each output."""
        return [self.writer._output(n) for n in range(len(self.graph.outputs))]

    def assigned(self, names: Sequence[str], values: Sequence[ast.expr]) -> list[str]:
        """Return the lines that give new values to names, all at once."""
        pairs = [
            (name, value)
            for name, value in zip(names, values, strict=True)
            if not (isinstance(value, ast.Name) and value.id == name)
        ]
        margin = " " * (self.outer.indent + 4)
        if not pairs:
            return []
        if len(pairs) == 1:
            return [f"{margin}{pairs[0][0]} = {show(pairs[0][1])}"]
        left = ", ".join(pair[0] for pair in pairs)
        right = ast.Tuple([pair[1] for pair in pairs], ast.Load())
        line = f"{margin}{left} = {show(right)[1:-1]}"
        return [line] if len(line) <= WIDTH else lay_out(f"{left} = ", right, indent=len(margin))


def _operands(writer: Any, node: Operation) -> list[ast.expr]:
    return [
        _typed(writer, arg) if parent is None else writer.terms.value(parent)
        for arg, parent in node.edges()
    ]


def _typed(writer: Any, arg: Any) -> ast.expr:
    """Return a constant that keeps its type: a bare number would take another's."""
    if isinstance(arg, np.ndarray) and not arg.ndim:
        arg = arg[()]
    found: ast.expr = writer.terms.constant(arg, typed=True)
    if type(arg) in (float, int):
        return parse(f"np.{'float64' if isinstance(arg, float) else 'int64'}({show(found)})")
    return found


def _results(writer: Any, node: Operation) -> dict[int, list[Node]]:
    """Return the nodes that take each result."""
    found: dict[int, list[Node]] = {}
    for other in writer.graph.nodes:
        if other.primitive is RESULT and other.parents[0] is node:
            found.setdefault(other.params["number"], []).append(other)
    return found


def _read_as(writer: Any, takers: Sequence[Node], name: str) -> None:
    for taker in takers:
        writer.terms.pending[taker] = ast.Name(name, ast.Load())


def _result_name(writer: Any, takers: Sequence[Node]) -> str:
    """Return a name for a result, the user's own if there is one."""
    for taker in takers:
        if taker in writer.terms.names:
            return str(writer.terms.names[taker])
    return str(writer.terms.fresh("v"))


def _begin(
    inner: _Inner, starts: Sequence[ast.expr], takers: dict[int, list[Node]]
) -> tuple[list[str], list[str]]:
    """Return the names of what is carried, and the lines that give them their first values."""
    outer = inner.outer.terms.names
    for n, x in enumerate(inner.graph.inputs[: len(starts)]):
        for taker in takers.get(n, ()):
            # The last value has the name of those before it, if the user calls both so.
            if taker in outer and getattr(taker, "name", None) == getattr(x.node, "name", ""):
                inner.terms.names[node_of(x)] = outer[taker]
    names = [inner.name(node_of(x)) for x in inner.graph.inputs[: len(starts)]]
    lines = []
    for name, start, x in zip(names, starts, inner.graph.inputs, strict=False):
        lines += inner._line(name, start, x.data)
    return names, lines


def _scan(writer: Any, node: Operation) -> list[str]:
    loop = Loop(**node.params)
    count, end = loop.carried, loop.carried + loop.scanned
    operands = _operands(writer, node)
    inner = _Inner(writer, loop.body, operands[end:], end)
    margin, turn = " " * writer.indent, inner.terms.fresh("t")
    takers = _results(writer, node)
    names, begin = _begin(inner, operands[:count], takers)
    lines = [*inner.before, *begin]
    gathered = []
    for n, spec in enumerate(loop.layout.specs[count:], count):
        gathered.append(_result_name(writer, takers.get(n, ())))
        kind = "" if spec.dtype == float else f", {dtype_text(spec.dtype)}"
        lines += [f"{margin}{gathered[-1]} = np.empty({spec.shape!r}{kind})"]
        _read_as(writer, takers.get(n, ()), gathered[-1])
    rows = []
    for expression in operands[count:end]:
        name = expression.id if isinstance(expression, ast.Name) else inner.terms.fresh("v")
        if not isinstance(expression, ast.Name):
            lines += lay_out(f"{name} = ", expression, indent=writer.indent)
        rows.append(ast.Name(name, ast.Load()))
    turns = f"range({loop.length})"
    lines.append(f"{margin}for {turn} in {f'reversed({turns})' if loop.reverse else turns}:")
    for symbol, whole in zip(inner.graph.inputs[count:end], rows, strict=True):
        row = ast.Subscript(whole, ast.Name(turn, ast.Load()), ast.Load())
        lines += lay_out(
            f"{inner.name(node_of(symbol))} = ", row, repr(symbol.shape), writer.indent + 4
        )
    lines += inner.lines()
    values = inner.outputs()
    for name, value in zip(gathered, values[count:], strict=True):
        lines.append(f"{margin}    {name}[{turn}] = {show(value)}")
    lines += inner.assigned(names, values[:count])
    if not loop.body.nodes and not values:
        lines.append(f"{margin}    pass")
    for n, name in enumerate(names):
        _read_as(writer, takers.get(n, ()), name)
    return lines


def _repetition(writer: Any, node: Operation) -> list[str]:
    loop = Repetition(**node.params)
    operands = _operands(writer, node)
    test = _Inner(writer, loop.test, operands[loop.carried :], loop.carried)
    takers = _results(writer, node)
    names, begin = _begin(test, operands[: loop.carried], takers)
    body = _Inner(writer, loop.body, operands[loop.carried :], loop.carried)
    # Both read what is carried, and what is the same in all turns, under the same names.
    for one, other in zip(body.graph.inputs, test.graph.inputs, strict=True):
        body.terms.names[node_of(one)] = test.name(node_of(other))
    margin = " " * writer.indent
    first = test.lines()
    (holds,) = test.outputs()
    lines = [*test.before, *begin]
    if first:
        lines += [f"{margin}while True:", *first, f"{margin}    if not {show(holds, 6)}:"]
        lines.append(f"{margin}        break")
    else:
        lines.append(f"{margin}while {show(holds)}:")
    lines += body.lines()
    lines += body.assigned(names, body.outputs()) or [f"{margin}    pass"]
    for n, name in enumerate(names):
        _read_as(writer, takers.get(n, ()), name)
    return lines


def _choice(writer: Any, node: Operation) -> list[str]:
    branch = Branch(**node.params)
    choice, *operands = _operands(writer, node)
    takers = _results(writer, node)
    names = [_result_name(writer, takers.get(n, ())) for n in range(len(branch.layout.specs))]
    margin = " " * writer.indent
    lines: list[str] = []
    sides: list[str] = []
    for word, graph in ((f"if {show(choice)}:", branch.yes), ("else:", branch.no)):
        inner = _Inner(writer, graph, operands, 0)
        lines += inner.before
        body = inner.lines()
        body += inner.assigned(names, inner.outputs())
        sides += [f"{margin}{word}", *(body or [f"{margin}    pass"])]
    for n, name in enumerate(names):
        _read_as(writer, takers.get(n, ()), name)
    return [*lines, *sides]
