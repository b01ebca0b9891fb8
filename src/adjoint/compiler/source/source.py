"""Source is a graph written as the NumPy function that a person would have written."""

from __future__ import annotations

import ast
import textwrap
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ...core.metadata import literal
from ...core.node import Node, Operation
from ...core.spec import Spec
from ...core.tree import leaves, present
from ...graphs.graph import Graph
from ...graphs.loops.row import RESULT
from ...graphs.symbol import node_of
from ...graphs.tracing.tracer import TracedOperation
from ..simplify.doubts import careful, careful_name, sentinels
from ..simplify.excerpt import alone
from ..simplify.loops import form_of, is_loop, with_results
from . import constants
from .constants import parse
from .equations import headings
from .expressions import Expressions
from .layout import WIDTH, lay_out, signature
from .loops import Block, loop_block
from .printer import show

# An expression of more columns than this is not put inside of another one.
_INLINE = 60
_TWIN = "Return the same, where 0·∞ and 0·NaN count as 0."
_REFUSAL = "NaN, perhaps of 0·∞, which counts as 0: see ad.write_source"


def write(graph: Graph, *, about: str = "", key: Iterable[str] = (), decides: bool = False) -> str:
    """Return the source of a graph: a file that needs NumPy alone (or, said so there, SciPy).

    Where a plain product stands for one in which 0·∞ = 0 and NaN comes out, the function raises a
    FloatingPointError, or does the work again with strong products.

    Parameters
    ----------
    graph : Graph
        Simplified, as `simplify` gives it.
    about : str
        The function's docstring, if it is to have one.
    key : iterable of str
        Paths that say, in a comment, what the parts of the arguments are.
    decides : bool
        Whether the file holds a second function, with strong products, for that case.
    """
    writer = _SourceWriter(graph, decides=decides)
    functions = [*signature(graph.name, graph.arguments), *_docstring(about)]
    functions += [*_comment(", ".join(key)), *writer.body()]
    if decides and writer.is_guarded:
        twin = careful(graph)
        second = _SourceWriter(twin, before=writer.terms)
        functions += [
            "\n",
            '@np.errstate(all="ignore")',
            *signature(twin.name, twin.arguments),
            *_docstring(_TWIN),
        ]
        functions += second.body()
    parts = [f"\n\n{text}" for text in writer.terms.helper_texts().values()]
    if writer.terms.constants:
        parts += ["\n" if parts else ""]
        for name, array in writer.terms.constants.items():
            parts += constants.long_text(name, array)
    text = "\n".join([*parts, "\n", *functions])
    imports = _imports(text, writer.terms.scipy)
    head = [] if about else [f'"""{graph.name}, written by adjoint."""', *[""] * bool(imports)]
    return "\n".join([*head, *imports, text, ""])


def statements(graph: Graph) -> tuple[list[tuple[Operation, ast.expr]], Expressions]:
    """Return a graph's statements, a node and its expression each, and the terms they are made of.

    Their names, constants and helpers are those of the terms; what stands inside of an expression
    is among the terms that are pending. A loop is a call of a helper.
    """
    writer = _SourceWriter(graph, folds=True)
    writer.arrange()
    return writer.statements, writer.terms


def _imports(text: str, scipy: Sequence[str]) -> list[str]:
    lines = ["import numpy as np"] * ("np." in text)
    lines += [f"from scipy import special  # for {', '.join(scipy)}"] * bool(scipy)
    return lines


def _docstring(about: str) -> list[str]:
    return [f'    """{about}"""'] if about else []


def _comment(text: str) -> list[str]:
    return [f"    # {line}" for line in textwrap.wrap(text, WIDTH - 6)]


