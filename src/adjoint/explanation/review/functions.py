"""A pair of functions, one forward and one backward, as they are reviewed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...graphs.tracing.naming import argument_names
from . import attributes
from .attributes import Path
from .pass_pair import (
    OUTPUTS,
    Attempt,
    Function,
    Point,
    Session,
    copied,
    defaults_of,
    is_float,
    is_variadic,
    output_of,
    positional_names,
    quietly,
    required_names,
    run_backward,
    run_forward,
    space_of,
)

# More names for the output of a function, whose backward pass takes no labels.
_OUTPUTS = OUTPUTS | {"y", "result", "z", "s", "p", "a"}


class Functions:
    """A forward function and a backward function, which keep nothing between calls."""

    updates = False
    is_whole = False

    def __init__(self, forward: Function, backward: Function) -> None:
        self._forward, self._backward = forward, backward
        self.label = getattr(backward, "__name__", "backward")
        self._arguments = positional_names(forward)
        self.space = space_of(forward)
        # The backward pass of a loss starts the sweep, and need not take a cotangent.
        self.takes_g = not _is_of_loss(forward, backward)

    def parameters(self) -> Mapping[Path, Array]:
        """Return nothing: functions have arguments alone."""
        return {}

    def names(self, point: Point) -> list[str]:
        """Return the names of the float arguments."""
        names = argument_names(self._forward, point.arguments)
        return [names[n] for n in _positions(point)]

    def floats(self, point: Point) -> list[Array]:
        """Return the float arguments."""
        return [np.asarray(point.arguments[n]) for n in _positions(point)]

    @quietly
    def forward(self, point: Point) -> Any:
        """Return the output of the forward function."""
        return output_of(run_forward(self._forward, copied(point.arguments)))

    def pure(self, point: Point) -> Function:
        """Return the output as a function of the float arguments."""

        def function(*floats: Any) -> Any:
            arguments = list(point.arguments)
            for n, value in zip(_positions(point), floats, strict=True):
                arguments[n] = value
            return output_of(self._forward(*arguments))

        return function

    def session(self) -> Session:
        """Return itself: there is no state."""
        return self

    @quietly
    def call(self, point: Point, g: Array, wrap: Function | None = None) -> Attempt:
        """Run both functions."""
        wrap = wrap or (lambda item: item)
        arguments = copied(point.arguments)
        result = run_forward(self._forward, arguments)
        given = self._given(wrap(result), tuple(map(wrap, arguments)), wrap(g))
        return run_backward(
            self._backward,
            lambda: self._backward(*given),
            lambda found: self._named(found, point),
        )

    def _given(self, result: object, arguments: tuple[Any, ...], g: Array) -> list[Any]:
        """Return what the backward function takes, by the names and number of its parameters."""
        known = self._known(arguments)
        names = self._taken(known, len(arguments))
        if isinstance(result, tuple) and len(names) <= 2:
            cache = result[1] if len(result) == 2 else result[1:]
            return _with_cache(names, cache, g)
        if not self.takes_g and set(names) <= set(known):
            return [known[name] for name in names]
        rest = names[1:]
        if is_variadic(self._backward):
            return [g, *arguments]
        if set(rest) <= {*known, *_OUTPUTS}:
            return [g, *(known.get(name, output_of(result)) for name in rest)]
        if len(rest) == len(arguments):
            return [g, *arguments]
        raise TypeError(
            f"check_backward: {self.label}({', '.join(names)}) cannot be called; expected "
            f"(g, cache) if forward returns (output, cache), or (g, {', '.join(self._arguments)}), "
            "or some of these by name"
        )

    def _known(self, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Return what the backward function may take by name.

        It must be given, of the forward one's defaults, those that it has no default for itself.
        """
        needed = required_names(self._backward)
        defaults = {name: value for name, value in defaults_of(self._forward) if name in needed}
        return defaults | dict(zip(self._arguments, arguments, strict=False))

    def _taken(self, known: Mapping[str, Any], count: int) -> list[str]:
        """Return the names of the parameters to give: the last may keep their defaults."""
        names, needed = positional_names(self._backward), required_names(self._backward)
        while len(names) > count + self.takes_g and names[-1] not in {*known, *needed}:
            names.pop()
        return names

    def _named(self, found: object, point: Point) -> Attempt:
        """Return the gradients by name, of all arguments or of the float ones, in their order."""
        names, every = self.names(point), argument_names(self._forward, point.arguments)
        if isinstance(found, dict):
            return Attempt({name: _from_dict(found, name) for name in names})
        items = list(found) if isinstance(found, (tuple, list)) else [found]
        if isinstance(found, list) and len(names) == 1 and len(items) != 1:
            items = [found]
        if len(items) == len(every):
            return Attempt({n: x for n, x in zip(every, items, strict=True) if n in names})
        superfluous = () if len(items) <= len(every) else (f"result {len(every) + 1}",)
        return Attempt(dict(zip(names, items, strict=False)), superfluous)


def _is_of_loss(forward: Function, backward: Function) -> bool:
    """Return whether a backward function takes what the forward one does, or a cache alone."""
    needed = sorted(required_names(backward))
    is_alike = needed != [] and needed == sorted(required_names(forward))
    names = positional_names(backward)
    return is_alike or sorted(names) == sorted(positional_names(forward)) or names == ["cache"]


def _positions(point: Point) -> list[int]:
    return [n for n, item in enumerate(point.arguments) if is_float(item)]


def _with_cache(names: list[str], cache: object, g: Array) -> list[Any]:
    if len(names) == 1:
        return [cache]
    return [cache, g] if "cache" in names[0] else [g, cache]


def _from_dict(found: dict[Any, Any], name: str) -> Any:
    keys = (name, *attributes.gradient_names(name))
    return next((found[key] for key in keys if key in found), None)
