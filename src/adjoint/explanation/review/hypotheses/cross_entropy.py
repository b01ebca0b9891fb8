"""Mistakes in the gradient of softmax or sigmoid with cross-entropy, g (σ(a) - t) / N at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ....core.annotations import Array
from ..compared_call import ComparedCall
from ..comparison import agree
from .hypothesis import Hypothesis, altered, total
from .softmax import softmax

Squash = Callable[[Array], Array]
Difference = Callable[[Array, Array], Array]
Change = Callable[[ComparedCall, Array], Array | None]
Size = Callable[[ComparedCall, int], float]


def sigmoid(u: Array) -> Array:
    """Return the logistic function of an array."""
    return np.asarray(1 / (1 + np.exp(-u)))


# Gives the number by which the sum of the loss over all entries is divided.
_SIZES: tuple[Size, ...] = (
    lambda call, position: 1.0,
    lambda call, position: float(max(call.batch, 1)),
    lambda call, position: float(call.value(position).size),
)


def of_cross_entropy(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield mistakes at each value whose cotangent has the form, which finds the target too."""
    for position in range(len(call.order)):
        for squash in (softmax, sigmoid):
            for size in _SIZES:
                if _target(call, position, squash, size) is not None:
                    yield from _of_logits(call, position, squash, size)
                    break


def _target(call: ComparedCall, position: int, squash: Squash, size: Size) -> Array | None:
    """Return t where the cotangent of a value a is g (σ(a) - t) / size, else None."""
    u, d = call.value(position), call.cotangents.get(call.order[position])
    if d is None or u.ndim <= call.g.ndim or call.g.ndim > 1 or np.any(call.g == 0):
        return None
    if call.g.ndim and call.g.shape[0] != u.shape[0]:
        return None
    target = np.asarray(squash(u) - d * size(call, position) / _over_rows(call))
    rounded = np.round(target)
    is_code = bool(np.all((rounded == 0) | (rounded == 1)))
    if is_code and agree(target, rounded, 1e-6) and np.any(rounded):
        return rounded
    inputs = [call.value(n) for n in range(len(call.arrays))]
    return target if any(agree(target, array, 1e-6) for array in inputs) else None


def _over_rows(call: ComparedCall) -> Array:
    return call.g[..., None] if call.g.ndim else call.g


def _of_logits(
    call: ComparedCall, position: int, squash: Squash, size: Size
) -> Iterator[Hypothesis]:
    for mistake, detail, formula in _formulas(call.text(position), squash):
        change = _instead(formula, position, squash, size)
        yield altered(mistake, position, detail, total(position, change))
        more = f"{detail}, and the mean's 1/N is not there"
        yield altered(mistake, position, more, total(position, _times_batch(change)))


def _instead(formula: Difference, position: int, squash: Squash, size: Size) -> Change:
    """Return the change of the cotangent to a formula of the value and the target."""

    def change(s: ComparedCall, _: Array) -> Array | None:
        t = _target(s, position, squash, size)
        if t is None:
            return None
        d = _over_rows(s) * formula(s.value(position), t) / size(s, position)
        return np.asarray(d)

    return change


def _times_batch(change: Change) -> Change:
    def scaled(s: ComparedCall, g: Array) -> Array | None:
        changed = change(s, g)
        return None if changed is None else s.batch * changed

    return scaled


def _formulas(a: str, squash: Squash) -> Iterator[tuple[str, str, Difference]]:
    """Yield what stands where σ(a) - t belongs: mistake, detail, formula."""
    name = squash.__name__
    belongs = f"stands where {name}({a}) belongs"
    yield "operand", f"{a} {belongs}", lambda u, t: u - t
    yield "operand", f"log {name}({a}) {belongs}", lambda u, t: np.log(squash(u)) - t
    yield "operand", f"exp({a}) {belongs}, not normalised", lambda u, t: np.exp(u) - t
    yield "operand", f"sigmoid({a}) {belongs}", lambda u, t: sigmoid(u) - t
    yield "operand", f"softmax({a}) {belongs}", lambda u, t: softmax(u) - t
    yield "missing_term", "the target is not subtracted", lambda u, t: squash(u)
    yield "missing_term", "only the target is there", lambda u, t: -t
    yield "sign", "the target is added", lambda u, t: squash(u) + t
    yield "axis", "softmax is taken over axis 0", lambda u, t: softmax(u, 0) - t
    if squash is softmax:
        detail = "the derivative of softmax is applied as if elementwise, again"
        yield (
            "softmax_diagonal",
            detail,
            lambda u, t: (softmax(u) - t) * softmax(u) * (1 - softmax(u)),
        )
