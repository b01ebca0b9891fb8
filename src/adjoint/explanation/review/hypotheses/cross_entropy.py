"""Mistakes in the gradient of softmax or sigmoid with cross-entropy, g (σ(a) - t) / n at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ....core.annotations import Array
from ..compared_call import ComparedCall
from ..comparison import agree
from ..traced_run import Alteration
from .hypothesis import Alter, Hypothesis, altered, total
from .softmax import softmax

Squash = Callable[[Array], Array]
Difference = Callable[[Array, Array], Array]

# A small ε inside of the logarithm, or a clipped probability, moves the gradient by so much.
_CLIPPING = 1e-4


def sigmoid(u: Array) -> Array:
    """Return the logistic function of an array."""
    return np.asarray(1 / (1 + np.exp(-u)))


class Target(NamedTuple):
    """The target t of a loss whose gradient is g (σ(a) - t) / n, with g as it stands there."""

    t: Array
    n: float
    g: Array


class Link(NamedTuple):
    """What makes probabilities of logits: softmax along an axis, or sigmoid if there is none."""

    axis: int | None

    @property
    def name(self) -> str:
        """The function's name."""
        return "sigmoid" if self.axis is None else "softmax"

    def __call__(self, u: Array) -> Array:
        """Return the probabilities."""
        return sigmoid(u) if self.axis is None else softmax(u, self.axis)

    def cotangent(self, call: ComparedCall, shape: tuple[int, ...]) -> Array | None:
        """Return the output's cotangent, repeated for each logit; None if it does not fit."""
        g = call.g
        if np.any(g == 0):
            return None
        if g.ndim == 0 or (self.axis is None and g.shape == shape):
            return np.broadcast_to(g, shape)
        # A loss of one number for each row.
        axis = len(shape) - 1 if self.axis is None else self.axis
        fits = g.shape == (*shape[:axis], *shape[axis + 1 :])
        return np.broadcast_to(np.expand_dims(g, axis), shape) if fits else None


