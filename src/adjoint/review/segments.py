"""A segment is the way from one value to a later one of the same shape: an activation, a softmax.

Its mistakes do not depend on the primitives that the forward pass happened to be written with, so
its derivative is found by a sweep from end to start, and altered as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core import Node
from .comparison import agree
from .hypotheses import Hypothesis, altered, name_of
from .record import Alteration
from .scene import Scene

Array = np.ndarray[Any, Any]
# From the cotangent of the end, the start's value and the end's: the cotangent of the start.
Formula = Callable[[Array, Array, Array], Array]

# A Jacobian is looked at entry by entry up to this size.
_LARGEST = 96

# Expressions that derivatives of activations are written with, of the output or of the input.
_SHAPES: dict[str, Callable[[Array], Array]] = {
    "{z} * (1 - {z})": lambda z: z * (1 - z),
    "1 - {z}**2": lambda z: 1 - z * z,
    "{z} > 0": lambda z: (z > 0) * 1.0,
    "{z} < 0": lambda z: (z < 0) * 1.0,
    "{z}": lambda z: z,
    "1 - {z}": lambda z: 1 - z,
    "1 + {z}": lambda z: 1 + z,
    "{z} * (1 + {z})": lambda z: z * (1 + z),
    "1 + {z}**2": lambda z: 1 + z * z,
    "{z}**2": lambda z: z * z,
    "1 / {z}": lambda z: 1 / z,
    "2 * {z}": lambda z: 2 * z,
    "tanh'({z})": lambda z: 1 - np.tanh(z) ** 2,
    "sigmoid'({z})": lambda z: 1 / (2 + np.exp(z) + np.exp(-z)),
    "sigmoid({z})": lambda z: 1 / (1 + np.exp(-z)),
    "Φ({z})": lambda z: _normal(z),
}


def _normal(z: Array) -> Array:
    """Return the normal distribution by its tanh approximation, as GELU has it."""
    return 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def of_segments(scene: Scene) -> Iterator[Hypothesis]:
    """Yield the mistakes that spoil the derivative of a segment."""
    for start, end in _segments(scene):
        if _is_elementwise(scene, start, end):
            if _is_curved(scene, start, end):
                yield from _of_activation(scene, start, end)
        else:
            yield from _of_mixing(scene, start, end)
    yield from _of_cross_entropy(scene)


def _segments(scene: Scene) -> list[tuple[int, int]]:
    """Return the pairs of positions through which all of the start's cotangent comes."""
    assert scene.record is not None
    found = []
    for end, last in enumerate(scene.order):
        for start in range(end):
            first = scene.order[start]
            if scene.value(start).shape != scene.value(end).shape or scene.value(end).ndim == 0:
                continue
            if first not in scene.cotangents or last not in scene.cotangents:
                continue
            if scene.record.between(first, last) and _carries_all(scene, first, last):
                found.append((start, end))
    return found


def _carries_all(scene: Scene, first: Node, last: Node) -> bool:
    assert scene.record is not None
    through = scene.record.pull(scene.cotangents[last], start=last, stop=first).get(first)
    return through is not None and agree(through, scene.cotangents[first], 1e-9)


def _is_elementwise(scene: Scene, start: int, end: int) -> bool:
    assert scene.record is not None
    region = scene.record.between(scene.order[start], scene.order[end])
    shape = scene.value(start).shape
    return all(
        scene.record.values[node].shape == shape
        and node.primitive is not None
        and node.primitive.kind in ("elementwise", "multilinear", "constant")
        and node.primitive.name not in ("matmul", "einsum")
        for node in region
    )


def slope(scene: Scene, start: int, end: int, at: Array | None = None) -> Array:
    """Return the derivative of an elementwise segment at another value of its start."""
    assert scene.record is not None
    first, last = scene.order[start], scene.order[end]
    record = scene.record
    ones = np.ones(scene.value(end).shape)
    if at is None:
        return record.pull(ones, start=last, stop=first)[first]
    values = record.again(record.between(first, last), first, at)
    operands: dict[tuple[Node | None, Node], Array] = {
        (None, node): array for node, array in values.items()
    }
    return record.pull(ones, Alteration(operands=operands), start=last, stop=first)[first]


