"""The scale of a gradient on its way: which operations made it tiny or huge."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Array
from ...core.node import Node
from .event_log import Sweep
from .families import facts_of, is_movement, is_product, name_of
from .flow import Flow
from .gradient import Verdict, norm
from .zeros import certain, contributions, explain_cancellation, is_relu

# One operation alone is to blame if it makes at least this share of all decades.
_ALONE = 0.5
# A sum is a difference of rounding errors if it is this much smaller than its terms.
_CANCELLED = 1e-10
# A smaller slope mostly means that a function is close to one of its bounds.
_FLAT = 0.02
# In primitives of these kinds an entry may depend on a few entries only, as in a concatenation.
_LOCAL = frozenset(["elementwise", "linear", "multilinear"])


class GradientStep(NamedTuple):
    """An operation on the way, and the factor that it multiplied the cotangent's norm by."""

    node: Node
    position: int
    factor: float

    @property
    def decades(self) -> float:
        """The factor's logarithm to base 10."""
        return math.log10(self.factor) if 0 < self.factor < math.inf else 0.0


def find_scale(flow: Flow, sweep: Sweep, leaf: Node, *, tiny: bool) -> Verdict:
    """Return what made the gradient of a leaf tiny, or huge."""
    steps = way(sweep, leaf)
    cancelled = [step for step in steps if tiny and _is_cancelled(sweep, step)]
    if cancelled:
        return explain_cancellation(flow, sweep, (cancelled[0].node, cancelled[0].position))
    worst = _alone(steps, tiny)
    if worst is None:
        return _by_many(flow, steps, tiny)
    rise = _growth(worst)
    if _total(rise, tiny) < _ALONE * _total([worst], tiny):
        return _by_one(flow, worst, tiny)
    # Its operand is what is tiny or huge: go on to what made that.
    worst = _alone(rise, tiny)
    return _by_many(flow, rise, tiny) if worst is None else _by_one(flow, worst, tiny)


def _total(steps: Sequence[GradientStep], tiny: bool) -> float:
    """Return by how many powers of ten the norm changes in the wrong direction."""
    return sum(step.decades for step in steps) * (-1.0 if tiny else 1.0)


def _alone(steps: Sequence[GradientStep], tiny: bool) -> GradientStep | None:
    """Return the one operation that is to blame, if there is one."""
    worst = max(steps, key=lambda step: _total([step], tiny))
    return worst if _total([worst], tiny) >= _ALONE * _total(steps, tiny) else None


def _growth(step: GradientStep) -> list[GradientStep]:
    """Return the operations that gave an operand of a product its norm, and their factors."""
    node = step.node
    if not is_product(node) or len(node.parents) != 2:
        return []
    here, steps = node.parents[1 - step.position], []
    while here is not None and here.primitive is not None:
        sizes = [norm(arg) if parent is not None else -1.0 for arg, parent in here.edges()]
        position = int(np.argmax(sizes))
        factor = norm(here.output) / sizes[position] if sizes[position] else math.inf
        steps.append(GradientStep(here, position, factor))
        here = here.parents[position]
    return steps


def _by_many(flow: Flow, steps: Sequence[GradientStep], tiny: bool) -> Verdict:
    """Report several operations: they saturate, or their small factors add up."""
    flat = [step for step in steps if tiny and _is_flat(step)]
    if flat and _total(flat, tiny) >= _ALONE * _total(steps, tiny):
        return _saturated(flow, min(flat, key=lambda step: step.decades), len(flat))
    return _by_layers(flow, steps, tiny)


def way(sweep: Sweep, leaf: Node) -> list[GradientStep]:
    """Return the operations from a leaf to the loss along the greatest contributions.

    Where a value depends on the leaf in some of its entries only, as a concatenation does, these
    entries are followed.
    """
    given = contributions(sweep)
    steps, here, region = [], leaf, None
    while given[here]:
        sizes = [_size(sweep.parts[node][position], region) for node, position in given[here]]
        node, position = given[here][int(np.argmax(sizes))]
        after = _size(sweep.cotangents[here], region)
        region = _moved(node, position, region)
        before = _size(sweep.cotangents[node], region)
        steps.append(GradientStep(node, position, after / before if before else math.inf))
        here = node
    return steps


def _size(g: Array, region: Any) -> float:
    """Return the norm of a cotangent's entries in a region, or of all its entries."""
    return norm(g if region is None or np.shape(g) != region.shape else np.where(region, g, 0))


