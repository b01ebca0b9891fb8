"""A compiled function is traced once for each combination of shapes and dtypes, then runs fast."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..core.annotations import Tree
from ..core.reproducibility import reproducibly
from ..core.tree import map_leaves
from ..errors import ReproducibleError
from ..files.whole_file import write_whole
from ..graphs.graph import Graph, trace
from ..graphs.symbol import Symbol
from ..graphs.tracing import naming
from ..graphs.tracing.naming import argument_names, parameter_names
from ..notebook.source import Source
from ..notebook.verbatim import TERMINAL, Verbatim
from .arguments import RecordedError, exact, flatten, is_recorded
from .known import Known
from .notice import noticed
from .program import Program
from .simplify.simplify import simplify
from .state import MISSING, State, standing

Function = Callable[..., Any]

# A function keeps the programs of so many combinations of shapes and settings.
MOST_PROGRAMS = 128
_UNKNOWN = object()
# Arrays of more bytes are read at each call. Smaller ones are frozen into the program: to compare
# their bytes takes less time than to pass one more argument, and constants can be simplified.
_MOST_FROZEN = 4096


def compile(function: Function, *, reproducible: bool = False) -> Compiled:
    """Return a function that does what ``function`` does, faster.

    It is traced at its first call, and again for every new combination of its arguments' structure,
    shapes and dtypes; the programs of 128 combinations are kept. What it reads besides its
    arguments is read as it is at each call:

    - Tensors, those of modules included, and NumPy arrays, also where they are changed in place.
    - Numbers, flags, texts, functions, classes and other objects, wherever names, attributes and
      items lead to them: from closures, globals, defaults, ``self``, classes and their bases,
      modules, `functools.partial` and containers, to any depth. Where one was replaced the
      function is traced again.

    What cannot be seen is frozen as it is when the function is traced: files, clocks and
    environment variables; what objects of other libraries (a data frame, an estimator) and C
    extensions keep inside, and the variables of those libraries; what code finds by a name in a
    text (`globals`, `eval`); and tensors or arrays whose memory another name changes while the call
    runs.

    A loop of Python is unrolled: a thousand turns of it are a thousand times its body, which takes
    a millisecond or so each to compile. Where a compilation takes long, a line on the terminal says
    so. To compile the body alone and call it in the loop, or to work on whole arrays takes less.

    A function that does more than compute is refused when it is traced, and what it has changed is
    put back: one that draws random numbers from a generator or the modules `random` and
    `numpy.random`, takes from an iterator of outside, or changes a variable, an attribute, a
    container or an array of outside. What works are numbers that are drawn outside and passed as an
    argument; `adjoint.uniform` of a state that is passed; `nn.Dropout` in a training step, whose
    random state is a buffer; and a generator that the function makes from a fixed seed.

    Parameters
    ----------
    function : callable
        It takes arrays or trees of arrays, and loops and branches on nothing else; keyword
        arguments are settings, and each value of them is compiled for itself. A Python number among
        the arguments is weak, as it is to NumPy: beside float32 it is float32. Integers are of 64
        bits.
    reproducible : bool
        Whether results must have the same bits on every processor: all of the function is then
        native code, whose sums have one order and whose products are rounded, see
        docs/how-to/reproducible. It is not for tensors that require a gradient.

    Returns
    -------
    Compiled
        A callable whose results are plain arrays, with ``.source``, ``.graph`` and ``.report()``.
        Given tensors that require a gradient, or traced values, it is the function itself. It does
        not signal: ``np.errstate`` changes nothing, infinities and NaN are returned.

    Raises
    ------
    TypeError
        At a call, if the function branches on an array's numbers, or does more than compute.
    ReproducibleError
        At a call, with ``reproducible=True``: before it computes, if a part has no native code;
        after it, if only NumPy can tell whether a product 0·∞ in it is 0.
    ImportError
        At a call, with ``reproducible=True``, if llvmlite is not installed.

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
    return Compiled(function, reproducible=reproducible)


