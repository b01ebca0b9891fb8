"""Activations as functions: composites of primitives, finite in value and slope at large inputs.

All act entry by entry, but for `glu`, and keep the dtype of floats. At a kink each follows PyTorch,
and its docstring says what that is.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import ShapeError, choose, require
from ..ops.exponential import expm1, sigmoid, softplus
from ..ops.hyperbolic import tanh
from ..ops.logic import greater, less
from ..ops.piecewise import absolute, sign, softsign, where
from ..ops.structural import as_array, axis_index, reshape

__all__ = [
    "elu",
    "gelu",
    "glu",
    "hardtanh",
    "leaky_relu",
    "mish",
    "prelu",
    "selu",
    "silu",
    "softplus",
    "softsign",
]

# Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, equation (14) and its solution
# for mean 0 and variance 1.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805

# Hendrycks & Gimpel, "Gaussian error linear units", 2016, section 2.
_GELU_CUBIC = 0.044715
GELU_FORMS = ("none", "tanh")


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Return x where it is positive, else slope · x; the derivative at 0 is ``slope``.

    Maas et al., "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Parameters
    ----------
    x : (...) array
    slope : float

    Returns
    -------
    (...) array

    Examples
    --------
    >>> import numpy as np
    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    x = as_array(x)
    return where(greater(x, 0), x, x * slope)


def prelu(x: Any, weight: Any, axis: int = 1) -> Any:
    """Return x where it is positive, else weight · x; the derivative by x at 0 is ``weight``.

    He et al., "Delving deep into rectifiers", ICCV 2015, equation (1).

    Parameters
    ----------
    x : (..., k, ...) array
    weight : (1,) or (k,) array
    axis : int
        That of x along which several slopes run, the channels; of an x of one axis, that one.

    Returns
    -------
    (..., k, ...) array

    Examples
    --------
    >>> import numpy as np
    >>> prelu(np.array([-1.0, 2.0]), np.array([0.25]))
    array([-0.25,  2.  ])
    >>> prelu(-np.ones((1, 2, 3)), np.array([0.5, 0.25]))
    array([[[-0.5 , -0.5 , -0.5 ],
            [-0.25, -0.25, -0.25]]])
    """
    x, weight = as_array(x), as_array(weight)
    if weight.shape != (1,) and x.ndim > 1:
        place = axis_index(axis, x)
        weight = reshape(weight, shape=(-1, *(1,) * (x.ndim - 1 - place)))
    return where(greater(x, 0), x, x * weight)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where it is positive, else alpha (eˣ - 1); the derivative at 0 is ``alpha``.

    Clevert et al., "Fast and accurate deep network learning by exponential linear units",
    ICLR 2016, equation (4).

    Parameters
    ----------
    x : (...) array
    alpha : float

    Returns
    -------
    (...) array

    Examples
    --------
    >>> import numpy as np
    >>> elu(np.array([-1e4, 2.0]))
    array([-1.,  2.])
    """
    x = as_array(x)
    is_positive = greater(x, 0)
    # Where it is not wanted the exponential is that of 0: it must not overflow.
    return where(is_positive, x, expm1(where(is_positive, 0, x)) * alpha)


def selu(x: Any) -> Any:
    """Return 1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1; at 0 the slope is 1.7581.

    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, equation (2).

    Parameters
    ----------
    x : (...) array

    Returns
    -------
    (...) array

    Examples
    --------
    >>> import numpy as np
    >>> selu(np.array([-1e4, 1.0])).round(4)
    array([-1.7581,  1.0507])
    """
    return elu(x, _SELU_ALPHA) * _SELU_SCALE


def gelu(x: Any, approximate: str = "none") -> Any:
    """Return x Φ(x), where Φ is the normal distribution's integral.

    Hendrycks & Gimpel, "Gaussian error linear units", 2016. Φ(x) = erfc(-x/√2)/2, and
    approximately σ(2u), which is (1 + tanh u)/2, of u = √(2/π) (x + 0.044715 x³).

    Parameters
    ----------
    x : (...) array
    approximate : {"none", "tanh"}
        The approximation needs no SciPy.

    Returns
    -------
    (...) array

    Raises
    ------
    ValueError
        If ``approximate`` is neither of the two.
    ImportError
        If it is "none" and SciPy is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> gelu(np.array([-1.0, 1.0]), "tanh").round(4)
    array([-0.1588,  0.8412])
    """
    x = as_array(x)
    if choose("approximation of gelu", approximate, GELU_FORMS) == "tanh":
        u = (x + x * x * x * _GELU_CUBIC) * math.sqrt(2 / math.pi)
        return x * sigmoid(u * 2)
    require("scipy.special", extra="native", purpose='gelu(approximate="none")')
    from ..special import erfc

    return x * erfc(x * -math.sqrt(0.5)) * 0.5


def silu(x: Any) -> Any:
    """Return x σ(x), also called swish.

    Elfwing et al., "Sigmoid-weighted linear units", Neural Networks 107, 2018.

    Parameters
    ----------
    x : (...) array

    Returns
    -------
    (...) array

    Examples
    --------
    >>> import numpy as np
    >>> silu(np.array([0.0, 1e4]))
    array([    0., 10000.])
    """
    x = as_array(x)
    return x * sigmoid(x)


def mish(x: Any) -> Any:
    """Return x tanh(log(1 + eˣ)).

    Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020, equation (1).

    Parameters
    ----------
    x : (...) array

    Returns
    -------
    (...) array

    Examples
    --------
    >>> import numpy as np
    >>> mish(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8651])
    """
    x = as_array(x)
    return x * tanh(softplus(x))


def hardtanh(x: Any) -> Any:
    """Return x, but not beyond ±1; the derivative at ±1 is 0.

    Collobert, "Large scale machine learning", thesis, Paris 6, 2004.

    Parameters
    ----------
    x : (...) array

    Returns
    -------
    (...) array

    Examples
    --------
    >>> import numpy as np
    >>> hardtanh(np.array([-3.0, 0.5]))
    array([-1. ,  0.5])
    """
    x = as_array(x)
    return where(less(absolute(x), 1), x, sign(x))


def glu(x: Any, axis: int = -1) -> Any:
    """Return a σ(b), where a and b are the halves of x along an axis.

    Dauphin et al., "Language modeling with gated convolutional networks", ICML 2017, equation (1).

    Parameters
    ----------
    x : (..., 2k, ...) array
    axis : int

    Returns
    -------
    (..., k, ...) array

    Raises
    ------
    ShapeError
        If x has no such axis, or an odd number of entries along it.

    Examples
    --------
    >>> import numpy as np
    >>> glu(np.array([4.0, 6.0, 0.0, 0.0]))
    array([2., 3.])
    """
    x = as_array(x)
    rank = len(x.shape)
    if not -rank <= axis < rank:
        raise ShapeError(f"glu: input of shape {x.shape} has no axis {axis}")
    half, rest = divmod(x.shape[axis], 2)
    if rest:
        raise ShapeError(
            f"glu: input of shape {x.shape} has {x.shape[axis]} entries along axis {axis}; "
            "expected an even number, to halve it"
        )
    before = (slice(None),) * (axis % rank)
    return x[(*before, slice(None, half))] * sigmoid(x[(*before, slice(half, None))])
