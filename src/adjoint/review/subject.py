"""A subject is what is reviewed, a forward and a backward pass, behind one way to call them."""

from __future__ import annotations

import copy
import functools
import inspect
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from . import attributes
from .attributes import Path

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

TARGETS = frozenset(
    ["t", "target", "targets", "label", "labels", "y_true", "onehot", "one_hot", "y_onehot", "truth", "mask", "indices", "index", "idx"]
)
_OUTPUTS = frozenset(("out", "output", "y", "result", "z", "s", "p", "a"))
_RATES = frozenset(("learning_rate", "lr", "eta", "rate", "step_size"))
# Not a power of two nor a common factor: a rate that is applied twice or not at all shows.
LEARNING_RATE = 0.375


@dataclass(frozen=True)
class Point:
    """What one call is given: the arguments of the forward pass, and the object's parameters."""

    arguments: tuple[Any, ...]
    parameters: Mapping[Path, Array]


@dataclass(frozen=True)
class Attempt:
    """What the hand-written pass gave: gradients by name, or the error that it raised."""

    gradients: dict[str, Any]
    error: BaseException | None = None
    place: str = ""


class Session(Protocol):
    """A run of calls that share whatever state the subject keeps."""

    def call(self, point: Point, g: Any, wrap: Function | None = None) -> Attempt:
        """Run the forward and the backward pass."""


class Subject(Protocol):
    """A forward and a backward pass in any of the accepted forms."""

    label: str
    updates: bool

    def names(self, point: Point) -> list[str]:
        """Return the names of what may have a gradient: float arguments, then parameters."""

    def optional(self, name: str) -> bool:
        """Return whether no gradient need be given for this one."""

    def forward(self, point: Point) -> Any:
        """Return the output of a fresh forward pass."""

    def pure(self, point: Point) -> Function:
        """Return the output as a function of what `names` lists, in that order."""

    def floats(self, point: Point) -> list[Array]:
        """Return the arrays that `names` lists."""

    def session(self) -> Session:
        """Start anew."""

    def parameters(self) -> Mapping[Path, Array]:
        """Return the parameters as they are in the beginning."""


def is_float(item: Any) -> bool:
    """Return whether an argument is a float number or array, which has a gradient."""
    return isinstance(item, (float, np.floating)) or (
        isinstance(item, np.ndarray) and item.dtype.kind == "f"
    )


def output_of(result: Any) -> Any:
    """Return the output of a forward pass that may return a cache beside it."""
    return result[0] if isinstance(result, tuple) else result


def parameter_names(function: Function) -> list[str]:
    """Return the names of a function's positional parameters."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in kinds]


def failure(error: BaseException) -> Attempt:
    """Return the attempt that ended in an error, with the user's line where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "adjoint/review/" not in frame.filename.replace("\\", "/")]
    last = own[-1] if own else None
    for frame in own:  # the innermost line that is not NumPy's
        if "numpy" not in frame.filename:
            last = frame
    place = f"line {last.lineno}: {last.line}" if last and last.line else ""
    return Attempt({}, error, place)


def quietly(function: Function) -> Function:
    """Silence NumPy's warnings: what they warn of shows in the numbers."""

    @functools.wraps(function)
    def silenced(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **kwargs)

    return silenced


# --- two functions


