"""Windows are the parts of an array that a frame of fixed size shows as it slides along it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described
from ..core.batching import Rows, stacked
from ..core.facts import Moves
from ..core.kinds import linear
from ..core.links import by_groups
from ..core.spec import Spec
from ..errors import ShapeError
from .structural import as_array

Sizes = tuple[int, ...]


def window_counts(shape: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """Return how many windows fit along each of the last axes."""
    places = zip(shape[len(shape) - len(size) :], size, stride, dilation, strict=True)
    return tuple((n - (k - 1) * d - 1) // s + 1 for n, k, s, d in places)


def windows_of(x: Array, size: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return a view of the windows, their own axes last."""
    axes = tuple(range(-len(size), 0))
    spans = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    every = np.lib.stride_tricks.sliding_window_view(x, spans, axis=axes)
    steps = [slice(None, None, step) for step in (*stride, *dilation)]
    return every[(..., *steps)]  # type: ignore[arg-type]


def overlaid(g: Cotangent, size: Sizes, stride: Sizes, dilation: Sizes, shape: Sizes) -> Array:
    """Return zeros of a shape to which each window is added where it was taken."""
    result = np.zeros(shape, g.dtype)
    for offset in np.ndindex(*size):
        key = places_of(g.shape, offset, stride, dilation)
        result[key] += g[(..., *offset)]
    return result


def places_of(shape: Sizes, offset: Sizes, stride: Sizes, dilation: Sizes) -> tuple[Any, ...]:
    """Return the key of the places, in an array, of one entry of each of its windows."""
    counts = shape[len(shape) - 2 * len(offset) : len(shape) - len(offset)]
    starts = [o * d for o, d in zip(offset, dilation, strict=True)]
    ends = [a + (n - 1) * s + 1 for a, n, s in zip(starts, counts, stride, strict=True)]
    return (..., *(slice(a, b, s) for a, b, s in zip(starts, ends, stride, strict=True)))


def _windows_shape(x: Described, *, size: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    frame = (*size, *stride, *dilation)
    if len(size) > len(x.shape) or min(frame, default=1) < 1:
        raise ShapeError(f"no windows of {size} in an array of shape {x.shape}")
    counts = window_counts(tuple(x.shape), size, stride, dilation)
    if min(counts, default=1) < 1:
        raise ShapeError(f"a window of {size} does not fit an array of shape {x.shape}")
    return (*x.shape[: len(x.shape) - len(size)], *counts, *size)


_CASES: list[Any] = [
    ((6,), {"size": (3,), "stride": (1,), "dilation": (1,)}),
    ((2, 7), {"size": (2,), "stride": (3,), "dilation": (2,)}),
    ((2, 5, 4), {"size": (2, 3), "stride": (2, 1), "dilation": (1, 1)}),
]


@linear(
    batch=stacked,
    public=False,
    transposes=[
        lambda g, x, *, size, stride, dilation: overlay(
            g, size=size, stride=stride, dilation=dilation, shape=tuple(x.shape)
        )
    ],
    shape=_windows_shape,
    source="windows_of({x}, {size}, {stride}, {dilation})",
    latex=r"\operatorname{{windows}}_{{{size}}}\left({x}, {stride}, {dilation}\right)",
    helpers=[windows_of],
    view="always",
    cases=_CASES,
    moves=Moves(drops=True),
)
def windows(x: Array, *, size: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return the windows of the last axes: their places there, and behind them their own axes."""
    return windows_of(x, size, stride, dilation)


def _overlaid_shape(
    x: Described, *, size: Sizes, stride: Sizes, dilation: Sizes, shape: Sizes
) -> Sizes:
    whole = Spec(shape, x.dtype)
    if tuple(x.shape) != _windows_shape(whole, size=size, stride=stride, dilation=dilation):
        raise ShapeError(f"shape {x.shape} is not that of the windows of {size} in {shape}")
    return shape


def _overlaid_in_rows(rows: Rows, *, shape: Sizes, **params: Any) -> Any:
    return rows.apply(rows.operands, shape=rows.shape, **params)


@linear(
    batch=_overlaid_in_rows,
    links=by_groups(
        lambda numbers, x, *, size, stride, dilation, shape: windows_of(
            numbers, size, stride, dilation
        )
    ),
    public=False,
    transposes=[
        lambda g, x, *, size, stride, dilation, shape: windows(
            g, size=size, stride=stride, dilation=dilation
        )
    ],
    shape=_overlaid_shape,
    source="overlaid({x}, {size}, {stride}, {dilation}, {shape})",
    latex=r"\operatorname{{overlay}}_{{\to {shape}}}\left({x}, {size}, {stride}, {dilation}\right)",
    helpers=[overlaid],
    cases=[
        ((4, 3), {"size": (3,), "stride": (1,), "dilation": (1,), "shape": (6,)}),
        ((2, 2, 2), {"size": (2,), "stride": (3,), "dilation": (2,), "shape": (2, 7)}),
        (
            (1, 2, 2, 2, 2),
            {"size": (2, 2), "stride": (1, 2), "dilation": (1, 1), "shape": (1, 3, 5)},
        ),
    ],
    passes_nan=True,
)
def overlay(x: Array, *, size: Sizes, stride: Sizes, dilation: Sizes, shape: Sizes) -> Array:
    """Return an array to which each window is added at its place; the transpose of `windows`."""
    return overlaid(x, size, stride, dilation, shape)


def sliding_windows(
    x: ArrayLike, size: Sizes, *, stride: Sizes | None = None, dilation: Sizes | None = None
) -> AnyArray:
    """Return the windows of the last axes.

    Parameters
    ----------
    x : (..., n₁, …) array
    size : tuple of int
        Entries of a window along each of the last axes.
    stride, dilation : tuple of int, optional
        How far apart windows are, and the entries of one; by default 1.

    Returns
    -------
    (..., m₁, …, size₁, …) array
        Where m = ⌊(n - (size - 1) dilation - 1) / stride⌋ + 1.

    Raises
    ------
    ShapeError
        If a window does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> sliding_windows(np.arange(4), (2,)).tolist()
    [[0, 1], [1, 2], [2, 3]]
    """
    x = as_array(x)
    stride = stride or (1,) * len(size)
    dilation = dilation or (1,) * len(size)
    if len(x.shape) < len(size) or min(window_counts(x.shape, size, stride, dilation)) < 1:
        raise ShapeError(
            f"a window of {size}, dilation {dilation}, does not fit an array of shape {x.shape}"
        )
    return windows(x, size=size, stride=stride, dilation=dilation)
