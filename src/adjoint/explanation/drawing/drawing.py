"""A drawing is a scene that has been laid out: SVG, DOT, or a file of either."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ...files.whole_file import write_whole
from . import dot, svg
from .evaluated_graph import EvaluatedGraph
from .frames import pushes
from .graph_layout import GraphLayout, lay_out
from .scene import Scene
from .svg import Links


class Drawing:
    """The picture of a graph; made by `draw`.

    A notebook shows it by itself; `svg` and `dot` give its text, `save` writes a file.

    Attributes
    ----------
    title : str
    record : EvaluatedGraph
        The values, the gradients, and the contribution of every edge.
    scene : Scene
        What is shown: cards, and arrows between them.
    layout : GraphLayout
        Where.
    """

    def __init__(self, record: EvaluatedGraph, scene: Scene, title: str) -> None:
        self.record, self.scene, self.title = record, scene, title
        self.layout: GraphLayout = lay_out(scene, pushes)

    def svg(self, links: Mapping[int, Links] = MappingProxyType({})) -> str:
        """Return the picture as SVG, which follows the reader's choice of light or dark.

        Where it is part of a page, ``links`` has what its boxes lead to, by their place.
        """
        return svg.write(self.scene, self.layout, self.title, links)

    def dot(self) -> str:
        """Return the graph in Graphviz's language."""
        return dot.write(self.scene, self.title)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file whose name ends in .svg or .dot: whole, or not at all.

        Raises
        ------
        ValueError
            If it ends in something else.
        """
        writers = {".svg": self.svg, ".dot": self.dot, ".gv": self.dot}
        suffix = Path(path).suffix.lower()
        if suffix not in writers:
            raise ValueError(
                f"save: a drawing is written to .svg or .dot, got {str(path)!r}; a browser or "
                "Inkscape turns SVG into other formats"
            )
        write_whole(path, writers[suffix]().encode())

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        cards, arrows = len(self.scene.cards), len(self.scene.arrows)
        return f"<drawing of {self.title}: {cards} boxes, {arrows} arrows; .save('graph.svg')>"
