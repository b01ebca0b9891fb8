"""A picture shows a derivation's graph, and leads from each box to its steps and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from ...core.annotations import Array
from ...core.node import Node
from ..drawing.draw import scene_of
from ..drawing.drawing import Drawing
from ..drawing.scene import Card
from ..drawing.svg import Links
from .document import Document
from .function_at_point import FunctionAtPoint
from .step import Step

# A picture with more boxes than this is nothing that one can read, and takes long to lay out.
MOST_BOXES = 150


class Picture:
    """The drawing of a derivation's graph, and which step belongs to which of its cards."""

    def __init__(self, derivation: Document) -> None:
        self.derivation = derivation
        described = derivation.subject
        self.scene = scene_of(described, _kinds(described), say=derivation.say)
        self.record = self.scene.evaluated

    @property
    def cards(self) -> Sequence[Card]:
        """The boxes; none where the value depends on no argument."""
        return self.scene.cards if self.record.ends else ()

    @property
    def is_readable(self) -> bool:
        """Whether there are few enough boxes."""
        return 0 < len(self.cards) <= MOST_BOXES

    def drawing(self) -> Drawing:
        """Return the picture by itself."""
        return Drawing(self.record, self.scene, self.derivation.program.title)

    def svg(self, prefix: str) -> str:
        """Return the picture for a page on which all anchors begin with a prefix."""
        links = {
            place: Links(
                f"{prefix}box-{place}",
                self._address(prefix, card, self.forward.get(place)),
                _anchor(prefix, self.backward.get(place)),
            )
            for place, card in enumerate(self.cards)
        }
        return self.drawing().svg(links)

    def _address(self, prefix: str, card: Card, step: Step | None) -> str:
        """Return what a card leads to: its step, or for an input what is given."""
        is_leaf = card.kind in ("input", "parameter", "fixed", "constant")
        return f"#{prefix}given" if is_leaf else _anchor(prefix, step)

    def box(self, step: Step) -> int | None:
        """Return the place of the card that a step leads back to."""
        return self._boxes.get(step.number) if self.is_readable else None

    # --- which step belongs to which card

    @cached_property
    def forward(self) -> Mapping[int, Step]:
        """The step that computes the value of a card, by the card's place."""
        return dict(self._of_part("forward", self._steps_of_nodes))

    @cached_property
    def backward(self) -> Mapping[int, Step]:
        """The step that derives the gradient by the value of a card."""
        return dict(self._of_part("backward", self._gradients_of_nodes))

    def _of_part(self, part: str, found: Mapping[Node, Step]) -> Iterator[tuple[int, Step]]:
        for place, card in enumerate(self.cards):
            # What a folded module shows is its last value.
            for node in reversed(card.nodes):
                if (step := found.get(node)) is not None and step.part == part:
                    yield place, step
                    break

    @cached_property
    def _boxes(self) -> Mapping[int, int]:
        at = self.scene.at
        boxes = {step.number: place for place, step in self.backward.items()}
        boxes |= {step.number: place for place, step in self.forward.items()}
        # Inside of a folded module there are more steps than the one that the module leads to.
        for found in (self._gradients_of_nodes, self._steps_of_nodes):
            for node, step in found.items():
                if node in at:
                    boxes.setdefault(step.number, at[node])
        return boxes

    @cached_property
    def _steps_of_nodes(self) -> Mapping[Node, Step]:
        """The step in which each operation of the graph is computed.

        It is the one of the same name and value, or else of the same value; an operation that
        stands inside of a formula belongs to the step of what reads it.
        """
        record = self.record
        steps = [step for step in self.derivation if step.part == "forward"]
        found: dict[Node, Step] = {}
        for node in reversed(record.graph.nodes):
            same = [step for step in steps if _equal(step.value, record.values[node])]
            named = [step for step in same if step.name == self.scene.names[node]]
            chosen = [*named, *same][:1] or self._read_by(node, found)
            found.update((node, step) for step in chosen)
        return found

    def _read_by(self, node: Node, found: Mapping[Node, Step]) -> list[Step]:
        readers = [each for each in self.record.graph.nodes if node in each.parents]
        return [found[reader] for reader in readers if reader in found][:1]

    @cached_property
    def _gradients_of_nodes(self) -> Mapping[Node, Step]:
        """The step that derives the gradient by each node, where one does by itself."""
        record, names = self.record, self.scene.names
        own = {step.name: step for step in self.derivation if step.part == "backward"}
        inputs = dict(zip(record.inputs, self.derivation.program.every_input, strict=True))
        forward = self._steps_of_nodes
        found: dict[Node, Step] = {}
        for node, gradient in record.gradient.items():
            named = [inputs.get(node), names[node], getattr(forward.get(node), "name", None)]
            for name in named:
                step = own.get(self.derivation.program.gradient.get(name or "", f"d_{name}"))
                if step is not None and _equal(step.value, gradient):
                    found[node] = step
                    break
        return found


def _anchor(prefix: str, step: Step | None) -> str:
    return "" if step is None else f"#{prefix}step-{step.number}"


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


def _kinds(described: FunctionAtPoint) -> tuple[str, ...]:
    """Return what each argument is in the picture."""
    fixed = {n for n, name in enumerate(described.arguments) if name == "fixed" and described.paths}
    return tuple(
        "parameter" if n in described.wanted else "fixed" if n in fixed else "input"
        for n in range(len(described.args))
    )
