"""A mutant is a source file with one small fault in it, and the key that it is known by.

A fault is made in the syntax tree, and written into the text at the node's own place, so that all
else stays as it was.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Sequence
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
# The order of the arguments of these makes no difference.
SYMMETRIC = {"equal", "not_equal", "maximum", "minimum", "fmax", "fmin", "add", "multiply"}
SYMMETRIC |= {
    "min",
    "max",
    "logical_and",
    "logical_or",
    "logical_xor",
    "strong_multiply",
    "hypot",
    "logaddexp",
}
# What has these names says what is checked or kept, or which numbers the contract of a card draws:
# no caller sees another value.
GUARDS = {"strict", "frozen", "slots", "repr", "eq", "maxsize", "stacklevel"}
GUARDS |= {"domain", "kinks", "cases"}


@dataclass(frozen=True)
class Mutant:
    """One fault: where it stands, and the text before and after.

    Attributes
    ----------
    file : str
        The file, from the folder of the package on, with slashes.
    within : str
        The qualified name of the innermost function or class, or "" at the top of the module.
    kind : str
        What was done, as "comparison".
    line : int
        The line that it begins in, counted from 1.
    span : (int, int)
        The first and the last byte that are replaced, the latter not included.
    lines : tuple of sequences of int
        The lines, counted from 1, whose tests are the mutant's, the best first. In a function:
        those of the text that is replaced, those of its statement up to there. At import: those
        that read what is assigned, those of the statement at the top of the module, all.
    at_import : bool
        Whether the place is run when the module is imported, and never again.
    before, after : str
        The lines around the fault without and with it, in one line each.
    replacement : str
        What stands in the place.
    """

    file: str
    within: str
    kind: str
    span: tuple[int, int]
    line: int
    lines: tuple[Sequence[int], ...]
    at_import: bool
    before: str
    after: str
    replacement: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells the mutant from others, however the lines around it move."""
        return self.file, self.within, self.before, self.after

    def planted(self, text: str) -> str:
        """Return the text of the file with the fault in it."""
        start, end = self.span
        raw = text.encode()
        return (raw[:start] + self.replacement.encode() + raw[end:]).decode()


@functools.cache
def mutants(file: str, text: str) -> tuple[Mutant, ...]:
    """Return all mutants of a file, in the order of their places."""
    return tuple(_Planter(file, text).of_module())


class _Planter:
    """Walk through a module and make every fault that the operators know."""

    def __init__(self, file: str, text: str):
        self.file, self.raw = file, text.encode()
        self.module = ast.parse(text)
        self.starts = [0]
        for line in self.raw.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def of_module(self):
        for node in self.module.body:
            yield from self._walk(node, _Around("", node, node, True))

    def _walk(self, node, around):
        if _is_inert(node):
            return
        if isinstance(node, ast.stmt):
            around = around.statement_of(node)
        for kind, place, replacement in _faults(node):
            yield self._mutant(kind, place, replacement, around)
        for child in ast.iter_child_nodes(node):
            if child not in _left_alone(node):
                yield from self._walk(child, around.inside(node, child))

    def _mutant(self, kind, node, replacement, around):
        first, last = node.lineno, node.end_lineno
        head, tail = self.starts[first - 1], self.starts[last]
        start, end = head + node.col_offset, self.starts[last - 1] + node.end_col_offset
        after = self.raw[head:start] + replacement.encode() + self.raw[end:tail]
        return Mutant(
            file=self.file,
            within=around.within,
            kind=kind,
            line=first,
            span=(start, end),
            lines=self._lines_to_try(first, last, around),
            at_import=around.at_import,
            before=_in_one_line(self.raw[head:tail].decode()),
            after=_in_one_line(after.decode()),
            replacement=replacement,
        )

    def _lines_to_try(self, first, last, around):
        if not around.at_import:
            return range(first, last + 1), range(_lines(around.statement)[0], last + 1)
        top, bottom = _lines(around.outer)
        return self._uses(around.outer), range(top, bottom + 1), range(1, len(self.starts))

    def _uses(self, statement):
        """Return the lines that read the names which a statement assigns to."""
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        assigned = {target.id for target in targets if isinstance(target, ast.Name)}
        found = (node for node in ast.walk(self.module) if isinstance(node, ast.Name))
        return tuple({n.lineno for n in found if n.id in assigned and isinstance(n.ctx, ast.Load)})


