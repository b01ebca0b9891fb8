"""The network of estimators and of tables: hidden layers, and what stands between them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from .core.annotations import Array, DTypeLike
from .core.value import Value
from .errors import choose
from .graphs.recording import no_grad
from .nn.activations import ACTIVATIONS
from .nn.batch_norm import BatchNorm
from .nn.dropout import Dropout
from .nn.embedding import Embedding
from .nn.initialise import uniform
from .nn.linear import Linear
from .nn.linear_path import LinearPath, looked_up
from .nn.module import Module, Parameter
from .nn.normalisation import LayerNorm
from .nn.piecewise_linear import piecewise_linear
from .ops.indexing import index
from .ops.structural import astype, concatenate

Activation = str | Callable[[Any], Any]

# scikit-learn's names for two of ours.
_SCIKIT = {"logistic": "sigmoid"}
NAMES = ("identity", "logistic", *ACTIVATIONS)


@dataclass(frozen=True)
class Category:
    """A column of category numbers, and the size of what stands for each."""

    column: int
    count: int
    size: int


@dataclass(frozen=True)
class Design:
    """What a network is made of; equal designs have equal graphs.

    Parameters
    ----------
    sizes : tuple of int
        The sizes of the input once categories are embedded and numbers are in bins, the hidden
        layers, and the output.
    activations : tuple
        One for each hidden layer.
    linear_path : bool
        Whether a linear model of the input is added to the output.
    bins : int
        In how many bins each number enters the hidden layers besides itself, see
        `piecewise_linear`.
    by_product : bool
        Whether categories are looked up by products, see `looked_up`; their numbers must be right.
    """

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    dropout: float = 0.0
    batch_norm: bool = False
    layer_norm: bool = False
    residual: bool = False
    categories: tuple[Category, ...] = ()
    linear_path: bool = False
    by_product: bool = False
    bins: int = 0

    @property
    def numeric(self) -> int:
        """How many columns of the input are no categories."""
        return (self.sizes[0] - sum(one.size for one in self.categories)) // (1 + self.bins)

    def number_places(self, columns: range) -> list[int]:
        """Return the places among the numbers of some columns of the input."""
        categories = sorted(one.column for one in self.categories)
        return [c - bisect_left(categories, c) for c in columns if c not in categories]

    def embedded_places(self, columns: range) -> list[int]:
        """Return the places of some columns of the input in what the first layer reads."""
        found = []
        for place in self.number_places(columns):
            start = self.numeric + place * self.bins
            found += [place, *range(start, start + self.bins)]
        start = self.numeric * (1 + self.bins)
        for one in self.categories:
            if one.column in columns:
                found += range(start, start + one.size)
            start += one.size
        return found


class Perceptron(Module):
    """A multilayer perceptron with scikit-learn's first weights.

    Parameters
    ----------
    design : Design
    rng : numpy.random.RandomState
        Drawn from as scikit-learn does: weights, then biases, layer by layer; what scikit-learn
        does not have comes after.
    dtype : dtype
    """

    linear_path: LinearPath | None = None  # networks that were pickled before there was one

    def __init__(self, design: Design, rng: np.random.RandomState, dtype: DTypeLike) -> None:
        self.design = design
        self.linear: list[Linear] = []
        factor = 2.0 if design.activations[:1] == ("logistic",) else 6.0
        for fan_in, fan_out in pairwise(design.sizes):
            self.linear.append(_drawn(fan_in, fan_out, rng, factor, dtype))
        hidden = design.sizes[1:-1]
        self.activations = [as_activation(given) for given in design.activations]
        self.norms: list[Module] = []
        if design.batch_norm:
            self.norms = [BatchNorm(size, dtype=dtype) for size in hidden]
        elif design.layer_norm:
            self.norms = [LayerNorm(size, dtype=dtype) for size in hidden]
        self.dropouts = [
            Dropout(design.dropout, rng=rng.randint(2**31 - 1)) for _ in hidden if design.dropout
        ]
        self.embeddings = [
            Embedding(one.count, one.size, rng=rng.randint(2**31 - 1), dtype=dtype)
            for one in design.categories
        ]
        if design.linear_path:
            counts = [one.count for one in design.categories]
            self.linear_path = LinearPath(design.numeric, counts, design.sizes[-1], dtype=dtype)

    @property
    def graph_form(self) -> Hashable:
        """What decides the graph, None where the user's own code does.

        Each step changes all buffers: those of normalisation, and the random numbers of a dropout.
        """
        return None if any(map(callable, self.design.activations)) else self.design

    @property
    def coefs(self) -> list[Parameter]:
        """The weights of the layers, (in, out) each."""
        return [layer.weight for layer in self.linear]

    @property
    def intercepts(self) -> list[Parameter]:
        """The biases of the layers."""
        return [layer.bias for layer in self.linear if layer.bias is not None]

    def forward(self, x: Value | Array) -> Any:
        """Return the output before any activation of its own.

        Parameters
        ----------
        x : (n, columns) array

        Returns
        -------
        (n, outputs) Tensor
        """
        embedded, line = self.opened(x)
        output = self.closed(self.linear[0](embedded), embedded)
        return output if line is None else output + line

    def opened(self, x: Value | Array) -> tuple[Any, Any]:
        """Return what the first layer reads, and what the linear path adds to the output."""
        numbers, codes = self._parted(x)
        embedded = self._embedded(numbers, codes)
        line = None if self.linear_path is None else self.linear_path(numbers, codes)
        return embedded, line

    def closed(self, sums: Any, embedded: Any) -> Any:
        """Return the output without a linear path, of the first layer's sums and what it read."""
        x = embedded
        for i, layer in enumerate(self.linear[1:]):
            z = self.norms[i](sums) if self.norms else sums
            a = self.activations[i](z)
            if self.dropouts:
                a = self.dropouts[i](a)
            x = a + x if self.design.residual and a.shape == x.shape else a
            sums = layer(x)
        return sums

    def outputs(self, X: Array) -> Array:
        """Return the output for plain numbers, in evaluation mode and in blocks of rows."""
        return outputs_of(self, X)

    def _parted(self, x: Value | Array) -> tuple[Any, list[Any]]:
        """Return the columns of numbers, and those of categories."""
        categories = self.design.categories
        if not categories:
            return x, []
        # Neighbouring columns stay together: each taken by itself costs seconds of compilation.
        ends = [-1, *sorted(one.column for one in categories), x.shape[1]]
        runs = [slice(a + 1, b) for a, b in pairwise(ends) if a + 1 < b]
        numeric = [index(x, key=(slice(None), run)) for run in runs]
        codes = [index(x, key=(slice(None), one.column)) for one in categories]
        if not self.design.by_product:
            codes = [astype(code, dtype=np.dtype(np.int64)) for code in codes]
        return concatenate(numeric, axis=1) if numeric else None, codes

    def _embedded(self, numbers: Any, codes: list[Any]) -> Any:
        """Return numbers, how they lie in bins, and the embeddings of categories."""
        parts = [] if numbers is None else [numbers]
        if parts and self.design.bins:
            parts.append(piecewise_linear(numbers, self.design.bins))
        parts += [
            looked_up(layer, code) for layer, code in zip(self.embeddings, codes, strict=True)
        ]
        return concatenate(parts, axis=1) if len(parts) > 1 else parts[0]


