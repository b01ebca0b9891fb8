"""A subject as a module of WebAssembly: its weights and its functions, for one row and for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...compiler.native.lanes import Names, declarations
from ...compiler.native.machine import ATTRIBUTES
from ...core.annotations import Array
from ..refusal import ExportError
from ..subject import Subject, tolerance_of
from .function import Function, bytes_of, function_of, kind_in_memory
from .machine import module
from .memory import Memory

# So many rows go side by side along the lanes, where that takes at most so many bytes.
BLOCK, _MOST_BYTES = 64, 1 << 22


@dataclass(frozen=True)
class Slot:
    """Where an array lies that comes in or goes out.

    Attributes
    ----------
    kind : str
    shape : tuple of int
        The shape that a call takes or gives, or that of one row where there are rows.
    at : int
        Its address.
    """

    kind: str
    shape: tuple[int, ...]
    at: int


@dataclass(frozen=True)
class Forward:
    """A module that evaluates a subject.

    Attributes
    ----------
    module : bytes
        It exports ``one``, and ``many`` where there is a block, which return 1 if a result is in
        doubt, and ``memory``.
    inputs, outputs : list of Slot
    block : int
        How many rows ``many`` takes; 1 if there is no such function.
    weights, memory : int
        Bytes of the weights, and of the memory in all.
    tolerance : float
        How much a golden result may differ, see `tolerance_of`.
    """

    module: bytes
    inputs: list[Slot]
    outputs: list[Slot]
    block: int
    weights: int
    memory: int
    tolerance: float


def forward_of(subject: Subject, alone: Sequence[Array], together: Sequence[Array]) -> Forward:
    """Return the module of a subject.

    Parameters
    ----------
    alone, together : sequence of array
        What it gives for golden rows one by one, and for all at once.

    Raises
    ------
    ExportError
        If it has an operation without native code, which is named.
    """
    traced = subject.trace(1 if subject.has_rows else None)
    one = function_of(traced.graph, "one")
    is_alike = subject.has_rows and _alike(alone, together)
    many = _many(subject, one) if is_alike else None
    block = BLOCK if many is not None else 1
    memory = Memory()
    weights = [memory.array(array) for array in traced.state]
    given = len(traced.graph.inputs) - len(traced.state)
    inputs = [_slot(x, block, subject, memory) for x in traced.graph.inputs[:given]]
    outputs = [_slot(_as_array(x), block, subject, memory) for x in traced.graph.outputs]
    addresses = [slot.at for slot in inputs] + weights + [slot.at for slot in outputs]
    texts: list[str] = []
    names: list[Names] = []
    for function in filter(None, (one, many)):
        flag = memory.place(1)
        workspace = memory.workspace(function.code.workspace, function.code.constants)
        texts += function.with_addresses(addresses, flag, workspace)
        names += function.names
    text = "\n".join([declarations(names), *texts, ATTRIBUTES, ""])
    exports = [function.name for function in (one, many) if function is not None]
    made = module(text, exports, memory.blocks, memory.end)
    size, tolerance = sum(a.nbytes for a in traced.state), tolerance_of(traced.graph)
    return Forward(made.module, inputs, outputs, block, size, made.heap, tolerance)


def _as_array(output: Any) -> Any:
    return output if hasattr(output, "dtype") else np.asarray(output)


def _slot(x: Any, block: int, subject: Subject, memory: Memory) -> Slot:
    kind = kind_in_memory(x.dtype)
    shape = tuple(x.shape[1:]) if subject.has_rows else tuple(x.shape)
    if 0 in shape:
        raise ExportError("WebAssembly has no arrays without entries")
    return Slot(kind, shape, memory.place(block * bytes_of(shape, kind)))


def _many(subject: Subject, one: Function) -> Function | None:
    """Return the function for a block of rows, unless there is none or it takes much memory."""
    if one.code.workspace * BLOCK > _MOST_BYTES:
        return None
    try:
        many = function_of(subject.trace(BLOCK).graph, "many")
    except ExportError:
        return None
    return many if many.code.workspace <= _MOST_BYTES else None


def _alike(alone: Sequence[Array], together: Sequence[Array]) -> bool:
    """Return whether rows together give what each gives alone."""
    return all(
        y.shape[0] == len(x) and _near(np.asarray(x.reshape(y.shape), float), np.asarray(y, float))
        if y.shape == (x.shape[0], *x.shape[2:])
        else False
        for x, y in zip(alone, together, strict=True)
    )


def _near(x: Array, y: Array) -> bool:
    """Return whether two arrays are equal but for rounding."""
    with np.errstate(invalid="ignore"):
        scale = max(1.0, float(np.max(np.abs(x), initial=0, where=np.isfinite(x))))
        near = np.abs(x - y) <= 1e-4 * scale
    return bool(np.all(near | (x == y) | (np.isnan(x) & np.isnan(y))))
