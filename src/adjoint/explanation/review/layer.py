"""A layer is an object with a forward and a backward method, as it is reviewed."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array
from . import attributes
from .attributes import Path
from .network import NetworkWithLoss, backward_name
from .pass_pair import (
    LEARNING_RATE,
    Attempt,
    Function,
    HasBackward,
    Point,
    Session,
    copied,
    forward_of,
    is_float,
    is_rate,
    output_of,
    positional_names,
    quietly,
    required_names,
    run_backward,
    run_forward,
    space_of,
)


class Layer:
    """An object with the methods ``forward`` (or ``__call__``) and ``backward``."""

    def __init__(
        self,
        layer: HasBackward | type[HasBackward],
        arguments: Sequence[Any],
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        self.layer = _made(layer) if isinstance(layer, type) else layer
        self.method = backward_name(self.layer) or "backward"
        self.label = f"{type(self.layer).__name__}.{self.method}"
        names = positional_names(getattr(self.layer, self.method))
        self.updates = any(map(is_rate, names))
        self.takes_g = bool(names) and not is_rate(names[0])
        self._arguments = positional_names(forward_of(self.layer))
        self.space = space_of(getattr(self.layer, "forward", type(self.layer).__call__))
        self._root = ""
        if isinstance(self.layer, NetworkWithLoss):
            self.label, self._arguments = self.layer.label, self.layer.argument_names
            self._root, self.space = "network.", self.layer.space
        # Where each parameter stands, and its gradient if it is known beforehand.
        self.places = self._given(mapping) if mapping else self._found(arguments)
        self.absent = list(attributes.absent_parameters(self.layer))
        # Nothing in front of a network with its loss needs a gradient.
        self.is_whole = not self.takes_g and bool(self.places)

    def _given(self, mapping: Mapping[str, str]) -> dict[Path, Path | None]:
        given = {f"{self._root}{key}": f"{self._root}{value}" for key, value in mapping.items()}
        places = attributes.explicit_paths(given)
        for path in places:
            if not isinstance(attributes.read(self.layer, path), np.ndarray):
                raise ValueError(
                    f"check_backward: parameters names {self.show(path)!r}, but "
                    f"{self.label.partition('.')[0]} has no array of that name"
                )
        return dict(places)

    @quietly
    def _found(self, arguments: Sequence[Any]) -> dict[Path, Path | None]:
        """Return the parameters that show by their names, or in one run of both passes."""

        def matters(path: Path, output: Array) -> bool:
            """Return whether the output depends on an array, which a cache is not."""
            other = copy.deepcopy(self.layer)
            attributes.write(other, path, attributes.read(other, path) + 0.5)
            found = output_of(run_forward(forward_of(other), copied(arguments)))
            return not np.array_equal(np.asarray(found), output, equal_nan=True)

        layer = copy.deepcopy(self.layer)
        output = np.asarray(output_of(run_forward(forward_of(layer), copied(arguments))))
        before = {p: x.copy() for p, x in attributes.walk(layer) if x.dtype.kind == "f"}
        # An error shows again, and is reported, in the review proper.
        with contextlib.suppress(Exception):
            self.backward(layer, np.ones(output.shape)[()])
        own = [path for path, x in attributes.walk(self.layer) if x.dtype.kind == "f"]
        gradients = {attributes.gradient_path(layer, path) for path in own}
        found: dict[Path, Path | None] = {}
        for path in own:
            place = None if self.updates else attributes.gradient_path(layer, path)
            now = np.asarray(attributes.read(layer, path))
            changed = self.updates and not np.array_equal(now, before.get(path, now))
            is_parameter = place or attributes.is_parameter_name(_last_name(path))
            if path not in gradients and (is_parameter or (changed and matters(path, output))):
                found[path] = place
        return found

    # --- what is reviewed

    def show(self, path: Path) -> str:
        """Return a parameter's name as the user has it."""
        return attributes.show(path).removeprefix(self._root)

    def parameters(self) -> Mapping[Path, Array]:
        """Return the parameters as they are in the object."""
        return {path: attributes.read(self.layer, path).copy() for path in self.places}

    def names(self, point: Point) -> list[str]:
        """Return the names of the float arguments, and the paths of the parameters."""
        return [*self._float_arguments(point), *map(self.show, self.places)]

    def floats(self, point: Point) -> list[Array]:
        """Return the float arguments and the parameters."""
        arguments = self._float_arguments(point).values()
        return [*map(np.asarray, arguments), *(point.parameters[path] for path in self.places)]

    def _float_arguments(self, point: Point) -> dict[str, Any]:
        pairs = zip(self._arguments, point.arguments, strict=False)
        return {name: item for name, item in pairs if is_float(item)}

    @quietly
    def forward(self, point: Point) -> Any:
        """Return the output of a copy's forward method."""
        layer = copy.deepcopy(self.layer)
        self.put(layer, [point.parameters[path] for path in self.places])
        return output_of(run_forward(forward_of(layer), copied(point.arguments)))

    def pure(self, point: Point) -> Function:
        """Return the output as a function of the float arguments and the parameters."""
        positions = [n for n, item in enumerate(point.arguments) if is_float(item)]

        def function(*values: Any) -> Any:
            layer = copy.deepcopy(self.layer)
            arguments = list(point.arguments)
            for n, value in zip(positions, values, strict=False):
                arguments[n] = value
            self.put(layer, values[len(positions) :])
            return output_of(forward_of(layer)(*arguments))

        return function

    def put(self, layer: object, values: Sequence[Any]) -> None:
        """Put values in the place of the parameters; arrays are copied."""
        for path, value in zip(self.places, values, strict=True):
            own = np.array(value) if isinstance(value, np.ndarray) else value
            attributes.write(layer, path, own)

    def session(self) -> Session:
        """Return calls of one copy."""
        return _LayerSession(self)

    # --- what the backward pass gives

    def backward(self, layer: HasBackward, g: Array) -> Any:
        """Call the backward method of a copy in its own form."""
        method = getattr(layer, self.method)
        rates = {name: LEARNING_RATE for name in positional_names(method) if is_rate(name)}
        return method(*([g] if self.takes_g else []), **rates)

    def attempt(self, layer: HasBackward, point: Point, found: object) -> Attempt:
        """Return the gradients of a call: what was returned, and what the object holds."""
        items = list(found) if isinstance(found, tuple) else [found]
        gradients = dict(zip(self._float_arguments(point), items, strict=False))
        for path in self.places:
            gradients[self.show(path)] = self._gradient(layer, point, path)
        grown = [p for p in self.absent if is_float(attributes.read(layer, p))]
        kept = {name: np.array(x) if is_float(x) else x for name, x in gradients.items()}
        return Attempt(kept, tuple(map(self.show, grown)))

    def _gradient(self, layer: object, point: Point, path: Path) -> Any:
        if self.updates:
            now = np.asarray(attributes.read(layer, path))
            return _from_update(point.parameters[path], now)
        place = self.places[path] or attributes.gradient_path(layer, path)
        return None if place is None else attributes.read(layer, place)


