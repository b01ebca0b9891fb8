"""A subject is what is exported: a function of arrays, its examples, and what its results mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..compiler.compiled import trace_with_state
from ..compiler.simplify.simplify import simplify
from ..compiler.simplify.unrolling import unrolled
from ..compiler.state import State
from ..core.annotations import Array
from ..graphs.graph import Graph
from .refusal import ExportError

# How many rows a golden vector has where a subject takes any number of them.
_GOLDEN_ROWS = 8


@dataclass(frozen=True)
class Subject:
    """What is exported.

    Attributes
    ----------
    function : callable
        It takes arrays, and gives an array or a tree of them.
    examples : tuple of array
        Arguments that it takes.
    about : str
        One line on what it is.
    has_rows : bool
        Whether the first axis of all arguments is that of the rows, of any number.
    labels : tuple of str
        What the columns of the result stand for, in a classifier the classes.
    is_classifier : bool
        Whether the greatest of the columns tells the class.
    reader : object, optional
        How the columns of a table become the argument, see `table_reader`.
    names : tuple of str
        What the arguments are called; by default as in the graph.
    classes : array, optional
        The classes or labels as they are, where the result is their probabilities.
    results : tuple of str
        What the results are called; by default after their places.
    places : mapping of int to str
        What modules are called, by their identity, beside those that have a path.
    columns : tuple of str
        What the numbers of a row are called, where that is known.
    """

    function: Callable[..., Any]
    examples: tuple[Any, ...]
    about: str
    has_rows: bool = False
    labels: tuple[str, ...] = ()
    is_classifier: bool = False
    reader: Any = None
    names: tuple[str, ...] = ()
    classes: Array | None = None
    results: tuple[str, ...] = ()
    places: Mapping[int, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def trace(self, rows: int | None = None) -> Traced:
        """Return the graph for arguments like the examples, or like them with so many rows."""
        examples = self.examples if rows is None else tuple(_rows(x, rows) for x in self.examples)
        state = State(self.function)
        graph = trace_with_state(self.function, examples, state)
        paths = [path.removeprefix("module.").removeprefix("network.") for path in state.inputs]
        return Traced(simplify(graph), paths, [np.array(x) for x in state.values()])

    @contextmanager
    def computing_in(self, dtype: Any) -> Iterator[Subject]:
        """Give the subject whose floats are all of a dtype; its weights are so inside the block."""
        if dtype is None:
            yield self
            return
        dtype = np.dtype(dtype)
        tensors = [x for x in State(self.function).tensors.values() if x.dtype.kind == "f"]
        before = [x.data for x in tensors]
        examples = tuple(_in_dtype(x, dtype) for x in self.examples)
        found = replace(self, examples=examples)
        reader = None if self.reader is None else self.reader.computing_in(dtype, found)
        try:
            for x in tensors:
                x.data = x.data.astype(dtype)
            yield replace(found, reader=reader)
        finally:
            for x, data in zip(tensors, before, strict=True):
                x.data = data

    def golden(self) -> tuple[Any, ...]:
        """Return arguments to test an export with: ordinary ones, zeros, huge and special ones."""
        rows = _GOLDEN_ROWS if self.has_rows else None
        rng = np.random.default_rng(0)
        return tuple(_golden(x, rows, rng) for x in self.examples)


@dataclass(frozen=True)
class Traced:
    """A graph, whose last argument is its state if there is any, and that state.

    Attributes
    ----------
    graph : Graph
    paths : list of str
        Where each array of the state was found.
    state : list of array
    """

    graph: Graph
    paths: list[str]
    state: list[Array]


def _in_dtype(x: Any, dtype: np.dtype[Any]) -> Any:
    return x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def tolerance_of(graph: Graph) -> float:
    """Return how much a golden result may differ, of one plus its size.

    It is that of float32 if anything is computed in it, whatever dtype the results have.
    """
    arrays = [*graph.inputs, *(node.output for node in graph.nodes)]
    return 1e-5 if any(x.dtype == np.float32 for x in arrays) else 1e-11


def without_loops(graph: Graph, target: str) -> Graph:
    """Return a graph whose loops are written turn by turn, for a target that has none.

    Raises
    ------
    ExportError
        If it has a loop whose turns nobody can count.
    """
    try:
        return unrolled(graph)
    except NotImplementedError as error:
        raise ExportError(f"{target}: {error}, and so cannot be written out") from None


def _rows(x: Any, rows: int) -> Any:
    return np.resize(x, (rows, *np.shape(x)[1:])).astype(np.asarray(x).dtype)


def _golden(x: Any, rows: int | None, rng: np.random.Generator) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    shape = x.shape if rows is None else (rows, *x.shape[1:])
    if x.dtype.kind != "f":  # an index of any other size might be out of range
        return np.resize(x, shape).astype(x.dtype)
    found = rng.normal(size=shape).astype(x.dtype)
    if rows is not None and found.size:
        found[0] = np.resize(x[:1], found[0].shape) if x.size else 0
        found[1] = 0
        found[2] *= 1e4
        found[3].flat[0] = np.nan
        found[4].flat[-1] = np.inf
    return found
