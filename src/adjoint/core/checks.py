"""A check returns an argument as what it has to be, or says what was expected and what came."""

from __future__ import annotations

import math

import numpy as np


def positive_size(name: str, size: object) -> int:
    """Return a size or a count as an int.

    Raises
    ------
    ValueError
        If it is not a positive integer; True, which Python takes for 1, is none either.

    Examples
    --------
    >>> positive_size("features", np.int32(3))
    3
    """
    if isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size > 0:
        return int(size)
    raise ValueError(f"{name}: expected a positive integer, got {size!r}")


def positive(name: str, number: object) -> float:
    """Return a positive number as a Python float, which promotes no float32 array.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is not positive and finite.

    Examples
    --------
    >>> positive("lr", np.float64(0.5))
    0.5
    """
    found = as_float(name, number)
    if 0 < found < math.inf:
        return found
    raise ValueError(f"{name} must be positive and finite, got {number}")


def in_range(name: str, number: object, *, below: float = math.inf) -> float:
    """Return a number from 0 to below a bound as a Python float, which promotes no float32 array.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is negative or NaN, or not below the bound.

    Examples
    --------
    >>> in_range("momentum", 0, below=1.0)
    0.0
    """
    found = as_float(name, number)
    if 0 <= found < below:
        return found
    raise ValueError(f"{name} must be at least 0 and below {below}, got {number}")


def as_float(name: str, number: object) -> float:
    """Return what `float` makes of a number.

    Raises
    ------
    TypeError
        If it makes nothing of it.

    Examples
    --------
    >>> as_float("lr", np.float32(0.5))
    0.5
    """
    try:
        # What is no number raises, so that no isinstance has to know all kinds of numbers.
        return float(number)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {number!r}") from None
