"""A row holds all results of a loop side by side, so that they are one value, as others are.

The sweeps then know nothing of loops: what they add up, or pull back, is an array. Entries of a row
are floats; integers of 64 bits, which no float tells apart, are held as two halves. A simplified
graph has no rows, but results that are taken from a loop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Array, Operand, Params
from ...core.batching import all_stacked, stacked
from ...core.facts import Facts
from ...core.primitive import Primitive
from ...core.spec import Spec, shape_of

# The kind of all primitives of this room: none is a card, and each knows its rules itself.
KIND = "loop"


class Layout(NamedTuple):
    """What stands in a row: the spec of each result."""

    specs: tuple[Spec, ...]

    @property
    def dtype(self) -> Any:
        """The dtype of a row: the results' own, if all are floats, else float64."""
        kinds = [spec.dtype for spec in self.specs]
        floats = [kind for kind in kinds if kind.kind == "f"]
        return np.result_type(*(floats if floats and floats == kinds else [np.float64, *floats]))

    @property
    def size(self) -> int:
        """How many entries a row has."""
        return sum(map(_width, self.specs))

    def start(self, number: int) -> int:
        """Return the number of the first entry of a result."""
        return sum(map(_width, self.specs[:number]))

    def __repr__(self) -> str:
        return f"({', '.join(f'{spec.dtype}{list(spec.shape)}' for spec in self.specs)})"


def is_wide(dtype: Any) -> bool:
    """Return whether an entry is held as two halves."""
    return dtype.kind in "iu" and dtype.itemsize == 8


def _width(spec: Spec) -> int:
    return math.prod(spec.shape) * (2 if is_wide(spec.dtype) else 1)


# --- the two primitives


def _join(*parts: Operand, layout: Layout) -> Array:
    rows = []
    for part, spec in zip(parts, layout.specs, strict=True):
        x = np.asarray(part, spec.dtype)
        x = x.reshape((*x.shape[: x.ndim - len(spec.shape)], math.prod(spec.shape)))
        if is_wide(spec.dtype):
            of = spec.dtype.type
            x = np.concatenate([x >> of(32), x & of(2**32 - 1)], axis=-1)
        rows.append(x.astype(layout.dtype))
    return np.concatenate(rows, axis=-1) if rows else np.zeros(0, layout.dtype)


def _joined_spec(*parts: Any, layout: Layout) -> Spec:
    fronts = [
        shape_of(part)[: len(shape_of(part)) - len(spec.shape)]
        for part, spec in zip(parts, layout.specs, strict=True)
    ]
    return Spec((*(fronts[0] if fronts else ()), layout.size), layout.dtype)


def _taken_spec(row: Any, *, layout: Layout, number: int) -> Spec:
    spec = layout.specs[number]
    return Spec((*row.shape[:-1], *spec.shape), spec.dtype)


def _take(row: Array, *, layout: Layout, number: int) -> Array:
    spec, start = layout.specs[number], layout.start(number)
    size = math.prod(spec.shape)
    part = row[..., start : start + size].astype(spec.dtype)
    if is_wide(spec.dtype):
        low = row[..., start + size : start + 2 * size].astype(spec.dtype)
        part = part << spec.dtype.type(32) | low
    # As from NumPy, a result without axes is a number.
    return part.reshape((*row.shape[:-1], *spec.shape))[()]


def _pull_joined(g: Any, y: Any, args: Any, params: Params, wanted: Sequence[Any]) -> list[Any]:
    layout = params["layout"]
    return [
        taken(g, layout, n) if want and layout.specs[n].dtype.kind == "f" else None
        for n, want in enumerate(wanted)
    ]


def _push_joined(tangents: Sequence[Any], y: Any, args: Any, params: Params) -> Any:
    parts = [
        t if t is not None and getattr(x, "dtype", np.dtype(float)).kind == "f" else _zeros(x)
        for t, x in zip(tangents, args, strict=True)
    ]
    return joined(parts, params["layout"])


def _pull_taken(g: Any, y: Any, args: Any, params: Params, wanted: Sequence[Any]) -> list[Any]:
    layout, number = params["layout"], params["number"]
    front = g.shape[: len(g.shape) - len(layout.specs[number].shape)]
    parts: list[Any] = [np.zeros((*front, *spec.shape), spec.dtype) for spec in layout.specs]
    parts[number] = g
    return [joined(parts, layout)]


def _push_taken(tangents: Sequence[Any], y: Any, args: Any, params: Params) -> Any:
    return taken(tangents[0], params["layout"], params["number"])


def _zeros(x: Any) -> Array:
    return np.zeros(shape_of(x), getattr(x, "dtype", float))


def _joined_results(*parts: Array, layout: Layout) -> Array:
    """Return all results in one row; axes in front of all of them stay."""
    return _join(*parts, layout=layout)


def _result(row: Array, *, layout: Layout, number: int) -> Array:
    """Return one of the results that stand in a row."""
    return _take(row, layout=layout, number=number)


JOINED = Primitive(
    _joined_results,
    name="joined_results",
    kind=KIND,
    vjp=_pull_joined,
    jvp=_push_joined,
    infer=_joined_spec,
    source="({args},)",
    latex=r"\left({args}\right)",
    facts=Facts(finite=True, passes_nan=True),
    batch=all_stacked,
)
RESULT = Primitive(
    _result,
    name="result",
    kind=KIND,
    vjp=_pull_taken,
    jvp=_push_taken,
    infer=_taken_spec,
    source="{row}[{number}]",
    latex=r"{{{row}}}_{{{number}}}",
    facts=Facts(finite=True, flops=lambda out, *_, **__: 0),
    batch=stacked,
)


def joined(parts: Sequence[Any], layout: Layout) -> Any:
    """Return results in one row."""
    return JOINED.bind(parts, {"layout": layout})


def taken(row: Any, layout: Layout, number: int) -> Any:
    """Return one of the results in a row."""
    return RESULT.bind([row], {"layout": layout, "number": number})


def all_taken(row: Any, layout: Layout) -> Iterator[Any]:
    """Yield all results in a row."""
    return map(partial(taken, row, layout), range(len(layout.specs)))


# Under its name a pickled graph finds a primitive again.
joined_results = JOINED
result = RESULT
