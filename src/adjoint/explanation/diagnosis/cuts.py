"""Cuts: why a leaf has no gradient, found where the first link towards the loss is broken."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.node import Node
from .event_log import Cut
from .families import name_of
from .flow import Flow, FlowPoint, Link
from .gradient import Verdict

# The first of these is reported where there are several cuts. Those that most look like a mistake
# come first; masks and indices, which often are none, come last.
_RANK = (
    *("float", "int", "numpy", "unsupported", "no_grad", "detach", "item", "tensor", "copy"),
    *("data", "buffer", "stop_gradient", "integer_cast", "rounding", "argmax", "no_derivative"),
    "comparison",
)
# At these cuts numbers go to NumPy or Python, and may come back as new objects.
EXITS = frozenset(["float", "int", "item", "numpy", "copy", "tensor"])
# Numbers that are read by .data leave without a trace.
_UNSEEN = "what NumPy makes of its array .data would not be seen"
_WORDS = {
    "argmax": "{name} gives places, which do not vary smoothly: no gradient passes",
    "comparison": "{name} gives truth values, which do not vary smoothly: no gradient passes",
    "copy": "a copy was made, which is a leaf of its own",
    "buffer": "a buffer keeps the numbers that are assigned to it, without their graph",
    "data": "the plain array behind the tensor was used: {name} did not see the graph",
    "detach": ".detach() gives a constant with the same numbers",
    "float": "float() gives a Python number, which remembers no graph",
    "int": "int() gives a Python number, which remembers no graph",
    "integer_cast": "the conversion to {dtype} has no derivative",
    "item": ".item() or .tolist() gives Python numbers, which remember no graph",
    "no_derivative": "{name} has no derivative",
    "no_grad": "{name} was applied inside ad.no_grad(){begun}, where nothing is recorded",
    "numpy": "a NumPy array was made of it, which remembers no graph",
    "rounding": "{name} gives integers, which do not vary smoothly: no gradient passes",
    "stop_gradient": "stop_gradient gives a constant with the same numbers",
    "tensor": "ad.tensor(...) copies the numbers into a new tensor without history",
    "unsupported": "a NumPy function without a derivative was called",
}


def find_cut(flow: Flow, leaf: Node, target: FlowPoint | None) -> Verdict | None:
    """Return where the graph from a leaf to a value is cut; None if it is not.

    Without a target the leaf's numbers are followed as far as they went.
    """
    connected = flow.connected(leaf)
    if target in connected:
        return None
    reaching = flow.before(target) if target is not None else set()
    broken = _broken(flow, connected)
    on_the_way = [link for link in broken if link.target in reaching]
    if on_the_way:
        return _told(_worst(on_the_way))
    return _lost(flow, leaf, target, connected, broken)


def _broken(flow: Flow, places: Iterable[FlowPoint]) -> list[Link]:
    return [link for p in places for link in flow.forward[p] if link.broken is not None]


def _worst(links: list[Link]) -> Link:
    return min(links, key=lambda link: (_RANK.index(link.broken or "comparison"), _age(link)))


def _age(link: Link) -> int:
    return link.target.order if isinstance(link.target, Node) else 0


def _lost(
    flow: Flow, leaf: Node, target: FlowPoint | None, connected: set[FlowPoint], broken: list[Link]
) -> Verdict:
    """Report a leaf whose numbers did not visibly reach the loss."""
    refused = [link for link in broken if _refused(link)]
    if refused:
        return _told(refused[-1])
    # New objects that NumPy or Python made of the numbers cannot be followed by their identity, so
    # that an exit is the likely cut.
    exits = [link for link in broken if link.broken in EXITS]
    if exits:
        return _told(_worst(exits))
    if broken:
        return _told(_worst(broken))
    used = [place for place in connected if place is not leaf and isinstance(place, Node)]
    if used:
        last = max(used, key=lambda node: node.order)
        return Verdict(
            "unconnected",
            flow.lines.get(last),
            f"its last use is here, in {name_of(last)}, whose result did not reach the loss by "
            f"operations on tensors; {_UNSEEN}",
            {"primitive": name_of(last)},
        )
    return _unused(flow, leaf, target)


def _unused(flow: Flow, leaf: Node, target: FlowPoint | None) -> Verdict:
    made = flow.lines.get(leaf)
    if made is not None:
        words = f"it was made here, and no operation on tensors used it; {_UNSEEN}"
        return Verdict("unused", made, words, {})
    where = flow.lines.get(target) if isinstance(target, Node) else None
    words = "no operation on tensors used it" + (
        ", and the loss was computed here" if where else ""
    )
    return Verdict("unused", where, f"{words}; {_UNSEEN}", {})


def _refused(link: Link) -> bool:
    return isinstance(link.target, Cut) and link.target.refused


def _told(link: Link) -> Verdict:
    cause = link.broken or "no_derivative"
    node = link.target if isinstance(link.target, Node) else None
    begun = f", begun at {link.muted.line}" if link.muted is not None else ""
    words = _WORDS[cause].format(
        name=name_of(node) if node is not None else "an operation",
        dtype=node.output.dtype if node is not None else "",
        begun=begun,
    )
    if _refused(link):
        words += "; the conversion was refused, since it would have cut the graph silently"
    details = {"primitive": name_of(node)} if node is not None else {}
    return Verdict(cause, link.line, words, details)
