"""A compiled function is traced once for each combination of shapes and dtypes, then runs fast."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Value, as_operand
from ..graph import Graph, trace
from ..tree import leaves, map_leaves
from . import naming
from .naming import argument_names, parameter_names
from .native.function import native_tier
from .program import TIERS, Program
from .simplify import simplify
from .source import write
from .state import State, standing_in

Function = Callable[..., Any]

TIERS["native"] = native_tier


def compile(function: Function) -> Compiled:
    """Return a function that does what ``function`` does, faster.

    It is traced at its first call, and again for every new combination of its arguments' structure,
    shapes and dtypes. Tensors that it refers to, those of modules included, are read at each call.
    Where a number, a flag or an object that it refers to has been replaced, in a module or a
    variable, it is traced again; an array that is changed in place is not noticed.

    Parameters
    ----------
    function : callable
        Of arrays or trees of arrays, which loops and branches on nothing else; keyword arguments
        are settings, and each value of them is compiled for itself.

    Returns
    -------
    Compiled
        A callable whose results are plain arrays, with ``.source``, ``.graph`` and ``.report()``.
        Given tensors that require a gradient, or traced values, it is the function itself.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> @ad.compile
    ... def distance(x, y):
    ...     return np.sqrt(np.sum((x - y) ** 2))
    >>> float(distance(np.array([3.0, 0.0]), np.array([0.0, 4.0])))
    5.0
    >>> print(distance.source)
    \"\"\"distance, written by adjoint.\"\"\"
    <BLANKLINE>
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def distance(x, y):
        return np.sqrt(np.sum((x - y) ** 2))
    """
    return Compiled(function)


class Compiled:
    """A function with a program for each combination of shapes and dtypes; made by `compile`."""

    def __init__(self, function: Function) -> None:
        if not callable(function):
            raise TypeError(
                f"compile: expected a function, got {type(function).__name__}; for example "
                "ad.compile(ad.grad(f))"
            )
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.programs: dict[Any, Program] = {}
        self.state: State | None = None
        self.latest: Program | None = None

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Return the function's result, as plain arrays."""
        plain = not settings and all(x.__class__ is np.ndarray for x in args)
        if not plain and any(map(_is_recorded, leaves([args, settings]))):
            return self.function(*args, **settings)
        found = None if self.state is None else self.state.settings()
        if self.state is None or found is None:
            self.state, self.programs = State(self.function), {}
            found = self.state.settings()
        arrays = args if plain else map_leaves(_as_array, args)
        tensors = self.state.arrays()
        if plain and not tensors:
            key: Any = (tuple([(x.shape, x.dtype.str) for x in args]), found)
        else:
            key = (_outline((arrays, tensors)), found, tuple(sorted(settings.items())))
        program = self._program(key, arrays, settings)
        return program(*arrays, tensors) if tensors else program(*arrays)

    def _program(self, key: Any, arrays: Any, settings: dict[str, Any]) -> Program:
        try:
            program = self.programs.get(key)
        except TypeError:
            raise TypeError(
                "compile: keyword arguments are settings and must be hashable; pass arrays by "
                f"position, got {', '.join(settings)}"
            ) from None
        if program is None:
            program = self.programs[key] = self._compile(arrays, settings)
        self.latest = program
        return program

    def _compile(self, arrays: Any, settings: dict[str, Any]) -> Program:
        assert self.state is not None
        bound = functools.partial(self.function, **settings) if settings else self.function
        tensors = self.state.tensors
        if not tensors:
            with self.state.unchanged():
                return Program(trace(bound, *arrays))
        return Program(_trace_with_state(bound, arrays, self.state), key=tensors)

    @property
    def source(self) -> str:
        """The source of the latest call's program: plain NumPy."""
        return self._latest().source

    @property
    def graph(self) -> Graph:
        """The simplified graph of the latest call's program."""
        return self._latest().graph

    def report(self) -> str:
        """Return for each program in which tier it runs, and what it costs."""
        self._latest()
        return "\n".join(program.report() for program in self.programs.values())

    def examples(self) -> tuple[Any, ...]:
        """Return arrays of zeros like the arguments of the latest call."""
        graph = self._latest().graph
        specs = [symbol.data for symbol in graph.inputs]
        zeros = map_leaves(lambda n: np.zeros(specs[n].shape, specs[n].dtype), graph.takes)
        has_state = self.state is not None and bool(self.state.tensors)
        return tuple(zeros[:-1] if has_state else zeros)

    def _latest(self) -> Program:
        if self.latest is None:
            raise RuntimeError(
                f"{naming.function_name(self.function)} has not been called yet, so there are no "
                "shapes to compile it for; call it once, or use ad.trace(function, *examples)"
            )
        return self.latest

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        raise TypeError(
            "compile: a method has no instance to read from; compile the bound one, as "
            "self.predict = ad.compile(self.predict) in __init__"
        )


def _trace_with_state(function: Function, args: Any, state: State) -> Graph:
    """Trace a function with the tensors that it refers to as a last argument."""
    tensors = list(state.tensors.values())

    def with_state(*inputs: Any) -> Any:
        *given, values = inputs
        with standing_in(tensors, values), state.unchanged():
            return function(*given)

    paths = parameter_names(state.tensors)
    names = (*argument_names(function, args), "state")
    functools.update_wrapper(with_state, function, updated=())
    return trace(
        with_state,
        *args,
        [tensor.data for tensor in tensors],
        names=(*names[:-1], paths),
        arguments=names,
    )


def _is_recorded(x: Any) -> bool:
    return isinstance(x, Value) and x.node is not None


def _as_array(x: Any) -> Any:
    if x.__class__ is np.ndarray:
        return x
    if x is None:
        raise TypeError("compile: None is not an array; pass settings by keyword")
    return np.asarray(as_operand(x))


def _outline(tree: Any) -> Any:
    """Return something hashable that is equal for equal structures, shapes and dtypes."""
    if isinstance(tree, (np.ndarray, np.generic)):
        return tree.shape, tree.dtype.str
    if isinstance(tree, dict):
        return "dict", *((key, _outline(item)) for key, item in tree.items())
    return type(tree), *map(_outline, tree)


def write_source(function: Function, path: str | Path, *examples: Any) -> None:
    """Write a file with a function that does what ``function`` does, with NumPy alone.

    Parameters
    ----------
    function : callable or Compiled
        Of a compiled function the program of its latest call is written. The tensors that it refers
        to are written out as constants.
    path : path
        Of the file.
    *examples : arrays
        The arguments' structure, shapes and dtypes; needed unless the function is compiled.
    """
    if isinstance(function, Compiled):
        if not examples:
            examples = function.examples()
        function = function.function
    if not examples:
        raise TypeError(
            "write_source: the shapes are not known; pass examples, as write_source(f, path, x, y)"
        )
    source = write(simplify(trace(function, *examples)))
    Path(path).write_text(source, encoding="utf-8")
