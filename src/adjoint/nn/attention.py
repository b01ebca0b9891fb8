"""Attention is an average of values, weighted by how well their keys fit a query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError
from ..ops.axes import swapaxes
from ..ops.logic import logical_and
from ..ops.piecewise import where
from ..ops.products import matmul
from ..ops.softmax import softmax
from ..ops.structural import as_array, reshape, transpose
from .initialise import as_generator
from .linear import Linear
from .module import Module


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    causal: bool = False,
) -> Any:
    """Return softmax(Q Kᵀ / √d) V.

    Vaswani et al., "Attention is all you need", NeurIPS 2017, equation (1). A query that may attend
    to no key at all gets zeros, and no gradient comes from it.

    Parameters
    ----------
    query : (..., q, d) float array
    key : (..., k, d) float array
    value : (..., k, v) float array
    mask : boolean array that broadcasts to (..., q, k), optional
        True where a query may attend to a key. Keys that it may not attend to do not change the
        result as long as they and their values are finite.
    causal : bool
        Query i may attend to keys 0 to i only, of as many keys as there are queries.

    Returns
    -------
    (..., q, v) Tensor

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    TypeError
        If the mask is not boolean.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import scaled_dot_product_attention
    >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(x, x, x, causal=True).round(3)
    array([[1.  , 0.  ],
           [0.33, 0.67]])
    """
    q, k, v = map(as_array, (query, key, value))
    _check_operands(q, k, v)
    # The query is divided rather than the scores: it has fewer entries where d is below k.
    scores = matmul(q / math.sqrt(q.shape[-1]), swapaxes(k, -1, -2))
    allowed = _allowed(scores.shape, mask, causal)
    if allowed is None:
        return matmul(softmax(scores, axis=-1), v)
    # Half of the lowest number, since softmax subtracts a row's maximum, which would take the
    # lowest number itself to -∞. With -∞ from the start a row without any key would be ∞ - ∞, NaN.
    lowest = np.finfo(scores.dtype).min / 2
    weights = softmax(where(allowed, scores, lowest), axis=-1)
    if mask is not None:
        # In a row without any key all scores are equal, so that softmax gives equal weights, not 0.
        weights = where(allowed, weights, 0.0)
    return matmul(weights, v)


class MultiheadAttention(Module):
    """Attention by several heads, each of a share of the features.

    Queries, keys and values are linear maps of the inputs; what the heads find is joined and mapped
    once more. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.2.2.

    Parameters
    ----------
    embed_dim : int
        Size of the last axis of inputs and output.
    heads : int
        A divisor of it.
    bias : bool
        Whether the four maps have biases.
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    query, key, value, output : Linear
        From ``embed_dim`` to as many features, those of a head side by side.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or ``heads`` does not divide ``embed_dim``.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> attention = nn.MultiheadAttention(6, 2, rng=0)
    >>> attention(np.ones((5, 7, 6)), causal=True).shape
    (5, 7, 6)
    >>> attention(np.ones((5, 7, 6)), np.ones((5, 3, 6))).shape
    (5, 7, 6)
    """

    def __init__(
        self,
        embed_dim: int,
        heads: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        self.embed_dim = positive_size("embed_dim", embed_dim)
        self.heads = positive_size("heads", heads)
        if self.embed_dim % self.heads:
            raise ValueError(
                f"MultiheadAttention: {embed_dim} features do not make {heads} heads of equal "
                "size; expected a divisor of embed_dim"
            )
        generator = as_generator(rng)
        self.query, self.key, self.value, self.output = (
            Linear(self.embed_dim, self.embed_dim, bias, rng=generator, dtype=dtype)
            for _ in range(4)
        )

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike | None = None,
        value: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
        causal: bool = False,
    ) -> Any:
        """Return what each query finds.

        Parameters
        ----------
        query : (n, q, embed_dim) array
        key : (n, k, embed_dim) array, optional
            By default the query: self-attention.
        value : (n, k, embed_dim) array, optional
            By default the key.
        mask : boolean array that broadcasts to (q, k), (n, q, k) or (n, heads, q, k), optional
            True where a query may attend to a key. Keys that are mere padding are left out by
            ``mask=is_real[:, None, :]``.
        causal : bool
            Query i may attend to keys 0 to i only.

        Returns
        -------
        (n, q, embed_dim) Tensor
            A query without any key gets the bias of ``output``.

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        TypeError
            If the mask is not boolean.
        """
        key = query if key is None else key
        value = key if value is None else value
        operands = zip((query, key, value), (self.query, self.key, self.value), strict=True)
        q, k, v = (self._split(part(self._checked(x))) for x, part in operands)
        allowed = None if mask is None else as_array(mask)
        if allowed is not None and len(allowed.shape) == 3:
            allowed = allowed[:, None]  # the same for all heads
        found = scaled_dot_product_attention(q, k, v, mask=allowed, causal=causal)
        n, _, steps, _ = found.shape
        joined = reshape(transpose(found, axes=(0, 2, 1, 3)), shape=(n, steps, self.embed_dim))
        return self.output(joined)

    def _split(self, x: Value | Array) -> Any:
        """Return (n, time, embed_dim) as (n, heads, time, embed_dim / heads)."""
        n, time, width = x.shape
        shape = (n, time, self.heads, width // self.heads)
        return transpose(reshape(x, shape=shape), axes=(0, 2, 1, 3))

    def _checked(self, x: ArrayLike) -> Any:
        z = as_array(x)
        if len(z.shape) != 3 or z.shape[-1] != self.embed_dim:
            raise ShapeError(
                f"MultiheadAttention: input of shape {z.shape} does not fit; expected "
                f"(n, time, {self.embed_dim})"
            )
        return z

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.embed_dim}, {self.heads}"


def _check_operands(query: Value | Array, key: Value | Array, value: Value | Array) -> None:
    shapes = query.shape, key.shape, value.shape
    if (
        min(map(len, shapes)) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
        or 0 in key.shape[-2:]
    ):
        raise ShapeError(
            "attention: query, key and value of shapes {}, {} and {} do not fit; expected "
            "(..., q, d), (..., k, d) and (..., k, v) with one key at least".format(*shapes)
        )


def _allowed(shape: tuple[int, ...], mask: ArrayLike | None, causal: bool) -> Any:
    """Return where scores of this shape count, or None for everywhere."""
    queries, keys = shape[-2:]
    if causal and queries != keys:
        raise ShapeError(
            f"attention: causal takes as many keys as queries, got {queries} queries and {keys} "
            "keys; give a mask that says which key comes before which query"
        )
    before = np.tri(queries, dtype=np.bool_) if causal else None
    if mask is None:
        return before
    allowed = as_array(mask)
    if allowed.dtype.kind != "b":
        raise TypeError(
            f"attention: expected a boolean mask, True where a query may attend to a key; got "
            f"dtype {allowed.dtype} and shape {allowed.shape}"
        )
    if not _fits(allowed.shape, shape):
        raise ShapeError(
            f"attention: mask of shape {allowed.shape} does not broadcast to the scores of shape "
            f"{shape}"
        )
    return allowed if before is None else logical_and(allowed, before)


def _fits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Return whether a shape broadcasts to another."""
    return len(shape) <= len(whole) and all(
        size in (1, full) for size, full in zip(shape[::-1], whole[::-1], strict=False)
    )
