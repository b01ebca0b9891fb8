"""An example is a call of a NumPy function at points where its derivative can be checked.

The function is an argument of the call, so that it can be skipped in versions of NumPy without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import Array, Operand
from ..core.value import Value

Call = Callable[..., Any]
# A call and the points to call it at.
Example = tuple[Call, tuple[Any, ...]]

_rng = np.random.default_rng(7)
_ROW = np.array([0.3, -0.8, 1.4, 0.9])
_MATRIX = np.array([[0.3, -0.8, 1.4], [0.9, 0.25, -0.45]])
_SQUARE = np.array([[2.1, 0.3, -0.4], [0.5, 1.7, 0.2], [-0.3, 0.6, 2.4]])
_POSITIVE = np.array([[0.31, 0.82, 0.45], [0.64, 0.17, 0.93]])
_STACK = _rng.uniform(-1, 1, (2, 3, 4))
_OTHER = np.array([[0.7, 1.2, -0.6], [-0.35, 0.55, 1.1]])
_HOLED = np.where(np.eye(2, 3) > 0, np.nan, _MATRIX)


def _plain(f: Call, *xs: Operand) -> Any:
    return f(*xs)


def _each(names: str, *points: Operand, call: Call = _plain) -> dict[str, Example]:
    return dict.fromkeys(names.split(), (call, points))


def _symmetric(f: Call, x: Value | Array) -> Any:
    """Call a function on the symmetric part, the only part that it may depend on."""
    return f((x + x.T) / 2)


def _holed(f: Call, *args: Operand, **kwargs: object) -> Call:
    """Return a call on an array of which some entries are NaN, as a function of the others."""
    return lambda x: f(np.where(np.isnan(_HOLED), np.nan, x), *args, **kwargs)


def _eigh_invariants(f: Call, x: Value | Array) -> Any:
    """Return a result of the eigenvectors that does not depend on their signs, which are free."""
    w, v = f((x + x.T) / 2)
    return w, v * v


def _svd_invariants(f: Call, x: Operand) -> Any:
    """Return a result of the singular vectors that does not depend on their free signs."""
    u, s, vt = f(x, full_matrices=False)
    return s, u * u, vt * vt


FAMILIES: dict[str, dict[str, Example]] = {
    "Arithmetic": _each("add subtract multiply divide true_divide", _MATRIX, _OTHER[0])
    | _each("remainder mod fmod divmod", _POSITIVE * 3, np.array([0.41, 0.73, 0.57]))
    | _each("negative positive square abs absolute fabs reciprocal nan_to_num modf", _MATRIX)
    | _each("frexp", _POSITIVE)
    | _each("power pow float_power", _POSITIVE, _OTHER)
    | _each("sqrt cbrt", _POSITIVE)
    | _each("copysign hypot maximum minimum fmax fmin", _MATRIX, _OTHER)
    | {
        "clip": (lambda f, x: f(x, -0.5, 1.0), (_MATRIX,)),
        "ldexp": (lambda f, x: f(x, np.array([1, -2, 3])), (_MATRIX,)),
        "where": (lambda f, x, y: f(_MATRIX > 0, x, y), (_MATRIX, _OTHER)),
        "interp": (lambda f, *a: f(*a), (_POSITIVE, np.array([0.0, 0.5, 1.0]), _ROW[:3])),
        "unwrap": (_plain, (_ROW * 4,)),
    },
    "Exponentials and logarithms": _each("exp exp2 expm1 sinh cosh tanh arcsinh asinh i0", _MATRIX)
    | _each("log log2 log10 log1p", _POSITIVE)
    | _each("logaddexp logaddexp2", _MATRIX, _OTHER)
    | _each("arccosh acosh", _POSITIVE + 1.2)
    | _each("arctanh atanh", _POSITIVE),
    "Trigonometry": _each("sin cos tan arctan atan sinc deg2rad radians rad2deg degrees", _MATRIX)
    | _each("arcsin asin arccos acos", _POSITIVE)
    | _each("arctan2 atan2", _MATRIX, _OTHER),
    "Reductions and statistics": _each(
        "sum mean prod max min amax amin var std median ptp average cumsum cumprod "
        "nansum nanmean nanprod nanmax nanmin nanvar nanstd nanmedian nancumsum nancumprod",
        _MATRIX,
        call=lambda f, x: f(x, axis=1),
    )
    | _each(
        "nansum nanmean nanprod nanmax nanmin nanvar nanstd nanmedian nancumsum nancumprod",
        np.nan_to_num(_HOLED),
        call=lambda f, x: _holed(f, axis=1)(x),
    )
    | _each("quantile nanquantile", _MATRIX, call=lambda f, x: f(x, [0.2, 0.7], axis=1))
    | _each("percentile nanpercentile", _MATRIX, call=lambda f, x: f(x, 35.0, axis=0))
    | _each("cov corrcoef", _SQUARE)
    | _each("cumulative_sum cumulative_prod", _MATRIX, call=lambda f, x: f(x, axis=1))
    | {
        "average": (lambda f, x, w: f(x, axis=1, weights=w), (_MATRIX, _POSITIVE)),
        "bincount": (lambda f, w: f(np.array([0, 2, 0, 1]), w), (_ROW,)),
        "histogram": (
            lambda f, w: f(_ROW, bins=np.array([-1.0, 0.0, 1.0, 2.0]), weights=w)[0],
            (_POSITIVE.ravel()[:4],),
        ),
        "histogram2d": (
            lambda f, w: f(_ROW, _ROW**2, bins=2, weights=w)[0],
            (_POSITIVE.ravel()[:4],),
        ),
        "histogramdd": (
            lambda f, w: f(np.stack([_ROW, _ROW**2], 1), bins=2, weights=w)[0],
            (_POSITIVE.ravel()[:4],),
        ),
        "histogram_bin_edges": (lambda f, x: f(x, bins=3), (_ROW,)),
    },
    "Order and selection": _each("sort", _MATRIX)
    | {
        "partition": (lambda f, x: f(x, 1), (_MATRIX,)),
        "take": (lambda f, x: f(x, [2, 0, 2], axis=1), (_MATRIX,)),
        "take_along_axis": (lambda f, x: f(x, np.array([[0, 0], [2, 1]]), 1), (_MATRIX,)),
        "compress": (lambda f, x: f([True, False, True], x, axis=1), (_MATRIX,)),
        "extract": (lambda f, x: f(_MATRIX > 0, x), (_MATRIX,)),
        "select": (lambda f, x, y: f([_MATRIX > 1, _MATRIX > 0], [x, y], 2.0), (_MATRIX, _OTHER)),
        "choose": (lambda f, x, y: f(np.array([0, 1, 0]), [x, y]), (_ROW[:3], _OTHER[0])),
        "piecewise": (
            lambda f, x: f(x, [_MATRIX < 0], [lambda p: p * p, lambda p: 3 * p]),
            (_MATRIX,),
        ),
        "apply_along_axis": (lambda f, x: f(lambda row: row * row[0], 1, x), (_MATRIX,)),
        "apply_over_axes": (lambda f, x: f(np.sum, x, [0, 2]), (_STACK,)),
        "trim_zeros": (lambda f, x: f(np.concatenate([[0.0], x, [0.0]])), (_ROW,)),
    },
    "Shapes": _each(
        "ravel squeeze copy matrix_transpose transpose permute_dims flip fliplr flipud "
        "rot90 atleast_1d atleast_2d atleast_3d tril triu trace diagonal",
        _MATRIX,
    )
    | _each("swapaxes rollaxis", _STACK, call=lambda f, x: f(x, 2, 0))
    | _each("hsplit", _MATRIX, call=lambda f, x: f(x, [1]))
    | _each("vsplit", _MATRIX, call=lambda f, x: f(x, 2))
    | _each("split array_split", _STACK, call=lambda f, x: f(x, 2, axis=2))
    | _each("unstack", _MATRIX)
    | {
        "astype": (lambda f, x: f(x, np.float64), (_MATRIX,)),
        "reshape": (lambda f, x: f(x, (3, 2)), (_MATRIX,)),
        "resize": (lambda f, x: f(x, (3, 3)), (_MATRIX,)),
        "expand_dims": (lambda f, x: f(x, 1), (_MATRIX,)),
        "moveaxis": (lambda f, x: f(x, 0, -1), (_STACK,)),
        "broadcast_to": (lambda f, x: f(x, (2, 4)), (_ROW,)),
        "broadcast_arrays": (_plain, (_MATRIX, _ROW[:3])),
        "dsplit": (lambda f, x: f(x, 2), (_STACK,)),
        "roll": (lambda f, x: f(x, 1, axis=1), (_MATRIX,)),
        "repeat": (lambda f, x: f(x, 2, axis=0), (_MATRIX,)),
        "tile": (lambda f, x: f(x, (2, 1)), (_MATRIX,)),
        "pad": (lambda f, x: f(x, ((1, 0), (2, 1)), mode="reflect"), (_MATRIX,)),
        "diag": (lambda f, x: f(x, 1), (_ROW,)),
        "diagflat": (_plain, (_ROW,)),
    },
    "Assembly": _each(
        "concatenate concat stack vstack hstack dstack column_stack row_stack block",
        _MATRIX,
        _OTHER,
        call=lambda f, x, y: f([x, y]),
    )
    | _each("append", _MATRIX, _OTHER)
    | _each("meshgrid", _ROW, _ROW[:2])
    | _each("vander", _ROW)
    | _each("full_like", _MATRIX, np.array(1.5))
    | _each("linspace", np.array(0.5), np.array([2.0, 3.0]), call=lambda f, a, b: f(a, b, 4))
    | _each("logspace", np.array(0.1), np.array(0.7), call=lambda f, a, b: f(a, b, 4))
    | _each("geomspace", np.array(0.5), np.array(2.0), call=lambda f, a, b: f(a, b, 4))
    | {
        "full": (lambda f, v: f((2, 3), v), (np.array(1.5),)),
        "insert": (lambda f, x, v: f(x, 1, v, axis=1), (_MATRIX, _ROW[:2])),
        "delete": (lambda f, x: f(x, 1, axis=1), (_MATRIX,)),
    },
    "Differences and integrals": _each("diff ediff1d trapezoid trapz gradient", _ROW),
    "Polynomials": _each("polyadd polysub polymul", _ROW, _OTHER[0])
    | _each("polydiv", _ROW, _OTHER[0][:2])
    | _each("polyval", _OTHER[0], _ROW)
    | _each("polyder polyint poly", _ROW)
    | {"polyfit": (lambda f, x, y: f(x, y, 1), (_ROW, _ROW[::-1] ** 2))},
    "Products": _each("dot", _MATRIX, _SQUARE)
    | _each("matmul linalg.matmul", _MATRIX, _SQUARE)
    | _each("inner vdot", _MATRIX, _OTHER)
    | _each("outer linalg.outer", _ROW, _ROW[:2])
    | _each("kron", _MATRIX, _ROW[:2])
    | _each("cross linalg.cross", _MATRIX, _OTHER)
    | _each("tensordot linalg.tensordot", _MATRIX, _OTHER, call=lambda f, x, y: f(x, y, axes=2))
    | _each("vecdot linalg.vecdot", _MATRIX, _OTHER)
    | _each("matvec", _MATRIX, _ROW[:3])
    | _each("vecmat", _ROW[:2], _MATRIX)
    | _each("convolve correlate", _ROW, _OTHER[0])
    | _each("einsum", _MATRIX, _SQUARE, call=lambda f, x, y: f("ij,jk->ik", x, y))
    | _each("linalg.multi_dot", _MATRIX, _SQUARE, call=lambda f, x, y: f([x, y, y])),
    "Linear algebra": _each(
        "linalg.inv linalg.det linalg.slogdet linalg.cond linalg.svdvals", _SQUARE
    )
    | _each("linalg.trace linalg.diagonal linalg.matrix_transpose", _SQUARE)
    | _each("linalg.norm linalg.matrix_norm linalg.vector_norm", _MATRIX)
    | _each("linalg.pinv", _MATRIX)
    | _each("linalg.solve", _SQUARE, _ROW[:3])
    | _each("linalg.lstsq", _MATRIX.T, _ROW[:3], call=lambda f, x, y: f(x, y, rcond=None)[0])
    | _each("linalg.qr", _SQUARE)
    | _each("linalg.matrix_power", _SQUARE, call=lambda f, x: f(x, 3))
    | _each("linalg.cholesky linalg.eigvalsh", _SQUARE, call=_symmetric)
    | _each("linalg.eigh", _SQUARE, call=_eigh_invariants)
    | _each("linalg.svd", _MATRIX, call=_svd_invariants)
    | _each("linalg.tensorinv", _SQUARE.reshape(3, 3, 1)[:, :, :1], call=lambda f, x: f(x, 1))
    | _each("linalg.tensorsolve", _SQUARE, _ROW[:3]),
}


EXAMPLES: dict[str, Example] = {
    name: example for family in FAMILIES.values() for name, example in family.items()
}
