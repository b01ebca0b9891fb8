"""The algebra of numbers: arrays that adjoint computes with and differentiates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from latex import Tree

import adjoint as ad

# Differences of rounding after sums of a dozen terms of about 1.
TOLERANCE = 1e-10


class Arrays:
    """Every entry a number drawn from a seed."""

    def __init__(self, *, seed: int, **sizes: int) -> None:
        self.sizes = sizes
        self.generator = np.random.default_rng(seed)
        self.given_history = self.generator.normal(size=60)

    def choose(self, name: str, where: Tree) -> Any:
        """Return numbers; integers, where a symbol is one; rows with one 1, where they are that."""
        if where.name == r"\mathbb{N}":
            return 3
        if not where.parts:
            return float(self.generator.uniform(0.2, 0.8))
        shape = tuple(int(self.sizes.get(size.name) or size.name) for size in where.parts)
        if name == r"\mathbf{1}":
            return self.ones(shape)
        if where.name.startswith(r"\{"):
            return np.eye(shape[1])[np.arange(shape[0]) % shape[1]]
        numbers = self.generator.normal(size=shape)
        return np.abs(numbers) if where.name.endswith("_{+}") else numbers

    def history(self, name: str, steps: int) -> list[Any]:
        return [float(number) for number in self.given_history[:steps]]

    def number(self, number: int) -> Any:
        return number

    def ones(self, shape: tuple[int, ...]) -> Any:
        return np.ones(shape)

    def stack(self, rows: list[list[Any]]) -> Any:
        return ad.stack([ad.stack(row) for row in rows])

    def product(self, left: Any, right: Any) -> Any:
        both = np.ndim(left) == 2 and np.ndim(right) == 2
        return left @ right if both else left * right

    def exp(self, x: Any) -> Any:
        return ad.exp(x)

    def log(self, x: Any) -> Any:
        return ad.log(x)

    def sqrt(self, x: Any) -> Any:
        return ad.sqrt(x)

    def call(self, name: str, x: Any) -> Any:
        """Apply a function that stands for all: one that is neither even, odd nor monotone."""
        match name:
            case r"\sigma":
                return _activation(x)
            case r"\sigma'":
                return ad.grad(lambda y: ad.sum(_activation(y)))(np.asarray(x, float))
            case r"\mathrm{sign}":
                return ad.sign(x)
        weights = np.cos(np.arange(1.0, 1 + np.size(x))).reshape(np.shape(x))
        return ad.sum(weights * x + ad.sin(weights + x))

    def gradient(self, function: Callable[[Any], Any], at: Any) -> Any:
        """Return adjoint's gradient; of what does not depend on the variable, zeros."""
        return ad.grad(lambda y: function(y) + 0.0 * ad.sum(y))(np.asarray(at, float))

    def same(self, left: Any, right: Any) -> bool:
        """Whether two arrays have one shape and, to rounding, the same entries."""
        left, right = (np.asarray(_plain(x), float) for x in (left, right))
        if left.shape != right.shape:
            return False
        return bool(np.allclose(left, right, rtol=TOLERANCE, atol=TOLERANCE))


def _activation(x: Any) -> Any:
    return ad.sin(x) + x * x


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, ad.Tensor) else x
