"""A symptom is what shows in a gradient alone: it is missing, of another shape, of fewer digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...core.annotations import Array
from ...core.node import Node
from ...ops.structural import sum_to
from .attributes import is_bias_name
from .compared_call import ComparedCall
from .comparison import agree
from .traced_run import Alteration


class Symptom(NamedTuple):
    """The mistake that a gradient shows by itself, and what exactly is seen."""

    mistake: str
    detail: str


def symptom(call: ComparedCall, name: str) -> Symptom | None:
    """Return what a gradient shows without any hypothesis, or None."""
    expected, got = call.expected[name], call.got.get(name)
    if got is None:
        return _of_absence(call, name) if np.any(expected) else None
    if not call.depends_on(name) and np.any(got):
        return Symptom("superfluous_gradient", f"the output does not depend on {name}")
    if not np.all(np.isfinite(got)) and np.all(np.isfinite(expected)):
        return Symptom("non_finite", f"{int(np.sum(~np.isfinite(got)))} of {got.size} entries")
    if got.shape != expected.shape:
        return _of_shape(call, name, got)
    return _of_dtype(call, name, got) or _of_one_sum(call, name, got)


def showing(call: ComparedCall, found: Symptom) -> set[Node]:
    """Return the terms in the user's variables that show the symptom of a gradient."""
    return {node for node in call.differing if _shows(call, node, found.mistake)}


def _shows(call: ComparedCall, node: Node, mistake: str) -> bool:
    variable, right = call.variables[node], call.cotangents[node]
    if mistake == "non_finite":
        return not bool(np.all(np.isfinite(variable)))
    if mistake == "dtype":
        return variable.shape == right.shape and bool(np.all(np.abs(variable - right) <= 1))
    return bool(variable.shape != right.shape)


def _of_absence(call: ComparedCall, name: str) -> Symptom:
    given = call.attempt.gradients.get(name)
    kind = "not there" if given is None else f"{type(given).__name__}, not an array of numbers"
    return Symptom(_forgotten(name), f"it is {kind}")


def _forgotten(name: str) -> str:
    return "bias" if is_bias_name(name) else "missing_gradient"


# --- shapes


def _of_shape(call: ComparedCall, name: str, got: Array) -> Symptom:
    if got.ndim == 0 and not np.any(got) and np.any(call.expected[name]):
        return Symptom(_forgotten(name), "it is zero")
    for found, mended in misshapen(call, name):
        if agree(mended, call.expected[name], call.tolerance):
            return found
    if _over_another_axis(call, name, got):
        return Symptom("axis", "the same terms are summed over another axis")
    return Symptom("shape", "")


def misshapen(call: ComparedCall, name: str) -> Iterator[tuple[Symptom, Array]]:
    """Yield what may have gone wrong with a gradient's shape, and the gradient with it mended."""
    got, expected = call.got[name], call.expected[name]
    if got.T.shape == expected.shape:
        yield Symptom("transpose", "it is transposed"), got.T
    if got.size == expected.size:
        yield Symptom("shape", "the numbers are right"), got.reshape(expected.shape)
    summed = _summed(got, expected.shape)
    if summed is not None:
        over_rows = got.ndim > 0 and got.shape[0] == call.batch
        over_rows = over_rows and got.shape[1:] in (expected.shape, expected.shape[1:])
        mistake = "missing_sum" if over_rows else "broadcast"
        yield Symptom(mistake, f"summed to shape {expected.shape} it is right"), summed


def _summed(got: Array, shape: tuple[int, ...]) -> Array | None:
    try:
        return np.asarray(sum_to(got, shape=shape)) if got.ndim >= len(shape) else None
    except (ValueError, TypeError, IndexError):
        return None


def _of_one_sum(call: ComparedCall, name: str, got: Array) -> Symptom | None:
    """Return whether all entries are one number, the sum over all axes."""
    if got.size < 2 or not np.any(got) or call.matches(name, call.expected[name]):
        return None
    if np.ptp(got) > 1e-9 * np.max(np.abs(got)):
        return None
    if not _over_another_axis(call, name, np.ravel(got)[:1].reshape(())):
        return None
    return Symptom("axis", "it is the sum over all axes, the same for every entry")


def _over_another_axis(call: ComparedCall, name: str, got: Array) -> bool:
    """Return whether the terms of the gradient, summed over other axes, give what was got."""
    if call.run is None:
        return False
    node = call.run.inputs[list(call.arrays).index(name)]
    uses = call.run.uses.get(node, [])
    parts = [part for use in uses for part in _parts(call, use)]
    reductions = ((part, axis) for part in parts for axis in (None, *range(part.ndim)))
    return any(
        agree(np.squeeze(got), np.squeeze(reduce(part, axis=axis)), call.tolerance)
        for part, axis in reductions
        for reduce in (np.sum, np.mean)
    )


def _parts(call: ComparedCall, use: tuple[Node, int]) -> Iterator[Array]:
    """Yield what a rule gives for an argument before broadcasting is undone."""
    assert call.run is not None
    seen: list[Array] = []

    def keep(part: Array) -> Array:
        seen.append(part)
        return part

    call.altered(Alteration(parts={use: keep}))
    yield from seen


# --- dtypes


def _of_dtype(call: ComparedCall, name: str, got: Array) -> Symptom | None:
    expected, wide = call.expected[name], call.arrays[name].dtype
    if got.dtype.kind != "f":
        exact = agree(got.astype(np.float64), expected, call.tolerance)
        return None if exact else Symptom("dtype", f"dtype {got.dtype} holds no fractions")
    # The tolerance is that of float16, the narrowest.
    if got.dtype.itemsize < wide.itemsize and agree(got.astype(np.float64), expected, 5e-2):
        return Symptom("dtype", f"dtype {got.dtype} for an argument of {wide}")
    if call.matches(name, expected):
        return None
    # The result is float64, but some step on the way rounded it: 50 roundings of float32 or less.
    if wide == np.float64 and agree(got, expected, 50 * float(np.finfo(np.float32).eps)):
        return Symptom("dtype", "its digits are those of float32")
    whole = agree(got, np.round(got), 1e-9) and np.any(np.round(got))
    if whole and np.all(np.abs(got - expected) <= 1 + call.tolerance):
        return Symptom("dtype", "its fractions are cut off, as in an array of integers")
    return None