class _SourceWriter:
    """Turns nodes into statements, oldest first."""

    def __init__(
        self,
        graph: Graph,
        *,
        decides: bool = False,
        before: Expressions | None = None,
        inside: Collection[str] | None = None,
        indent: int = 4,
        root: _SourceWriter | None = None,
        folds: bool = False,
    ) -> None:
        self.graph = graph
        self.decides = decides
        self.indent, self.folds = indent, folds
        # Not itself: a cycle would keep the graph alive until the collector runs.
        self._root = root
        self.terms = Expressions(graph, before, inside=inside)
        self.is_guarded = False
        self.watched = [x.node for x in sentinels(graph) if x.node is not None]
        self.uses = Counter(parent for node in graph.nodes for parent in node.parents)
        self.uses.update(getattr(output, "node", None) for output in graph.outputs)
        self.statements: list[tuple[Operation, Any]] = []

    @property
    def root(self) -> _SourceWriter:
        """The writer of the function in which a body stands."""
        return self if self._root is None else self._root

    # --- statements

    def body(self) -> list[str]:
        """Return the lines of the function's body."""
        lines = self._unpacking()
        self.arrange()
        final = [*self.guard(), *self._return()]
        alone = self._last_alone()
        lines += self.written(alone)
        return lines if alone else [*lines, *final]

    def written(self, alone: Node | None = None) -> list[str]:
        """Return the lines of all statements; the result of the one that is alone is returned."""
        lines: list[str] = []
        margin = " " * self.indent
        position = 0
        for heading, count in headings([node for node, _ in self.statements]):
            lines += [f"{margin}# {heading}"] if heading else []
            for node, expression in self.statements[position : position + count]:
                if isinstance(expression, Block):
                    lines += expression.lines
                    continue
                before = "return " if node is alone else f"{self.terms.name(node)} = "
                lines += lay_out(before, expression, _shape(node.output), self.indent)
            position += count
        return lines

    def arrange(self) -> None:
        """Find out which values get a statement, and which stand inside of others."""
        for node in self.graph.nodes:
            if is_loop(node) and self.folds:
                self.terms.pending[node] = self._folded(node)
            elif is_loop(node):
                self.statements.append((node, loop_block(self, node)))
            elif node.primitive is RESULT and node.parents[0] in self.terms.pending:
                self._state(node, self.terms.apply_template(node))
            elif node.primitive is RESULT and node not in self.terms.pending:
                raise NotImplementedError("the results of loops cannot be written apart from them")
            if is_loop(node) or node.primitive is RESULT:
                continue
            expression = self._expression(node)
            if self._may_wait(node, expression):
                self.terms.pending[node] = expression
            else:
                self._state(node, expression)

    def _folded(self, node: TracedOperation) -> ast.expr:
        """Return a loop as the call of a function that has it, whose text is a helper's."""
        body = form_of(node)[0].name
        name = self.terms.fresh(f"{node.primitive.name}_{body}_")
        alone_ = with_results(alone(node))
        alone_.name = name
        writer = _SourceWriter(alone_, before=self.terms, inside=set(self.terms.taken))
        for symbol, argument in zip(alone_.inputs, alone_.arguments, strict=True):
            writer.terms.names[node_of(symbol)] = argument
        lines = [*signature(name, alone_.arguments), *writer.body()]
        self.terms.loops[name] = "\n".join(lines)
        given = [self.terms.value(p) for p in dict.fromkeys(node.parents) if p is not None]
        return ast.Call(ast.Name(name, ast.Load()), given, [])

    def _last_alone(self) -> Node | None:
        """Return the last statement's node if all that is left is to return it, without a name."""
        last = self.statements[-1][0] if self.statements else None
        outputs = [getattr(output, "node", None) for output in self.graph.outputs]
        is_result = isinstance(self.graph.gives, int) and outputs == [last]
        is_returned = is_result and last is not None and self.uses[last] == 1
        if last is None or not is_returned or is_loop(last):
            return None
        return None if self.watched else last

    def _expression(self, node: Operation) -> ast.expr:
        """Return a node's expression, with values inside that are short and used here alone."""
        pending = self.terms.pending
        parents = dict.fromkeys(node.parents)
        waiting = [p for p in parents if isinstance(p, Operation) and p in pending]
        expression = self.terms.apply(node)
        while waiting and len(show(expression)) >= _INLINE:
            longest = max(waiting, key=lambda parent: len(show(pending[parent])))
            waiting.remove(longest)
            if not _is_cheap(longest, pending[longest]):
                self._state(longest, pending.pop(longest))
                expression = self.terms.apply(node)
        return expression

    def _state(self, node: Operation, expression: ast.expr) -> None:
        """Give an expression a statement and a name."""
        self.terms.name(node)
        self.statements.append((node, expression))

    def _may_wait(self, node: Node, expression: ast.expr) -> bool:
        """Return whether a value may stand inside of the one that uses it."""
        if node in self.watched:
            return False
        if _is_cheap(node, expression):
            return True
        named = getattr(node, "name", None) is not None or node in self.terms.results
        return not named and self.uses[node] == 1 and len(show(expression)) < _INLINE

    # --- arguments and result

    def _unpacking(self) -> list[str]:
        """Return the lines that take arguments apart which are lists, tuples or dicts."""
        lines = []
        for argument, tree in zip(self.graph.arguments, self.graph.takes, strict=True):
            lines += [] if isinstance(tree, int) else self._unpack(argument, tree)
        return lines

    def _unpack(self, argument: str, tree: object) -> list[str]:
        positions = list(leaves(tree))
        targets = [self.terms.names[self._input(position)] for position in positions]
        flat = isinstance(tree, (list, tuple)) and all(isinstance(item, int) for item in tree)
        line = f"    {', '.join(targets)}{',' * (len(targets) == 1)} = {argument}"
        if flat and targets and len(line) <= WIDTH:
            return [line if len(targets) > 1 else f"    ({targets[0]},) = {argument}"]
        lines = []
        for target, position, path in zip(targets, positions, _paths(tree), strict=True):
            node = self._input(position)
            if self.uses[node]:
                lines += lay_out(f"{target} = ", parse(argument + path), _shape(node.output))
        return lines

    def _input(self, position: int) -> Node:
        node = self.graph.inputs[position].node
        assert node is not None
        return node

    def guard(self) -> list[str]:
        """Return the lines that tell where plain products may be wrong, and what happens then."""
        names = [self.terms.name(node) for node in self.watched]
        if not names:
            return []
        self.root.is_guarded = True
        margin, graph = " " * self.indent, self.root.graph
        again = f"return {careful_name(graph)}({', '.join(graph.arguments)})"
        refusal = f'raise FloatingPointError("{_REFUSAL}")'
        test = f"np.isnan({names[0]}).any()"
        if len(names) > 1:
            test = f"any(np.isnan(x).any() for x in ({', '.join(names)}))"
        return [f"{margin}if {test}:", f"{margin}    {again if self.root.decides else refusal}"]

    def _return(self) -> list[str]:
        """Return the lines that give the result its structure."""
        tree = self.graph.gives
        result = _structure(tree, self._output)
        if len(show(result)) + 11 <= WIDTH:
            text = show(result)
            is_tuple = isinstance(result, ast.Tuple) and len(result.elts) > 1
            return [f"    return {text[1:-1] if is_tuple else text}"]
        if not isinstance(tree, tuple):
            return lay_out("return ", result)
        lines, names = [], []
        for item in tree:
            part = _structure(item, self._output)
            if isinstance(part, ast.Name):
                names.append(part.id)
                continue
            names.append(self._result_name(item))
            lines += lay_out(f"{names[-1]} = ", part)
        return [*lines, f"    return {', '.join(names)}"]

    def _result_name(self, tree: object) -> str:
        """Return ``d_p`` for the cotangents of all leaves of an argument ``p``."""
        nodes = [getattr(self.graph.outputs[position], "node", None) for position in present(tree)]
        found = [self.terms.names.get(node) for node in nodes if node is not None]
        for argument, taken in zip(self.graph.arguments, self.graph.takes, strict=True):
            wanted = [f"d_{self.terms.names[self._input(position)]}" for position in leaves(taken)]
            name = f"d_{argument}"
            if wanted and found == wanted and name not in self.terms.taken:
                self.terms.taken.add(name)
                return name
        return self.terms.fresh("result_")

    def _output(self, position: int | None) -> ast.expr:
        if position is None:
            return ast.Constant(None)
        output = self.graph.outputs[position]
        node = getattr(output, "node", None)
        return self.terms.constant(output) if node is None else self.terms.value(node)


