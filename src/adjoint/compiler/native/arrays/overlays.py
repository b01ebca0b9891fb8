"""Overlays, in which windows are added where they were taken, written for loops over arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....core.annotations import Described, Params
from ....ops.windows import places_of, windows_of
from ...simplify.rewrites import Build, taken_apart

# The most positions within a window: each of them becomes operations of its own.
_MOST_OFFSETS = 1024


# The most truth values that say which entries of which windows there are: they are a constant.
_MOST_REACHED = 1 << 18


# The fewest entries that a product must have side by side for its columns to be put in order.
_FEWEST_SIDE_BY_SIDE = 8


def overlay_expansion(args: Sequence[Described], params: Params, build: Build) -> Any:
    """Add up the entries of overlapping windows, one position within the windows at a time."""
    x: Any = args[0]
    size = params["size"]
    if math.prod(size) > _MOST_OFFSETS:
        return None
    # What joins or splits axes before the places is done to the result.
    count, shape = len(params["size"]), tuple(params["shape"])
    moved = taken_apart(x, "reshape")
    is_peeled = moved is not None and moved[0].shape[-2 * count :] == x.shape[-2 * count :]
    inner: Any = moved[0] if moved is not None and is_peeled else x
    inner_shape = (*inner.shape[: -2 * count], *shape[len(shape) - count :])
    inner_params = {**params, "shape": inner_shape}
    for way in (_overlay_of_product, _overlay_by_gathering):
        total = way(inner, inner_params, build)
        if total is not None:
            return build("reshape", total, shape=shape) if is_peeled else total
    return _overlaid(x, params, build)


def _overlaid(x: Any, params: Params, build: Build, *, behind: int = 0) -> Any:
    """Add up windows whose own axes are the first; the places have so many axes behind them."""
    size, rest = params["size"], (slice(None),) * behind
    total: Any = None
    for offset in np.ndindex(*size):
        if behind:
            part = build("index", x, key=(*offset, Ellipsis))
        else:
            part = _entry_of_windows(x, offset, build)
        counts = part.shape[: len(part.shape) - behind]
        places = places_of((*counts, *size), offset, params["stride"], params["dilation"])
        placed = build("scatter_add", part, key=(*places, *rest), shape=params["shape"])
        total = placed if total is None else build("add", total, placed)
    return total


def _entry_of_windows(x: Any, offset: tuple[int, ...], build: Build) -> Any:
    """Return one entry of all windows, whose own axes are the last.

    Where windows are a product, entry by entry, only what is taken is multiplied: in the gradient
    of a convolution of single channels of cotangents, which have no kernel's axes, and weights,
    which have no others.
    """
    count = len(offset)
    for name in ("multiply", "strong_multiply"):
        factors = taken_apart(x, name)
        if factors is not None and all(len(each.shape) >= count for each in factors):
            return build(name, *(_entry_of_windows(each, offset, build) for each in factors))
    moved = taken_apart(x, "reshape")
    if moved is not None and tuple(moved[0].shape[-count:]) == tuple(x.shape[-count:]):
        found = _entry_of_windows(moved[0], offset, build)
        return build("reshape", found, shape=tuple(x.shape[:-count]))
    kernel = x.shape[len(x.shape) - count :]
    place = (0 if size == 1 else at for size, at in zip(kernel, offset, strict=True))
    return build("index", x, key=(Ellipsis, *place))


def _overlay_by_gathering(x: Any, params: Params, build: Build) -> Any:
    """Overlay windows of which each is one number times a kernel that all of them share.

    So is the gradient of a convolution of single channels. Each entry of the result is then the sum
    of the numbers whose windows reach it, times the kernel from its end. Beyond the first and the
    last window there is no number, and nothing is added, whatever the kernel has there.
    """
    size, dilation, count = params["size"], params["dilation"], len(params["size"])
    factors = _as_kernels(x, count, build)
    if factors is None:
        return None
    name, numbers, kernel = factors
    # Zeros are put between the numbers, as far apart as their windows are, and around all of them.
    spans = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
    counts = x.shape[len(x.shape) - 2 * count : len(x.shape) - count]
    within = tuple(
        slice(span, span + (n - 1) * step + 1, step)
        for span, n, step in zip(spans, counts, params["stride"], strict=True)
    )
    whole = tuple(n + span for n, span in zip(params["shape"][-count:], spans, strict=True))
    if math.prod(whole) * math.prod(size) > _MOST_REACHED:
        return None
    shape = (*numbers.shape[: len(numbers.shape) - count], *whole)
    padded = build("scatter_add", numbers, key=(Ellipsis, *within), shape=shape)
    frame = {"size": size, "stride": (1,) * count, "dilation": dilation}
    there = np.zeros(whole, bool)
    there[within] = True
    from_end = build("index", kernel, key=(Ellipsis, *[slice(None, None, -1)] * count))
    rank = len(x.shape)
    kernels = build("reshape", from_end, shape=(1,) * (rank - len(kernel.shape)) + kernel.shape)
    # The kernel's axes come first, so that what is known of neighbouring places lies side by side.
    order = (*range(rank - count, rank), *range(rank - count))
    windows = build("windows", padded, **frame)
    product = build(name, *(build("transpose", each, axes=order) for each in (windows, kernels)))
    reached = windows_of(there.reshape((1,) * (rank - 2 * count) + whole), **frame)
    found = build("where", reached.transpose(order), product, np.zeros((), x.dtype))
    return build("sum", found, axis=tuple(range(count)))


def _as_kernels(x: Any, count: int, build: Build) -> tuple[str, Any, Any] | None:
    """Return (name, numbers, kernel) of windows that are products of them, entry by entry."""
    ones = (1,) * count
    for name in ("multiply", "strong_multiply"):
        factors = taken_apart(x, name) or []
        if any(len(each.shape) < count for each in factors):
            continue
        for numbers, kernel in (factors, factors[::-1]) if factors else ():
            places = tuple(kernel.shape[: len(kernel.shape) - count])[-count:]
            is_kernel = set(places) <= {1} and len(numbers.shape) == len(x.shape)
            if is_kernel and tuple(numbers.shape[-count:]) == ones:
                return name, build("index", numbers, key=(Ellipsis, *[0] * count)), kernel
    return None


def _overlay_of_product(x: Any, params: Params, build: Build) -> Any:
    """Overlay windows that are the rows of a product, as the gradient of a convolution is.

    The entries of neighbouring channels are then as far apart as a window is large, and would be
    read one by one. The columns of the right factor, which is small, are put in such an order that
    they lie side by side. With groups of channels it is a stack of products.
    """
    count = len(params["size"])
    found = _as_product(x)
    if found is None:
        return None
    name, left, right, shape, axes = found
    stack = len(left.shape) - 2
    if shape[:stack] != tuple(left.shape[:stack]):
        return None
    rows = stack
    while math.prod(shape[stack:rows]) != left.shape[-2]:
        rows += 1
        if rows > len(shape):
            return None
    places, kernel = axes[: len(axes) - count], axes[len(axes) - count :]
    channels = [axis for axis in range(rows, len(shape)) if axis not in kernel]
    side_by_side = math.prod(shape[axis] for axis in channels)
    if min(kernel) < rows or side_by_side < _FEWEST_SIDE_BY_SIDE:
        return None
    if any(axis in channels for axis in places[len(places) - count :]):
        return None
    order = (*kernel, *channels)
    # The columns follow the stack and the depth.
    whole = build("reshape", right, shape=(*right.shape[:-1], *shape[rows:]))
    behind = (axis - rows + stack + 1 for axis in order)
    whole = build("transpose", whole, axes=(*range(stack + 1), *behind))
    product = build(name, left, build("reshape", whole, shape=right.shape))
    now = (*range(rows), *order)  # which of the old axes each axis is
    product = build("reshape", product, shape=tuple(shape[axis] for axis in now))
    # First the kernel, then what leads, then the places, and last the channels.
    leading = [axis for axis in places[: len(places) - count] if axis not in channels]
    sorted_axes = (*kernel, *leading, *places[len(places) - count :], *channels)
    windows = build("transpose", product, axes=tuple(now.index(axis) for axis in sorted_axes))
    sizes = dict(zip(places, params["shape"], strict=True))
    kept = sorted_axes[count:]
    inner = {**params, "shape": tuple(sizes[axis] for axis in kept)}
    total = _overlaid(windows, inner, build, behind=len(channels))
    return build("transpose", total, axes=tuple(kept.index(axis) for axis in places))


def _as_product(x: Any) -> tuple[str, Any, Any, tuple[int, ...], tuple[int, ...]] | None:
    """Return (name, left, right, shape, axes) of a product of matrices that is only moved.

    It is reshaped and then transposed. Both factors may be stacks of matrices.
    """
    axes: tuple[int, ...] = tuple(range(len(x.shape)))
    if (moved := taken_apart(x, "transpose")) is not None:
        axes, x = tuple(axis % len(axes) for axis in x.node.params["axes"]), moved[0]
    shape = tuple(x.shape)
    if (moved := taken_apart(x, "reshape")) is not None:
        x = moved[0]
    for name in ("matmul", "strong_matmul"):
        factors = taken_apart(x, name)
        if factors is not None and _are_alike(*factors):
            return name, *factors, shape, axes
    return None


def _are_alike(left: Any, right: Any) -> bool:
    """Return whether two factors are matrices, or stacks of as many matrices."""
    sizes = len(left.shape), len(right.shape)
    return sizes in ((2, 2), (3, 3)) and left.shape[:-2] == right.shape[:-2]
