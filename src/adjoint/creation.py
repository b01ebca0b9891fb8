"""Creation makes constant tensors, with the names of NumPy's functions."""

from __future__ import annotations

import numpy as np

from .annotations import ArrayLike, DTypeLike, Shape
from .tensor import Tensor, tensor


def zeros(shape: int | Shape, dtype: DTypeLike = float) -> Tensor:
    """Return a constant tensor of zeros, to assign into: ``y[i] = x`` keeps x's gradient.

    Examples
    --------
    >>> import adjoint as ad
    >>> x = ad.tensor(3.0, requires_grad=True)
    >>> y = ad.zeros(2)
    >>> y[1] = x * x
    >>> y.sum().backward()
    >>> x.grad
    tensor(6.)
    """
    return tensor(np.zeros(shape, dtype))


def ones(shape: int | Shape, dtype: DTypeLike = float) -> Tensor:
    """Return a constant tensor of ones."""
    return tensor(np.ones(shape, dtype))


def empty(shape: int | Shape, dtype: DTypeLike = float) -> Tensor:
    """Return a constant tensor to assign into; it is filled with zeros, not with chance."""
    return zeros(shape, dtype)


def full(shape: int | Shape, fill_value: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
    """Return a constant tensor of a number; ``np.full_like`` is for one with a gradient."""
    return tensor(np.full(shape, fill_value, dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = float) -> Tensor:
    """Return a constant (N, M) tensor with ones on its ``k``-th diagonal, zeros elsewhere."""
    return tensor(np.eye(N, M, k, dtype))


def identity(n: int, dtype: DTypeLike = float) -> Tensor:
    """Return the constant (n, n) unit matrix."""
    return tensor(np.identity(n, dtype))


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None
) -> Tensor:
    """Return a constant tensor of numbers from ``start``, or from 0 if alone, to below ``stop``."""
    first, last = (0, start) if stop is None else (start, stop)
    return tensor(np.arange(first, last, step, dtype=dtype))


CREATION = (zeros, ones, empty, full, eye, identity, arange)