def of_cross_entropy(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield mistakes at each value whose cotangent has the form, which finds target and n too."""
    found: dict[tuple[Link, float, tuple[int, ...]], list[int]] = {}
    for position in range(len(call.order)):
        ndim = call.value(position).ndim
        if not ndim or call.order[position] not in call.cotangents:
            continue
        for link in (*map(Link, range(ndim - 1, -1, -1)), Link(None)):
            target = _target(call, position, link)
            if target is not None:
                yield from _of_logits(call, [position], link, target.n)
                found.setdefault((link, target.n, call.value(position).shape), []).append(position)
                break
    for (link, n, _), positions in found.items():
        # A loop over rows makes the same mistake in each of them.
        apart = _apart(call, positions)
        if len(apart) > 1:
            yield from _of_logits(call, apart, link, n)


def _apart(call: ComparedCall, positions: list[int]) -> list[int]:
    """Return those of the values that are not made from another one of them."""
    assert call.run is not None
    apart: list[int] = []
    for position in positions:
        node = call.order[position]
        if not any(call.run.between(call.order[first], node) for first in apart):
            apart.append(position)
    return apart


def _target(call: ComparedCall, position: int, link: Link) -> Target | None:
    """Return what makes the cotangent of a value g (σ(a) - t) / n, or None."""
    u, d = call.value(position), call.cotangents.get(call.order[position])
    g = link.cotangent(call, u.shape)
    if d is None or g is None or not np.any(d) or not np.all(np.isfinite(u)):
        return None
    p = link(u)
    for t in _codes(p, d, g), *_distributions(call, u.shape):
        n = _divisor(g * (p - t), d) if t is not None else None
        if t is not None and n is not None:
            return Target(t, n, g)
    return None


def _codes(p: Array, d: Array, g: Array) -> Array | None:
    """Return t if it is 0 or 1 everywhere: the cotangent has the sign of g where it is 0."""
    t = np.asarray(d * g < 0, np.float64)
    return t if np.any(t) else None


def _distributions(call: ComparedCall, shape: tuple[int, ...]) -> Iterator[Array]:
    """Yield the arguments that may be a target which is not a code."""
    for position in range(len(call.arrays)):
        if call.value(position).shape == shape:
            yield call.value(position)


def _divisor(difference: Array, d: Array) -> float | None:
    """Return n where d = difference / n, by least squares, else None."""
    n = float(np.sum(difference * d) / np.sum(d * d))
    if not np.isfinite(n) or n <= 0:
        return None
    return _rounded(n) if agree(difference, n * d, _CLIPPING) else None


def _rounded(n: float) -> float:
    return float(round(n)) if abs(n - round(n)) <= _CLIPPING * n and n > 0.5 else n


def _of_logits(
    call: ComparedCall, positions: list[int], link: Link, n: float
) -> Iterator[Hypothesis]:
    a, ndim = call.text(positions[0]), call.value(positions[0]).ndim
    incoming = "" if np.all(call.g == 1) else "g * "
    short = a if a.isidentifier() else "logits"
    right = f"{incoming}({link.name}({short}) - target)" + (f" / {n:g}" if n != 1 else "")
    for mistake, detail, formula in _formulas(a, link, ndim):
        for more, factor in _factors(call, n):
            changes = [total(p, _instead(formula, p, link, factor)) for p in positions]
            words = f"{detail}{more}; right is {right}"
            yield altered(mistake, positions[0], words, _together(changes))


def _together(changes: list[Alter]) -> Alter:
    def alter(call: ComparedCall) -> Alteration | None:
        every = [change(call) for change in changes]
        known = [each for each in every if each is not None]
        return functools.reduce(Alteration.then, known) if len(known) == len(every) else None

    return alter


def _factors(call: ComparedCall, n: float) -> Iterator[tuple[str, Callable[[float], float]]]:
    """Yield what may be wrong with 1/n besides: nothing at first."""
    yield "", lambda n: 1.0
    if n != 1:
        yield ", and the mean's 1/N is not there", lambda n: n
    elif call.batch > 1:
        yield f", and it is divided by N = {call.batch}", lambda n: 1 / call.batch


def _instead(
    formula: Difference, position: int, link: Link, factor: Callable[[float], float]
) -> Callable[[ComparedCall, Array], Array | None]:
    """Return the change of the cotangent to a formula of the value and the target."""

    def change(s: ComparedCall, _: Array) -> Array | None:
        target = _target(s, position, link)
        if target is None:
            return None
        d = target.g * formula(s.value(position), target.t) / target.n
        return np.asarray(factor(target.n) * d)

    return change


def _formulas(a: str, link: Link, ndim: int) -> Iterator[tuple[str, str, Difference]]:
    """Yield what stands where σ(a) - t belongs: mistake, detail, formula."""
    belongs = f"stands where {link.name}({a}) belongs"
    along = functools.partial(softmax, axis=-1 if link.axis is None else link.axis)
    yield "operand", f"{a} {belongs}", lambda u, t: u - t
    yield "operand", f"log {link.name}({a}) {belongs}", lambda u, t: np.log(link(u)) - t
    yield "operand", f"exp({a}) {belongs}, not normalised", lambda u, t: np.exp(u) - t
    yield "operand", f"sigmoid({a}) {belongs}", lambda u, t: sigmoid(u) - t
    yield "operand", f"softmax({a}) {belongs}", lambda u, t: along(u) - t
    yield "missing_term", "the target is not subtracted", lambda u, t: link(u)
    yield "missing_term", "only the target is there", lambda u, t: -t
    yield "sign", "the target is added", lambda u, t: link(u) + t
    if link.axis is not None:
        yield from _of_softmax(link, link.axis, ndim)


def _of_softmax(link: Link, axis: int, ndim: int) -> Iterator[tuple[str, str, Difference]]:
    for other in (*range(ndim), None):
        if other != axis:
            where = "all axes" if other is None else f"axis {other}, not {axis}"
            yield "axis", f"softmax is taken over {where}", _along(other)
    yield (
        "softmax_diagonal",
        "the derivative of softmax is applied as if elementwise, again",
        lambda u, t: (link(u) - t) * link(u) * (1 - link(u)),
    )


def _along(axis: int | None) -> Difference:
    return lambda u, t: softmax(u, axis) - t
