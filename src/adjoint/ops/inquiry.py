"""Questions about arrays: answered from shape, dtype or numbers, they cut no graph.

Their answers are sizes, types, booleans, indices or text, to which no derivative could flow.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import ArrayLike, Axis, Described
from ..core.registry import NUMPY
from ..core.tree import map_leaves
from ..core.value import Value, attach, values_in
from .structural import as_array, stop_gradient


def shape(a: ArrayLike) -> tuple[int, ...]:
    """Return the sizes of the axes.

    >>> ad.shape(ad.tensor([[1.0, 2.0]]))
    (1, 2)
    """
    return tuple(as_array(a).shape)


def ndim(a: ArrayLike) -> int:
    """Return the number of axes.

    >>> ad.ndim(ad.tensor([[1.0, 2.0]]))
    2
    """
    return len(shape(a))


def size(a: ArrayLike, axis: Axis = None) -> int:
    """Return the number of entries, or the size along ``axis`` (an int or a tuple).

    >>> ad.size(ad.tensor([[1.0, 2.0]])), ad.size(ad.tensor([[1.0, 2.0]]), 0)
    (2, 1)
    """
    sizes = shape(a)
    chosen = sizes if axis is None else [sizes[n] for n in np.atleast_1d(axis)]
    return int(np.prod(chosen, dtype=np.int64))


def _by_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of NumPy that is answered by the values' dtypes alone."""

    def answered(*args: Any) -> Any:
        return function(*(arg.dtype if isinstance(arg, Value) else arg for arg in args))

    return answered


def _by_kind(kind: str) -> Callable[..., bool]:
    def answered(x: Described) -> bool:
        return bool((as_array(x).dtype.kind == "c") == (kind == "c"))

    return answered


def _by_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of NumPy that is answered on the plain arrays; it cannot be traced."""

    def answered(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = map_leaves(_without_graph, (args, kwargs))
        found = values_in([args, kwargs])
        if not found:
            return function(*args, **kwargs)
        return max(found, key=lambda value: value.rank).fallback(function, args, kwargs)

    answered.__name__ = function.__name__
    answered.__doc__ = _explained(function)
    answered.__signature__ = _signature(function)  # type: ignore[attr-defined]
    return answered


def _explained(function: Callable[..., Any]) -> str:
    """Return the docstring of what answers for a function of NumPy."""
    arguments, answer = BY_NUMBERS[function]
    return (
        f"Return what `numpy.{function.__name__}` does, of the plain arrays.\n\n"
        ">>> x = ad.tensor([3.0, 0.0, 1.0], requires_grad=True)\n"
        f">>> ad.{function.__name__}({arguments})\n{answer}\n"
    )


def _without_graph(leaf: object) -> Any:
    return stop_gradient(leaf) if isinstance(leaf, Value) else leaf


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature; of one written in C it may be unknown."""
    try:
        return inspect.signature(function)
    except ValueError:
        return inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])


# Indices, booleans and text; a histogram is not among them, for its edges depend on the entries.
# For each function what its example is called with, for x = [3, 0, 1], and what it answers.
BY_NUMBERS: dict[Callable[..., Any], tuple[str, str]] = {
    np.allclose: ("x, [3.0, 0.0, 1.0]", "True"),
    np.argwhere: ("x", "array([[0],\n       [2]])"),
    np.array2string: ("x", "'[3. 0. 1.]'"),
    np.array_equal: ("x, [3.0, 0.0]", "False"),
    np.array_equiv: ("x, [[3.0, 0.0, 1.0]]", "True"),
    np.array_repr: ("x", "'array([3., 0., 1.])'"),
    np.array_str: ("x", "'[3. 0. 1.]'"),
    np.digitize: ("x, [0.5, 2.0]", "array([2, 0, 1])"),
    np.flatnonzero: ("x", "array([0, 2])"),
    np.iscomplex: ("x", "array([False, False, False])"),
    np.isin: ("x, [0.0, 1.0]", "array([False,  True,  True])"),
    np.isreal: ("x", "array([ True,  True,  True])"),
    np.lexsort: ("[x]", "array([1, 2, 0])"),
    np.nanargmax: ("x", "np.int64(0)"),
    np.nanargmin: ("x", "np.int64(1)"),
    np.nonzero: ("x", "(array([0, 2]),)"),
}

NUMPY.update({function: _by_numbers(function) for function in BY_NUMBERS})
NUMPY.update({function: _by_dtype(function) for function in (np.can_cast, np.result_type)})
NUMPY.update({np.iscomplexobj: _by_kind("c"), np.isrealobj: _by_kind("f")})
NUMPY.update({np.shape: shape, np.ndim: ndim, np.size: size})
attach("nonzero", NUMPY[np.nonzero])
COMPOSITES = (shape, ndim, size, *(NUMPY[function] for function in BY_NUMBERS))
