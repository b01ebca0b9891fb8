"""A hypothesis is a mistake at one place of the backward pass, with what the gradients would be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Node
from .attributes import is_bias_name
from .record import Alteration
from .scene import Scene

Array = np.ndarray[Any, Any]
Predict = Callable[[Scene], dict[str, Array] | None]
Factor = Callable[[Scene], float]


@dataclass(frozen=True)
class Hypothesis:
    """A mistake, the value whose cotangent it spoils, and how to tell what would come of it.

    Parameters
    ----------
    mistake : str
        A key of `MISTAKES`.
    position : int or None
        Of the value among the inputs and nodes of the traced forward pass.
    detail : str
        What exactly is wrong, for the reader.
    predict : callable
        Of a scene; returns the gradients by name, or None where it does not apply.
    """

    mistake: str
    position: int | None
    detail: str
    predict: Predict


# --- factors


def factors(scene: Scene, position: int | None) -> Iterator[tuple[str, str, Factor]]:
    """Yield constant factors that mistakes put on a term: mistake, detail, factor of a scene."""
    yield "sign", "it is -1 times what it should be", lambda s: -1.0
    yield "accumulated", "it is twice what it should be", lambda s: 2.0
    yield "scale", "it is half of what it should be", lambda s: 0.5
    yield "scale", "it is a quarter of what it should be", lambda s: 0.25
    for name, size in _SIZES.items():
        n = size(scene, position)
        if n > 2:
            yield "missing_mean", f"it is {name} = {n} times too great", _size(size, position, 1)
            yield "mean_for_sum", f"it is divided by {name} = {n}", _size(size, position, -1)
            yield "scale", f"it is √{n} times too great", _size(size, position, 0.5)
            yield "scale", f"it is divided by √{n}", _size(size, position, -0.5)
    if scene.rate is not None:
        rate = scene.rate
        yield "scale", "the learning rate is not applied", lambda s: 1 / rate
        yield "scale", "the learning rate is applied twice", lambda s: rate


def _size(size: Callable[[Scene, int | None], int], position: int | None, power: float) -> Factor:
    return lambda scene: float(max(size(scene, position), 1)) ** power


def _batch(scene: Scene, position: int | None) -> int:
    return scene.batch


def _row(scene: Scene, position: int | None) -> int:
    shape = _first_shape(scene)
    return shape[-1] if shape else 0


def _all(scene: Scene, position: int | None) -> int:
    return math.prod(_first_shape(scene))


def _own(scene: Scene, position: int | None) -> int:
    shape = () if position is None or scene.record is None else scene.value(position).shape
    return shape[-1] if shape else 0


def _first_shape(scene: Scene) -> tuple[int, ...]:
    return next((x.shape for x in scene.expected.values()), ())


_SIZES = {"N": _batch, "the row's size": _row, "the number of entries": _all, "the size": _own}


def of_results(scene: Scene) -> Iterator[Hypothesis]:
    """Yield the mistakes that show in whole gradients, for which no record is needed."""
    for index, name in enumerate(scene.arrays):
        if name not in scene.expected:
            continue
        forgotten = "bias" if is_bias_name(name) else "missing_gradient"
        yield _of_one(index, name, forgotten, "it is zero", lambda x: np.zeros_like(x))
        yield _of_one(index, name, "transpose", "it is transposed", lambda x: x.T)
        for mistake, detail, factor in factors(scene, None):
            yield Hypothesis(mistake, index, detail, _scaled_result(name, factor))
        yield Hypothesis(
            "accumulated", index, "the gradient of the call before is still in it", _grown(name)
        )
        yield Hypothesis("stale", index, "it is the gradient of the call before", _past(name))


def _of_one(
    index: int, name: str, mistake: str, detail: str, change: Callable[[Array], Array]
) -> Hypothesis:
    return Hypothesis(
        mistake, index, detail, lambda s: {**s.expected, name: change(s.expected[name])}
    )


def _scaled_result(name: str, factor: Factor) -> Predict:
    return lambda s: {**s.expected, name: factor(s) * s.expected[name]}


def _grown(name: str) -> Predict:
    def predict(scene: Scene) -> dict[str, Array] | None:
        now, before = scene.expected[name], scene.previous[name]
        return {**scene.expected, name: now + before} if now.shape == before.shape else None

    return predict


def _past(name: str) -> Predict:
    return lambda s: {**s.expected, name: s.previous[name]}


# --- alterations of the sweep


def altered(
    mistake: str, position: int, detail: str, alter: Callable[[Scene], Alteration | None]
) -> Hypothesis:
    """Return the hypothesis that an alteration of the sweep stands for."""

    def predict(scene: Scene) -> dict[str, Array] | None:
        alteration = alter(scene)
        return None if alteration is None else scene.predict(alteration)

    return Hypothesis(mistake, position, detail, predict)


def of_terms(scene: Scene) -> Iterator[Hypothesis]:
    """Yield factors, transposes and zeros on the cotangents of values, whole or in part."""
    assert scene.record is not None
    for position, node in enumerate(scene.order):
        if node not in scene.cotangents:
            continue
        for mistake, detail, factor in [*factors(scene, position), *_constants(scene, position)]:
            yield altered(mistake, position, detail, _total(position, factor))
        yield altered("dtype", position, "its fractions are cut off", _cut(position))
        if scene.value(position).ndim >= 2:
            yield altered("transpose", position, "it is transposed", _turned(position))
        uses = scene.record.uses.get(node, [])
        if len(uses) > 1:
            for number in range(len(uses)):
                yield from _of_part(scene, position, number)
    for position, node in enumerate(scene.order):
        if node in scene.cotangents and position >= len(scene.record.inputs):
            yield altered(
                "missing_term", position, "nothing flows back through it", _total(position, _none)
            )


def _none(scene: Scene) -> float:
    return 0.0


def _constants(scene: Scene, position: int) -> Iterator[tuple[str, str, Factor]]:
    node = scene.order[position]
    for arg, parent in zip(node.args, node.parents, strict=True):
        if parent is not None or np.size(arg) != 1 or not isinstance(arg, (int, float, np.ndarray)):
            continue
        c = float(np.reshape(arg, ()))
        if abs(c) not in (0.0, 1.0):
            yield "scale", f"the factor {c:g} is left out", lambda s, c=c: 1 / c
            yield "scale", f"the factor {c:g} is applied twice", lambda s, c=c: c


def _total(position: int, factor: Factor) -> Callable[[Scene], Alteration]:
    return lambda s: Alteration(totals={s.order[position]: lambda g: factor(s) * g})


def _cut(position: int) -> Callable[[Scene], Alteration]:
    return lambda s: Alteration(totals={s.order[position]: np.trunc})


def _turned(position: int) -> Callable[[Scene], Alteration | None]:
    def alter(scene: Scene) -> Alteration | None:
        shape = scene.value(position).shape
        if shape[-1] != shape[-2]:
            return None
        return Alteration(totals={scene.order[position]: lambda g: np.swapaxes(g, -1, -2)})

    return alter


def _of_part(scene: Scene, position: int, number: int) -> Iterator[Hypothesis]:
    """Yield mistakes on one of several contributions to a cotangent."""

    def part(factor: Factor) -> Callable[[Scene], Alteration]:
        def alter(s: Scene) -> Alteration:
            assert s.record is not None
            use = s.record.uses[s.order[position]][number]
            return Alteration(parts={use: lambda g: factor(s) * g})

        return alter

    detail = f"contribution {number + 1} to it is left out"
    yield altered("missing_term", position, detail, part(_none))
    for mistake, text, factor in factors(scene, position):
        yield altered(mistake, position, f"in contribution {number + 1}, {text}", part(factor))


def of_operands(scene: Scene) -> Iterator[Hypothesis]:
    """Yield wrong values in rules: others of the same shape, transposed ones, and old ones."""
    assert scene.record is not None
    places = {node: position for position, node in enumerate(scene.order)}
    for position, node in enumerate(scene.order):
        reads = [other for other, _ in scene.record.uses.get(node, []) if _reads(other)]
        if _reads(node) and node in scene.record.graph.nodes:
            reads.append(node)
        consumers: list[int | None] = [places[other] for other in dict.fromkeys(reads)]
        if len(consumers) > 1:
            consumers.append(None)
        if reads:
            yield from _of_value(scene, position, consumers)
        if node.primitive is not None and scene.earlier is not None:
            detail = f"it uses {name_of(scene, position)} of the call before"
            yield altered("stale", position, detail, _all_of_before(position))


def _all_of_before(position: int) -> Callable[[Scene], Alteration | None]:
    """Take a value from the call before, with all that nothing else is made from."""

    def alter(scene: Scene) -> Alteration | None:
        assert scene.record is not None
        inside = {scene.order[position]}
        places = []
        for place in range(position, len(scene.record.inputs) - 1, -1):
            node = scene.order[place]
            users = [user for user, _ in scene.record.uses.get(node, [])]
            if node in inside or (users and all(user in inside for user in users)):
                inside.add(node)
                places.append(place)
        old = {place: scene.earlier_value(place) for place in places}
        operands: dict[tuple[Node | None, Node], Array] = {
            (None, scene.order[place]): array for place, array in old.items() if array is not None
        }
        return Alteration(operands=operands) if len(operands) == len(old) else None

    return alter


def _reads(node: Any) -> bool:
    """Return whether a rule looks at the values that the operation was applied to."""
    primitive = node.primitive
    if primitive is None or primitive.vjp is None or primitive.kind == "linear":
        return False
    return primitive.name not in ("add", "subtract", "negative", "positive")


def _of_value(scene: Scene, position: int, consumers: list[int | None]) -> Iterator[Hypothesis]:
    value = scene.value(position)
    for consumer in consumers:
        place = position if consumer is None else consumer
        if scene.earlier_value(position) is not None:
            yield altered(
                "stale",
                place,
                "it uses {value} of the call before".replace("{value}", name_of(scene, position)),
                _swap(consumer, position, _earlier(position)),
            )
        if scene.rate is not None and position < len(scene.arrays):
            yield altered(
                "stale",
                place,
                f"it uses {name_of(scene, position)} after its update",
                _swap(consumer, position, _updated(position)),
            )
        if value.ndim >= 2 and value.shape[-1] == value.shape[-2]:
            yield altered(
                "transpose",
                place,
                f"{name_of(scene, position)} is transposed there, or is not",
                _swap(consumer, position, lambda s: np.swapaxes(s.value(position), -1, -2)),
            )
        yield altered(
            "operand",
            place,
            f"the factor {name_of(scene, position)} is left out",
            _swap(consumer, position, lambda s: np.ones_like(s.value(position))),
        )
        for other in range(len(scene.order)):
            if other != position and scene.value(other).shape == value.shape:
                detail = f"{name_of(scene, other)} stands where {name_of(scene, position)} belongs"
                yield altered("operand", place, detail, _swap(consumer, position, _other(other)))


def _earlier(position: int) -> Callable[[Scene], Array | None]:
    return lambda s: s.earlier_value(position)


def _updated(position: int) -> Callable[[Scene], Array | None]:
    def value(s: Scene) -> Array | None:
        name = list(s.arrays)[position]
        return s.value(position) - (s.rate or 0.0) * s.expected.get(name, np.zeros(()))

    return value


def _other(position: int) -> Callable[[Scene], Array | None]:
    return lambda s: s.value(position)


def _swap(
    consumer: int | None, position: int, value: Callable[[Scene], Array | None]
) -> Callable[[Scene], Alteration | None]:
    def alter(scene: Scene) -> Alteration | None:
        array = value(scene)
        if array is None or array.shape != scene.value(position).shape:
            return None
        reader = None if consumer is None else scene.order[consumer]
        return Alteration(operands={(reader, scene.order[position]): array})

    return alter


def name_of(scene: Scene, position: int) -> str:
    """Return what a value is called: the user's name, or its expression if it has none."""
    node = scene.order[position]
    assert scene.record is not None
    if getattr(node, "name", None) or node.primitive is None:
        return scene.record.graph.names[node]
    names = scene.record.graph.names
    inner = [
        f"{arg:g}" if parent is None and isinstance(arg, (int, float)) else "…" if parent is None else names[parent]
        for arg, parent in zip(node.args, node.parents, strict=True)
    ]
    return f"{node.primitive.name}({', '.join(inner)})"