class Functions:
    """A forward function and a backward function."""

    updates = False

    def __init__(self, forward: Function, backward: Function) -> None:
        self._forward, self._backward = forward, backward
        self.label = getattr(backward, "__name__", "backward")
        self.argument_names = parameter_names(forward)

    def parameters(self) -> Mapping[Path, Array]:
        """Return nothing: functions have arguments alone."""
        return {}

    def _positions(self, point: Point) -> list[int]:
        return [n for n, item in enumerate(point.arguments) if is_float(item)]

    def names(self, point: Point) -> list[str]:
        return [self.argument_names[n] for n in self._positions(point)]

    def floats(self, point: Point) -> list[Array]:
        return [np.asarray(point.arguments[n]) for n in self._positions(point)]

    def optional(self, name: str) -> bool:
        return name.lower() in TARGETS

    def forward(self, point: Point) -> Any:
        return output_of(self._forward(*copied(point.arguments)))

    def pure(self, point: Point) -> Function:
        positions = self._positions(point)

        def function(*floats: Any) -> Any:
            arguments = list(point.arguments)
            for n, value in zip(positions, floats, strict=True):
                arguments[n] = value
            return output_of(self._forward(*arguments))

        return function

    def session(self) -> Session:
        return self

    @quietly
    def call(self, point: Point, g: Any, wrap: Function | None = None) -> Attempt:
        wrap = wrap or (lambda item: item)
        arguments = copied(point.arguments)
        try:
            result = self._forward(*arguments)
        except Exception as error:
            raise ValueError(f"the forward pass raised {type(error).__name__}: {error}") from error
        given = self._given(wrap(result), tuple(map(wrap, arguments)), wrap(g))
        try:
            found = self._backward(*given)
        except Exception as error:
            return failure(error)
        return Attempt(self._named(found, point))

    def _given(self, result: Any, arguments: tuple[Any, ...], g: Any) -> list[Any]:
        """Return what the backward function takes, by the names and number of its parameters."""
        names = parameter_names(self._backward)
        known = dict(zip(self.argument_names, arguments, strict=False))
        cache = result[1:] if isinstance(result, tuple) else ()
        cache = cache[0] if len(cache) == 1 else cache
        if isinstance(result, tuple) and len(names) <= 2:
            if len(names) == 1:
                return [cache]
            return [cache, g] if "cache" in names[0] else [g, cache]
        if len(names) == len(arguments) and set(names) <= set(known):
            return [known[name] for name in names]
        rest = names[1:]
        if set(rest) <= {*known, *_OUTPUTS}:
            return [g, *(known.get(name, output_of(result)) for name in rest)]
        if len(rest) == len(arguments):
            return [g, *arguments]
        raise TypeError(
            f"{self.label}{tuple(names)}: expected (g, cache) if forward returns (output, cache), "
            f"or (g, {', '.join(self.argument_names)}), or parameters named like those"
        )

    def _named(self, found: Any, point: Point) -> dict[str, Any]:
        names, every = self.names(point), self.argument_names[: len(point.arguments)]
        if isinstance(found, dict):
            return {n: _from_dict(found, n) for n in names}
        items = list(found) if isinstance(found, (tuple, list)) else [found]
        if isinstance(found, list) and len(names) == 1 and len(items) != 1:
            items = [found]
        if len(items) == len(every):
            return {n: item for n, item in zip(every, items, strict=True) if n in names}
        return dict(zip(names, items, strict=False))


def _from_dict(found: dict[Any, Any], name: str) -> Any:
    for key in (name, *attributes.gradient_names(name)):
        if key in found:
            return found[key]
    return None


