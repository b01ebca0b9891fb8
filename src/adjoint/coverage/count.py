"""The count: of NumPy's functions with a derivative, how many differentiate here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..calculus.check import check_gradients
from ..core.tree import leaves
from ..core.value import Value
from ..graphs.tensor import tensor
from .examples import Example

SHARE = 0.95


class Entry(NamedTuple):
    """One function of NumPy, under all names that it has.

    >>> Entry(("abs", "absolute"), np.absolute).title
    'np.abs, np.absolute'
    """

    names: tuple[str, ...]
    function: Callable[..., Any]

    @property
    def title(self) -> str:
        """The names as they are written, as ``np.abs, np.absolute``."""
        return ", ".join(f"np.{name}" for name in self.names)


class Count(NamedTuple):
    """The entries that differentiate, those that fail, with why, the excluded and the unknown.

    >>> exp, sin = Entry(("exp",), np.exp), Entry(("sin",), np.sin)
    >>> Count([exp], {sin: "ValueError: no rule"}, {}, []).share
    0.5
    """

    right: list[Entry]
    failing: dict[Entry, str]
    excluded: dict[Entry, str]
    unknown: list[Entry]

    @property
    def share(self) -> float:
        """The share of those with a derivative that differentiate."""
        return len(self.right) / max(len(self.right) + len(self.failing), 1)

    @property
    def enough(self) -> bool:
        """Whether nothing is unknown and the share is as promised."""
        return not self.unknown and self.share >= SHARE


def public_functions() -> list[Entry]:
    """Return the functions and ufuncs of numpy and numpy.linalg; aliases are one entry.

    Classes are no functions: ``np.vectorize`` and the scalar types are left out.

    >>> [entry.title for entry in public_functions() if entry.function is np.linalg.det]
    ['np.linalg.det']
    """
    found: dict[int, Entry] = {}
    for name, function in _names():
        known = found.get(id(function))
        names = (*known.names, name) if known else (name,)
        found[id(function)] = Entry(names, function)
    return list(found.values())


def _names() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module, prefix in ((np, ""), (np.linalg, "linalg.")):
        for name in sorted(dir(module)):
            function = getattr(module, name)
            if not name.startswith("_") and callable(function) and not isinstance(function, type):
                yield prefix + name, function


def failure(function: Callable[..., Any], example: Example) -> str | None:
    """Return why a function does not differentiate on its example, or None if it does.

    >>> def call(function, x):
    ...     return function(x)
    >>> failure(np.exp, (call, (np.array([0.5]),)))
    >>> failure(np.argsort, (call, (np.array([0.5]),)))
    'AssertionError: the result has no graph'
    """
    call, points = example
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            recorded = call(function, *(tensor(x, requires_grad=True) for x in points))
            _compare(recorded, call(function, *points))
            check_gradients(lambda *xs: call(function, *xs), *points, order=1)
        except Exception as error:  # whatever an example raises is its reason
            return f"{type(error).__name__}: {error}".splitlines()[0][:160]
    return None


def _compare(recorded: object, plain: object) -> None:
    """Assert that a result is recorded in a graph and has NumPy's values."""
    values = list(leaves(recorded))
    if not any(isinstance(y, Value) and y.node is not None for y in values):
        raise AssertionError("the result has no graph")
    for y, expected in zip(values, leaves(plain), strict=True):
        array = y.data if isinstance(y, Value) else y
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-12)


def count(entries: list[Entry], excluded: dict[str, str], examples: dict[str, Example]) -> Count:
    """Sort the entries, calling each that has an example.

    >>> entries = [Entry(("exp",), np.exp), Entry(("sign",), np.sign), Entry(("new",), np.cos)]
    >>> examples = {"exp": (lambda function, x: function(x), (np.array([0.5]),))}
    >>> found = count(entries, {"sign": "piecewise constant"}, examples)
    >>> [entry.names for entry in found.right], [entry.names for entry in found.unknown]
    ([('exp',)], [('new',)])
    """
    result = Count([], {}, {}, [])
    for entry in entries:
        reason = next((excluded[name] for name in entry.names if name in excluded), None)
        example = next((examples[name] for name in entry.names if name in examples), None)
        if example is not None:
            error = failure(entry.function, example)
            if error is None:
                result.right.append(entry)
            else:
                result.failing[entry] = error
        elif reason is not None:
            result.excluded[entry] = reason
        else:
            result.unknown.append(entry)
    return result
