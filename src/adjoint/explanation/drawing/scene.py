"""A scene is what a picture shows, before anything has a place: cards, and arrows between them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.node import Node, Operation
from ..derivation.formula import identifier
from ..derivation.numbers import numbers
from ..derivation.reading import Reading
from ..phrases import ENGLISH, Phrases
from .evaluated_graph import Edge, EvaluatedGraph
from .fold import Fold, Folding
from .letters import columns, cut, wrapped
from .values import WIDEST, brief

# Kinds of cards that belong to the module that alone reads them.
LEAVES = ("parameter", "fixed", "constant")
_FORMULA_LINES = 4  # so many lines has a formula that does not fit beside its name
_LABEL = 13  # so many letters of a contribution fit beside an arrow


@dataclass
class Card:
    """A box of the picture: an input, a parameter, a constant, an operation or a folded module.

    ``kind`` is the class of its look, ``nodes`` what it stands for, ``value`` and ``gradient`` the
    lines below its title, ``parameters`` the gradient of those in a folded module.
    """

    kind: str
    title: str
    value: str = ""
    gradient: str = ""
    tip: str = ""
    nodes: Sequence[Node] = ()
    is_result: bool = False
    note: str = ""
    parameters: str = ""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The texts and the class of each."""
        lines = [(self.title, "title"), *((text, "note") for text in self.note.split("\n"))]
        lines += [(self.value, "value"), (self.gradient, "gradient")]
        lines += [(self.parameters, "gradient")]
        return [line for line in lines if line[0]]


@dataclass
class Arrow:
    """The use of one card's value by another, and the gradient that comes back along it.

    ``flow`` says whether ``"some"`` gradient comes back, ``"zero"``, or ``"none"`` because none is
    needed. ``edges`` are those of the graph; an arrow from a constant has none.
    """

    source: int
    target: int
    edges: list[Edge] = field(default_factory=list)
    label: str = ""
    flow: str = "none"
    tip: str = ""


