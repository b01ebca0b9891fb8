"""A loop is what is known of one of known length: its body, and how often it turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...core.node import Node
from ...core.spec import Spec
from ..graph import Graph
from ..symbol import node_of
from .body import spec_of
from .row import Layout, all_taken


class Loop(NamedTuple):
    """What is known of a loop: the metadata of the primitive.

    Attributes
    ----------
    body : Graph
        It is given what is carried, a row and what is the same in all turns. It gives what is
        carried on and what is gathered, last of all what it was given to carry, and the
        intermediate values.
    carried, scanned : int
        How many of the body's inputs are carried, and are rows.
    length : int
    reverse : bool
        Whether the last row comes first.
    saved : int
        How many intermediate values are gathered.
    """

    body: Graph
    carried: int
    scanned: int
    length: int
    reverse: bool
    saved: int

    @property
    def layout(self) -> Layout:
        """All results: what was carried last, and all that was gathered."""
        specs = [spec_of(x) for x in self.body.outputs]
        gathered = [Spec((self.length, *spec.shape), spec.dtype) for spec in specs[self.carried :]]
        return Layout((*specs[: self.carried], *gathered))

    def split(self, operands: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Return what is carried at first, the rows, and what is the same in all turns."""
        end = self.carried + self.scanned
        return (
            list(operands[: self.carried]),
            list(operands[self.carried : end]),
            list(operands[end:]),
        )

    def kept(self, row: Any) -> list[Any]:
        """Return what the turns began with and the intermediate values, given all results."""
        found = list(all_taken(row, self.layout))
        return found[len(found) - self.carried - self.saved :]

    @property
    def middle(self) -> list[Node]:
        """The nodes of the intermediate values."""
        return [node_of(x) for x in self.body.outputs[len(self.body.outputs) - self.saved :]]
