"""A convolution slides one sequence along another: bilinear, and its adjoints are convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described
from ..core.kinds import multilinear
from ..core.registry import NUMPY
from ..errors import ShapeError, choose
from .arithmetic import multiply
from .indexing import index
from .keys import SLOT
from .piecewise import where
from .products import strong_multiply, strong_product
from .reductions import sum
from .structural import as_array, reshape


def _convolution_shape(x: Described, y: Described, *, mode: str) -> tuple[int, ...]:
    if len(x.shape) != 1 or len(y.shape) != 1 or 0 in (x.shape[0], y.shape[0]):
        raise ShapeError(f"expected vectors with entries, got shapes {x.shape} and {y.shape}")
    short, long = sorted((x.shape[0], y.shape[0]))
    return (long + short - 1 if mode == "full" else long - short + 1,)


def _adjoint(g: Cotangent, x: AnyArray, y: AnyArray, mode: str) -> AnyArray:
    """Return the cotangent of ``x``: of a full convolution the overlaps, else the other way."""
    if mode == "full":
        return strong_convolution(g, y[::-1], mode="valid")
    if x.shape[0] >= y.shape[0]:
        return strong_convolution(g, y[::-1], mode="full")
    return strong_convolution(y[::-1], g, mode="valid")


def _with_windows(product: Callable[..., Any]) -> Callable[..., Any]:
    """Write a convolution as sums of products with a window that moves along."""

    def expand(x: Any, y: Any, *, mode: str) -> Any:
        long, short = sorted((x, y), key=lambda vector: -vector.shape[0])
        size, width = long.shape[0], short.shape[0]
        is_full = mode == "full"
        first, count = (1 - width, size + width - 1) if is_full else (0, size - width + 1)
        places = first + np.arange(count)[:, None] + np.arange(width)[::-1]
        products = product(index(long, places.clip(0, size - 1), key=(SLOT,)), short)
        if is_full:
            # Beyond the ends there is no product, not even 0 times an infinite number.
            products = where((places >= 0) & (places < size), products, 0.0)
        return sum(products, axis=1)

    return expand


_ADJOINTS = (
    lambda g, x, y, *, mode: _adjoint(g, x, y, mode),
    lambda g, x, y, *, mode: _adjoint(g, y, x, mode),
)
_CASES = [
    ((5,), (3,), {"mode": "full"}),
    ((2,), (4,), {"mode": "full"}),
    ((5,), (3,), {"mode": "valid"}),
    ((2,), (4,), {"mode": "valid"}),
    ((3,), (3,), {"mode": "valid"}),
    ((1,), (1,), {"mode": "full"}),
]


@multilinear(
    public=False,
    adjoints=_ADJOINTS,
    shape=_convolution_shape,
    expand=_with_windows(multiply),
    source="np.convolve({x}, {y}, {mode})",
    latex=r"{x} *_{{{mode}}} {y}",
    cases=_CASES,
)
def convolution(x: Array, y: Array, *, mode: Literal["full", "valid"]) -> Array:
    """Return Σⱼ x[k - j] y[j] for every overlap ("full"), or every whole one ("valid")."""
    return np.convolve(x, y, mode)


@multilinear(
    public=False,
    adjoints=_ADJOINTS,
    shape=_convolution_shape,
    plain="convolution",
    expand=_with_windows(strong_multiply),
    source="strong_product(lambda x, y: np.convolve(x, y, {mode}), {x}, {y})",
    latex=r"{x} *_{{{mode}}} {y}",
    helpers=[strong_product],
    cases=_CASES,
)
def strong_convolution(x: Array, y: Array, *, mode: Literal["full", "valid"]) -> Array:
    """Return the convolution in which a term with a factor 0 is 0, even 0·∞ and 0·NaN."""
    return strong_product(lambda x, y: np.convolve(x, y, mode), x, y)


def _sequences(name: str, mode: str, a: ArrayLike, v: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Return both arguments with one axis, which must not be empty."""
    choose(f"mode of {name}", mode, ("full", "same", "valid"))
    a, v = (reshape(x, shape=(1,)) if not x.ndim else x for x in (as_array(a), as_array(v)))
    if a.ndim > 1 or v.ndim > 1 or 0 in (a.shape[0], v.shape[0]):
        raise ShapeError(f"{name}: got shapes {a.shape} and {v.shape}; expected non-empty vectors")
    return a, v


def convolve(a: ArrayLike, v: ArrayLike, mode: str = "full") -> AnyArray:
    """Return the convolution Σⱼ a[k - j] v[j] of two vectors.

    Parameters
    ----------
    a, v : (n,) and (m,) arrays
    mode : "full", "same" or "valid"
        All n + m - 1 overlaps, the max(n, m) in the middle, or those without a border.

    Examples
    --------
    >>> ad.convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]))
    array([ 1., 12., 23., 30.])
    >>> ad.grad(lambda v: ad.convolve(np.array([1.0, 2.0, 3.0]), v)[1])(np.array([1.0, 10.0]))
    array([2., 1.])
    """
    a, v = _sequences("convolve", mode, a, v)
    if mode != "same":
        return convolution(a, v, mode=mode)
    short, long = sorted((a.shape[0], v.shape[0]))
    start = (short - 1) // 2
    return convolution(a, v, mode="full")[start : start + long]


def correlate(a: ArrayLike, v: ArrayLike, mode: str = "valid") -> AnyArray:
    """Return the correlation Σⱼ a[k + j] v[j] of two vectors; ``mode`` is that of `convolve`.

    >>> ad.correlate(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]))
    array([21., 32.])
    """
    a, v = _sequences("correlate", mode, a, v)
    if mode != "same":
        return convolution(a, v[::-1], mode=mode)
    short, long = sorted((a.shape[0], v.shape[0]))
    # NumPy exchanges the arguments and reverses the result if the second is longer.
    start = short // 2 if v.shape[0] > a.shape[0] else (short - 1) // 2
    return convolution(a, v[::-1], mode="full")[start : start + long]


COMPOSITES = (convolve, correlate)
NUMPY.update({np.convolve: convolve, np.correlate: correlate})