@dataclass(frozen=True)
class _Around:
    """What a node stands in."""

    within: str
    statement: ast.stmt
    outer: ast.stmt
    at_import: bool

    def statement_of(self, node):
        return _Around(self.within, node, self.outer, self.at_import)

    def inside(self, node, child):
        """Return what a child stands in: a body is run later, decorators and defaults are not."""
        name = getattr(node, "name", None)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            return self
        body = node.body if isinstance(node.body, list) else [node.body]
        if child not in body:
            return self
        within = ".".join(filter(None, [self.within, name]))
        later = not isinstance(node, ast.ClassDef)
        return _Around(within, self.statement, self.outer, self.at_import and not later)


def _lines(node):
    """Return the first and the last line of a statement, decorators included."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return first, node.end_lineno


def _in_one_line(text):
    return " ".join(text.split())


def _is_inert(node):
    """Say whether nothing can go wrong here: messages, docstrings, imports, types."""
    match node:
        case ast.JoinedStr() | ast.Raise() | ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
        case ast.Expr(value=ast.Constant()) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.keyword(arg=word):
            return word in GUARDS
        case ast.AnnAssign(target=ast.Name(id=word)):
            return word in GUARDS or word.endswith("_CASES")
    return False


def _left_alone(node):
    """Return the children that are not looked into: annotations, and the defaults of guards."""
    if isinstance(node, ast.arguments):
        pairs = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        return [default for argument, default in pairs if argument.arg in GUARDS]
    return [getattr(node, "annotation", None), getattr(node, "returns", None)]


def _faults(node):
    """Yield the kind, the node to be replaced and the new text of every fault of this node."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield "negated condition", test, _text(ast.UnaryOp(ast.Not(), test))
        case ast.comprehension(ifs=[test, *_]):
            yield "negated condition", test, _text(ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=ast.expr()):
            yield "nothing returned", node, "return None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Delete():
            yield "deleted statement", node, "pass"
        case ast.Break() | ast.Continue():
            yield "deleted statement", node, "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "deleted statement", node, "pass"
    if isinstance(node, ast.expr):
        yield from ((kind, node, text) for kind, text in _expression_faults(node))


def _expression_faults(node):
    match node:
        case ast.Compare(ops=[operator]):
            yield from _with_operator("comparison", node, "ops", COMPARISONS, operator)
        case ast.BinOp(op=operator):
            yield from _with_operator("arithmetic", node, "op", ARITHMETIC, operator)
        case ast.BoolOp(op=operator, values=values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "and for or", _text(ast.BoolOp(other, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "dropped not", _text(operand)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield "sign", _text(operand)
        case ast.Constant(value=value):
            yield from (("constant", repr(other)) for other in _other_constants(value))
        case ast.Call(args=[first, second, *_]) if _have_an_order(node, first, second):
            yield "swapped arguments", _text(_with_arguments(node, second, first))
        case ast.Slice(lower=lower, upper=upper):
            yield from _shifted_slices(node, lower, upper)


def _with_operator(kind, node, field, table, operator):
    if other := table.get(type(operator)):
        changed = copy.copy(node)
        setattr(changed, field, [other()] if field == "ops" else other())
        yield kind, _text(changed)


def _with_arguments(node, first, second):
    return ast.Call(node.func, [first, second, *node.args[2:]], node.keywords)


def _have_an_order(call, first, second):
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
    return not starred and name not in SYMMETRIC


def _other_constants(value):
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1] if value == 0 else [value + 1, value - 1]
        case float():
            return [1.0] if value == 0 else [2 * value, 0.0]
    return []


def _shifted_slices(node, lower, upper):
    """Yield slices that are off by one, where constants are not changed already."""
    one = ast.Constant(1)
    for field, bound in (("lower", lower), ("upper", upper)):
        if bound is not None and not isinstance(bound, ast.Constant | ast.UnaryOp):
            changed = copy.copy(node)
            setattr(changed, field, ast.BinOp(bound, ast.Add(), one))
            yield "off by one", ast.unparse(changed)


def _text(node):
    return f"({ast.unparse(ast.fix_missing_locations(node))})"
