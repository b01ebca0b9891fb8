"""A pair of passes is what is reviewed, forward and backward, behind one way to call them."""

from __future__ import annotations

import functools
import inspect
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, Protocol, cast

import numpy as np

from ...core.annotations import Array
from ...graphs.tracing.naming import signature_of
from .attributes import Path
from .variables import watched

Function = Callable[..., Any]

_TARGETS = frozenset(
    [
        "t",
        "target",
        "targets",
        "label",
        "labels",
        "y_true",
        "onehot",
        "one_hot",
        "y_onehot",
        "truth",
        "mask",
        "indices",
        "index",
        "idx",
    ]
)
# A name for labels, among other things.
_LABELS = frozenset(("y", "ys", "y_batch", "y_train", "yb"))
# What a loss is computed from, beside its parameters.
_DATA = frozenset(("x", "xs", "x_batch", "x_train", "xb", "data", "inputs", "features"))
# What a backward pass may call the output of the forward one, if it takes it.
OUTPUTS = frozenset(("output", "out", "o", "y_pred", "y_hat", "yhat", "prediction", "predictions"))
_RATES = frozenset(("learning_rate", "lr", "eta", "rate", "step_size"))
_OWN_FOLDER = FilePath(__file__).parent
# Neither a power of two nor a usual factor, so that a rate applied twice or not at all shows.
LEARNING_RATE = 0.375


@dataclass(frozen=True)
class Point:
    """What one call is given: the arguments of the forward pass, and the object's parameters."""

    arguments: tuple[Any, ...]
    parameters: Mapping[Path, Array]


@dataclass(frozen=True)
class Attempt:
    """What the hand-written pass gave: gradients by name, or the error that it raised.

    ``superfluous`` names what was given a gradient, or an update, without being in the forward
    pass; ``variables`` has the arrays among the local variables of the user's function, ``place``
    its line that raised.
    """

    gradients: dict[str, Any]
    superfluous: tuple[str, ...] = ()
    variables: Mapping[str, Array] = field(default_factory=dict)
    error: BaseException | None = None
    place: str = ""


class HasBackward(Protocol):
    """An object of the user's, whose forward method is ``forward`` or ``__call__``."""

    backward: Function


class Session(Protocol):
    """A run of calls that share whatever state the passes keep."""

    def call(self, point: Point, g: Array, wrap: Function | None = None) -> Attempt:
        """Run both passes, the backward one on what ``wrap`` makes of each array that it reads."""


class PassPair(Protocol):
    """A forward and a backward pass in any of the accepted forms."""

    label: str
    # Whether the backward pass updates the parameters itself, and whether it takes a cotangent.
    updates: bool
    takes_g: bool
    # Whether it is a network with its loss, in front of which nothing needs a gradient.
    is_whole: bool
    # The names of the module that the forward pass was written in.
    space: dict[str, Any]

    def parameters(self) -> Mapping[Path, Array]:
        """Return the parameters as they are in the beginning."""

    def names(self, point: Point) -> list[str]:
        """Return the names of what may have a gradient: float arguments, then parameters."""

    def floats(self, point: Point) -> list[Array]:
        """Return the arrays that `names` lists."""

    def forward(self, point: Point) -> Any:
        """Return the output of a fresh forward pass."""

    def pure(self, point: Point) -> Function:
        """Return the output as a function of what `names` lists, in that order."""

    def session(self) -> Session:
        """Start anew."""


def is_float(item: object) -> bool:
    """Return whether an argument is a float number or array, which has a gradient."""
    return isinstance(item, (float, np.floating)) or (
        isinstance(item, np.ndarray) and item.dtype.kind == "f"
    )


def is_optional(name: str, array: Array) -> bool:
    """Return whether nobody needs an argument's gradient, as a target's: by its name or content."""
    return name.lower() in _TARGETS or (name.lower() in _LABELS and is_code(array))


def is_data(name: str) -> bool:
    """Return whether an argument is, by its name, what a parameter is fitted to."""
    return name.lower() in _DATA | _LABELS | _TARGETS


def is_code(array: Array) -> bool:
    """Return whether an array is of zeros and ones, as a one-hot target or a mask is."""
    return set(np.unique(array)) == {0.0, 1.0}


def is_rate(name: str) -> bool:
    """Return whether the name of a backward pass's parameter is that of a learning rate."""
    return name.lower() in _RATES


def positional_names(function: Function) -> list[str]:
    """Return the names of a function's positional parameters."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = signature_of(function).parameters.values()
    return [p.name for p in parameters if p.kind in kinds]


def space_of(function: Function) -> dict[str, Any]:
    """Return the names of the user's module that a function was written in."""
    function = inspect.unwrap(function)
    space: dict[str, Any] = getattr(getattr(function, "__func__", function), "__globals__", {})
    package = str(space.get("__name__", "")).partition(".")[0]
    return {} if package in ("adjoint", "numpy") else space


def required_names(function: Function) -> list[str]:
    """Return the names of the parameters that a call must give."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a function that is not written in Python
        return []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    empty = inspect.Parameter.empty
    return [p.name for p in parameters if p.default is empty and p.kind not in variadic]


def defaults_of(function: Function) -> list[tuple[str, Any]]:
    """Return the names of a function's parameters that have a default, and the default."""
    parameters = signature_of(function).parameters.values()
    return [(p.name, p.default) for p in parameters if p.default is not inspect.Parameter.empty]


def is_variadic(function: Function) -> bool:
    """Return whether a function takes any number of positional arguments."""
    parameters = signature_of(function).parameters.values()
    return any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)


def forward_of(layer: object) -> Function:
    """Return the method that is the forward pass."""
    return cast(Function, getattr(layer, "forward", None) or layer)


def output_of(result: object) -> Any:
    """Return the output of a forward pass that may return a cache beside it."""
    return result[0] if isinstance(result, tuple) else result


def copied(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Return the arguments with arrays copied, so that the passes may write into them."""
    return tuple(item.copy() if isinstance(item, np.ndarray) else item for item in arguments)


# --- calling what the user wrote


def run_forward(forward: Function, arguments: Sequence[Any]) -> Any:
    """Return what the forward pass gives; its errors are not what a review is about."""
    try:
        return forward(*arguments)
    except Exception as error:
        message = f"check_backward: the forward pass raised {type(error).__name__}: {error}"
        raise ValueError(_with_place(message, _place(error))) from error


def run_backward(
    backward: Function, call: Callable[[], Any], read: Callable[[Any], Attempt]
) -> Attempt:
    """Return what a call of the backward pass gives, or its error with the line that raised it."""
    variables: dict[str, Array] = {}
    try:
        attempt = read(watched(backward, call, variables))
    except Exception as error:
        attempt = Attempt({}, error=error, place=_place(error))
    return replace(attempt, variables=variables)


def quietly(function: Function) -> Function:
    """Silence NumPy's warnings: what they warn of shows in the numbers."""

    @functools.wraps(function)
    def silenced(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **kwargs)

    return silenced


def _place(error: BaseException) -> str:
    """Return the innermost line of the user's own through which an error came."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if FilePath(frame.filename).parent != _OWN_FOLDER]
    outside = [frame for frame in own if "numpy" not in frame.filename]
    last = (outside or own)[-1:]
    return "".join(f"line {frame.lineno}: {frame.line}" for frame in last if frame.line)


def _with_place(message: str, place: str) -> str:
    return f"{message} ({place})" if place else message