# Rows predicted at a time, so that many of them need little memory.
_BLOCK = 4096


def outputs_of(network: Module, X: Array) -> Array:
    """Return a network's output for plain numbers, in evaluation mode and in blocks of rows."""
    network.eval()
    with no_grad(), np.errstate(over="ignore"):
        blocks = [network(X[i : i + _BLOCK]).data for i in range(0, len(X), _BLOCK)]
    return np.concatenate([np.asarray(block) for block in blocks])


def _drawn(
    fan_in: int, fan_out: int, rng: np.random.RandomState, factor: float, dtype: DTypeLike
) -> Linear:
    """Return a layer uniform on ±√(factor / (in + out)), its bias too, as scikit-learn draws it."""
    bound = np.sqrt(factor / (fan_in + fan_out))
    # Weight before bias, and both in float64: the generator's numbers must come in scikit-learn's
    # order, or the networks would differ from its own for the same random_state.
    weight = uniform(rng, bound, (fan_in, fan_out))
    bias = uniform(rng, bound, fan_out)
    layer = Linear(
        fan_in, fan_out, bias=False, rng=_undrawn(), initialise=lambda *_: weight, dtype=dtype
    )
    layer.bias = Parameter(bias.astype(dtype))
    return layer


@cache
def _undrawn() -> np.random.Generator:
    """Return a generator for layers that draw nothing; to make one takes 10 µs."""
    return np.random.default_rng(0)


def _identity(z: Value) -> Value:
    return z


def as_activation(given: Activation) -> Callable[[Any], Any]:
    """Return what is applied to a hidden layer: a new module for a name."""
    if not isinstance(given, str):
        return given
    if given == "identity":
        return _identity
    return ACTIVATIONS[choose("activation", _SCIKIT.get(given, given), ACTIVATIONS)]()


def activations_of(given: Activation | Sequence[Activation], count: int) -> tuple[Activation, ...]:
    """Return one activation for each hidden layer, of one for all or of a list.

    Raises
    ------
    ValueError, TypeError
        If a name is unknown, or the list has another length.
    """
    if isinstance(given, (list, tuple)):
        if len(given) != count:
            raise ValueError(
                f"activation: {len(given)} given for {count} hidden layers; give one each"
            )
        return tuple(_checked(one) for one in given)
    return (_checked(given),) * count


def _checked(activation: object) -> Activation:
    if callable(activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(
            f"activation: expected a name, a callable or a list of them, got {activation!r}"
        )
    return choose("activation", activation, NAMES)


def embedding_size(count: int, *, most: int) -> int:
    """Return how many numbers stand for each of so many categories: about 1.6 count^0.56.

    It is the rule of thumb of fastai's tabular learner (`emb_sz_rule`), which ends at 600; here
    it ends at ``most``, because tables of a few thousand rows cannot fill so many numbers.
    """
    return max(1, min(most, round(1.6 * math.pow(count, 0.56))))


def input_size(categories: Sequence[Category], columns: int, *, bins: int = 0) -> int:
    """Return how many numbers an input row has once categories are embedded, others in bins."""
    return (columns - len(categories)) * (1 + bins) + sum(one.size for one in categories)
