"""PyTorch's layout: the names and shapes that its modules give to the same weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..core.annotations import Array
from .attention import MultiheadAttention
from .batch_norm import BatchNorm
from .cells import StepCell
from .container import Sequential
from .convolution import Convolution
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .recurrent import Recurrent
from .transformer import TransformerEncoderLayer
from .transposed_convolution import TransposedConvolution

Move = Callable[[Array], Array]

# PyTorch keeps these three weights of an attention layer one below the other in a single tensor.
_JOINED = ("query", "key", "value")
_ENCODER = {
    "attention": "self_attn",
    "attention_norm": "norm1",
    "feedforward_norm": "norm2",
    "feedforward.0": "linear1",
    "feedforward.3": "linear2",
}


@dataclass(frozen=True)
class Counterpart:
    """The tensor of PyTorch's state that corresponds to one of ours, or a third of it.

    Parameters
    ----------
    name : str or None
        PyTorch's; None where it has nothing like it.
    there, back : callable
        From our layout to theirs, and back.
    part : int or None
        Which third of the tensor it is, if three are joined.
    """

    name: str | None
    there: Move
    back: Move
    part: int | None = None


def to_torch(model: Module, state: Mapping[str, Array]) -> dict[str, Array]:
    """Return a state under PyTorch's names, in its layout."""
    found: dict[str, Array] = {}
    for name, theirs in _counterparts(model).items():
        if theirs.name is None:
            continue
        array = theirs.there(state[name])
        found[theirs.name] = np.concatenate([found[theirs.name], array]) if theirs.part else array
    # PyTorch counts the batches, which its averages need if they are not exponential; ours are.
    for path, module in model.named_modules():
        if isinstance(module, BatchNorm):
            name = _joined(_torch_path(model, path), "num_batches_tracked")
            found[name] = np.array(0, np.int64)
    return found


