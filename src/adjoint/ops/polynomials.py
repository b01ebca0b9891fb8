"""Polynomials are vectors of coefficients, the highest power first, as in NumPy's functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike
from ..core.registry import NUMPY
from ..core.views import own
from ..errors import ShapeError
from .arithmetic import divide
from .assembly import append as joined
from .axes import atleast_1d, expand_dims, ravel
from .convolution import convolve
from .cumulative import cumprod, part
from .indexing import index, put_at
from .rearrangement import flip
from .reductions import norm
from .solvers import lstsq
from .structural import as_array, broadcast_to, concatenate, known, stop_gradient


def _coefficients(p: ArrayLike, name: str) -> AnyArray:
    x = atleast_1d(p)
    if x.ndim != 1:
        raise ShapeError(f"{name}: coefficients must have one axis, got shape {x.shape}")
    return x


def polyval(p: ArrayLike, x: ArrayLike) -> AnyArray:
    """Return the value of the polynomial ``p`` at every entry of ``x``, by Horner's scheme.

    >>> ad.polyval(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0]))  # x² + 2x + 3
    array([ 3., 11.])
    >>> ad.grad(lambda x: ad.polyval(np.array([1.0, 2.0, 3.0]), x).sum())(np.array([0.0, 2.0]))
    array([2., 6.])
    """
    coefficients, x = _coefficients(p, "polyval"), as_array(x)
    total: Any = np.zeros(x.shape, x.dtype)
    for n in range(coefficients.shape[0]):
        total = total * x + coefficients[n]
    return total


def _matched(a1: ArrayLike, a2: ArrayLike, name: str) -> tuple[Any, Any]:
    """Return two vectors of coefficients with zeros before the shorter one."""
    pair = [_coefficients(a, name) for a in (a1, a2)]
    longest = max(x.shape[0] for x in pair)
    first, second = (
        x
        if x.shape[0] == longest
        else concatenate([np.zeros(longest - x.shape[0], x.dtype), x], axis=0)
        for x in pair
    )
    return first, second


def polyadd(a1: ArrayLike, a2: ArrayLike) -> AnyArray:
    """Return the coefficients of the sum of the polynomials ``a1`` and ``a2``.

    >>> ad.polyadd(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0]))
    array([1., 3., 4.])
    """
    first, second = _matched(a1, a2, "polyadd")
    return first + second


def polysub(a1: ArrayLike, a2: ArrayLike) -> AnyArray:
    """Return the coefficients of the difference of the polynomials ``a1`` and ``a2``.

    >>> ad.polysub(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0]))
    array([1., 1., 2.])
    """
    first, second = _matched(a1, a2, "polysub")
    return first - second


def polymul(a1: ArrayLike, a2: ArrayLike) -> AnyArray:
    """Return the coefficients of the product of the polynomials ``a1`` and ``a2``.

    >>> ad.polymul(np.array([1.0, 1.0]), np.array([1.0, -1.0]))
    array([ 1.,  0., -1.])
    """
    return convolve(_coefficients(a1, "polymul"), _coefficients(a2, "polymul"))


def polyder(p: ArrayLike, m: int = 1) -> AnyArray:
    """Return the coefficients of the ``m``-th derivative of the polynomial ``p``.

    >>> ad.polyder(np.array([1.0, 2.0, 3.0]))
    array([2., 2.])
    """
    x = _coefficients(p, "polyder")
    if m < 0:
        raise ValueError(f"polyder: m must not be negative, got {m}; see polyint")
    for _ in range(m):
        powers = np.arange(x.shape[0] - 1, 0, -1)
        x = part(x, 0, None, -1) * powers
    return x


def polyint(p: ArrayLike, m: int = 1, k: ArrayLike | None = None) -> AnyArray:
    """Return the coefficients of the ``m``-th antiderivative of the polynomial ``p``.

    Parameters
    ----------
    k : (m,) array or number, optional
        The constants of integration, by default 0.

    Examples
    --------
    >>> ad.polyint(np.array([2.0, 2.0]), k=5.0)
    array([1., 2., 5.])
    """
    x = _coefficients(p, "polyint")
    if m < 0:
        raise ValueError(f"polyint: m must not be negative, got {m}; see polyder")
    constants = np.zeros(m) if k is None else atleast_1d(k)
    if m > 1 and constants.shape == (1,):
        constants = broadcast_to(constants, shape=(m,))
    if constants.shape != (m,):
        raise ShapeError(f"polyint: constants of shape {constants.shape}, expected ({m},)")
    for n in range(m):
        powers = np.arange(x.shape[0], 0, -1)
        x = joined(divide(x, powers), constants[n])
    return x


def poly(seq_of_zeros: ArrayLike) -> AnyArray:
    """Return the coefficients of the polynomial with the zeros ``seq_of_zeros``; it starts with 1.

    >>> ad.poly(np.array([1.0, -1.0]))
    array([ 1.,  0., -1.])
    >>> ad.grad(lambda zeros: ad.poly(zeros)[2])(np.array([2.0, 3.0]))  # the product of the zeros
    array([3., 2.])
    """
    zeros = ravel(_coefficients(seq_of_zeros, "poly"))
    found: Any = np.ones(1, zeros.dtype)
    nothing = np.zeros(1, zeros.dtype)
    for n in range(zeros.shape[0]):
        found = joined(found, nothing) - joined(nothing, found * zeros[n])
    return found


def polydiv(u: ArrayLike, v: ArrayLike) -> tuple[Any, Any]:
    """Return the coefficients of quotient and remainder of ``u`` by ``v``, by long division.

    >>> ad.polydiv(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0]))
    (array([1., 1.]), array([2.]))
    """
    rest, divisor = _coefficients(u, "polydiv") + 0.0, _coefficients(v, "polydiv") + 0.0
    steps, width = rest.shape[0] - divisor.shape[0] + 1, divisor.shape[0]
    quotient: Any = np.zeros(max(steps, 1), np.result_type(rest.dtype, divisor.dtype))
    for n in range(steps):
        factor = divide(rest[n], divisor[0])
        window = (slice(n, n + width),)
        rest = put_at(rest, index(rest, key=window) - factor * divisor, key=window)
        quotient = put_at(quotient, factor, key=(n,))
    return quotient, _without_leading_zeros(rest, max(steps, 0))


def _without_leading_zeros(rest: AnyArray, cancelled: int) -> AnyArray:
    """Return a remainder without the coefficients that division has cancelled."""
    first = min(cancelled, rest.shape[0] - 1)
    plain = known(rest)
    if plain is not None:
        small = np.isclose(plain, 0, rtol=1e-14)
        first = int(np.argmin(np.append(small[:-1], False)))
    return own(part(rest, 0, first, None))


def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> AnyArray:
    """Return the matrix of the powers of ``x`` below ``N``, in its columns.

    The highest stands first, or last with ``increasing``.

    >>> ad.vander(np.array([2.0, 3.0]), 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    x = as_array(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected one axis, got shape {x.shape}")
    columns = x.shape[0] if N is None else N
    first = np.ones((x.shape[0], min(columns, 1)), x.dtype)
    repeated = broadcast_to(expand_dims(x, 1), shape=(x.shape[0], max(columns - 1, 0)))
    powers = cumprod(concatenate([first, repeated], axis=1), axis=1)
    return powers if increasing else own(flip(powers, axis=1))


def polyfit(x: ArrayLike, y: ArrayLike, deg: int, rcond: float | None = None) -> AnyArray:
    """Return the coefficients of the polynomial of degree ``deg`` nearest to points (x, y).

    Nearest by the sum of squared distances along y.

    Parameters
    ----------
    x : (n,) array
    y : (n,) or (n, k) array
        Each column has a polynomial of its own.
    rcond : float, optional
        Singular values up to this part of the greatest count as 0; by default n rounding units.

    Examples
    --------
    >>> ad.polyfit(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), 1).round(9)
    array([2., 1.])
    """
    if deg < 0:
        raise ValueError(f"polyfit: deg must not be negative, got {deg}")
    x, y = as_array(x) + 0.0, as_array(y) + 0.0
    if x.ndim != 1 or y.ndim not in (1, 2) or y.shape[0] != x.shape[0] or not x.shape[0]:
        raise ShapeError(
            f"polyfit: points of shapes {x.shape} and {y.shape}; expected (n,) and (n,) or (n, k)"
        )
    powers = vander(x, deg + 1)
    # Powers of x differ by many orders of magnitude; columns scaled to one length are much better
    # conditioned, and the cut-off by ``rcond`` is meant for them.
    scale = stop_gradient(norm(powers, axis=0))
    cut = x.shape[0] * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    found = lstsq(divide(powers, scale), y, cut)[0]
    return own(divide(found.T, scale).T)


COMPOSITES = (
    polyval,
    polyadd,
    polysub,
    polymul,
    polyder,
    polyint,
    poly,
    polydiv,
    vander,
    polyfit,
)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
