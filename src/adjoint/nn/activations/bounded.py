"""Bounded activations: of single entries, and `Softmax`, which is bounded as a whole."""

from __future__ import annotations

from typing import Any

from ...core.annotations import ArrayLike
from ...ops.exponential import sigmoid
from ...ops.hyperbolic import tanh
from ...ops.logic import less
from ...ops.piecewise import absolute, sign, softsign, where
from ...ops.softmax import softmax
from ...ops.structural import as_array
from .activation import Activation

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["hardtanh", "softsign"]


def hardtanh(x: ArrayLike) -> Any:
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
    z = as_array(x)
    return where(less(absolute(z), 1), z, sign(z))


class Hardtanh(Activation):
    """The input, but not beyond ±1; `functional.hardtanh` states its gradient there.

    >>> from adjoint import nn
    >>> float(nn.Hardtanh()(-3.0))
    -1.0
    """

    function = staticmethod(hardtanh)
    initialise = "glorot_uniform"


class Sigmoid(Activation):
    """The logistic function 1 / (1 + e⁻ˣ) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Sigmoid()(0.0))
    0.5
    """

    function = staticmethod(sigmoid)
    initialise = "glorot_uniform"


class Softmax(Activation):
    """Probabilities eˣ / Σ eˣ along an axis; for a loss, leave it to `functional.cross_entropy`.

    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.Softmax()(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    """

    function = staticmethod(softmax)

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis


class Softsign(Activation):
    """The function x / (1 + |x|) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Softsign()(1.0))
    0.5
    """

    function = staticmethod(softsign)
    initialise = "glorot_uniform"


class Tanh(Activation):
    """The hyperbolic tangent of every entry.

    >>> from adjoint import nn
    >>> float(nn.Tanh()(0.0))
    0.0
    """

    function = staticmethod(tanh)
    initialise = "glorot_uniform"
