"""A picture shows a derivation's graph, and leads from each box to its steps and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from ...core.node import Node
from ..drawing.draw import kinds_by_node
from ..drawing.drawing import Drawing
from ..drawing.evaluated_graph import EvaluatedGraph
from ..drawing.folding import fold
from ..drawing.scene import Card, Scene
from ..drawing.svg import Links
from .correspondence import Correspondence
from .document import Document
from .function_at_point import FunctionAtPoint
from .step import Step

# A picture with more boxes than this is nothing that one can read, and takes long to lay out.
MOST_BOXES = 150


class Picture:
    """The drawing of a derivation's graph, and which step belongs to which of its cards.

    Values have the names that they have in the derivation.
    """

    def __init__(self, derivation: Document) -> None:
        self.derivation = derivation
        described = derivation.subject
        self.record = EvaluatedGraph(described)
        self.steps = Correspondence(derivation, self.record)
        self.scene = Scene(
            self.record,
            fold(self.record, depth=None, opened=()),
            kinds_by_node(self.record, _kinds(described)),
            described.result,
            self.steps.names(),
            derivation.say,
        )

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
                self._address(prefix, place, card),
                _to(prefix, self.backward.get(place)),
            )
            for place, card in enumerate(self.cards)
        }
        return self.drawing().svg(links)

    def _address(self, prefix: str, place: int, card: Card) -> str:
        """Return what a card leads to: its step, or for an input what is given."""
        if card.kind in ("input", "parameter", "fixed", "constant"):
            return f"#{prefix}given"
        return _to(prefix, self.forward.get(place))

    def box(self, step: Step) -> int | None:
        """Return the place of the card that a step leads back to."""
        return self._boxes.get(step.number) if self.is_readable else None

    @cached_property
    def forward(self) -> Mapping[int, Step]:
        """The step that computes the value of a card, by the card's place."""
        return dict(self._shown(self.steps.forward))

    @cached_property
    def backward(self) -> Mapping[int, Step]:
        """The step that derives the gradient by the value of a card."""
        return dict(self._shown(self.steps.backward))

    def _shown(self, found: Mapping[Node, Step]) -> Iterator[tuple[int, Step]]:
        for place, card in enumerate(self.cards):
            # What a folded module shows is its last value.
            steps = (found[node] for node in reversed(card.nodes) if node in found)
            yield from ((place, step) for step in [next(steps, None)] if step is not None)

    @cached_property
    def _boxes(self) -> Mapping[int, int]:
        boxes = {step.number: place for place, step in self.backward.items()}
        boxes |= {step.number: place for place, step in self.forward.items()}
        # Inside of a folded module there are more steps than the one that the module leads to.
        for found in (self.steps.backward, self.steps.forward):
            for node, step in found.items():
                if node in self.scene.at:
                    boxes.setdefault(step.number, self.scene.at[node])
        return boxes


def _to(prefix: str, step: Step | None) -> str:
    return "" if step is None else f"#{prefix}step-{step.number}"


def _kinds(described: FunctionAtPoint) -> tuple[str, ...]:
    """Return what each argument is in the picture."""
    fixed = {n for n, name in enumerate(described.arguments) if name == "fixed" and described.paths}
    return tuple(
        "parameter" if n in described.wanted else "fixed" if n in fixed else "input"
        for n in range(len(described.args))
    )
