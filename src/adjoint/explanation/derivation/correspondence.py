"""A correspondence says which steps of a derivation compute which operations of a drawn graph.

The two are traced apart: a derivation's graph is simplified and has a backward pass, a drawn one is
the function as it stands. What belongs together is found by names and values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from ...core.annotations import Array
from ...core.node import Node, Operation
from ..drawing.evaluated_graph import EvaluatedGraph
from .document import Document
from .step import Step


class Correspondence:
    """The steps of a derivation for the operations of a graph."""

    def __init__(self, derivation: Document, record: EvaluatedGraph) -> None:
        self.derivation, self.record = derivation, record
        # The steps that compute just the value of an operation.
        self.exact: dict[Node, Step] = {}
        for node in record.graph.nodes:
            if (step := self._same(node)) is not None:
                self.exact[node] = step

    def _same(self, node: Operation) -> Step | None:
        """Return the step of the same value, and of the same name if there is one."""
        value, name = self.record.values[node], self.record.graph.names[node]
        steps = [step for step in self.derivation if step.part == "forward"]
        same = [step for step in steps if _equal(step.value, value)]
        named = [step for step in same if step.name == name]
        return next(iter([*named, *same]), None)

    @cached_property
    def forward(self) -> Mapping[Node, Step]:
        """The step in which each operation is computed.

        An operation that stands inside of a formula belongs to the step of what reads it.
        """
        found: dict[Node, Step] = {}
        readers: dict[Node, list[Node]] = {}
        for node in reversed(self.record.graph.nodes):
            known = [found[reader] for reader in readers.get(node, []) if reader in found]
            step = self.exact.get(node, known[0] if known else None)
            if step is not None:
                found[node] = step
            for parent in node.parents:
                if parent is not None:
                    readers.setdefault(parent, []).append(node)
        return found

    @cached_property
    def backward(self) -> Mapping[Node, Step]:
        """The step that derives the gradient by each node, where one does by itself."""
        program = self.derivation.program
        steps = {step.name: step for step in self.derivation if step.part == "backward"}
        inputs = dict(zip(self.record.inputs, program.every_input, strict=True))
        found: dict[Node, Step] = {}
        for node, gradient in self.record.gradient.items():
            exact = self.exact.get(node)
            name = inputs.get(node) or (exact.name if exact is not None else "")
            step = steps.get(program.gradient.get(name, f"d_{name}"))
            if step is not None and _equal(step.value, gradient):
                found[node] = step
        return found

    def names(self) -> dict[Node, str]:
        """Return names for the operations that the program gives none: those of their steps.

        Those that no step computes by itself are called u1, u2 …
        """
        found: dict[Node, str] = {}
        taken = {*self.record.graph.names.values(), *(step.name for step in self.derivation)}
        fresh = (name for n in range(1, 1 << 30) if (name := f"u{n}") not in taken)
        for node in self.record.graph.nodes:
            if not _is_made_up(self.record.graph.names[node]):
                continue
            step = self.exact.get(node)
            is_free = step is not None and step.name not in found.values()
            if step is not None and is_free and _is_made_up(step.name):
                found[node] = step.name
            else:
                found[node] = next(fresh)
        return found


def _is_made_up(name: str) -> bool:
    return re.fullmatch(r"v\d+", name) is not None


def _equal(x: Array, y: Array) -> bool:
    """Return whether two values are the same but for roundings."""
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        return False
    if x.dtype.kind != "f":
        return bool(np.array_equal(x, y))
    scale = float(np.max(np.abs(y), initial=0.0, where=np.isfinite(y)))
    tolerance = 1e4 * float(np.finfo(x.dtype).eps) * scale
    return bool(np.allclose(x, y, rtol=0, atol=tolerance, equal_nan=True))