def _is_curved(scene: Scene, start: int, end: int) -> bool:
    elsewhere = 0.2 - 0.7 * scene.value(start)  # neither even nor odd, and across kinks at 0
    here, there = slope(scene, start, end), slope(scene, start, end, elsewhere)
    return not agree(there, here, 1e-9)


def _replaced(start: int, end: int, formula: Formula) -> Callable[[Scene], Alteration | None]:
    """Return the alteration in which a segment's derivative is a formula's."""

    def alter(s: Scene) -> Alteration | None:
        with np.errstate(all="ignore"):
            d_start = formula(s.cotangents[s.order[end]], s.value(start), s.value(end))
        if d_start.shape != s.value(start).shape:
            return None
        return Alteration(totals={s.order[start]: lambda _: d_start})

    return alter


def _of_activation(scene: Scene, start: int, end: int) -> Iterator[Hypothesis]:
    a, z = name_of(scene, start), name_of(scene, end)

    def wrong(detail: str, formula: Formula) -> Hypothesis:
        text = f"{detail} (from {a} to {z})"
        return altered("activation_derivative", start, text, _replaced(start, end, formula))

    def at_output(s: Scene) -> Alteration | None:
        d = s.cotangents[s.order[end]] * slope(s, start, end, s.value(end))
        return Alteration(totals={s.order[start]: lambda _: d})

    def stale(s: Scene) -> Alteration | None:
        before = s.earlier_value(start)
        if before is None:
            return None
        d = s.cotangents[s.order[end]] * slope(s, start, end, before)
        return Alteration(totals={s.order[start]: lambda _: d})

    def twice(s: Scene) -> Alteration | None:
        d = s.cotangents[s.order[start]] * slope(s, start, end)
        return Alteration(totals={s.order[start]: lambda _: d})

    yield wrong("the derivative is forgotten", lambda g, u, v: g)
    yield altered(
        "activation_derivative",
        start,
        f"the derivative is taken at the output {z} instead of the input {a}",
        at_output,
    )
    yield altered("stale", start, f"the derivative at {a} is that of the call before", stale)
    yield altered("activation_derivative", start, "the derivative is applied twice", twice)
    for text, shape in _SHAPES.items():
        for name, pick in ((z, 1), (a, 0)):
            with np.errstate(all="ignore"):
                known = shape(scene.value((start, end)[pick]))
            if np.all(known == known.flat[0]):
                continue  # a constant is no derivative, but a term that is not there
            detail = f"it uses {text.format(z=name)} as the derivative"
            yield wrong(detail, lambda g, u, v, f=shape, n=pick: g * f((u, v)[n]))  # type: ignore[misc]


def _of_mixing(scene: Scene, start: int, end: int) -> Iterator[Hypothesis]:
    """Yield mistakes in a segment whose outputs depend on several inputs each."""
    u, v = scene.value(start), scene.value(end)
    axis = softmax_axis(u, v)
    if axis is not None:
        yield from _of_softmax(scene, start, end, axis)
    if u.size <= _LARGEST:
        mistake = "missing_term" if axis is None else "softmax_diagonal"
        detail = f"only the diagonal of the Jacobian from {name_of(scene, start)} is used"

        def diagonal(s: Scene) -> Alteration | None:
            d = s.cotangents[s.order[end]] * _diagonal(s, start, end)
            return Alteration(totals={s.order[start]: lambda _: d})

        yield altered(mistake, start, detail, diagonal)
    if axis is not None:
        detail = "the derivative is forgotten: the cotangent passes unchanged"
        yield altered(
            "activation_derivative", start, detail, _replaced(start, end, lambda g, u, v: g)
        )


