"""Products: each is linear in every argument alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Operand
from ..kinds import multilinear, shape_of
from .structural import reshape


@multilinear(
    adjoints=(
        lambda g, x, y: strong_multiply(g, y),
        lambda g, x, y: strong_multiply(g, x),
    ),
    shape=lambda x, y: np.broadcast_shapes(shape_of(x), shape_of(y)),
    source="strong_multiply({x}, {y})",
    latex=r"{x} \odot {y}",
    cases=[((3,), (3,), {}), ((2, 1), (3,), {}), ((), (2,), {})],
)
def strong_multiply(x: Any, y: Any) -> Any:
    """Return x * y, where a product with 0 is 0, even 0·∞ and 0·NaN.

    The product of a cotangent with a partial derivative that may be infinite: what does not
    influence the result has no gradient, however steep it is. Its adjoints are itself, so that
    second derivatives follow the same convention.
    """
    # Sweeps, the only users, have NumPy's floating-point warnings off already.
    product = np.multiply(x, y)
    # NaN shows in the sum of squares: one pass without a temporary, in the usual case the last.
    total = np.vdot(product, product)
    if total == total:
        return product
    return np.where((np.equal(x, 0) | np.equal(y, 0)) & (product != product), 0, product)[()]


def _as_matrices(g: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """View vectors as a row on the left or a column on the right, and ``g`` as their product."""
    batch = g.shape
    if x.ndim == 1:
        x = reshape(x, shape=(1, -1))
        batch = (*batch[:-1], 1, *batch[-1:]) if y.ndim > 1 else (1,)
    if y.ndim == 1:
        y = reshape(y, shape=(-1, 1))
        batch = (*batch, 1)
    return reshape(g, shape=batch), x, y


def _left_adjoint(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return g @ y.T
    g, _, matrix = _as_matrices(g, x, y)
    product = g @ matrix.mT
    return reshape(product, shape=(*product.shape[:-2], -1)) if x.ndim == 1 else product


def _right_adjoint(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == y.ndim == 2:
        return x.T @ g
    g, matrix, _ = _as_matrices(g, x, y)
    product = matrix.mT @ g
    return reshape(product, shape=product.shape[:-1]) if y.ndim == 1 else product


def _matmul_error(x: Operand, y: Operand) -> str | None:
    left, right = shape_of(x), shape_of(y)
    if not left or not right:
        return f"got shapes {left} @ {right}; both need at least one axis: use * for a scale"
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        place = "y.shape[-2]" if len(right) > 1 else "y.shape[0]"
        return f"inner sizes differ, {left} @ {right}; expected x.shape[-1] == {place}"
    return None


def _matmul_shape(x: Operand, y: Operand) -> tuple[int, ...]:
    if (error := _matmul_error(x, y)) is not None:
        raise ValueError(error)
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return (*batch, *x.shape[:-1][-1:], *(y.shape[-1:] if y.ndim > 1 else ()))


@multilinear(
    adjoints=(_left_adjoint, _right_adjoint),
    shape=_matmul_shape,
    source="{x} @ {y}",
    latex=r"{x}\,{y}",
    numpy=[np.matmul],
    explain_error=_matmul_error,
    cases=[
        ((2, 3), (3, 4), {}),
        ((3,), (3,), {}),
        ((3,), (3, 4), {}),
        ((2, 3), (3,), {}),
        ((5, 2, 3), (3, 4), {}),
        ((5, 1, 2, 3), (4, 3, 2), {}),
        ((3,), (5, 3, 2), {}),
        ((5, 2, 3), (3,), {}),
    ],
)
def matmul(x: Any, y: Any) -> Any:
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
    """
    return np.matmul(x, y)
