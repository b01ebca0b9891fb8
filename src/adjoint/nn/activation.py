"""An activation is a nonlinear function as a module, without parameters."""

from __future__ import annotations

from typing import Any

from ..ops.exponential import sigmoid
from ..ops.hyperbolic import tanh
from ..ops.piecewise import relu
from ..ops.softmax import softmax
from .module import Module


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


# What an MLP can have between its layers, by name.
ACTIVATIONS: dict[str, type[Module]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}
