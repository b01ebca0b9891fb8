"""Rectified activations: x where it is positive, and less than that below 0."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...core.annotations import Array, ArrayLike, DTypeLike
from ...core.checks import positive_size
from ...core.value import Value
from ...errors import ShapeError
from ...ops.exponential import expm1, softplus
from ...ops.logic import greater
from ...ops.piecewise import relu, where
from ...ops.structural import as_array, axis_index, reshape
from ..module import Parameter
from .activation import Activation

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["elu", "leaky_relu", "prelu", "selu", "softplus"]

# Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, equation (14) and its solution
# for mean 0 and variance 1.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


class ReLU(Activation):
    """The positive part max(x, 0) of every entry; `adjoint.relu` states its gradient at 0.

    >>> from adjoint import nn
    >>> float(nn.ReLU()(-1.0))
    0.0
    """

    function = staticmethod(relu)
    initialise = "he_normal"


def leaky_relu(x: ArrayLike, slope: float = 0.01) -> Any:
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
    z = as_array(x)
    return where(greater(z, 0), z, z * slope)


class LeakyReLU(Activation):
    """The positive part, and a small slope below 0; the derivative at 0 is that slope.

    >>> from adjoint import nn
    >>> float(nn.LeakyReLU()(-1.0))
    -0.01
    """

    function = staticmethod(leaky_relu)
    initialise = "he_normal"

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope


def prelu(x: ArrayLike, weight: ArrayLike, axis: int = 1) -> Any:
    """Return x where it is positive, else weight · x; the derivative by x at 0 is ``weight``.

    He et al., "Delving deep into rectifiers", ICCV 2015, equation (1).

    Parameters
    ----------
    x : (..., k, ...) array
    weight : (1,) or (k,) array
    axis : int
        The axis of x along which several slopes run, the channels; if x has one axis, that one.

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
    z, slopes = as_array(x), as_array(weight)
    if slopes.shape != (1,) and z.ndim > 1:
        place = axis_index(axis, z)
        slopes = reshape(slopes, shape=(-1, *(1,) * (z.ndim - 1 - place)))
    return where(greater(z, 0), z, z * slopes)


class PReLU(Activation):
    """The positive part, and a slope below 0 that is trained; see `functional.prelu`.

    Parameters
    ----------
    features : int
        1 for one slope in all, else one for each entry of an axis.
    initial : float
        The first slope.
    axis : int
        The axis along which several slopes run: 1, the channels, as in PyTorch and in all layers
        that have channels; -1 for features on the last axis of sequences. For an input of one axis
        it is that axis.
    dtype : dtype
        The dtype of the slopes.

    Attributes
    ----------
    weight : (features,) Parameter

    Raises
    ------
    ValueError
        If ``features`` is not a positive integer.
    ShapeError
        On a call, if there are several slopes and the axis has not ``features`` entries, or is
        none of the input's; or if the input has no axis.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.PReLU()(np.array([-1.0, 2.0])).data
    array([-0.25,  2.  ])
    >>> nn.PReLU(8)(np.ones((2, 8, 5, 5))).shape
    (2, 8, 5, 5)
    """

    function = staticmethod(prelu)

    # Modules pickled when the slopes always ran along the last axis have no attribute of this name.
    axis = -1

    def __init__(
        self, features: int = 1, initial: float = 0.25, *, axis: int = 1, dtype: DTypeLike = float
    ) -> None:
        self.features, self.axis = positive_size("features", features), operator.index(axis)
        self.weight = Parameter(np.full(self.features, initial, dtype))

    def forward(self, x: ArrayLike) -> Any:
        """Return x where it is positive, else weight · x.

        Parameters
        ----------
        x : (..., features, ...) array

        Returns
        -------
        (..., features, ...) Tensor
        """
        z = as_array(x)
        if not z.shape or (self.features > 1 and self._size(z) != self.features):
            raise ShapeError(
                f"PReLU: input of shape {z.shape} does not fit the weight of shape "
                f"{self.weight.shape}; expected "
                + (f"{self.features} along axis {self.axis}" if self.features > 1 else "an axis")
            )
        return self.apply(z, self.weight)

    def _size(self, x: Value | Array) -> int | None:
        """Return how many entries the axis of the slopes has."""
        axis = 0 if x.ndim == 1 else self.axis
        return int(x.shape[axis]) if -x.ndim <= axis < x.ndim else None

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"{self.features}" + f", axis={self.axis}" * (self.axis != 1)


def elu(x: ArrayLike, alpha: float = 1.0) -> Any:
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
    z = as_array(x)
    is_positive = greater(z, 0)
    # Both branches are computed. Where x is positive the exponential is not wanted and is taken of
    # 0, since that of a large x would overflow, and its slope 0·∞ would be NaN.
    return where(is_positive, z, expm1(where(is_positive, 0, z)) * alpha)


class ELU(Activation):
    """The exponential linear unit: x, and alpha (eˣ - 1) below 0, where the derivative is alpha.

    >>> from adjoint import nn
    >>> float(nn.ELU()(-1e4))
    -1.0
    """

    function = staticmethod(elu)
    initialise = "he_normal"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha


def selu(x: ArrayLike) -> Any:
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


class SELU(Activation):
    """The scaled exponential unit, which keeps mean 0 and variance 1; see `functional.selu`.

    >>> from adjoint import nn
    >>> float(nn.SELU()(0.0))
    0.0
    """

    function = staticmethod(selu)
    initialise = "lecun_normal"


class Softplus(Activation):
    """The smooth positive part log(1 + eˣ) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Softplus()(1e4))
    10000.0
    """

    function = staticmethod(softplus)
    initialise = "glorot_uniform"
