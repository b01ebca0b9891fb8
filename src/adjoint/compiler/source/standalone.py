"""A standalone function does with NumPy alone what a primitive's own forward function does.

It is needed where the forward function calls other parts of adjoint. Written source contains the
text of the standalone function, without its annotations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.annotations import Array, Axis, Function, Key, Shape


def strong_multiply(x: Array, y: Array) -> Any:
    """Return x * y, where a product with 0 is 0, even 0·∞ and 0·NaN."""
    product = np.multiply(x, y)
    decided = (np.equal(x, 0) | np.equal(y, 0)) & np.isnan(product)
    return np.where(decided, 0, product)[()]


def count_terms(product: Function, *factors: Array) -> Any:
    """Return a sum of products of small whole numbers, as floats."""
    return product(*(np.asarray(x, float) for x in factors))


def strong_product(product: Function, *arrays: Array) -> Any:
    """Return a sum of products in which a term with a factor 0 is 0, even 0·∞ and 0·NaN."""
    result = product(*arrays)
    if not np.isnan(result).any():
        return result

    # A sum with terms ∞, -∞ or NaN depends only on whether there are any of each kind.
    finite = [np.isfinite(x) for x in arrays]
    signs = [np.where(np.isnan(x), 0, np.sign(x)) for x in arrays]
    bounded = [s * ok for s, ok in zip(signs, finite, strict=True)]
    infinite = count_terms(product, *map(np.abs, signs)) - count_terms(
        product, *map(np.abs, bounded)
    )
    balance = count_terms(product, *signs) - count_terms(product, *bounded)
    undefined = count_terms(product, *(x != 0 for x in arrays)) - count_terms(
        product, *map(np.abs, signs)
    )
    redone = product(*(np.where(ok, x, 0) for x, ok in zip(arrays, finite, strict=True)))
    redone = redone + np.where(infinite + balance > 0, np.inf, 0).astype(redone.dtype)
    redone = redone - np.where(infinite - balance > 0, np.inf, 0).astype(redone.dtype)
    return redone + np.where(undefined > 0, np.nan, 0).astype(redone.dtype)


def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return log Σ eˣ over an axis, without overflow."""
    lowest = None if np.size(x) else -np.inf
    shift = np.maximum.reduce(x, axis=axis, keepdims=True, initial=lowest)
    shift = np.where(np.isfinite(shift), shift, 0)
    total = np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)) + shift
    return total if keepdims else total.squeeze(axis)[()]


def class_labels(labels: Array, *, classes: int) -> Any:
    """Return labels if all are in range(classes), else raise."""
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"a label is not in range({classes}): {labels}")
    return labels


def log_softmax(x: Array, *, axis: int | None = -1) -> Any:
    """Return x - log Σ eˣ along an axis, without overflow and cancellation."""
    lowest = None if np.size(x) else -np.inf
    highest = np.maximum.reduce(x, axis=axis, keepdims=True, initial=lowest)
    shifted = x - np.where(np.isfinite(highest), highest, 0)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def softmax_cross_entropy(logits: Array, labels: Array) -> Any:
    """Return -log softmax(logits)[label] of every row."""
    label = np.ravel_multi_index([labels[..., None]], logits.shape[-1:])  # raises if it is none
    shifted = logits - np.minimum(logits.max(axis=-1, keepdims=True), np.finfo(logits.dtype).max)
    return np.log(np.exp(shifted).sum(axis=-1)) - np.take_along_axis(shifted, label, -1)[..., 0]


def required(x: Array, holds: Array, *, message: str, error: str = "ValueError") -> Any:
    """Return x if all of a condition holds, else raise."""
    if np.all(holds):
        return x
    place = tuple(np.argwhere(np.logical_not(holds))[0].tolist())
    where = f"; got {x[place]} at {place} of shape {x.shape}" if place else ""
    errors = {"IndexError": IndexError, "ZeroDivisionError": ZeroDivisionError}
    raise errors.get(error, ValueError)(message + where)


def sum_to(x: Array, *, shape: Shape) -> Any:
    """Sum x over the axes along which an array of the shape was broadcast."""
    extra = x.ndim - len(shape)
    stretched = [extra + a for a, n in enumerate(shape) if n == 1 != x.shape[extra + a]]
    return np.sum(x, axis=(*range(extra), *stretched)).reshape(shape)


def sigmoid(x: Array) -> Any:
    """Return 1 / (1 + e⁻ˣ), without overflow."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def softmax(x: Array, *, axis: int = -1) -> Any:
    """Return eˣ / Σ eˣ along an axis, without overflow."""
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def placed_at(x: Array, key: Key, shape: Shape) -> Any:
    """Return zeros of a shape with x at [key]."""
    zeros = np.zeros(shape, x.dtype)
    zeros[key] = x
    return zeros


STANDALONE: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        class_labels,
        log_softmax,
        logsumexp,
        placed_at,
        required,
        sigmoid,
        softmax,
        softmax_cross_entropy,
        strong_multiply,
        strong_product,
        sum_to,
    )
}
