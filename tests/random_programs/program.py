"""A program is plain source that NumPy alone can run, with its arguments and what it captures."""

from __future__ import annotations

import functools
import linecache
import textwrap
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .shaken import plain, shake, shaken
from .slopes import PAIRS, SLOPES, Slope

_HEAD = """import functools
from types import SimpleNamespace

import numpy as np
from numpy import inf, nan
"""
# What a reader of a printed program needs, too; in the tests it is handed in.
_DERIVATIVE = """import adjoint as ad


def d(f):
    return ad.grad(lambda t, *rest: np.sum(f(t, *rest)))
"""


@dataclass(frozen=True)
class Program:
    """A program of lines.

    Attributes
    ----------
    captured : tuple of str
        Definitions that stand before it.
    parameters : tuple of str
    arguments : tuple of str
        The source of each argument.
    lines, between : tuple of str
        Those of the program, and what is done between two calls of it.
    results : tuple of str
        The names that it returns.
    is_special : bool
        Whether special values are among the arguments, the captured and the intermediate numbers.
    may_be_refused : bool
    """

    captured: tuple[str, ...]
    parameters: tuple[str, ...]
    arguments: tuple[str, ...]
    lines: tuple[str, ...]
    between: tuple[str, ...]
    results: tuple[str, ...]
    is_special: bool
    may_be_refused: bool = False

    @property
    def text(self) -> str:
        """The program's source."""
        body = "\n".join([*self.lines, f"return ({', '.join(self.results)},)"])
        between = "\n".join(self.between) or "pass"
        return "\n".join(
            [
                _HEAD,
                *self.captured,
                "",
                f"def program({', '.join(self.parameters)}):",
                textwrap.indent(body, "    "),
                "",
                "def change():",
                textwrap.indent(between, "    "),
                "",
                f"arguments = [{', '.join(self.arguments)}]",
                "",
            ]
        )

    def __str__(self) -> str:
        return (_DERIVATIVE if "d(" in self.text else "") + self.text

    def load(self, d: Any) -> dict[str, Any]:
        """Return the names of the source, run afresh; ``d`` is what takes derivatives."""
        file = f"<random program {hash(self.text)}>"
        linecache.cache[file] = (len(self.text), None, self.text.splitlines(keepends=True), file)
        names = {"d": d, "__name__": "random_program"}
        exec(compile(self.text, file, "exec"), names)
        return names

    def but(self, **changes: Any) -> Program:
        """Return a program that differs in some parts."""
        return replace(self, **changes)


class NoFloatsError(Exception):
    """Floats cannot give a derivative there."""


def plain_derivative(f: Any, *, units: float = 0) -> Any:
    """Return the derivative of a function that is known in closed form, for plain arrays."""
    slope = _slopes()[_signature(f)]

    def derivative(*arguments: Any) -> Any:
        given = [np.asarray(plain(x)) for x in arguments]
        with np.errstate(all="ignore"):
            if not units and not slope.fits(*given):
                raise NoFloatsError(slope.text)
            found = slope(*given)
        return shaken(shake(found, units)[()]) if units else found

    return derivative


@functools.cache
def _slopes() -> dict[Any, Slope]:
    # Compiled as in a program: the bytes depend on where a name comes from.
    every = [*SLOPES.values(), *PAIRS.values()]
    text = f"def program():\n    return [{', '.join(slope.text for slope in every)}]\n"
    names: dict[str, Any] = {}
    exec(f"{_HEAD}\n\n{text}", names)
    return dict(zip(map(_signature, names["program"]()), every, strict=True))


def _signature(f: Any) -> Any:
    code = f.__code__
    return code.co_code, code.co_consts, code.co_names


def copied(tree: Any) -> Any:
    """Return results as plain arrays of their own."""
    if isinstance(tree, (list, tuple)):
        return [copied(x) for x in tree]
    return np.array(plain(tree), copy=True)


@dataclass(frozen=True)
class Calls:
    """What two calls gave, and what became of the arguments of the first."""

    first: list[Any]
    second: list[Any]
    arguments: list[Any]


def run_plainly(program: Program, *, is_shaken: bool = False) -> Calls:
    """Run a program on plain arrays, twice, with the change between."""
    units = 1000.0 if is_shaken else 0.0
    names = program.load(functools.partial(plain_derivative, units=units))
    wrap = shaken if is_shaken else list
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        given = wrap(copied_arguments(names))
        first = copied(names["program"](*given))
        names["change"]()
        second = copied(names["program"](*wrap(copied_arguments(names))))
    return Calls(first, second, copied(given))


def copied_arguments(names: dict[str, Any]) -> list[Any]:
    """Return a program's arguments, which it may change."""
    return [x.copy() if isinstance(x, np.ndarray) else x for x in names["arguments"]]
