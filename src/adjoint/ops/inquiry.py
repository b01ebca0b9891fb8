"""Questions about arrays: answered from shape, dtype or numbers, they cut no graph.

Their answers are sizes, types, booleans, indices or text, to which no derivative could flow.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import NUMPY, Operand, Value, attach, values_in
from ..tree import map_leaves
from .structural import as_array, stop_gradient


def shape(a: Operand) -> tuple[int, ...]:
    """Return the sizes of the axes."""
    return tuple(as_array(a).shape)


def ndim(a: Operand) -> int:
    """Return the number of axes."""
    return len(shape(a))


def size(a: Operand, axis: Any = None) -> int:
    """Return the number of entries, or the size along ``axis`` (an int or a tuple)."""
    sizes = shape(a)
    chosen = sizes if axis is None else [sizes[n] for n in np.atleast_1d(axis)]
    return int(np.prod(chosen, dtype=np.int64))


def _by_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of NumPy that is answered by the values' dtypes alone."""

    def answered(*args: Any) -> Any:
        return function(*(arg.dtype if isinstance(arg, Value) else arg for arg in args))

    return answered


def _by_kind(kind: str) -> Callable[..., bool]:
    def answered(x: Operand) -> bool:
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
    answered.__doc__ = f"Return what `numpy.{function.__name__}` does, of the plain arrays."
    answered.__signature__ = _signature(function)  # type: ignore[attr-defined]
    return answered


def _without_graph(leaf: Any) -> Any:
    return stop_gradient(leaf) if isinstance(leaf, Value) else leaf


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature; of one written in C it may be unknown."""
    try:
        return inspect.signature(function)
    except ValueError:
        return inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])


# Indices, booleans and text; a histogram is not among them, for its edges depend on the entries.
BY_NUMBERS = (
    np.allclose,
    np.argwhere,
    np.array2string,
    np.array_equal,
    np.array_equiv,
    np.array_repr,
    np.array_str,
    np.digitize,
    np.flatnonzero,
    np.iscomplex,
    np.isin,
    np.isreal,
    np.lexsort,
    np.nanargmax,
    np.nanargmin,
    np.nonzero,
)

NUMPY.update({function: _by_numbers(function) for function in BY_NUMBERS})
NUMPY.update({function: _by_dtype(function) for function in (np.can_cast, np.result_type)})
NUMPY.update({np.iscomplexobj: _by_kind("c"), np.isrealobj: _by_kind("f")})
NUMPY.update({np.shape: shape, np.ndim: ndim, np.size: size})
attach("nonzero", NUMPY[np.nonzero])
COMPOSITES = (shape, ndim, size, *(NUMPY[function] for function in BY_NUMBERS))
