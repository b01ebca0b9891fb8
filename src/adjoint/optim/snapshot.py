"""A snapshot is a model and its optimiser as they stood at one moment, to be put back later.

It costs next to nothing to take: training puts new arrays in the place of old ones and never
changes them, so that it is enough to remember which array stood where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..core.annotations import Array
from ..core.node import Node
from ..graphs.tensor import Tensor
from ..nn.module import Buffer, Module
from .optimizer import Memory, Optimizer


class Snapshot:
    """What stood where: `step_snapshot` takes what a step replaces, `full_snapshot` everything.

    Attributes
    ----------
    tensors, arrays : sequences of the same length
        Parameters and buffers, and the numbers that they held.
    optimizer : Optimizer or None
    memory, steps
        What the optimiser remembered, and how many steps it had taken.
    contents : sequence of (dict, dict)
        Attributes of modules and settings of an optimiser: the dict that holds them, and a copy.
    gradients : sequence of (Node, gradient)
    """

    def __init__(
        self,
        tensors: Sequence[Tensor],
        arrays: Sequence[Array],
        optimizer: Optimizer | None = None,
        memory: Sequence[Memory] = (),
        steps: int = 0,
        contents: Sequence[tuple[dict[str, Any], dict[str, Any]]] = (),
        gradients: Sequence[tuple[Node, Any]] = (),
    ) -> None:
        self.tensors, self.arrays, self.optimizer, self.memory = tensors, arrays, optimizer, memory
        self.steps, self.contents, self.gradients = steps, contents, gradients

    def restore(self) -> None:
        """Put everything back."""
        # Attributes come first: a buffer that was replaced by another tensor is found again there.
        for now, before in self.contents:
            now.clear()
            now.update(before)
        for tensor, array in zip(self.tensors, self.arrays, strict=True):
            tensor.data = array
        for node, gradient in self.gradients:
            node.grad = gradient
        if self.optimizer is not None:
            self.optimizer.memory, self.optimizer.steps = list(self.memory), self.steps


def step_snapshot(optimizer: Optimizer, buffers: Sequence[Buffer]) -> Snapshot:
    """Return what a training step replaces, as it is now."""
    tensors = [*optimizer.params, *buffers]
    arrays = [tensor.data for tensor in tensors]
    return Snapshot(tensors, arrays, optimizer, optimizer.memory[:], optimizer.steps)


def attributes_snapshot(modules: Iterable[Module]) -> Snapshot:
    """Return the attributes of modules as they are now, the numbers of their tensors aside."""
    return Snapshot((), (), contents=[(vars(module), dict(vars(module))) for module in modules])


def full_snapshot(*parts: object) -> Snapshot:
    """Return all that modules, tensors and an optimiser are now; other parts, as functions, pass.

    A module has its attributes, among them its mode, and parameters and buffers with numbers and
    gradients; an optimiser has parameters, settings, memory and its count of steps.
    """
    modules = [module for part in parts if isinstance(part, Module) for module in part.modules()]
    optimizer = next((part for part in parts if isinstance(part, Optimizer)), None)
    tensors = [tensor for part in parts for tensor in _tensors_of(part)]
    settings = [] if optimizer is None else [(group, dict(group)) for group in optimizer.groups]
    return Snapshot(
        tensors,
        [tensor.data for tensor in tensors],
        optimizer,
        [] if optimizer is None else optimizer.memory[:],
        0 if optimizer is None else optimizer.steps,
        [*attributes_snapshot(modules).contents, *settings],
        [(tensor.node, tensor.node.grad) for tensor in tensors if tensor.node is not None],
    )


def _tensors_of(part: object) -> list[Tensor]:
    """Return the tensors of a module or an optimiser, or the part itself if it is one."""
    if isinstance(part, Module):
        return [*part.parameters(), *(buffer for _, buffer in part.named_buffers())]
    if isinstance(part, Optimizer):
        return list(part.params)
    return [part] if isinstance(part, Tensor) else []


@contextmanager
def kept(*parts: object) -> Iterator[None]:
    """Leave modules, tensors and an optimiser as they were before the ``with`` block, bit for bit.

    It holds after an error and after Ctrl-C, too; `full_snapshot` says what belongs to it.
    """
    snapshot = full_snapshot(*parts)
    try:
        yield
    finally:
        snapshot.restore()


class kept_on_error:
    """Put a snapshot back if the ``with`` block ends by an error or by Ctrl-C."""

    # A class: every eager step enters it, and a generator would take three times as long.
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __enter__(self) -> None:
        pass

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:
            self._snapshot.restore()


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Give every module back whether it is being trained; all else stays as training left it."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def buffers_in(*parts: object) -> list[Buffer]:
    """Return the buffers of those parts that are modules, each once."""
    found = [
        tensor
        for part in parts
        if isinstance(part, Module)
        for _, tensor in part.named_buffers()
        if isinstance(tensor, Buffer)
    ]
    return list({id(buffer): buffer for buffer in found}.values())
