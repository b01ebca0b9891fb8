"""Clipping bounds gradients before a step, so that one bad batch cannot throw a training off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core import Operand
from ..ops.exponential import sqrt
from ..ops.piecewise import clip, minimum
from ..ops.reductions import sum
from .ranges import positive

# Keeps the quotient finite where all gradients are 0, as PyTorch's does.
_TINY = 1e-6


def clip_by_norm(gradients: Sequence[Operand], limit: float) -> list[Any]:
    """Return the gradients scaled by one factor, so that their common norm is at most a limit.

    min(1, limit / (‖g‖ + 10⁻⁶)) with ‖g‖ the root of the sum of all squares: Pascanu, Mikolov and
    Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1, with
    PyTorch's constant.

    Parameters
    ----------
    gradients : sequence of arrays of any shapes
    limit : float
        Positive.

    Examples
    --------
    >>> import numpy as np
    >>> clipped = clip_by_norm([np.array([3.0]), np.array([4.0])], 1.0)
    >>> [round(float(g[0]), 4) for g in clipped]
    [0.6, 0.8]
    """
    if not gradients:
        return []
    total: Any = 0.0
    for gradient in gradients:
        total = total + sum(gradient * gradient)
    factor = minimum(limit / (sqrt(total) + _TINY), 1.0)
    return [gradient * factor for gradient in gradients]


def clip_by_value(gradients: Sequence[Operand], limit: float) -> list[Any]:
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


@dataclass(frozen=True)
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
    """

    norm: float | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        for name in ("norm", "value"):
            limit = getattr(self, name)
            if limit is not None:
                object.__setattr__(self, name, positive(f"clip_{name}", limit))

    def __call__(self, gradients: Sequence[Operand]) -> list[Any]:
        """Return the gradients within the bounds."""
        clipped = list(gradients)
        if self.value is not None:
            clipped = clip_by_value(clipped, self.value)
        return clipped if self.norm is None else clip_by_norm(clipped, self.norm)