def _shape(spec: Spec) -> str:
    return repr(spec.shape)


def _is_cheap(node: Node, expression: ast.expr) -> bool:
    """Return whether a value costs nothing to write again: the transpose of a name."""
    return (
        getattr(node, "name", None) is None
        and isinstance(expression, ast.Attribute)
        and isinstance(expression.value, ast.Name)
    )


def _paths(tree: object, path: str = "") -> list[str]:
    """Return the subscripts that lead to each leaf."""
    if isinstance(tree, dict):
        return [p for k, item in tree.items() for p in _paths(item, f"{path}[{show(_key(k))}]")]
    if isinstance(tree, (list, tuple)):
        return [p for key, item in enumerate(tree) for p in _paths(item, f"{path}[{key}]")]
    return [path]


def _structure(tree: Any, leaf: Callable[[int], ast.expr]) -> ast.expr:
    """Return the expression of nested lists, tuples and dicts."""
    if isinstance(tree, dict):
        keys: list[ast.expr | None] = [_key(key) for key in tree]
        return ast.Dict(keys, [_structure(item, leaf) for item in tree.values()])
    if isinstance(tree, list):
        return ast.List([_structure(item, leaf) for item in tree], ast.Load())
    if isinstance(tree, tuple):
        return ast.Tuple([_structure(item, leaf) for item in tree], ast.Load())
    return leaf(tree)


def _key(key: object) -> ast.expr:
    if isinstance(key, (str, int, float)):
        return parse(literal(key))
    raise NotImplementedError(
        f"a dict with the key {key!r} cannot be written as source; use texts or numbers as keys"
    )