class _LayerSession:
    """Calls of one object, which keeps its caches from one to the next."""

    def __init__(self, passes: Layer) -> None:
        self.passes, self.layer = passes, copy.deepcopy(passes.layer)

    @quietly
    def call(self, point: Point, g: Array, wrap: Function | None = None) -> Attempt:
        """Set the parameters and run both methods."""
        passes, layer = self.passes, self.layer
        passes.put(layer, [point.parameters[path] for path in passes.places])
        for reset in ("zero_grad", "zero_gradients"):
            if callable(getattr(layer, reset, None)):
                getattr(layer, reset)()
        run_forward(forward_of(layer), copied(point.arguments))
        if wrap is not None:
            _wrap_arrays(layer, wrap)
            g = wrap(g)
        return run_backward(
            getattr(layer, passes.method),
            lambda: passes.backward(layer, g),
            lambda found: passes.attempt(layer, point, found),
        )


def _made(kind: type[HasBackward]) -> HasBackward:
    """Return an object of a class that needs nothing to be made."""
    try:
        return kind()
    except TypeError as error:
        needed = required_names(kind)
        if not needed:
            raise
        call = f"{kind.__name__}({', '.join(needed)})"
        raise TypeError(
            f"check_backward: the class {kind.__name__} needs arguments to make an object of; give "
            f"an object: {call}, not the class"
        ) from error


def _wrap_arrays(layer: object, wrap: Function) -> None:
    for path, item in list(attributes.walk(layer)):
        with contextlib.suppress(TypeError):  # an array inside of a tuple cannot be replaced
            attributes.write(layer, path, wrap(item))


def _from_update(before: Array, now: Array) -> Array:
    """Return the gradient that an update was made with, of whatever shape it was."""
    try:
        return np.asarray((before - now) / LEARNING_RATE)
    except ValueError:
        return now


def _last_name(path: Path) -> str:
    kind, key = path[-1]
    if kind == "item" and isinstance(key, int) and len(path) > 1:
        return str(path[-2][1])
    return "W" if key in ("data", "value") else str(key)
