"""A crash is an error that the backward pass raised, which a transpose may have prevented."""

from __future__ import annotations

from typing import Any

import numpy as np

from .attributes import gradient_names
from .comparison import agree
from .products import REPAIRS, Product, Repair, mended
from .report import Finding
from .scene import Scene
from .steps import Steps

Array = np.ndarray[Any, Any]


def explain_crash(scene: Scene, steps: Steps) -> Finding:
    """Return the finding for a pass that raised."""
    for side, repair in REPAIRS.items():
        finding = _of_product(scene, steps, side, repair)
        if finding is not None:
            return finding
    name, error = _named_in(scene), scene.attempt.error
    spoiled = [each for each in (name, *_in_order(scene)) if scene.differing & {*scene.way(each)}]
    name = next(iter(spoiled), name)
    term = scene.first_spoiled(name, scene.differing)
    detail = _with_place(scene, f"{type(error).__name__}: {error}")
    return Finding("crash", name, term, detail, step=steps.of(term, name))


def _of_product(scene: Scene, steps: Steps, side: str, repair: Repair) -> Finding | None:
    """Return the finding if all is right with the products that failed repaired, else None."""
    products: list[Product] = []
    found = None if scene.retry is None else scene.retry(lambda x: mended(x, repair, products))
    if not products or found is None or found.attempt.error or found.wrong:
        return None
    name, term = _computed(scene, products[0].result) or (_named_in(scene),) * 2
    which = "both operands" if side == "both" else f"the {side} operand"
    detail = f"{products[0].text} does not exist; with {which} transposed all is right"
    step = steps.of(term, name)
    return Finding("transpose", name, term, _with_place(scene, detail), step=step)


def _with_place(scene: Scene, text: str) -> str:
    return f"{text} ({scene.attempt.place})" if scene.attempt.place else text


def _computed(scene: Scene, result: Array) -> tuple[str, str] | None:
    """Return the gradient and the term that a repaired product is, up to a constant factor."""
    for name, expected in scene.expected.items():
        if _is_multiple(result, expected):
            return name, name
    if scene.record is None:
        return None
    names = list(scene.arrays)
    for node, cotangent in scene.cotangents.items():
        if node not in scene.record.graph.nodes or not _is_multiple(result, cotangent):
            continue
        for name in _in_order(scene):
            if scene.record.between(scene.record.inputs[names.index(name)], node):
                return name, scene.record.graph.names[node]
    return None


def _is_multiple(x: Array, y: Array) -> bool:
    if x.shape != y.shape or not np.any(y) or not np.all(np.isfinite(x)):
        return False
    factor = float(np.sum(x * y) / np.sum(y * y))
    return factor != 0 and agree(x / factor, y, 1e-6)


def _in_order(scene: Scene) -> list[str]:
    return sorted(scene.expected, key=scene.backward_order)


def _named_in(scene: Scene) -> str:
    """Return the gradient that the line which raised is about, or else the first."""
    target = scene.attempt.place.partition(": ")[2].partition("=")[0].strip()
    target = target.removeprefix("self.").rstrip("-+*/ ")
    for name in scene.expected:
        own = name.rpartition(".")[2]
        if target and target in (own, *gradient_names(own)):
            return name
    return next(iter(_in_order(scene)), "")
