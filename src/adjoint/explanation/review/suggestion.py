"""A suggestion is the lines to write into a file to have reviewed what it defines."""

from __future__ import annotations

import ast
import contextlib
import io
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from .network import backward_name, label_name
from .pass_pair import forward_of, positional_names, quietly, required_names
from .source_text import SourceText

_NAME = "__adjoint_trial__"
_ROWS = 5
# The sizes that are tried for a layer whose arguments do not say how wide its input is.
_WIDTHS = (2, 3, 4, 8)


class Suggestion(NamedTuple):
    """What has a backward pass in a file, and the lines that name inputs for it.

    ``kind`` is the name of the class, or empty for two functions.
    """

    subject: str
    kind: str
    lines: tuple[str, ...]


def suggestions(text: SourceText) -> tuple[Suggestion, ...]:
    """Return what a file has to review: classes with a backward pass, and pairs of functions."""
    found = [_of_functions(text, stem) for stem in _stems(text)]
    kinds = [name for name in text.classes if _has_passes(text, name)]
    if kinds:
        with _module() as space:
            trial = _Trial(text, space)
            found += [trial.suggestion(name) for name in kinds]
    return tuple(found)


@contextlib.contextmanager
def _module() -> Iterator[dict[str, Any]]:
    """Give the names of a module that is there for a while, as classes look up their own."""
    module = sys.modules[_NAME] = ModuleType(_NAME)
    try:
        yield module.__dict__
    finally:
        sys.modules.pop(_NAME, None)


def place(text: SourceText) -> ast.stmt | None:
    """Return the statement above which lines are best put: the first one that does something."""
    seen = [each for name, each in text.classes.items() if _has_passes(text, name)]
    pairs = [text.functions[f"{stem}{way}ward"] for stem in _stems(text) for way in ("for", "back")]
    return text.first_step(max((each.end_lineno or 0 for each in (*seen, *pairs)), default=0))


# --- two functions


def _stems(text: SourceText) -> Iterator[str]:
    for name in text.functions:
        stem = name.removesuffix("forward")
        is_pair = name == f"{stem}forward" and f"{stem}backward" in text.functions
        if is_pair and (not stem or stem.endswith("_")):
            yield stem


def _of_functions(text: SourceText, stem: str) -> Suggestion:
    function = text.functions[f"{stem}forward"]
    names = [each.arg for each in function.args.posonlyargs + function.args.args]
    arrays = f"({names[0]},)" if len(names) == 1 else f"({', '.join(names)})"
    call = f"{function.name}({', '.join(names)})"
    line = f"{stem}inputs = {arrays}  # with your arrays to call {call} with"
    return Suggestion(f"{function.name} and {stem}backward", "", (line,))


# --- a class


def _has_passes(text: SourceText, name: str) -> bool:
    """Return whether a class has both passes, its own or from a class of the file."""
    methods = set(_methods(text, name, set()))
    backward = any(each.lower().startswith(("backward", "backprop")) for each in methods)
    return backward and bool({"forward", "__call__"} & methods)


def _methods(text: SourceText, name: str, seen: set[str]) -> Iterator[str]:
    if name not in text.classes or name in seen:
        return
    seen.add(name)
    for each in text.classes[name].body:
        if isinstance(each, ast.FunctionDef):
            yield each.name
    for parent in text.classes[name].bases:
        if isinstance(parent, ast.Name):
            yield from _methods(text, parent.id, seen)


