"""Gated activations: an array times a gate from 0 to 1, which is a function of x as well."""

from __future__ import annotations

import math
from typing import Any

from ...core.annotations import ArrayLike
from ...errors import ShapeError, choose, require
from ...ops.exponential import sigmoid, softplus
from ...ops.hyperbolic import tanh
from ...ops.structural import as_array
from .activation import Activation

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["gelu", "glu", "mish", "silu"]

# Hendrycks & Gimpel, "Gaussian error linear units", 2016, section 2.
_GELU_CUBIC = 0.044715
GELU_FORMS = ("none", "tanh")


def gelu(x: ArrayLike, approximate: str = "none") -> Any:
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
    z = as_array(x)
    if choose("approximation of gelu", approximate, GELU_FORMS) == "tanh":
        u = (z + z * z * z * _GELU_CUBIC) * math.sqrt(2 / math.pi)
        return z * sigmoid(u * 2)
    require("scipy.special", extra="native", purpose='gelu(approximate="none")')
    from ...special import erfc

    return z * erfc(z * -math.sqrt(0.5)) * 0.5


class GELU(Activation):
    """The input times the normal distribution's integral, x Φ(x); see `functional.gelu`.

    >>> from adjoint import nn
    >>> round(float(nn.GELU("tanh")(1.0)), 4)
    0.8412
    """

    function = staticmethod(gelu)
    initialise = "he_normal"

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = choose("approximation of gelu", approximate, GELU_FORMS)


def silu(x: ArrayLike) -> Any:
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
    z = as_array(x)
    return z * sigmoid(z)


class SiLU(Activation):
    """The input times its logistic function, x σ(x), also called swish.

    >>> from adjoint import nn
    >>> float(nn.SiLU()(0.0))
    0.0
    """

    function = staticmethod(silu)
    initialise = "he_normal"


def mish(x: ArrayLike) -> Any:
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
    z = as_array(x)
    return z * tanh(softplus(z))


class Mish(Activation):
    """The function x tanh(log(1 + eˣ)) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Mish()(0.0))
    0.0
    """

    function = staticmethod(mish)
    initialise = "he_normal"


def glu(x: ArrayLike, axis: int = -1) -> Any:
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
    z = as_array(x)
    rank = len(z.shape)
    if not -rank <= axis < rank:
        raise ShapeError(f"glu: input of shape {z.shape} has no axis {axis}")
    half, rest = divmod(z.shape[axis], 2)
    if rest:
        raise ShapeError(
            f"glu: input of shape {z.shape} has {z.shape[axis]} entries along axis {axis}; "
            "expected an even number, to halve it"
        )
    before = (slice(None),) * (axis % rank)
    return z[(*before, slice(None, half))] * sigmoid(z[(*before, slice(half, None))])


class GLU(Activation):
    """The gated linear unit a σ(b), where a and b are the input's halves along an axis.

    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.GLU()(np.array([4.0, 6.0, 0.0, 0.0]))
    array([2., 3.])
    """

    function = staticmethod(glu)

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis
