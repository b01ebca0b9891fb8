"""Products: each is linear in every argument alone."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, Cotangent, Described, Params
from ..core.batching import Rows, entrywise, reshaped, with_axes
from ..core.facts import of_product
from ..core.kinds import multilinear
from ..core.links import by_names
from ..core.links import entrywise as linked_entrywise
from ..core.spec import shape_of
from ..core.value import Value
from .structural import reshape


class _Speculation(threading.local):
    """Whether this thread computes strong products as plain ones, on the chance of no term 0·∞.

    Attributes
    ----------
    on : bool
        Whether it does so now.
    used : bool
        Whether there was a strong product since; otherwise nothing needs to be looked at.
    """

    on = False
    used = False


speculation = _Speculation()


class SpeculationError(Exception):
    """A speculative sweep has met a NaN that would not be seen in its results."""


def refuse_speculation(g: AnyArray) -> None:
    """Raise if a plain product in the place of a strong one may have made NaN of a cotangent.

    Users' rules ask this, for they may swallow a NaN; ours pass it on to the leaves, where the
    sweep looks for it.
    """
    # Cotangents that are values belong to a recorded sweep, which never speculates.
    if speculation.on and not isinstance(g, Value) and has_nan(g):
        raise SpeculationError


def has_nan(array: Array) -> bool:
    """Return whether an entry is NaN: a sum of squares, one pass without a temporary."""
    return not np.vdot(array, array) >= 0  # the method `dot` is faster, but warns of overflow


# Called whenever a product 0·∞ or 0·NaN was taken as 0; `detect_anomaly` listens.
strong_zero_listeners: list[Callable[[], None]] = []


@multilinear(
    batch=entrywise,
    links=linked_entrywise((True, True)),
    public=False,
    adjoints=(
        lambda g, x, y: strong_multiply(g, y),
        lambda g, x, y: strong_multiply(g, x),
    ),
    shape=lambda x, y: np.broadcast_shapes(shape_of(x), shape_of(y)),
    plain="multiply",
    source="strong_multiply({x}, {y})",
    latex=r"{x} \odot {y}",
    cases=[((3,), (3,), {}), ((2, 1), (3,), {}), ((), (2,), {})],
    bounds=of_product,
    commutes=True,
    cheap=True,
)
def strong_multiply(x: Array, y: Array) -> Array:
    """Return x * y, where a product with 0 is 0, even 0·∞ and 0·NaN.

    The product of a cotangent with a partial derivative that may be infinite: what does not
    influence the result has no gradient, however steep it is. Its adjoints are itself, so that
    second derivatives follow the same convention.
    """
    # Sweeps, the only users, have NumPy's floating-point warnings off already.
    product = np.multiply(x, y)
    if speculation.on:
        speculation.used = True
        return product
    if not has_nan(product):
        return product
    decided = (np.equal(x, 0) | np.equal(y, 0)) & (product != product)
    if decided.any():
        for listener in strong_zero_listeners:
            listener()
    return np.where(decided, 0, product)[()]


def strong_product(product: Callable[..., Any], *arrays: AnyArray) -> Array:
    """Return ``product(*arrays)``, a sum of products, in which 0·∞ and 0·NaN are 0."""
    result = product(*arrays)
    if speculation.on:
        speculation.used = True
        return result
    if not has_nan(result):
        return result
    return _without_zeros(product, arrays, result)


def _without_zeros(product: Callable[..., Any], arrays: tuple[Any, ...], result: AnyArray) -> Array:
    """Redo a product without the terms that have a factor 0.

    The finite numbers are multiplied as they are. The other terms matter only by how many of each
    kind there are: the product itself counts them, given ones, zeros and signs for factors.
    """

    def tell(*factors: AnyArray) -> Array:
        return product(*(np.asarray(x, np.float64) for x in factors))

    finite = [np.isfinite(x) for x in arrays]
    defined = [x == x for x in arrays]
    signs = [np.where(known, np.sign(x), 0) for x, known in zip(arrays, defined, strict=True)]
    bounded = [s * ok for s, ok in zip(signs, finite, strict=True)]
    infinite = tell(*map(np.abs, signs)) - tell(*map(np.abs, bounded))
    balance = tell(*signs) - tell(*bounded)
    undefined = tell(*(x != 0 for x in arrays)) - tell(*map(np.abs, signs))
    redone = product(*(np.where(ok, x, 0) for x, ok in zip(arrays, finite, strict=True)))
    for happens, number in (
        (infinite + balance > 0, np.inf),
        (infinite - balance > 0, -np.inf),
        (undefined > 0, np.nan),
    ):
        redone = redone + np.where(happens, number, 0).astype(redone.dtype)
    if np.any((result != result) & (redone == redone)):
        for listener in strong_zero_listeners:
            listener()
    return redone


def _as_matrices(g: Cotangent, x: AnyArray, y: AnyArray) -> tuple[Any, Any, Any]:
    """View vectors as a row on the left or a column on the right, and ``g`` as their product."""
    batch = g.shape
    if x.ndim == 1:
        x = reshape(x, shape=(1, -1))
        batch = (*batch[:-1], 1, *batch[-1:]) if y.ndim > 1 else (1,)
    if y.ndim == 1:
        y = reshape(y, shape=(-1, 1))
        batch = (*batch, 1)
    return reshape(g, shape=batch), x, y


def _left_adjoint(g: Cotangent, x: AnyArray, y: AnyArray) -> AnyArray:
    if x.ndim == y.ndim == 2:
        return strong_matmul.bind((g, y.T), {})
    g, _, matrix = _as_matrices(g, x, y)
    product = strong_matmul.bind((g, matrix.mT), {})
    return reshape(product, shape=(*product.shape[:-2], -1)) if x.ndim == 1 else product


def _right_adjoint(g: Cotangent, x: AnyArray, y: AnyArray) -> AnyArray:
    if y.ndim == 2 and x.ndim > 1:
        if x.ndim > 2:
            # All rows of all matrices go into one product: one of each would have to be added up.
            rows = math.prod(x.shape[:-1])
            x, g = (reshape(z, shape=(rows, z.shape[-1])) for z in (x, g))
        return strong_matmul.bind((x.T, g), {})
    g, matrix, _ = _as_matrices(g, x, y)
    product = strong_matmul.bind((matrix.mT, g), {})
    return reshape(product, shape=product.shape[:-1]) if y.ndim == 1 else product


def _matmul_error(x: Described, y: Described) -> str | None:
    left, right = shape_of(x), shape_of(y)
    if not left or not right:
        return f"got shapes {left} @ {right}; both need at least one axis: use * for a scale"
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        place = "y.shape[-2]" if len(right) > 1 else "y.shape[0]"
        return f"inner sizes differ, {left} @ {right}; expected x.shape[-1] == {place}"
    return None


def _matmul_shape(x: Described, y: Described) -> tuple[int, ...]:
    if (error := _matmul_error(x, y)) is not None:
        raise ValueError(error)
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return (*batch, *x.shape[:-1][-1:], *(y.shape[-1:] if y.ndim > 1 else ()))


def _matmul_flops(out: Described, x: Described, y: Described) -> int:
    """Return two for each product, of which every entry is the sum of as many as x has columns."""
    size: int = math.prod(out.shape)
    return 2 * size * int(x.shape[-1])


_MATMUL_CASES: list[tuple[Any, ...]] = [
    ((2, 3), (3, 4), {}),
    ((3,), (3,), {}),
    ((3,), (3, 4), {}),
    ((2, 3), (3,), {}),
    ((5, 2, 3), (3, 4), {}),
    ((5, 1, 2, 3), (4, 3, 2), {}),
    ((3,), (5, 3, 2), {}),
    ((5, 2, 3), (3,), {}),
    ((0, 3), (3, 2), {}),
    ((2, 0), (0, 2), {}),
]


def _matmul_in_rows(rows: Rows) -> Any:
    """Batch a product of matrices; where one side is the same in all rows, as one product."""
    x, y = rows.operands
    if not rows.mapped[1] and y.ndim <= 2:
        return rows.shaped(rows.apply([reshaped(x, (math.prod(x.shape[:-1]), x.shape[-1])), y]))
    if not rows.mapped[0] and x.ndim <= 2 and rows.ndim(1) == 1:
        return rows.apply([y, x if x.ndim == 1 else x.T])
    left, right = _as_matrix(rows, 0, -2), _as_matrix(rows, 1, -1)
    ndim = max(left.ndim - rows.mapped[0], right.ndim - rows.mapped[1])
    left = with_axes(left, ndim) if rows.mapped[0] else left
    right = with_axes(right, ndim) if rows.mapped[1] else right
    return rows.shaped(rows.apply([left, right]))


def _matmul_links(out: Described, args: Sequence[Any], params: Params) -> Any:
    """Link a row of the product to that of the left matrix, and a column to that of the right."""
    x, y = args
    stack = range(len(out.shape))[::-1]  # counted from behind, as broadcasting aligns axes
    left = [*stack[len(stack) - x.ndim + 2 :], "row", "inner"][-x.ndim :]
    right = [*stack[len(stack) - y.ndim + 2 :], "inner", "column"] if y.ndim > 1 else ["inner"]
    ends = ["row"] * (x.ndim > 1) + ["column"] * (y.ndim > 1)
    output = [*stack[len(ends) :], *ends]
    return by_names(out, args, [left, right], output)


def _as_matrix(rows: Rows, n: int, axis: int) -> Any:
    """Return an operand of a product; a vector is given an axis of size 1 at ``axis``."""
    x = rows.operands[n]
    if rows.ndim(n) > 1:
        return x
    *before, size = x.shape
    return reshaped(x, (*before, 1, size) if axis == -2 else (*before, size, 1))


@multilinear(
    batch=_matmul_in_rows,
    links=_matmul_links,
    adjoints=(_left_adjoint, _right_adjoint),
    shape=_matmul_shape,
    source="{x} @ {y}",
    latex=r"{x} \, {y}",
    numpy=[np.matmul],
    explain_error=_matmul_error,
    cases=_MATMUL_CASES,
    passes_nan=True,
    flops=_matmul_flops,
)
def matmul(x: Array, y: Array) -> Array:
    """Return the matrix product x @ y, for all of NumPy's ranks.

    Parameters
    ----------
    x : (..., n, k) or (k,) array
    y : (..., k, m) or (k,) array
        The leading axes broadcast.

    Returns
    -------
    (..., n, m) array
        Without n or m where that argument is a vector.

    Examples
    --------
    >>> ad.matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
    array([21., 43.])
    >>> ad.grad(lambda x: ad.matmul(x, np.array([1.0, 10.0])).sum())(np.eye(2))
    array([[ 1., 10.],
           [ 1., 10.]])
    """
    return np.matmul(x, y)


@multilinear(
    batch=_matmul_in_rows,
    links=_matmul_links,
    public=False,
    adjoints=(_left_adjoint, _right_adjoint),
    shape=_matmul_shape,
    plain="matmul",
    source="strong_product(np.matmul, {x}, {y})",
    latex=r"{x} \, {y}",
    helpers=[strong_product],
    explain_error=_matmul_error,
    cases=_MATMUL_CASES,
    flops=_matmul_flops,
)
def strong_matmul(x: Array, y: Array) -> Array:
    """Return the matrix product x @ y, in which a term with a factor 0 is 0, even 0·∞ and 0·NaN.

    The product of a cotangent with a matrix: to `matmul` what `strong_multiply` is to `multiply`.
    """
    return strong_product(np.matmul, x, y)