def _diagonal(scene: Scene, start: int, end: int) -> Array:
    assert scene.record is not None
    first, last = scene.order[start], scene.order[end]
    diagonal = np.zeros(scene.value(start).shape)
    for entry in np.ndindex(diagonal.shape):
        one = np.zeros_like(diagonal)
        one[entry] = 1
        diagonal[entry] = scene.record.pull(one, start=last, stop=first)[first][entry]
    return diagonal


def softmax(u: Array, axis: int = -1) -> Array:
    """Return the softmax of an array."""
    with np.errstate(all="ignore"):
        e = np.exp(u - np.max(u, axis=axis, keepdims=True))
        return np.asarray(e / np.sum(e, axis=axis, keepdims=True))


def softmax_axis(u: Array, v: Array) -> int | None:
    """Return the axis along which one array is the softmax of another, or None."""
    axes = range(u.ndim - 1, -1, -1)
    return next((axis for axis in axes if agree(softmax(u, axis), v, 1e-9)), None)


def _of_softmax(scene: Scene, start: int, end: int, axis: int) -> Iterator[Hypothesis]:
    def dot(g: Array, y: Array, over: Any = axis) -> Array:
        return np.asarray(np.sum(g * y, axis=over, keepdims=True))

    every = tuple(range(scene.value(start).ndim))
    others = [n for n in every if n != axis]
    name = name_of(scene, end)
    table: list[tuple[str, str, Formula]] = [
        ("softmax_diagonal", "only y(1 - y) is used", lambda g, u, y: g * y * (1 - y)),
        ("softmax_jacobian", "the term y ⟨g, y⟩ is left out", lambda g, u, y: y * g),
        (
            "softmax_jacobian",
            "y is not subtracted through ⟨g, y⟩ but g's sum is",
            lambda g, u, y: y * (g - np.sum(g, axis=axis, keepdims=True)),
        ),
        (
            "softmax_jacobian",
            "⟨g, y⟩ is a mean",
            lambda g, u, y: y * (g - np.mean(g * y, axis=axis, keepdims=True)),
        ),
        ("softmax_jacobian", "⟨g, y⟩ is added", lambda g, u, y: y * (g + dot(g, y))),
        ("softmax_jacobian", "the factor y is left out", lambda g, u, y: g - dot(g, y)),
        (
            "softmax_jacobian",
            "the factor y stands only before g",
            lambda g, u, y: g * y - dot(g, y),
        ),
        (
            "softmax_jacobian",
            "np.diag of a column is one number, which broadcasts",
            lambda g, u, y: np.take(y, [0], axis) * np.sum(g, axis, keepdims=True) - y * dot(g, y),
        ),
        ("softmax_jacobian", "g stands before ⟨g, y⟩", lambda g, u, y: g * (g - dot(g, y))),
        ("axis", "⟨g, y⟩ is summed over all axes", lambda g, u, y: y * (g - dot(g, y, every))),
        (
            "operand",
            f"the input of softmax stands where {name} belongs",
            lambda g, u, y: u * (g - dot(g, u)),
        ),
    ]
    for over in others:
        table.append(
            (
                "axis",
                f"⟨g, y⟩ is summed over axis {over}, not {axis}",
                lambda g, u, y, over=over: y * (g - dot(g, y, over)),
            )  # type: ignore[misc]
        )
    for mistake, detail, formula in table:
        yield altered(mistake, start, detail, _replaced(start, end, formula))

    def stale(s: Scene) -> Alteration | None:
        y = s.earlier_value(end)
        if y is None:
            return None
        g = s.cotangents[s.order[end]]
        return Alteration(totals={s.order[start]: lambda _: y * (g - dot(g, y))})

    yield altered("stale", start, f"{name} of the call before is used", stale)


# --- softmax with cross-entropy: d_a = c (softmax(a) - t), from the logits to the loss


def sigmoid(u: Array) -> Array:
    """Return the logistic function of an array."""
    with np.errstate(all="ignore"):
        return np.asarray(1 / (1 + np.exp(-u)))


