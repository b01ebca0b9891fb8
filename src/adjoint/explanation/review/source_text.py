"""A source text is read before it is run: what it binds, and how much of it has to be run."""

from __future__ import annotations
import __future__

import ast
import symtable
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

# What these bind cannot be read off the text.
_OPENING = frozenset(("exec", "eval", "globals", "vars", "locals", "setattr"))
_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_STEPS = (ast.For, ast.AsyncFor, ast.While, ast.Expr, ast.Delete, ast.Raise, ast.Assert)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class SourceText:
    """The text of a Python file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    SyntaxError, ValueError
        If it is no Python.
    """

    def __init__(self, path: Path) -> None:
        source = path.read_bytes()
        self.path = path
        self.tree = ast.parse(source, str(path))
        self._source = source
        self.bound = [name for each in self.tree.body for name in names_bound(each)]
        # Whether it may bind names that cannot be read off it.
        self.is_open = any(map(_opens, ast.walk(self.tree)))

    @property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes that it defines, by name."""
        return {each.name: each for each in self.tree.body if isinstance(each, ast.ClassDef)}

    @property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """The functions that it defines, by name."""
        return {each.name: each for each in self.tree.body if isinstance(each, ast.FunctionDef)}

    def first_step(self, after: int) -> ast.stmt | None:
        """Return the first loop or call below a line, where a program begins to do something."""
        for each in self.tree.body:
            is_text = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            if each.lineno > after and isinstance(each, _STEPS) and not is_text:
                return each
        return None

    def compiled(self, subject: Callable[[str], str | None]) -> CodeType:
        """Return the code of the file as far as a review needs it.

        It goes to the last line that names inputs; below that are only definitions, and what these
        and the inputs read.
        """
        ends = [
            n
            for n, each in enumerate(self.tree.body)
            if any(subject(name) is not None for name in names_bound(each))
        ]
        body = self.tree.body
        if ends and not self.is_open:
            rest = body[ends[-1] + 1 :]
            body = [*body[: ends[-1] + 1], *_needed(rest, self._read(subject))]
        module = ast.Module(body, type_ignores=[])
        return compile(module, str(self.path), "exec", dont_inherit=True)

    def definitions(self) -> Iterator[CodeType]:
        """Yield the code of each import, class, function and constant, one at a time."""
        flags = sum(_future_flags(self.tree))
        for each in self.tree.body:
            value = getattr(each, "value", None)
            is_constant = isinstance(each, (ast.Assign, ast.AnnAssign)) and _is_literal(value)
            if isinstance(each, _DEFINITIONS) or is_constant:
                module = ast.Module([each], type_ignores=[])
                yield compile(module, str(self.path), "exec", flags, dont_inherit=True)

    def _read(self, subject: Callable[[str], str | None]) -> set[str]:
        """Return the names of the module that its functions and the review read."""
        table = symtable.symtable(
            self._source.decode("utf-8-sig", "replace"), str(self.path), "exec"
        )
        read = {name for scope in _scopes(table) for name in _globals(scope)}
        for stem in filter(None, map(subject, self.bound)):
            read |= {stem, f"{stem}_loss"}
        return read


def names_bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds in the scope that it stands in."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        if not isinstance(node, _SCOPES):
            stack += ast.iter_child_nodes(node)


def _future_flags(tree: ast.Module) -> Iterator[int]:
    for each in tree.body:
        if isinstance(each, ast.ImportFrom) and each.module == "__future__":
            yield from (getattr(__future__, alias.name).compiler_flag for alias in each.names)


def _opens(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return any(each.name == "*" for each in node.names)
    return isinstance(node, ast.Name) and node.id in _OPENING


def _needed(rest: list[ast.stmt], read: set[str]) -> list[ast.stmt]:
    """Return the definitions among statements, and what binds a name that is read."""
    kept: list[ast.stmt] = []
    for each in reversed(rest):
        binds = not isinstance(each, _STEPS) and not read.isdisjoint(names_bound(each))
        if isinstance(each, _DEFINITIONS) or binds:
            kept.append(each)
            read |= _loaded(each)
    return kept[::-1]


def _loaded(statement: ast.stmt) -> set[str]:
    nodes: Iterable[Any] = ast.walk(statement)
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _is_literal(node: ast.AST | None) -> bool:
    if node is None:
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    return (each.get_name() for each in table.get_symbols() if each.is_global())