class Compiled:
    """A function with a program for each combination of shapes and dtypes; made by `compile`."""

    def __init__(self, function: Function, *, reproducible: bool = False) -> None:
        if not callable(function):
            raise TypeError(
                f"compile: expected a function, got {type(function).__name__}; for example "
                "ad.compile(ad.grad(f))"
            )
        functools.update_wrapper(self, function, updated=())
        self.function, self.reproducible = function, bool(reproducible)
        # Each program, and where it is found; those longest kept first.
        self._kept: list[tuple[Program, dict[Any, Program], Any]] = []
        self.latest: Program | None = None
        self._known: Known | None = None
        self._most_frozen: float = _MOST_FROZEN

    def __reduce__(self) -> Any:
        make = functools.partial(type(self), reproducible=True) if self.reproducible else type(self)
        return make, (self.function,)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["function"])  # type: ignore[misc]  # as pickled up to version 0.1.0

    def __call__(self, *args: object, out: Tree = None, **settings: object) -> Any:
        """Return the function's result, as plain arrays.

        Parameters
        ----------
        *args : array, number, or list, tuple or dict of them
        out : tree of arrays, optional
            It has the result's structure, shapes and dtypes. The results are written there, and it
            is returned. It may share memory with arguments.
        **settings
            Further arguments of the function, which are frozen into the program.

        Raises
        ------
        TypeError, ValueError
            If ``out`` does not fit the result.
        """
        known, state = self._known, None
        if known is not None and not settings:
            try:
                state = known.guard()
            except MISSING:  # something was taken away
                state = None
            if state is not None:
                for program, builtin in known.builtins:
                    found = builtin(args, state, out)
                    if found is not None:
                        program.is_recent = True
                        self.latest = program
                        return found
        return self._run(args, out, settings, None if state is None else known)

    def _run(
        self, args: tuple[Any, ...], out: Tree, settings: dict[str, Any], known: Known | None
    ) -> Any:
        """Return the result of a program that is looked up, or made."""
        arrays: list[Any] = []
        try:
            outline = flatten(args, arrays)
        except RecordedError:
            return self._recorded(args, out, settings)
        if settings and is_recorded(settings):
            return self._recorded(args, out, settings)
        if known is None:
            known = self._look(settings)
        if known.state.has_inputs:
            outline = outline, flatten(known.state.values(), arrays)
        program = known.programs.get(outline)
        if program is None:
            program = self._compile(known, outline, args, settings)
            if program is None:
                return self(*args, out=out, **settings)
            self.latest = program
            return program.run(arrays, out)
        program.is_recent = True
        self.latest = program
        result = program.run(arrays, out)
        if not settings:
            known.prepare(program)
        return result

    def _recorded(self, args: tuple[Any, ...], out: Tree, settings: dict[str, Any]) -> Any:
        """Call the function itself, so that the graph of the arguments goes on."""
        if self.reproducible:
            raise ReproducibleError(
                f"{naming.function_name(self.function)}: with reproducible=True it computes "
                "arrays, and records nothing; compile its derivative, as ad.compile(ad.grad(f), "
                "reproducible=True)"
            )
        if out is not None:
            raise TypeError(
                "out: the arguments belong to a graph, to which the results must be added; call "
                "without out"
            )
        return self.function(*args, **settings)

    def _look(self, settings: dict[str, Any]) -> Known:
        """Look at the state, anew where an object was replaced, and say what is known of it."""
        with standing():  # else another thread's trace might be seen
            before = self._known
            found = None if before is None else before.state.settings()
            if (
                before is not None
                and before.state.has_new_contents
                and self._most_frozen == _MOST_FROZEN
            ):
                # A program for each of its contents would be too many.
                self._most_frozen, found = -1, None
            if before is None or found is None:
                # All that was compiled for objects which are gone is forgotten.
                state = State(self.function, most_frozen=self._most_frozen)
                before, found = Known(state, None, {}, {}), state.settings()
                self._kept = []
        key = found, tuple([(name, exact(settings[name])) for name in sorted(settings)])
        try:
            programs = before.variants.get(key)
        except TypeError:
            raise TypeError(
                "compile: keyword arguments are settings and must be hashable; pass arrays by "
                f"position, got {', '.join(settings)}"
            ) from None
        if programs is None:
            for empty in [other for other, kept in before.variants.items() if not kept]:
                before.variants.pop(empty, None)
            programs = before.variants.setdefault(key, {})
        known = Known(before.state, found, programs, before.variants)
        if not settings:
            self._known = known
        elif before is not self._known:  # what was found is kept for the next call
            self._known = Known(before.state, _UNKNOWN, {}, before.variants)
        return known

    def _compile(
        self, known: Known, outline: object, args: tuple[Any, ...], settings: dict[str, Any]
    ) -> Program | None:
        """Return a new program; None where arrays must be frozen, so that the state is another."""
        state = known.state
        bound = functools.partial(self.function, **settings) if settings else self.function
        try:
            graph = trace_with_state(bound, args, state)
        except Exception:  # whatever the function raises where it reads numbers of a traced value
            if not state.arrays:
                raise
            self._most_frozen, self._known = np.inf, None
            return None
        with noticed(graph), reproducibly(self.reproducible):
            program = Program(graph, key=state.inputs)
        if known.is_current():  # else it was traced with other settings than those of its key
            known.programs[outline] = program
        self._keep(program, known.programs, outline)
        return program

    def _keep(self, program: Program, programs: dict[Any, Program], outline: object) -> None:
        """Keep a program, in the place of one that was not called lately.

        A new list takes the place of the old one at once, so that threads need no lock.
        """
        kept = list(self._kept)
        while len(kept) >= MOST_PROGRAMS:
            oldest, found_in, key = kept.pop(0)
            if oldest.is_recent:  # it has a second chance
                oldest.is_recent = False
                kept.append((oldest, found_in, key))
            elif found_in.get(key) is oldest:
                found_in.pop(key, None)
        self._kept = [*kept, (program, programs, outline)]

    @property
    def programs(self) -> list[Program]:
        """The programs that are kept, the latest made at the end."""
        return [program for program, _, _ in self._kept]

    @property
    def source(self) -> Source:
        """The source of the latest call's program, plain NumPy; a notebook shows it highlighted."""
        return Source(self._latest().source)

    @property
    def graph(self) -> Graph:
        """The simplified graph of the latest call's program."""
        return self._latest().graph

    def report(self) -> Verbatim:
        """Return for each program in which tier it runs, and what it costs."""
        self._latest()
        return Verbatim("\n".join(program.report() for program in self.programs))

    def __repr__(self) -> str:
        """Say in one line what is compiled, and how the latest call ran."""
        name = f"<compiled {naming.function_name(self.function)}"
        state = self._state()
        signature = naming.signature(getattr(self.function, "forward", self.function))
        text = f"{name}{signature}: {state}>"
        return text if len(text) <= TERMINAL else f"{name}(...): {state}>"

    def _state(self) -> str:
        if self.latest is None:
            return "not called yet"
        operations, kept = len(self.latest.graph.nodes), len(self._kept)
        return (
            f"{self.latest.tier}, {operations} operation{'s' * (operations != 1)}, "
            f"{kept} signature{'s' * (kept != 1)}"
        )

    def examples(self) -> tuple[Any, ...]:
        """Return arrays of zeros, and numbers, like the arguments of the latest call."""
        graph = self._latest().traced
        zeros = map_leaves(lambda n: _zeros(graph.inputs[n]), graph.takes)
        has_state = self._known is not None and self._known.state.has_inputs
        return tuple(zeros[:-1] if has_state else zeros)

    def _latest(self) -> Program:
        if self.latest is None:
            raise RuntimeError(
                f"{naming.function_name(self.function)} has not been called yet, so there are no "
                "shapes to compile it for; call it once, or use ad.trace(function, *examples)"
            )
        return self.latest

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        raise TypeError(
            "compile: a method has no instance to read from; compile the bound one, as "
            "self.predict = ad.compile(self.predict) in __init__"
        )