class Scene:
    """The cards and arrows that show an evaluated graph.

    Attributes
    ----------
    cards : list of Card
        Leaves first, then the others in an order in which each comes after what it reads.
    arrows : list of Arrow
    frames : list of (Fold, list of int)
        Open modules, and the cards inside.
    """

    def __init__(
        self,
        evaluated: EvaluatedGraph,
        folding: Folding,
        kinds: Mapping[Node, str],
        result: str,
        names: Mapping[Node, str] = MappingProxyType({}),
        say: Phrases = ENGLISH,
    ) -> None:
        self.evaluated, self.folding, self.say = evaluated, folding, say
        self.names = _names(evaluated, result, names)
        self._scalars = {
            name for node, name in self.names.items() if evaluated.values[node].shape == ()
        }
        self.cards: list[Card] = []
        self.arrows: list[Arrow] = []
        self.at: dict[Any, int] = {}
        self._reading = Reading(identifier, self._is_number)
        self._add_leaves(kinds)
        self._add_operations()
        self._add_arrows()
        self.frames = list(self._frames())

    # --- cards

    def _add_leaves(self, kinds: Mapping[Node, str]) -> None:
        readers: dict[Any, list[Node]] = {}
        constants: dict[int, Any] = {}
        for node in self.evaluated.graph.nodes:
            for arg, parent in node.edges():
                if parent is not None:
                    readers.setdefault(parent, []).append(node)
                # A single number stands in the formula, and needs no box.
                elif np.size(arg) > 1:
                    readers.setdefault(id(arg), []).append(node)
                    constants[id(arg)] = arg
        for leaf in self.evaluated.inputs:
            kind = kinds.get(leaf, "input")
            shown = (
                leaf in readers or leaf in self.evaluated.gradient or leaf in self.evaluated.ends
            )
            if shown and not self._is_absorbed(kind, readers.get(leaf, [])):
                self._add(leaf, self._leaf(leaf, kind))
        for number, (key, array) in enumerate(constants.items(), 1):
            if not self._is_absorbed("constant", readers[key]):
                text = brief(array)
                name = self.say("numbered constant", number=number)
                tip = f"{name}: {array.dtype} {array.shape}\n{self._numbers(array)}"
                self._add(key, Card("constant", name, text, tip=tip))

    def _is_absorbed(self, kind: str, readers: Sequence[Node]) -> bool:
        """Return whether a leaf is drawn inside the only box that reads it."""
        boxes = {id(self.folding.closed.get(node)) for node in readers}
        inside = len(boxes) == 1 and all(node in self.folding.closed for node in readers)
        return kind != "input" and inside

    def _add(self, key: Node | int, card: Card) -> None:
        self.at[key] = len(self.cards)
        self.cards.append(card)

    def _leaf(self, node: Node, kind: str) -> Card:
        value = self.evaluated.values[node]
        return Card(
            kind,
            cut(self.names[node], WIDEST),
            brief(value),
            self._gradient(node),
            self._tip(node),
            [node],
        )

    def _add_operations(self) -> None:
        for node in self.evaluated.graph.nodes:
            box = self.folding.closed.get(node)
            if box is None:
                self._add(node, self._operation(node))
                continue
            if id(box) not in self.at:
                self._add(id(box), self._module(box))
            self.at[node] = self.at[id(box)]

    def _operation(self, node: Operation) -> Card:
        title, note = self._equality(node)
        return Card(
            "operation",
            title,
            brief(self.evaluated.values[node]),
            self._gradient(node),
            self._tip(node),
            [node],
            node in self.evaluated.ends,
            note,
        )

    def _module(self, box: Fold) -> Card:
        own, out, title = self._own_parameters(box), self._read_outside(box), self._title(box)
        count = sum(self.evaluated.values[p].size for p in own)
        parameters = self.say("parameters", count=f"{count:,}")
        both = self.say("folded module", kind=box.kind, parameters=parameters)
        note = both if count else box.kind
        if columns(note) > WIDEST + 1:
            note = "\n".join(cut(part, WIDEST) for part in (box.kind, parameters))
        norm = self._gradient_norm(own)
        operations = len(box.nodes)
        tip = [
            title,
            self.say("module tip", kind=box.kind, operations=operations, parameters=parameters),
        ]
        tip += [self.say("parameters' norm", norm=norm)] if norm else []
        tip += [self._tip(node) for node in out]
        card = Card("module", cut(title, WIDEST), tip="\n".join(tip), nodes=box.nodes, note=note)
        card.parameters = self.say("parameters' gradient", norm=norm) if norm else ""
        if out:
            equality = f"{self.names[out[-1]]} = {title}"
            card.title = equality if columns(equality) <= WIDEST else card.title
            card.value = brief(self.evaluated.values[out[-1]])
            card.gradient = self._gradient(out[-1])
        card.is_result = any(node in self.evaluated.ends for node in out)
        return card

    def _own_parameters(self, box: Fold) -> list[Node]:
        """Return the leaves with a gradient that are drawn in this box, not beside it."""
        leaves = {p for node in box.nodes for p in node.parents}
        wanted = self.evaluated.wanted
        return [p for p in wanted if p in leaves and p not in self.at]

    def _gradient_norm(self, leaves: Sequence[Node]) -> str:
        """Return the norm of the gradient of all these together, if there is one."""
        known = [g for p in leaves if (g := self.evaluated.gradient.get(p)) is not None]
        with np.errstate(all="ignore"):
            norms = [float(np.linalg.norm(g.astype(float).ravel())) for g in known]
            return f"{float(np.linalg.norm(norms)):.3g}" if known else ""

    def _read_outside(self, box: Fold) -> list[Node]:
        """Return the operations of a box whose values are results or read outside of it."""
        inside = set(box.nodes)
        read = {p for n in self.evaluated.graph.nodes if n not in inside for p in n.parents}
        return [n for n in box.nodes if n in read or n in self.evaluated.ends]

    # --- texts

    def _title(self, box: Fold) -> str:
        """Return what a box is called: the path of a module, or how much is in it."""
        if box.turns is not None:
            return self.say("turns", name=box.title, count=f"{box.turns:,}")
        if box.is_module:
            return box.title
        if box.rounds:
            return self.say("more rounds", count=box.rounds)
        return self.say("operations", count=len(box.nodes))

    def _numbers(self, x: ArrayLike) -> str:
        return numbers(x, self.say.table["array"])

    def _is_number(self, name: str) -> bool:
        return name in self._scalars

    def _equality(self, node: Operation) -> tuple[str, str]:
        """Return what stands on a card's first line, and on the next ones where it is too short."""
        name, text = self.names[node], self._formula(node)
        whole = f"{name} = {text}"
        if columns(whole) <= WIDEST:
            return whole, ""
        return cut(name, WIDEST), "\n".join(wrapped(f"= {text}", WIDEST, _FORMULA_LINES))

    def _formula(self, node: Operation) -> str:
        operands = node.operands(self.names, self._constant)
        code = node.primitive.write_source(*operands, **node.params)
        try:
            return self._reading.read(ast.parse(code, mode="eval").body).text
        except (SyntaxError, ValueError):
            return code

    def _constant(self, arg: ArrayLike | None) -> str:
        """Return a constant operand as it stands in a formula."""
        if arg is None:
            return "None"
        return f"{np.asarray(arg).item():.6g}" if np.size(arg) == 1 else self.say("constant")

    def _gradient(self, node: Node) -> str:
        g = self.evaluated.gradient.get(node)
        if g is None:
            return ""
        parts = self.evaluated.parts.get(node, [])
        if g.size == 1 and len(parts) > 1:
            terms = [brief(c) for c in reversed(parts)]
            total = f"∇ {' + '.join(terms).replace('+ -', '− ')} = {brief(g)}"
            if len(total) <= WIDEST:
                return total
        return f"∇ {brief(g)}"

    def _tip(self, node: Node) -> str:
        value, g = self.evaluated.values[node], self.evaluated.gradient.get(node)
        site = self.evaluated.call_site(node)
        formula = f" = {self._formula(node)}" if isinstance(node, Operation) else ""
        lines = [f"{self.names[node]}{formula}", f"{value.dtype} {value.shape}"]
        lines.append(f"{self.say('tip value')} {self._numbers(value)}")
        lines += [] if g is None else [f"{self.say('tip gradient')} {self._numbers(g)}"]
        lines += [call.path for call in site.calls[-1:] if call.path]
        return "\n".join([*lines, *([site.text] if site.text else [])])

    # --- arrows

    def _add_arrows(self) -> None:
        merged: dict[tuple[int, int], Arrow] = {}
        for node in self.evaluated.graph.nodes:
            for position, (arg, parent) in enumerate(node.edges()):
                key = parent if parent is not None else id(arg)
                source, target = self.at.get(key), self.at[node]
                if source is None or source == target:
                    continue
                folded = "module" in (self.cards[source].kind, self.cards[target].kind)
                arrow = merged.get((source, target)) if folded else None
                if arrow is None:
                    arrow = merged[source, target] = Arrow(source, target)
                    self.arrows.append(arrow)
                if parent is not None:
                    arrow.edges.append(Edge(parent, node, position))
        for arrow in self.arrows:
            self._label(arrow)

    def _label(self, arrow: Arrow) -> None:
        known = self.evaluated.contributions
        carried: dict[Node, Any] = {}
        for edge in arrow.edges:
            if edge in known:
                before = carried.get(edge.source)
                carried[edge.source] = known[edge] if before is None else before + known[edge]
        names = ", ".join(dict.fromkeys(self.names[edge.source] for edge in arrow.edges))
        arrow.tip = f"{names} → {self.cards[arrow.target].title}"
        if carried:
            arrow.flow = "some" if any(map(np.any, carried.values())) else "zero"
            first = next(iter(carried.values()))
            arrow.label = "" if len(carried) > 1 else brief(first, _LABEL) if np.any(first) else "0"
            arrow.tip += "".join(
                "\n" + self.say("adds to", name=self.names[node], array=self._numbers(c))
                for node, c in carried.items()
            )

    def leaves_of(self, cards: Collection[int]) -> set[int]:
        """Return the cards of parameters and constants that only these cards read."""
        readers: dict[int, set[int]] = {}
        for arrow in self.arrows:
            readers.setdefault(arrow.source, set()).add(arrow.target)
        return {
            index
            for index, card in enumerate(self.cards)
            if card.kind in LEAVES and readers.get(index, {-1}) <= set(cards)
        }

    def _frames(self) -> Iterator[tuple[Fold, list[int]]]:
        """Yield the open modules with the cards of their operations."""
        for each in self.folding.opened:
            yield each, sorted({self.at[node] for node in each.nodes})


def _names(evaluated: EvaluatedGraph, result: str, chosen: Mapping[Node, str]) -> dict[Node, str]:
    """Return the names of the graph's nodes; the result, if it has none, is called ``result``."""
    names = {**evaluated.graph.names, **chosen, **evaluated.paths}
    ends = evaluated.ends
    own = getattr(ends[0], "name", None) if ends else None
    given = own is not None and not re.fullmatch(r"[az]\d+", own)  # not by the user, for its role
    if len(ends) == 1 and not given and result not in names.values():
        names[ends[0]] = result
    return names
