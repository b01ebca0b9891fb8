"""An activation is a nonlinear function as a module; but for `PReLU` it has no parameters."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..checks import positive_size
from ..errors import ShapeError, choose
from ..ops.exponential import sigmoid, softplus
from ..ops.hyperbolic import tanh
from ..ops.piecewise import relu
from ..ops.softmax import softmax
from ..ops.structural import as_array
from . import activations
from .module import Module, Parameter


class Sigmoid(Module):
    """The logistic function 1 / (1 + e⁻ˣ) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Sigmoid()(0.0))
    0.5
    """

    def forward(self, x: Any) -> Any:
        """Return 1 / (1 + e⁻ˣ)."""
        return sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent of every entry.

    >>> from adjoint import nn
    >>> float(nn.Tanh()(0.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        """Return tanh x."""
        return tanh(x)


class ReLU(Module):
    """The positive part max(x, 0) of every entry; `adjoint.relu` states its gradient at 0.

    >>> from adjoint import nn
    >>> float(nn.ReLU()(-1.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        """Return max(x, 0)."""
        return relu(x)


class Softmax(Module):
    """Probabilities eˣ / Σ eˣ along an axis; for a loss, leave it to `functional.cross_entropy`.

    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.Softmax()(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Return eˣ / Σ eˣ."""
        return softmax(x, axis=self.axis)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"


class LeakyReLU(Module):
    """The positive part, and a small slope below 0, which the derivative at 0 is, too.

    >>> from adjoint import nn
    >>> float(nn.LeakyReLU()(-1.0))
    -0.01
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        """Return x where it is positive, else slope · x."""
        return activations.leaky_relu(x, self.slope)

    def extra_repr(self) -> str:
        """Return the slope."""
        return f"slope={self.slope}"


class ELU(Module):
    """The exponential linear unit: x, and alpha (eˣ - 1) below 0, where the derivative is alpha.

    >>> from adjoint import nn
    >>> float(nn.ELU()(-1e4))
    -1.0
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """Return x where it is positive, else alpha (eˣ - 1)."""
        return activations.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """Return alpha."""
        return f"alpha={self.alpha}"


class SELU(Module):
    """The scaled exponential unit, which keeps mean 0 and variance 1; see `functional.selu`.

    >>> from adjoint import nn
    >>> float(nn.SELU()(0.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        """Return 1.0507 elu(x, 1.6733)."""
        return activations.selu(x)


class GELU(Module):
    """The input times the normal distribution's integral, x Φ(x); see `functional.gelu`.

    >>> from adjoint import nn
    >>> round(float(nn.GELU("tanh")(1.0)), 4)
    0.8412
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = choose("approximation of gelu", approximate, activations.GELU_FORMS)

    def forward(self, x: Any) -> Any:
        """Return x Φ(x), or its approximation."""
        return activations.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """The input times its logistic function, x σ(x), also called swish.

    >>> from adjoint import nn
    >>> float(nn.SiLU()(0.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        """Return x σ(x)."""
        return activations.silu(x)


class Mish(Module):
    """The function x tanh(log(1 + eˣ)) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Mish()(0.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        """Return x tanh(log(1 + eˣ))."""
        return activations.mish(x)


class Softplus(Module):
    """The smooth positive part log(1 + eˣ) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Softplus()(1e4))
    10000.0
    """

    def forward(self, x: Any) -> Any:
        """Return log(1 + eˣ)."""
        return softplus(x)


class Hardtanh(Module):
    """The input, but not beyond ±1; `functional.hardtanh` states its gradient there.

    >>> from adjoint import nn
    >>> float(nn.Hardtanh()(-3.0))
    -1.0
    """

    def forward(self, x: Any) -> Any:
        """Return x, but not beyond ±1."""
        return activations.hardtanh(x)


class Softsign(Module):
    """The function x / (1 + |x|) of every entry.

    >>> from adjoint import nn
    >>> float(nn.Softsign()(1.0))
    0.5
    """

    def forward(self, x: Any) -> Any:
        """Return x / (1 + |x|)."""
        return activations.softsign(x)


class GLU(Module):
    """The gated linear unit a σ(b), where a and b are the input's halves along an axis.

    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.GLU()(np.array([4.0, 6.0, 0.0, 0.0]))
    array([2., 3.])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Return a σ(b).

        Parameters
        ----------
        x : (..., 2k, ...) array

        Returns
        -------
        (..., k, ...) Tensor
        """
        return activations.glu(x, self.axis)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"


class PReLU(Module):
    """The positive part, and a slope below 0 that is trained; see `functional.prelu`.

    Parameters
    ----------
    features : int
        1 for one slope in all, else one for each entry of an axis.
    initial : float
        The first slope.
    axis : int
        That along which several slopes run: 1, the channels, as in all layers that have them and in
        PyTorch; -1 for features on the last axis of sequences. Of an input of one axis, that one.
    dtype : dtype
        Of the slopes.

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

    # Modules that were pickled when the slopes ran along the last axis have none of their own.
    axis = -1

    def __init__(
        self, features: int = 1, initial: float = 0.25, *, axis: int = 1, dtype: Any = float
    ) -> None:
        self.features, self.axis = positive_size("features", features), operator.index(axis)
        self.weight = Parameter(np.full(self.features, initial, dtype))

    def forward(self, x: Any) -> Any:
        """Return x where it is positive, else weight · x.

        Parameters
        ----------
        x : (..., features, ...) array

        Returns
        -------
        (..., features, ...) Tensor
        """
        x = as_array(x)
        if not x.shape or (self.features > 1 and self._size(x) != self.features):
            raise ShapeError(
                f"PReLU: input of shape {x.shape} does not fit the weight of shape "
                f"{self.weight.shape}; expected "
                + (f"{self.features} along axis {self.axis}" if self.features > 1 else "an axis")
            )
        return activations.prelu(x, self.weight, self.axis)

    def _size(self, x: Any) -> int | None:
        """Return how many entries the axis of the slopes has."""
        axis = 0 if x.ndim == 1 else self.axis
        return int(x.shape[axis]) if -x.ndim <= axis < x.ndim else None

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"{self.features}" + f", axis={self.axis}" * (self.axis != 1)


# What an MLP can have between its layers, by name.
ACTIVATIONS: dict[str, type[Module]] = {
    "elu": ELU,
    "gelu": GELU,
    "hardtanh": Hardtanh,
    "leaky_relu": LeakyReLU,
    "mish": Mish,
    "relu": ReLU,
    "selu": SELU,
    "sigmoid": Sigmoid,
    "silu": SiLU,
    "softplus": Softplus,
    "softsign": Softsign,
    "tanh": Tanh,
}
