"""Creation makes constant tensors, with the names of NumPy's functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.annotations import ArrayLike, DTypeLike, Function, Params, Shape
from ..core.value import Value, attach
from .tensor import Tensor, tensor


def zeros(shape: int | Shape, dtype: DTypeLike = float) -> Tensor:
    """Return a constant tensor of zeros of a ``shape`` and ``dtype``.

    It serves to assign into: ``y[i] = x`` keeps x's gradient.

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
    """Return a constant tensor of ones of a ``shape`` and ``dtype``.

    Examples
    --------
    >>> ad.ones((2, 2))
    tensor([[1., 1.],
            [1., 1.]])
    """
    return tensor(np.ones(shape, dtype))


def empty(shape: int | Shape, dtype: DTypeLike = float) -> Tensor:
    """Return a constant tensor of a ``shape`` and ``dtype`` to assign into.

    It is filled with zeros, not with chance.

    Examples
    --------
    >>> ad.empty(2)
    tensor([0., 0.])
    """
    return zeros(shape, dtype)


def full(shape: int | Shape, fill_value: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
    """Return a constant tensor of a ``shape`` filled with ``fill_value``, of its type or ``dtype``.

    ``np.full_like`` is for a number with a gradient.

    Examples
    --------
    >>> ad.full(2, 7.0)
    tensor([7., 7.])
    """
    return tensor(np.full(shape, fill_value, dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = float) -> Tensor:
    """Return a constant (N, M) tensor with ones on its ``k``-th diagonal, zeros elsewhere.

    Without ``M`` it is square; ``dtype`` is the type of its entries.

    Examples
    --------
    >>> ad.eye(2, 3, k=1)
    tensor([[0., 1., 0.],
            [0., 0., 1.]])
    """
    return tensor(np.eye(N, M, k, dtype))


def identity(n: int, dtype: DTypeLike = float) -> Tensor:
    """Return the constant (n, n) unit matrix, of a ``dtype``.

    Examples
    --------
    >>> ad.identity(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return tensor(np.identity(n, dtype))


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None
) -> Tensor:
    """Return a constant tensor of numbers from ``start``, or from 0 if alone, to below ``stop``.

    They are ``step`` apart and of a ``dtype``.

    Examples
    --------
    >>> ad.arange(3), ad.arange(1.0, 2.0, 0.5)
    (tensor([0, 1, 2]), tensor([1. , 1.5]))
    """
    first, last = (0, start) if stop is None else (start, stop)
    return tensor(np.arange(first, last, step, dtype=dtype))


CREATION = (zeros, ones, empty, full, eye, identity, arange)


def _create(self: Value, function: Function, args: Sequence[object], kwargs: Params) -> Tensor:
    """Return what NumPy makes like a value, as np.zeros(3, like=x): a constant to assign into."""
    made: Function = np.zeros if function is np.empty else function
    return tensor(made(*args, **kwargs))


attach("_create", _create)