def from_torch(model: Module, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return a state of PyTorch's under our names, in our layout; others keep their names.

    The model keeps its own numbers where PyTorch has no name for them, as for a dropout's state.
    """
    own, rest = model.state_dict(), dict(arrays)
    found: dict[str, Array] = {}
    for name, theirs in _counterparts(model).items():
        if theirs.name is None:
            found[name] = own[name]
        elif theirs.name in arrays:
            array = arrays[theirs.name]
            rest.pop(theirs.name, None)
            # Query, key and value lie one below the other.
            if theirs.part is not None:
                third = len(array) // 3
                array = array[theirs.part * third : (theirs.part + 1) * third]
            found[name] = theirs.back(array)
    # What has no counterpart here is handed on, so that loading refuses it by name.
    unknown = {n: x for n, x in rest.items() if not n.endswith("num_batches_tracked")}
    return found | unknown


def _counterparts(model: Module) -> dict[str, Counterpart]:
    """Return the counterpart of each of our tensors, by our name."""
    modules = dict(model.named_modules())
    counterparts = {}
    for name in model.state_dict():
        path, inner = _parent(name, modules)
        counterparts[name] = _counterpart(model, modules, path, inner)
    return counterparts


def _parent(name: str, modules: Mapping[str, Module]) -> tuple[str, str]:
    """Return the path of the module that a name lies in, and the rest of the name."""
    fitting = [p for p in modules if not p or name.startswith((f"{p}.", f"{p}["))]
    # The longest path that fits is that of the innermost module.
    path = max((p for p in fitting if p != name), key=len)
    return path, name[len(path) :].lstrip(".") if path else name


def _counterpart(
    model: Module, modules: Mapping[str, Module], path: str, inner: str
) -> Counterpart:
    module = modules[path]
    if isinstance(module, Dropout):
        return Counterpart(None, _same, _same)
    for above in _upward(path, modules):
        owner, rest = modules[above], f"{path[len(above) :].lstrip('.')}.{inner}"
        first = rest.partition(".")[0]
        if isinstance(owner, StepCell):
            end = "ih" if first == "input" else "hh"
            name = _joined(_torch_path(model, above), f"{inner}_{end}")
            move = np.transpose if inner == "weight" else _same
            return Counterpart(name, move, move)
        if isinstance(owner, Recurrent):
            name = _joined(_torch_path(model, above), _of_cell(rest, owner.directions))
            move = np.transpose if inner == "weight" else _same
            return Counterpart(name, move, move)
        if isinstance(owner, MultiheadAttention):
            move = np.transpose if inner == "weight" else _same
            if first in _JOINED:
                name = _joined(_torch_path(model, above), f"in_proj_{inner}")
                return Counterpart(name, move, move, _JOINED.index(first))
            name = _joined(_torch_path(model, above), f"out_proj.{inner}")
            return Counterpart(name, move, move)
    last = "running_var" if inner == "running_variance" else _dotted(inner)
    name = _joined(_torch_path(model, path), last)
    # PyTorch has (out, in) for z = x Wᵀ + b, we have (in, out) for z = x W + b.
    if isinstance(module, Linear) and inner == "weight":
        return Counterpart(name, np.transpose, np.transpose)
    if isinstance(module, Convolution) and inner == "weight":
        return Counterpart(name, _last_to_front, _front_to_last)
    if isinstance(module, TransposedConvolution) and inner == "weight":
        return Counterpart(name, _last_to_second, _second_to_last)
    return Counterpart(name, _same, _same)


def _upward(path: str, modules: Mapping[str, Module]) -> Iterator[str]:
    """Yield the path of a module and of all that it lies in, the innermost first."""
    yield path
    while path:
        path, _ = _parent(path, modules)
        yield path


def _of_cell(rest: str, directions: int) -> str:
    """Return PyTorch's name of a recurrent layer's tensor, as weight_ih_l0_reverse."""
    number, part, last = re.fullmatch(r"cells\[(\d+)\]\.(input|hidden)\.(\w+)", rest).groups()  # type: ignore[union-attr]
    layer, direction = divmod(int(number), directions)
    end = "ih" if part == "input" else "hh"
    return f"{last}_{end}_l{layer}{'_reverse' * direction}"


def _torch_path(model: Module, path: str) -> str:
    """Return the path of a module as PyTorch's of the same kind would have it."""
    modules = dict(model.named_modules())
    name = _plain_path(modules, path)
    for place, module in modules.items():
        if isinstance(module, TransformerEncoderLayer):
            name = _renamed(name, _plain_path(modules, place))
    return name


def _plain_path(modules: Mapping[str, Module], path: str) -> str:
    """Return a path with dots; a `Sequential` numbers its layers, as PyTorch's does."""
    steps: list[str] = []
    while path:
        above, inner = _parent(path, modules)
        step = _dotted(inner)
        if isinstance(modules[above], Sequential):
            step = step.removeprefix("layers.")
        steps.insert(0, step)
        path = above
    return ".".join(steps)


def _renamed(name: str, encoder: str) -> str:
    """Return a name inside an encoder layer by PyTorch's names of its parts."""
    start = f"{encoder}." if encoder else ""
    for ours, theirs in _ENCODER.items():
        if name == start + ours or name.startswith(f"{start}{ours}."):
            return start + theirs + name[len(start + ours) :]
    return name


def _dotted(path: str) -> str:
    """Return a path as PyTorch writes it: layers.0 for layers[0].

    >>> _dotted("layers[0].inner['a']")
    'layers.0.inner.a'
    """
    return re.sub(r"\[['\"]?([^\]'\"]*)['\"]?\]", r".\1", path).lstrip(".")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _same(array: Array) -> Array:
    return array


def _last_to_front(array: Array) -> Array:
    """(in, *kernel, out) to (out, in, *kernel)."""
    return np.moveaxis(array, -1, 0)


def _front_to_last(array: Array) -> Array:
    return np.moveaxis(array, 0, -1)


def _last_to_second(array: Array) -> Array:
    """(in, *kernel, out) to (in, out, *kernel)."""
    return np.moveaxis(array, -1, 1)


def _second_to_last(array: Array) -> Array:
    return np.moveaxis(array, 1, -1)