def _moved(node: Node, position: int, region: Any) -> Any:
    """Return which entries of a result depend on a region of an argument; None if all do."""
    primitive = node.primitive
    if primitive is None or primitive.jvp is None or primitive.kind not in _LOCAL:
        return None
    x = np.asarray(node.args[position])
    start = np.ones_like(x) if region is None or region.shape != x.shape else region.astype(x.dtype)
    tangents = [start if n == position else None for n in range(len(node.args))]
    with np.errstate(all="ignore"):
        moved = np.asarray(primitive.jvp(tangents, node.output, node.args, node.params)) != 0
    return None if moved.all() or not moved.any() else moved


def _is_cancelled(sweep: Sweep, step: GradientStep) -> bool:
    """Return whether entries that are summed up, by broadcasting or of softmax, cancel out."""
    part = np.asarray(sweep.parts[step.node][step.position])
    parent = step.node.parents[step.position]
    if parent is None or parent not in sweep.cotangents:
        return False
    whole = norm(sweep.cotangents[parent])
    if whole < _CANCELLED * norm(part):
        return True
    name = name_of(step.node)
    g = norm(sweep.cotangents[step.node])
    if name == "softmax":
        return whole < _CANCELLED * g and float(np.max(step.node.output)) < 1 - 1e-6
    return False


def _is_flat(step: GradientStep) -> bool:
    return facts_of(step.node).saturates and step.factor < _FLAT


def _by_one(flow: Flow, step: GradientStep, tiny: bool) -> Verdict:
    """Report the one operation that made most of the change."""
    node, name = step.node, name_of(step.node)
    cause = _cause(step, tiny)
    words = f"{name} multiplies the gradient by {step.factor:.2g}"
    operand = _operand(step)
    if name == "softmax_cross_entropy" and tiny:
        cause, words = "stationary", certain(node)
    elif cause == "saturation":
        low, high = float(np.min(node.args[0])), float(np.max(node.args[0]))
        words = (
            f"{name} is saturated: for arguments from {low:.4g} to {high:.4g} its slope is "
            f"about {step.factor:.2g}"
        )
    elif operand is not None:
        words += f", where its operand has the norm {operand:.3g}"
    return Verdict(cause, flow.lines.get(node), words, {"primitive": name, "factor": step.factor})


def _cause(step: GradientStep, tiny: bool) -> str:
    node, facts = step.node, facts_of(step.node)
    if tiny:
        if facts.saturates:
            return "saturation"
        if is_relu(node) or facts.selects:
            return "masked"
        return "scale" if is_product(node) or is_movement(node) else "stationary"
    divisor = name_of(node) == "divide" and step.position == 1
    if is_product(node) and not divisor and not _divides_by_value(step):
        return "scale"
    return "steep"


def _divides_by_value(step: GradientStep) -> bool:
    """Return whether a quotient's denominator was computed, not a constant factor."""
    return name_of(step.node) == "divide" and step.node.parents[1] is not None


def _operand(step: GradientStep) -> float | None:
    args = step.node.args
    if len(args) == 2 and args[1 - step.position] is not None:
        return norm(args[1 - step.position])
    return norm(args[0]) if args else None


def _saturated(flow: Flow, step: GradientStep, count: int) -> Verdict:
    name = name_of(step.node)
    words = (
        f"{count} applications of {name} on the way are saturated; the worst, here, multiplies "
        f"the gradient by {step.factor:.2g}"
    )
    return Verdict("saturation", flow.lines.get(step.node), words, {"primitive": name})


def _by_layers(flow: Flow, steps: Sequence[GradientStep], tiny: bool) -> Verdict:
    """Report many operations, each of which made a little of the change."""
    decades: dict[Any, float] = defaultdict(float)
    for step in steps:
        decades[flow.lines.get(step.node)] += step.decades
    where = (min if tiny else max)(decades, key=lambda line: decades[line])
    here = [step for step in steps if flow.lines.get(step.node) == where]
    total = sum(step.decades for step in steps)
    words = (
        f"over {len(steps)} operations the norm changes by 10^{total:.1f}, layer by layer; "
        f"{len(here)} of them, on this line, make 10^{decades[where]:.1f} of it"
    )
    return Verdict("vanishing" if tiny else "exploding", where, words, {"decades": total})
