"""Clipping bounds gradients before a step, so that one bad batch cannot throw a training off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array
from ..core.checks import positive
from ..core.value import Value
from ..ops.exponential import sqrt
from ..ops.piecewise import absolute, clip, maximum, minimum, where
from ..ops.reductions import max, sum
from ..ops.structural import as_array, astype

# Keeps the quotient finite where all gradients are 0, as PyTorch's does.
_TINY = 1e-6


def clip_by_norm(gradients: Sequence[AnyArray], limit: float) -> list[Any]:
    """Return the gradients scaled by one factor, so that their common norm is at most a limit.

    min(1, limit / (‖g‖ + 10⁻⁶)) with ‖g‖ the root of the sum of all squares: Pascanu, Mikolov and
    Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1, with
    PyTorch's constant. Great entries are divided by the greatest first, so that a norm or a square
    beyond the range of floats does no harm. Where an entry is infinite or NaN, all become NaN.

    Parameters
    ----------
    gradients : sequence of arrays of any shapes
    limit : float
        Positive.

    Returns
    -------
    list of arrays
        In the dtypes of the gradients.

    Examples
    --------
    >>> import numpy as np
    >>> clipped = clip_by_norm([np.array([3e200]), np.array([4e200])], 1.0)
    >>> [round(float(g[0]), 4) for g in clipped]
    [0.6, 0.8]
    """
    given = [as_array(gradient) for gradient in gradients]
    with np.errstate(over="ignore", invalid="ignore"):
        # A symbol has no numbers to look at: a traced step takes the way that is safe for all.
        if any(isinstance(gradient, Value) for gradient in given):
            return _clipped_in_range(given, limit)
        # Mostly one pass over the gradients will do; the way without overflow needs more.
        norm = sqrt(_squares(given))
        if not np.isfinite(norm):
            return _clipped_in_range(given, limit)
    factor = minimum(limit / (norm + _TINY), 1.0)
    return [_like(gradient * factor, gradient) for gradient in given]


def _squares(gradients: Sequence[Any]) -> Any:
    total: Any = 0.0
    for gradient in gradients:
        total = total + sum(gradient * gradient)
    return total


def _clipped_in_range(gradients: Sequence[Any], limit: float) -> list[Any]:
    """Return the same, but divide by the greatest entry first if that is more than 1.

    Small squares may vanish all the same, which changes nothing: such entries are lost beside the
    constant, too.
    """
    greatest: Any = 1.0
    for gradient in gradients:
        if 0 not in gradient.shape:
            greatest = maximum(greatest, max(absolute(gradient)))
    scaled = [gradient / greatest for gradient in gradients]
    factor = limit / (sqrt(_squares(scaled)) + _TINY / greatest)
    fits = factor >= greatest
    return [
        _like(where(fits, gradient, small * factor), gradient)
        for gradient, small in zip(gradients, scaled, strict=True)
    ]


def _like(clipped: Value | Array, gradient: Value | Array) -> Any:
    """Return a gradient in its own dtype, which the norm of gradients of wider ones would widen."""
    same = clipped.dtype == gradient.dtype
    return clipped if same else astype(clipped, dtype=gradient.dtype)


def clip_by_value(gradients: Sequence[AnyArray], limit: float) -> list[Any]:
    """Return the gradients with every entry between -limit and limit.

    Parameters
    ----------
    gradients : sequence of arrays of any shapes
    limit : float
        Positive.

    Examples
    --------
    >>> import numpy as np
    >>> clip_by_value([np.array([3.0, -0.5])], 1.0)
    [array([ 1. , -0.5])]
    """
    return [clip(gradient, -limit, limit) for gradient in gradients]


class Clipping:
    """Bounds for the gradients of a step: of every entry first, then of their common norm.

    Parameters
    ----------
    norm, value : float or None
        Positive; None sets no bound.

    Raises
    ------
    ValueError
        If a bound is not positive and finite.

    Examples
    --------
    >>> import numpy as np
    >>> clipping = Clipping(value=3.0, norm=2.5)
    >>> [g.round(4) for g in clipping([np.array([30.0]), np.array([4.0])])]
    [array([1.7678]), array([1.7678])]
    """

    # No dataclass: to make one takes as long as to read this module.
    norm: float | None
    value: float | None

    def __init__(self, norm: float | None = None, value: float | None = None) -> None:
        for name, limit in (("norm", norm), ("value", value)):
            checked = None if limit is None else positive(f"clip_{name}", limit)
            object.__setattr__(self, name, checked)

    def __setattr__(self, name: str, value: object = None) -> None:
        raise AttributeError(f"bounds of gradients do not change; make a new {type(self).__name__}")

    __delattr__ = __setattr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clipping) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.norm, self.value))

    def __repr__(self) -> str:
        return f"Clipping(norm={self.norm!r}, value={self.value!r})"

    def __call__(self, gradients: Sequence[AnyArray]) -> list[Any]:
        """Return the gradients within the bounds."""
        clipped = list(gradients)
        if self.value is not None:
            clipped = clip_by_value(clipped, self.value)
        return clipped if self.norm is None else clip_by_norm(clipped, self.norm)