Squash = Callable[[Array], Array]
Size = Callable[[Scene, int], float]
_SIZES: tuple[Size, ...] = (
    lambda scene, start: 1.0,
    lambda scene, start: float(max(scene.batch, 1)),
    lambda scene, start: float(scene.value(start).size),
)


def _of_cross_entropy(scene: Scene) -> Iterator[Hypothesis]:
    for start in range(len(scene.order)):
        for squash in (softmax, sigmoid):
            size = next((n for n in _SIZES if _target(scene, start, squash, n) is not None), None)
            if size is not None:
                yield from _of_logits(scene, start, squash, size)


def _target(scene: Scene, start: int, squash: Squash, size: Size) -> Array | None:
    """Return t where the cotangent of a value a is g (σ(a) - t) / size, else None."""
    u, d = scene.value(start), scene.cotangents.get(scene.order[start])
    if d is None or u.ndim <= scene.g.ndim or scene.g.ndim > 1 or np.any(scene.g == 0):
        return None
    if scene.g.ndim and scene.g.shape[0] != u.shape[0]:
        return None
    target = np.asarray(squash(u) - d * size(scene, start) / _over_rows(scene))
    rounded = np.round(target)
    is_code = np.all((rounded == 0) | (rounded == 1))
    is_sure = is_code and agree(target, rounded, 1e-6) and np.any(rounded)
    inputs = [scene.value(n) for n in range(len(scene.arrays))]
    is_given = any(agree(target, array, 1e-6) for array in inputs)
    return rounded if is_sure else target if is_given else None


def _over_rows(scene: Scene) -> Array:
    return scene.g[..., None] if scene.g.ndim else scene.g


def _of_logits(scene: Scene, start: int, squash: Squash, size: Size) -> Iterator[Hypothesis]:
    a, name = name_of(scene, start), squash.__name__

    def formula(change: Callable[[Array, Array], Array]) -> Callable[[Scene], Alteration | None]:
        def alter(s: Scene) -> Alteration | None:
            t = _target(s, start, squash, size)
            if t is None:
                return None
            with np.errstate(all="ignore"):
                d = _over_rows(s) * change(s.value(start), t) / size(s, start)
            return Alteration(totals={s.order[start]: lambda _: d})

        return alter

    belongs = f"stands where {name}({a}) belongs"
    table: list[tuple[str, str, Callable[[Array, Array], Array]]] = [
        ("operand", f"{a} {belongs}", lambda u, t: u - t),
        ("operand", f"log {name}({a}) {belongs}", lambda u, t: np.log(squash(u)) - t),
        ("operand", f"exp({a}) {belongs}, not normalised", lambda u, t: np.exp(u) - t),
        ("operand", f"sigmoid({a}) {belongs}", lambda u, t: sigmoid(u) - t),
        ("operand", f"softmax({a}) {belongs}", lambda u, t: softmax(u) - t),
        ("missing_term", "the target is not subtracted", lambda u, t: squash(u)),
        ("missing_term", "only the target is there", lambda u, t: -t),
        ("sign", "the target is added", lambda u, t: squash(u) + t),
        ("axis", "softmax is taken over axis 0", lambda u, t: softmax(u, 0) - t),
    ]
    if squash is softmax:
        detail = "the derivative of softmax is applied as if elementwise, again"
        table.append(
            (
                "softmax_diagonal",
                detail,
                lambda u, t: (softmax(u) - t) * softmax(u) * (1 - softmax(u)),
            )
        )
    for mistake, detail, change in table:
        yield altered(mistake, start, detail, formula(change))
        more = f"{detail}, and the mean's 1/N is not there"
        yield altered(mistake, start, more, _times_batch(formula(change), start))


def _times_batch(
    alter: Callable[[Scene], Alteration | None], start: int
) -> Callable[[Scene], Alteration | None]:
    def scaled(s: Scene) -> Alteration | None:
        found = alter(s)
        if found is None:
            return None
        change = found.totals[s.order[start]]
        return Alteration(totals={s.order[start]: lambda g: s.batch * change(g)})

    return scaled
