"""A helper is a function that written source calls by name; its text stands at the top."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap
from collections.abc import Callable, Collection, Iterator
from typing import Any

from .standalone import STANDALONE

_FOR_CHECKERS = re.compile(r"\s+# (type: ignore|noqa|pragma).*")


def texts(functions: dict[str, Callable[..., Any]], taken: Collection[str] = ()) -> dict[str, str]:
    """Return the text of each helper by name, those that it calls before it.

    The names in ``taken`` are others': a helper of such a name gets another, see `free_name`.
    """
    found: dict[str, str] = {}
    for name, function in functions.items():
        _collect(name, function, found)
    for name in [name for name in found if name in taken]:
        itself = re.compile(rf"(?<![.\w]){name}\b")
        found = {key: itself.sub(free_name(name, taken), text) for key, text in found.items()}
    return {free_name(name, taken): text for name, text in found.items()}


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a helper's name, with underscores in front while it is taken.

    >>> free_name("softmax", {"x"}), free_name("softmax", {"softmax"})
    ('softmax', '_softmax')
    """
    return free_name(f"_{name}", taken) if name in taken else name


def _collect(name: str, function: Callable[..., Any], found: dict[str, str]) -> None:
    if name in found:
        return
    function = STANDALONE.get(name, function)
    source = textwrap.dedent(inspect.getsource(function))
    definition = next(x for x in ast.parse(source).body if isinstance(x, ast.FunctionDef))
    for called in _globals_in(definition):
        _collect(called, _resolve(called, function), found)
    found[name] = _plain_text(definition, source)


def _globals_in(definition: ast.FunctionDef) -> Iterator[str]:
    """Yield the global names that a function uses, but for builtins and NumPy."""
    names = [x for part in definition.body for x in ast.walk(part) if isinstance(x, ast.Name)]
    local = {x.arg for x in ast.walk(definition) if isinstance(x, ast.arg)}
    local |= {x.id for x in names if isinstance(x.ctx, ast.Store)}
    local |= {x.name for x in ast.walk(definition) if isinstance(x, ast.FunctionDef)}
    for name in dict.fromkeys(x.id for x in names):
        if name not in local and name != "np" and not hasattr(builtins, name):
            yield name


def _resolve(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    value: Any = function.__globals__.get(name)
    value = getattr(value, "__wrapped__", value)  # what functools.cache, or a card, was put on
    if inspect.isfunction(value):
        return value
    raise NotImplementedError(
        f"the source of {function.__name__} uses {name}, which does not stand alone; give it a "
        "text of its own in compiler/source/standalone.py"
    )


def _plain_text(definition: ast.FunctionDef, source: str) -> str:
    """Return a function's text without decorators, annotations and all but its first sentence."""
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    first, *rest = definition.body
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    arguments = ast.unparse(definition.args).replace("'", '"')
    lines = [f"def {definition.name}({arguments}):"]
    if documented:
        sentence = (ast.get_docstring(definition) or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f'    """{sentence}"""')
    start = (first.end_lineno or 0) if documented else first.lineno - 1
    body = source.splitlines()[start : rest[-1].end_lineno if rest else first.end_lineno]
    return "\n".join(lines + [_FOR_CHECKERS.sub("", line) for line in body])