def _zeros(symbol: Symbol) -> Any:
    """Return zeros like what a symbol stands for; of a number a number."""
    zeros = np.zeros(symbol.shape, symbol.dtype)
    return zeros.item() if symbol.is_weak else zeros


def trace_with_state(function: Function, args: tuple[Any, ...], state: State) -> Graph:
    """Trace a function; the tensors and arrays that it reads, if any, become a last argument."""

    def with_state(*inputs: Any) -> Any:
        given, values = (inputs[:-1], inputs[-1]) if state.has_inputs else (inputs, [])
        with state.standing_in(values), state.unchanged():
            return function(*given)

    functools.update_wrapper(with_state, function, updated=())
    names = tuple(argument_names(function, args))
    if not state.has_inputs:
        return trace(with_state, *args, arguments=names)
    last = "state"
    while last in names:  # as the argument of a recurrent cell
        last += "_"
    return trace(
        with_state,
        *args,
        state.values(),
        names=(*names, parameter_names(state.inputs)),
        arguments=(*names, last),
    )


def write_source(function: Function, path: str | Path, *examples: object) -> None:
    """Write a file with a function that does what ``function`` does, with NumPy alone.

    The file is written whole or not at all.

    Parameters
    ----------
    function : callable or Compiled
        The program of the latest call is written if it is compiled. The tensors and arrays that it
        refers to are written out as constants.
    path : path
        Where the file goes. A second function in it, with products in which 0·∞ = 0, decides where
        the first would give NaN.
    *examples : arrays
        The arguments' structure, shapes and dtypes; needed unless the function is compiled.

    Raises
    ------
    TypeError
        If the shapes are not known, or the function cannot be traced.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> def square(x):
    ...     return x * x
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "square.py"
    ...     ad.write_source(square, path, 3.0)
    ...     path.read_text().splitlines()[-2:]
    ['def square(x):', '    return x * x']
    """
    if isinstance(function, Compiled):
        if not examples:
            examples = function.examples()
        function = function.function
    if not examples:
        raise TypeError(
            "write_source: the shapes are not known; pass examples, as write_source(f, path, x, y)"
        )
    from .source.source import write  # here: most functions are never written

    source = write(simplify(trace(function, *examples)), decides=True)
    write_whole(path, source.encode())
