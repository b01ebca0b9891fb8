"""The first operation that made a NaN or an infinity, in the forward or in the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.annotations import Array
from ...core.node import Node
from .event_log import Sweep
from .families import name_of
from .flow import Flow
from .gradient import Verdict, share

# How else than "log of 0" is said what usually makes an operation leave the numbers.
_WORDS = {
    "sqrt": "the root of {bad}",
    "divide": "a division by {bad}",
    "reciprocal": "1 over {bad}",
    "power": "a power of {bad}",
}


def find_nonfinite(flow: Flow, sweep: Sweep) -> Verdict | None:
    """Return the origin of what is not finite in a sweep; None if all of it is finite."""
    start = sweep.start
    if _bad(start.output):
        return forward_origin(flow, start)
    for node, parts in sweep.parts.items():  # in the order of the sweep
        given = sweep.cotangents.get(node)
        if _bad(given):
            return _by_accumulation(flow, node)
        for position, part in enumerate(parts):
            if _bad(part):
                return _backward(flow, node, position, part)
    for node, g in sweep.cotangents.items():
        if _bad(g):
            return _by_accumulation(flow, node)
    return None


def forward_origin(flow: Flow, node: Node) -> Verdict:
    """Return the first of the operations that led to a value which made it NaN or infinite."""
    order = sorted(
        (p for p in flow.before(node) if isinstance(p, Node) and p.primitive is not None),
        key=lambda p: p.order,
    )
    for made in order:
        if not _bad(made.output):
            continue
        guilty = [n for n, arg in enumerate(made.args) if _bad(arg)]
        return _input(flow, made, guilty[0]) if guilty else _forward(flow, made)
    word = _word(node.output)
    return Verdict(f"{word}_input", None, "the value itself is not finite", {})


def _forward(flow: Flow, node: Node) -> Verdict:
    name, word = name_of(node), _word(node.output)
    wrong = ~np.isfinite(node.output)
    words = f"{name} is the first operation that gave {word}, in {share(wrong)} entries"
    reason = _reason(node, wrong)
    return Verdict(
        f"{word}_forward",
        flow.lines.get(node),
        words + (f": {reason}" if reason else ", from finite arguments"),
        {"primitive": name, "entries": int(wrong.sum())},
    )


def _reason(node: Node, wrong: Any) -> str | None:
    """Return in words which argument led out of the numbers; None where that is not known."""
    primitive, name = node.primitive, name_of(node)
    if primitive is None or primitive.kind != "elementwise":
        return None
    if name not in _WORDS and len(node.args) > 1:
        return None  # any of the arguments may be the cause
    culprit = node.args[1] if name_of(node) == "divide" else node.args[0]
    entries = np.broadcast_to(np.asarray(culprit), wrong.shape)[wrong]
    words = _WORDS.get(name, f"{name} of {{bad}}").format(bad=f"{float(entries[0]):.6g}")
    # A function that flattens out on one side, as exp, has no pole besides 0. So an infinity at
    # another argument is an overflow, and the dtype is worth telling.
    overflows = primitive.facts.saturates and entries[0] != 0
    return f"{words}, which is more than {node.output.dtype} holds" if overflows else words


def _input(flow: Flow, node: Node, position: int) -> Verdict:
    """Report numbers that were not finite when the program began."""
    bad, parent = np.asarray(node.args[position]), node.parents[position]
    what = "a parameter" if parent is not None else "an array handed in"
    words = (
        f"{what} of shape {bad.shape} has {_word(bad)} in {share(~np.isfinite(bad))} entries "
        f"already; {name_of(node)} is the first operation on it"
    )
    return Verdict(f"{_word(bad)}_input", flow.lines.get(node), words, {"primitive": name_of(node)})


def _backward(flow: Flow, node: Node, position: int, part: Array) -> Verdict:
    """Report the rule that made it, or its forward pass if a mask had hidden that."""
    name, word = name_of(node), _word(part)
    if any(map(_bad, (node.output, *node.args))):
        return forward_origin(flow, node)
    argument = np.asarray(node.args[position])
    wrong = ~np.isfinite(part)
    words = f"the slope of {name} is {word} in {share(wrong)} entries"
    if wrong.shape == argument.shape:
        words += f", where its argument is {float(argument[wrong].ravel()[0]):.6g}"
    return Verdict(
        f"{word}_backward", flow.lines.get(node), words, {"primitive": name, "argument": position}
    )


def _by_accumulation(flow: Flow, node: Node) -> Verdict:
    return Verdict(
        "inf_backward",
        flow.lines.get(node),
        f"the contributions to the gradient of what {name_of(node)} gave are finite, but their "
        "sum is not",
        {"primitive": name_of(node)},
    )


def _bad(x: ArrayLike | None) -> bool:
    array = np.asarray(x) if x is not None else np.zeros(())
    return array.dtype.kind == "f" and not np.isfinite(array).all()


def _word(x: ArrayLike) -> str:
    return "nan" if np.isnan(x).any() else "inf"
