"""A source file names functions, models and tensors to explain, and the inputs to do so with."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import GradientMismatchError, suggestion
from ...graphs.tensor import Tensor
from ...graphs.tracing.naming import argument_names
from ...nn.module import Module
from ..users_file import SourceFileError, as_arguments, line_of, named_by, running, text_of, told
from .derivation import Derivation
from .explain import derived, explain
from .function_at_point import float_arguments, of_tensor

_RUN = "__adjoint_explain__"  # what the file is called while it runs


def explain_file(
    path: Path,
    name: str | None = None,
    *,
    wrt: Sequence[str] = (),
    entry: str | None = None,
    lang: str = "en",
) -> Derivation:
    """Return the derivation of what a Python file names.

    The file is run. A function or model ``NAME`` has its arguments in ``NAME_inputs``, a tuple of
    arrays or a function of a `numpy.random.Generator` that returns one; ``inputs`` is for
    ``forward``. ``NAME_loss`` is the loss of a model. A tensor that was computed needs nothing.

    Parameters
    ----------
    path : Path
    name : str, optional
        What to explain; it may be left out where the file has one thing to explain.
    wrt : sequence of str
        The names, or numbers, of a function's arguments to differentiate by, or ``"all"`` of
        floats; by default the first.
    entry, lang : as in `explain`

    Raises
    ------
    SourceFileError
        If the file raises, names nothing to explain, several things and none is chosen, or what
        cannot be explained.
    """
    with running(path, text_of(path), _RUN) as space:
        found = dict(_explainable(space))
        chosen = _chosen(path, space, found, name)
        return _explained(path, space, chosen, found[chosen], wrt, entry, lang)


def _explained(path: Path, space: Mapping[str, Any], name: str, *asked: Any) -> Derivation:
    """Return the derivation of what has a name; an error is one line that names the file."""
    try:
        return _derived(space, name, *asked)
    except GradientMismatchError:
        raise  # an error of adjoint's own, not of the file
    except SourceFileError as error:
        raise SourceFileError(f"{path}: {error}") from None
    except (TypeError, ValueError, NotImplementedError, RuntimeError) as error:
        reason = str(error).removeprefix("explain: ") or type(error).__name__
        raise SourceFileError(f"{path}{line_of(error, path)}: {name}: {reason}") from error
    except Exception as error:  # whatever the user's function raises
        raise SourceFileError(told(error, path)) from error


def _explainable(space: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what can be explained, by name, with its inputs; a tensor has none."""
    for key, value in space.items():
        stem = named_by(key)
        if stem is not None:
            prefix = f"{stem}_" if stem else ""
            names = [stem, f"{prefix}forward"]
            yield from [(name, value) for name in names if callable(space.get(name))][:1]
        elif _has_graph(value) and not key.startswith("_"):
            yield key, None


def _has_graph(value: object) -> bool:
    return isinstance(value, Tensor) and value.node is not None and value.node.primitive is not None


def _chosen(
    path: Path, space: Mapping[str, Any], found: Mapping[str, Any], name: str | None
) -> str:
    """Return the name of what to explain, or raise and say which there are."""
    if name is not None and name in found:
        return name
    if name is None and len(found) == 1:
        return next(iter(found))
    if name is None and found:
        raise SourceFileError(
            f"{path}: several can be explained: {', '.join(found)}; name one, as "
            f"{path}:{next(iter(found))}"
        )
    raise SourceFileError(f"{path}: {_missing(space, found, name)}")


def _missing(space: Mapping[str, Any], found: Mapping[str, Any], name: str | None) -> str:
    """Return what a file lacks, and what it has."""
    own = [key for key, value in space.items() if _is_own(value) and not key.startswith("_")]
    if name is not None and (name in own or callable(space.get(name))):
        return f"{name} is there, but not what to call it with; {_advice(name)}"
    known = [*found, *(key for key in own if key not in found)]
    called = "" if name is None else f" called {name!r}"
    if name is not None and known:
        there = ", ".join(found or known)
        return f"nothing{called} to explain; there is {there}{suggestion(name, known)}"
    there = f"; there is {', '.join(own)}" if own else ""
    return f"nothing{called} to explain{there}; {_advice(own[0] if own else 'NAME')}"


def _advice(name: str) -> str:
    return f"name the arrays to call it with: {name}_inputs = (…, …)"


def _is_own(value: object) -> bool:
    """Return whether a value is a model, or a function that the file itself defines."""
    is_function = inspect.isfunction(value) and value.__module__ == _RUN
    return is_function or isinstance(value, Module)


def _derived(
    space: Mapping[str, Any],
    name: str,
    inputs: object,
    wrt: Sequence[str],
    entry: str | None,
    lang: str,
) -> Derivation:
    subject = space[name]
    if isinstance(subject, Tensor):
        _refuse(wrt, f"{name} is a tensor, explained by all its leaves")
        return derived(of_tensor(subject, space), entry=entry, lang=lang)
    args = as_arguments(inputs(np.random.default_rng(0)) if callable(inputs) else inputs)
    if isinstance(subject, Module):
        _refuse(wrt, f"{name} is a model, explained by all its parameters")
        loss = space.get(f"{name}_loss")
        if loss is None and len(args) > 1:
            raise SourceFileError(
                f"{name} is a model with a target; give its loss a name: "
                f"{name}_loss = 'cross_entropy', or a function of prediction and target"
            )
        return explain(subject, *args, loss=loss, entry=entry, lang=lang)
    return explain(subject, *args, wrt=_positions(subject, args, wrt), entry=entry, lang=lang)


def _refuse(wrt: Sequence[str], reason: str) -> None:
    if wrt:
        raise SourceFileError(f"--wrt names arguments of a function, and {reason}")


def _positions(
    function: Any, args: Sequence[Any], wrt: Sequence[str]
) -> int | tuple[int, ...] | None:
    """Return the places of the arguments that are named, or numbered from 0."""
    if list(wrt) == ["all"]:
        return float_arguments(args)
    names = argument_names(function, args)
    return tuple(_position(each, names) for each in wrt) or None


def _position(text: str, names: Sequence[str]) -> int:
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise SourceFileError(
        f"--wrt: no argument {text!r}; there is {', '.join(names)}{suggestion(text, names)}"
    )
