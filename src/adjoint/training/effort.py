"""Effort is what a step costs, and whether so many of them pay for compiling it.

It is estimated from sizes and never measured: the tier of a training, and with it the last bits of
its numbers, must not depend on the clock.
"""

from __future__ import annotations

from ..nn.module import Module

# Without native code a step takes so many seconds whatever its size, and does so many operations a
# second beyond that. Measured once, as were the seconds that it takes to make native code.
_OVERHEAD = 1e-4
_SLOW = 5e10
_WORTHWHILE = 0.2


def is_worthwhile(model: Module, *, steps: int, batch_size: int) -> bool:
    """Return whether so many steps take longer without native code than to make it."""
    return steps * (_OVERHEAD + work_of(model, batch_size) / _SLOW) >= _WORTHWHILE


def work_of(model: Module, batch_size: int) -> int:
    """Return about how many floating-point operations a step takes: six a weight and row.

    Two each forward, for the gradient of the weight and for that of what comes before it.
    """
    return 6 * batch_size * sum(parameter.size for parameter in model.parameters())
