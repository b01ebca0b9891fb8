"""A fold is one box of a picture for many operations: those of a module's call, or of several."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.node import Node


@dataclass
class Fold:
    """Operations shown as one box, or one by one inside a frame.

    ``kind`` is the class of the module, or says what is computed in a box that is none: so many
    ``rounds`` of a loop, or any operations where that is 0. Only a module, and a loop or a choice
    that is one operation, with so many ``turns`` if that is known, has a title.
    """

    title: str
    kind: str
    nodes: list[Node] = field(default_factory=list)
    depth: int = 0
    is_module: bool = True
    rounds: int = 0
    turns: int | None = None


@dataclass
class Folding:
    """Which operations are folded into which box, and which modules are drawn open."""

    closed: dict[Node, Fold]
    opened: list[Fold]
