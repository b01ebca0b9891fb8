"""Arrays whose every inexact operation is rounded at random: what rounding can do to a program.

A tier may sum in another order, keep a product unrounded, or have its own exp. Runs of the plain
program on shaken arrays show what may come of that: how far a number moves, and whether a choice
flips. Exact results are left alone, so that ties and zeros stay what they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_RNG = np.random.default_rng(0)


class _Rounding:
    """How sums are rounded.

    ``fuses`` says that products may enter sums unrounded, as in native code: one that overflows is
    then no infinity from which another is subtracted.
    """

    fuses = False


@contextmanager
def fusing() -> Iterator[None]:
    """Let products enter sums unrounded inside the ``with`` block."""
    _Rounding.fuses = True
    try:
        yield
    finally:
        _Rounding.fuses = False


_EXACT = {
    *("negative", "positive", "absolute", "fabs", "sign", "maximum", "minimum", "fmax", "fmin"),
    *("floor", "ceil", "trunc", "rint", "copysign", "nextafter", "signbit", "isnan", "isinf"),
    *("isfinite", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "clip"),
}
_CHECKED = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide}
# Which argument of a function it is whose sign it reads.
_SIGN_OF = {"signbit": 0, "copysign": 1}
_SUMS = (np.sum, np.mean, np.nansum, np.nanmean)
# A few units in the last place: elementary functions differ by so much.
_UNITS = 8


def shake(value: Any, units: float = _UNITS) -> Any:
    """Return floats a few units in the last place away; tiny ones may be 0, or twice as large."""
    value = np.asarray(value)
    if value.dtype.kind != "f":
        return value
    limits = np.finfo(value.dtype)
    with np.errstate(all="ignore"):
        moved = value * (1 + units * limits.eps * _RNG.uniform(-1, 1, value.shape))
        is_tiny = np.abs(value) < 1e5 * limits.tiny
        tiny = value * _RNG.choice([0.0, 0.5, 1.0, 2.0], value.shape)
        tiny = np.where(
            value == 0, limits.smallest_subnormal * _RNG.choice([-1, 1], value.shape), tiny
        )
        moved = np.where(is_tiny, tiny, moved)
    return np.where(np.isfinite(value), moved, value).astype(value.dtype)


def _is_exact(ufunc: Any, inputs: Any, result: Any) -> Any:
    wide = [np.asarray(x, np.longdouble) for x in plain(inputs)]
    return (_CHECKED[ufunc.__name__](*wide) == result) | ~np.isfinite(result)


def _signed_anyhow(name: str, inputs: Any, result: Any) -> Any:
    """Return what reads a sign as if that of NaN were either, since machines differ in it."""
    of_nan = np.isnan(plain(inputs)[_SIGN_OF[name]])
    either = _RNG.random(result.shape) < 0.5
    if name == "signbit":
        return np.where(of_nan, either, result)
    return np.where(of_nan & either, -result, result)


def _fused(result: Any, inputs: Any) -> Any:
    """Return a sum, in which the difference of two infinities may be either."""
    if not _Rounding.fuses:
        return result
    is_new = np.isnan(result) & ~np.isnan(np.sum(np.broadcast_arrays(*map(np.abs, inputs)), axis=0))
    either = _RNG.choice([np.nan, np.inf, -np.inf], result.shape)
    return np.where(is_new, either, result).astype(result.dtype)


def _applied(ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
    with np.errstate(all="ignore"):
        result = np.asarray(getattr(ufunc, method)(*inputs, **kwargs))
        if method == "__call__" and ufunc.__name__ in _SIGN_OF:
            return _signed_anyhow(ufunc.__name__, inputs, result)
        if result.dtype.kind != "f" or ufunc.__name__ in _EXACT:
            return result
        if method == "__call__" and ufunc.__name__ in _CHECKED:
            exact = _is_exact(ufunc, inputs, result)
            rounded = np.where(exact, result, shake(result)).astype(result.dtype)
            return _fused(rounded, inputs) if ufunc in (np.add, np.subtract) else rounded
        return shake(result)


def plain(tree: Any) -> Any:
    """Return arrays and numbers as NumPy's own; an array's memory is the same."""
    if isinstance(tree, Shaken):
        return tree.view(np.ndarray)
    if isinstance(tree, _Number):
        return tree.value
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(plain, tree))
    if isinstance(tree, dict):
        return {name: plain(x) for name, x in tree.items()}
    return tree


def shaken(tree: Any) -> Any:
    """Return arrays and NumPy's floats as what is shaken from here on."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(shaken, tree))
    if isinstance(tree, np.ndarray) and tree.ndim:
        return tree.view(Shaken)
    if not isinstance(tree, np.generic | np.ndarray):
        return tree
    return _Number(tree[()]) if tree.dtype.kind == "f" else tree[()]


def _norm_is_in_range(x: Any) -> bool:
    sizes = np.abs(x[np.isfinite(x) & (x != 0)])
    limits = np.finfo(x.dtype)
    return bool(np.all((sizes < np.sqrt(limits.max) / 1e3) & (sizes > np.sqrt(limits.tiny) * 1e3)))


def _called(function: Any, args: Any, kwargs: Any) -> Any:
    """Call a function of arrays, summing in either order."""
    if function in _SUMS and _RNG.random() < 0.5:
        axis = kwargs.get("axis")
        args = (np.flip(args[0], axis=axis), *args[1:])
    with np.errstate(all="ignore"):
        result = function(*args, **kwargs)
    if function is np.linalg.norm and not _norm_is_in_range(np.asarray(args[0])):
        return result.dtype.type(_RNG.random())  # NumPy's overflows, where ours may not
    if function in _SUMS or function in (np.cumsum, np.linalg.norm):
        return shake(result)[()] if not np.ndim(result) else shake(result)
    return result


class Shaken(np.ndarray):
    """An array that is shaken by what is done with it."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        result = _applied(ufunc, method, plain(inputs), kwargs)
        if out is not None:
            np.copyto(plain(out[0]), result, casting="same_kind")
            return out[0]
        return shaken(result)

    def __array_function__(self, function, types, args, kwargs):
        return shaken(_called(function, plain(args), plain(kwargs)))

    def __getitem__(self, key):
        return shaken(plain(self)[plain(key)])

    def __setitem__(self, key, value):
        plain(self)[plain(key)] = plain(value)


class _Number(np.lib.mixins.NDArrayOperatorsMixin):
    """NumPy's number, shaken likewise: assigned to, the name is bound anew."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self.value, name)

    def __float__(self) -> float:
        return float(self.value)

    def astype(self, dtype: Any) -> Any:
        return shaken(self.value.astype(dtype))

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if out is not None and isinstance(out[0], _Number):
            out = None
        return Shaken.__array_ufunc__(self, ufunc, method, *inputs, out=out, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return Shaken.__array_function__(self, function, types, args, kwargs)
