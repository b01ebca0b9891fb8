"""A linear path leads from a network's input to its output, past the hidden layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array, DTypeLike
from ..core.value import Value
from ..ops.logic import equal
from ..ops.piecewise import where
from ..ops.products import matmul
from ..ops.structural import reshape
from .embedding import Embedding
from .linear import Linear
from .module import Module


class LinearPath(Module):
    """A linear model of numbers and categories, in which a category's values have a number each.

    It starts at 0 and adds nothing until it is trained or set.

    Parameters
    ----------
    columns : int
        How many columns are numbers.
    counts : sequence of int
        How many values each category has.
    outputs : int
    dtype : dtype
    """

    def __init__(
        self, columns: int, counts: Sequence[int], outputs: int, *, dtype: DTypeLike
    ) -> None:
        self.numbers = Linear(columns, outputs, rng=0, dtype=dtype) if columns else None
        self.categories = [Embedding(count, outputs, rng=0, dtype=dtype) for count in counts]
        for parameter in self.parameters():
            parameter.data[...] = 0

    def set(self, weight: Array, levels: Sequence[Array], bias: Array) -> None:
        """Make it a linear model that is already fitted.

        Parameters
        ----------
        weight : (columns, outputs) array
        levels : sequence of (count, outputs) array
            What each value of a category adds.
        bias : (outputs,) array
        """
        for layer, found in zip(self.categories, levels, strict=True):
            layer.weight.data[...] = found
        if self.numbers is not None and self.numbers.bias is not None:
            self.numbers.weight.data[...] = np.asarray(weight)
            self.numbers.bias.data[...] = bias
        else:  # each row has one value of the first category, which carries the bias then
            self.categories[0].weight.data[...] += bias

    def forward(self, numbers: Value | Array, codes: Sequence[Value | Array]) -> Any:
        """Return the sum over all columns, (n, outputs)."""
        parts = [looked_up(layer, code) for layer, code in zip(self.categories, codes, strict=True)]
        if self.numbers is not None:
            parts.insert(0, self.numbers(numbers))
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


def looked_up(layer: Embedding, code: Value | Array) -> Any:
    """Return the row of an embedding's weight for each number, (n, features).

    Whole numbers written as floats are looked up by a product with one-hot rows, which native
    epochs can do; those that are out of range get 0 then.
    """
    if code.dtype.kind in "iu":
        return layer(code)
    dtype = layer.weight.dtype
    numbers = np.arange(layer.count, dtype=dtype)
    is_it = equal(reshape(code, shape=(code.shape[0], 1)), numbers)
    return matmul(where(is_it, dtype.type(1), dtype.type(0)), layer.weight)