class _Trial:
    """The definitions of a file, without what it does, to try which lines work."""

    def __init__(self, text: SourceText, space: dict[str, Any]) -> None:
        self.text, self.space = text, space
        for code in text.definitions():
            with _silent():
                exec(code, self.space)
        self.numpy = numpy_name(text) or "np"
        self.space.setdefault(self.numpy, np)

    def suggestion(self, kind: str) -> Suggestion:
        """Return the lines for one class."""
        name, lines = self._existing(kind), []
        if name is None:
            name = self._free_name(kind)
            lines = [f"{name} = {self._call(kind)}"]
        item = self._made(lines[0].partition(" = ")[2] if lines else self._call(kind))
        lines += self._inputs(name, item, self._sizes(kind))
        return Suggestion(kind, kind, tuple(lines))

    def _existing(self, kind: str) -> str | None:
        """Return the name under which the file itself has an object of a class, before it acts."""
        before = place(self.text)
        for each in self.text.tree.body:
            if before is not None and each.lineno >= before.lineno:
                return None
            if (
                isinstance(each, ast.Assign)
                and isinstance(each.targets[0], ast.Name)
                and _is_call(each.value, kind)
            ):
                return each.targets[0].id
        return None

    def _free_name(self, kind: str) -> str:
        name = kind.lower()
        taken = {*self.text.bound, kind}
        return name if name not in taken else f"{name}_layer"

    def _call(self, kind: str) -> str:
        """Return how an object is made: as the file makes one, or with sizes that work."""
        for node in ast.walk(self.text.tree):
            if _is_call(node, kind) and _is_plain(node):
                return ast.unparse(node)
        names = required_names(self.space[kind]) if kind in self.space else []
        sizes = f"{kind}({', '.join(map(str, (2, 4, 3, 5, 6, 7)[: len(names)]))})"
        if not names or self._made(sizes) is not None:
            return sizes
        return f"{kind}({', '.join(names)})"

    def _sizes(self, kind: str) -> tuple[int, ...]:
        """Return the numbers in the call that makes an object, which may be sizes."""
        tree = ast.walk(ast.parse(self._call(kind)))
        numbers = [node.value for node in tree if isinstance(node, ast.Constant)]
        sizes = [n for n in numbers if isinstance(n, int) and 0 < n < 1000 and n is not True]
        return tuple(dict.fromkeys((*sizes, *_WIDTHS)))

    def _made(self, call: str) -> Any:
        with _silent():
            return eval(call, self.space)
        return None

    def _inputs(self, name: str, item: Any, sizes: tuple[int, ...]) -> list[str]:
        """Return the lines that name the inputs of an object, and its loss if it needs one."""
        given = required_names(forward_of(item)) if item is not None else ["x"]
        for shape in _shapes(sizes) if item is not None else ():
            output = _output(item, [np.ones(shape) for _ in given])
            if output is not None:
                return self._lines(name, item, [self._ones(shape) for _ in given], output)
        return [_tuple_line(name, [self._ones((_ROWS, sizes[0])) for _ in given])]

    def _ones(self, shape: tuple[int, ...]) -> str:
        return f"{self.numpy}.ones({shape})"

    def _lines(self, name: str, item: Any, arrays: list[str], output: Any) -> list[str]:
        method = getattr(item, backward_name(item) or "", None)
        taken = positional_names(method) if method is not None else []
        labels = label_name(positional_names(forward_of(item)), taken)
        if labels is None:
            return [_tuple_line(name, arrays)]
        if output.ndim == 2 and output.shape[1] > 1:
            classes = [n % output.shape[1] for n in range(len(output))]
            return [_tuple_line(name, [*arrays, f"{self.numpy}.array({classes})"])]
        mean = f"{self.numpy}.mean((output - {labels}) ** 2)"
        return [
            _tuple_line(name, [*arrays, self._ones(output.shape)]),
            f"{name}_loss = lambda output, {labels}: {mean}  # the loss that it begins with",
        ]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let what a trial prints, warns of or raises go by: it is only a trial."""
    nowhere = io.StringIO()
    with (
        contextlib.suppress(Exception, SystemExit),
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


@quietly
def _output(item: Any, arrays: list[Any]) -> Any:
    """Return what the forward pass gives, if it is an array of floats."""
    with _silent():
        found = forward_of(item)(*arrays)
        array = np.asarray(found[0] if isinstance(found, tuple) else found)
        return array if array.dtype.kind == "f" else None
    return None


def _shapes(sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the shapes that an input may have: rows of a width, pictures, sequences."""
    yield from ((_ROWS, size) for size in sizes)
    yield from ((_ROWS, size, 8, 8) for size in (1, *sizes))
    yield from ((_ROWS, 3, size) for size in sizes)


def _tuple_line(name: str, arrays: list[str]) -> str:
    inside = f"{arrays[0]}," if len(arrays) == 1 else ", ".join(arrays)
    return f"{name}_inputs = ({inside})"


def _is_call(node: ast.AST, kind: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == kind


def _is_plain(node: ast.AST) -> bool:
    """Return whether a call's arguments are numbers and words alone."""
    assert isinstance(node, ast.Call)
    arguments = [*node.args, *(each.value for each in node.keywords)]
    return all(isinstance(each, ast.Constant) for each in arguments)


def numpy_name(text: SourceText) -> str | None:
    """Return what a file calls NumPy, or None if it does not import it."""
    for node in text.tree.body:
        for each in node.names if isinstance(node, ast.Import) else ():
            if each.name == "numpy":
                return each.asname or "numpy"
    return None