def copied(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Return the arguments with arrays copied, so that a subject that writes into them harms none."""
    return tuple(item.copy() if isinstance(item, np.ndarray) else item for item in arguments)


# --- an object with both methods


class Layer:
    """An object with the methods ``forward`` (or ``__call__``) and ``backward``."""

    def __init__(
        self, layer: Any, arguments: Sequence[Any], mapping: Mapping[str, str] | None = None
    ) -> None:
        self._layer = layer() if isinstance(layer, type) else layer
        self.label = f"{type(self._layer).__name__}.backward"
        names = parameter_names(self._layer.backward)
        self.updates = any(name.lower() in _RATES for name in names)
        self.takes_g = bool(names) and names[0].lower() not in _RATES
        self.argument_names = parameter_names(_forward_of(self._layer))
        self._mapping = attributes.explicit_paths(mapping) if mapping else None
        self._places = self._find(arguments)

    def parameters(self) -> Mapping[Path, Array]:
        """Return the parameters as they are in the object."""
        return {path: attributes.read(self._layer, path).copy() for path in self._places}

    @quietly
    def _find(self, arguments: Sequence[Any]) -> dict[Path, Path | None]:
        """Return where the parameters stand, and their gradients."""
        if self._mapping is not None:
            self._check_mapping()
            return dict(self._mapping)
        layer = copy.deepcopy(self._layer)
        before = {
            path: item for path, item in attributes.walk(self._layer) if item.dtype.kind == "f"
        }
        try:
            output = np.asarray(output_of(_forward_of(layer)(*copied(arguments))))
        except Exception as error:
            raise ValueError(f"the forward pass raised {type(error).__name__}: {error}") from error
        try:
            self._backward(layer, np.ones(output.shape)[()])
        except Exception:  # it shows again, and is reported, in the review proper
            pass
        return self._sort_out(before, layer)

    def _check_mapping(self) -> None:
        for path in self._mapping or {}:
            if not isinstance(attributes.read(self._layer, path), np.ndarray):
                raise ValueError(
                    f"parameters: {type(self._layer).__name__} has no array "
                    f"{attributes.show(path)!r}"
                )

    def _sort_out(self, before: dict[Path, Array], layer: Any) -> dict[Path, Path | None]:
        found: dict[Path, Path | None] = {}
        gradients = {attributes.gradient_path(layer, path) for path in before}
        for path, item in before.items():
            if path in gradients:
                continue
            place = None if self.updates else attributes.gradient_path(layer, path)
            now = attributes.read(layer, path)
            changed = self.updates and not np.array_equal(np.asarray(now), item)
            if place or changed or attributes.is_parameter_name(_last_name(path)):
                found[path] = place
        return found

    def names(self, point: Point) -> list[str]:
        floats = [
            n
            for n, item in zip(self.argument_names, point.arguments, strict=False)
            if is_float(item)
        ]
        return [*floats, *(attributes.show(path) for path in self._places)]

    def floats(self, point: Point) -> list[Array]:
        floats = [np.asarray(item) for item in point.arguments if is_float(item)]
        return [*floats, *(point.parameters[path] for path in self._places)]

    def optional(self, name: str) -> bool:
        return name.lower() in TARGETS

    def _fresh(self, point: Point) -> Any:
        layer = copy.deepcopy(self._layer)
        self._set(layer, point)
        return layer

    def _set(self, layer: Any, point: Point) -> None:
        for path in self._places:
            attributes.write(layer, path, np.array(point.parameters[path]))

    def forward(self, point: Point) -> Any:
        return output_of(_forward_of(self._fresh(point))(*copied(point.arguments)))

    def pure(self, point: Point) -> Function:
        floats = [n for n, item in enumerate(point.arguments) if is_float(item)]

        def function(*values: Any) -> Any:
            layer = self._fresh(point)
            arguments = list(point.arguments)
            for n, value in zip(floats, values, strict=False):
                arguments[n] = value
            for path, value in zip(self._places, values[len(floats) :], strict=True):
                attributes.write(layer, path, value)
            return output_of(_forward_of(layer)(*arguments))

        return function

    def session(self) -> Session:
        return _LayerSession(self, copy.deepcopy(self._layer))

    def _backward(self, layer: Any, g: Any) -> Any:
        given = [g] if self.takes_g else []
        names = parameter_names(layer.backward)
        rate = next((name for name in names if name.lower() in _RATES), None)
        settings = {} if rate is None else {rate: LEARNING_RATE}
        return layer.backward(*given, **settings)

    def read(self, layer: Any, point: Point, found: Any) -> dict[str, Any]:
        """Return the gradients by name, after a call."""
        floats = [
            n
            for n, item in zip(self.argument_names, point.arguments, strict=False)
            if is_float(item)
        ]
        items = list(found) if isinstance(found, tuple) else [found]
        gradients = dict(zip(floats, items, strict=False))
        for path, place in self._places.items():
            name = attributes.show(path)
            if self.updates:
                now = np.asarray(attributes.read(layer, path))
                before = point.parameters[path]
                gradients[name] = _from_update(before, now)
            else:
                place = place or attributes.gradient_path(layer, path)
                gradients[name] = None if place is None else attributes.read(layer, place)
        return gradients


def _from_update(before: Array, now: Array) -> Array:
    """Return the gradient that an update was made with, of whatever shape it was."""
    try:
        return np.asarray((before - now) / LEARNING_RATE)
    except ValueError:
        return now


class _LayerSession:
    """Calls of one object, which keeps its caches from one to the next."""

    def __init__(self, subject: Layer, layer: Any) -> None:
        self.subject, self.layer = subject, layer

    @quietly
    def call(self, point: Point, g: Any, wrap: Function | None = None) -> Attempt:
        subject, layer = self.subject, self.layer
        subject._set(layer, point)
        for reset in ("zero_grad", "zero_gradients"):
            if callable(getattr(layer, reset, None)):
                getattr(layer, reset)()
        try:
            _forward_of(layer)(*copied(point.arguments))
        except Exception as error:
            raise ValueError(f"the forward pass raised {type(error).__name__}: {error}") from error
        if wrap is not None:
            for path, item in list(attributes.walk(layer)):
                try:
                    attributes.write(layer, path, wrap(item))
                except TypeError:  # inside of a tuple
                    continue
            g = wrap(g)
        try:
            found = subject._backward(layer, g)
            gradients = subject.read(layer, point, found)
        except Exception as error:
            return failure(error)
        return Attempt({name: _copy(item) for name, item in gradients.items()})


def _copy(item: Any) -> Any:
    return item.copy() if isinstance(item, np.ndarray) else item


def _forward_of(layer: Any) -> Function:
    found = getattr(layer, "forward", None)
    return found if callable(found) else layer


def _last_name(path: Path) -> str:
    kind, key = path[-1]
    if kind == "item" and isinstance(key, int) and len(path) > 1:
        return str(path[-2][1])
    return "W" if key in ("data", "value") else str(key)
