"""A crash is an error that the backward pass raised, which a transpose may have prevented."""

from __future__ import annotations

import numpy as np

from ...core.annotations import Array
from .attributes import gradient_names
from .compared_call import ComparedCall
from .comparison import agree
from .repairs import REPAIRS, Repair, RepairedProduct, mended
from .report import Finding
from .steps import Steps


def explain_crash(call: ComparedCall, steps: Steps) -> Finding:
    """Return the finding for a pass that raised."""
    for side, repair in REPAIRS.items():
        finding = _of_product(call, steps, side, repair)
        if finding is not None:
            return finding
    name, error = _named_in(call), call.attempt.error
    spoiled = [each for each in (name, *_in_order(call)) if call.differing & {*call.way(each)}]
    name = next(iter(spoiled), name)
    term = call.first_spoiled([name], call.differing)
    detail = _with_place(call, f"{type(error).__name__}: {error}")
    return Finding("crash", name, term, detail, step=steps.of(term, name))


def _of_product(call: ComparedCall, steps: Steps, side: str, repair: Repair) -> Finding | None:
    """Return the finding if all is right with the products that failed repaired, else None."""
    products: list[RepairedProduct] = []
    found = None if call.retry is None else call.retry(lambda x: mended(x, repair, products))
    if not products or found is None or found.attempt.error or found.wrong:
        return None
    name, term = _computed(call, products[0].result) or (_named_in(call),) * 2
    which = "both operands" if side == "both" else f"the {side} operand"
    detail = f"{products[0].text} does not exist; with {which} transposed all is right"
    step = steps.of(term, name)
    return Finding("transpose", name, term, _with_place(call, detail), step=step)


def _with_place(call: ComparedCall, text: str) -> str:
    return f"{text} ({call.attempt.place})" if call.attempt.place else text


def _computed(call: ComparedCall, result: Array) -> tuple[str, str] | None:
    """Return the gradient and the term that a repaired product is, up to a constant factor."""
    for name, expected in call.expected.items():
        if _is_multiple(result, expected):
            return name, name
    if call.run is None:
        return None
    names = list(call.arrays)
    for node, cotangent in call.cotangents.items():
        if node not in call.run.graph.nodes or not _is_multiple(result, cotangent):
            continue
        for name in _in_order(call):
            if call.run.between(call.run.inputs[names.index(name)], node):
                return name, call.run.graph.names[node]
    return None


def _is_multiple(x: Array, y: Array) -> bool:
    if x.shape != y.shape or not np.any(y) or not np.all(np.isfinite(x)):
        return False
    factor = float(np.sum(x * y) / np.sum(y * y))
    return factor != 0 and agree(x / factor, y, 1e-6)


def _in_order(call: ComparedCall) -> list[str]:
    return sorted(call.expected, key=call.backward_order)


def _named_in(call: ComparedCall) -> str:
    """Return the gradient that the line which raised is about, or else the first."""
    target = call.attempt.place.partition(": ")[2].partition("=")[0].strip()
    target = target.removeprefix("self.").rstrip("-+*/ ")
    for name in call.expected:
        own = name.rpartition(".")[2]
        if target and target in (own, *gradient_names(own)):
            return name
    return next(iter(_in_order(call)), "")
