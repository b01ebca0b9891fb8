"""A flat loss is the loss of all rows as a function of one vector, as SciPy's solvers want it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..calculus.derivatives import value_and_grad
from ..compiler.compiled import Compiled
from ..compiler.compiled import compile as compile_function
from ..compiler.state import standing_in
from ..core.annotations import Array, Operand
from ..core.value import Value
from ..graphs.tensor import Tensor
from ..nn.module import Module
from .epochs import as_number


class FlatLoss:
    """The loss of all rows, and its gradient, as a function of one float64 vector of parameters.

    Parameters
    ----------
    model : Module
    loss : callable
    params : sequence of Tensor
        Their entries follow one another in the vector.
    data : tuple of (n, …) array
        X, and what the loss takes besides the prediction.
    weight_decay : float
        weight_decay ‖p‖² / 2 is added to the loss.

    Attributes
    ----------
    compiled : Compiled or None
        What computes loss and gradient, once `compile` has made it.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[..., Any],
        params: Sequence[Tensor],
        data: Sequence[Array],
        weight_decay: float = 0.0,
    ) -> None:
        self.model, self.loss, self.params, self.data = model, loss, params, data
        self.weight_decay = weight_decay
        self.compiled: Compiled | None = None

    def compile(self) -> Compiled:
        """Compute loss and gradient by a traced graph from now on; returns that.

        Raises
        ------
        TypeError, ValueError
            If it cannot be traced; then nothing has changed.
        """
        compiled = compile_function(_value_and_gradients(self.model, self.loss, self.params))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            compiled(self.split(self.vector()), *self.data)
        self.compiled = compiled
        return compiled

    def __call__(self, vector: Array) -> tuple[float, Array]:
        """Return the loss, the penalty included, and its gradient."""
        # A line search tries steps that are too long, and shortens them where the loss is not
        # finite. That is no cause for a warning.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            number, gradients = (self._eager if self.compiled is None else self._fast)(vector)
            gradient = _joined(gradients)
            if self.weight_decay:
                number += self.weight_decay / 2 * float(vector @ vector)
                gradient += self.weight_decay * vector
        return number, gradient

    def _fast(self, vector: Array) -> tuple[float, Sequence[Array]]:
        assert self.compiled is not None
        value, gradients = self.compiled(self.split(vector), *self.data)
        return float(value), gradients

    def _eager(self, vector: Array) -> tuple[float, Sequence[Array]]:
        self.write(vector)
        for parameter in self.params:
            parameter.grad = None
        X, *targets = self.data
        value = self.loss(self.model(X), *targets)
        number = as_number(value)
        value.backward()
        grads = [(p, p.grad) for p in self.params]
        return number, [np.zeros_like(p.data) if g is None else g.data for p, g in grads]

    # --- the vector -------------------------------------------------------------------------------

    def vector(self) -> Array:
        """Return the parameters as they are now."""
        return _joined([parameter.data for parameter in self.params])

    def write(self, vector: Array) -> None:
        """Replace the parameters."""
        for parameter, array in zip(self.params, self.split(vector), strict=True):
            parameter.data = array

    def split(self, vector: Array) -> list[Array]:
        """Return a new array for each parameter."""
        ends = np.cumsum([parameter.size for parameter in self.params])
        parts = zip(self.params, np.split(vector, ends[:-1]), strict=True)
        return [np.array(part.reshape(p.shape), p.dtype) for p, part in parts]


def _value_and_gradients(
    model: Module, loss: Callable[..., Any], params: Sequence[Tensor]
) -> Callable[..., Any]:
    """Return loss and gradient as a function of the parameters, which can be compiled."""

    def value_and_gradients(parameters: Sequence[Value], X: Operand, *targets: Operand) -> Any:
        def loss_of(parameters: Sequence[Value]) -> Any:
            with standing_in(params, parameters):
                return loss(model(X), *targets)

        return value_and_grad(loss_of)(parameters)

    return value_and_gradients


def _joined(arrays: Sequence[Array]) -> Array:
    """Return the entries of arrays in one vector, in float64, in which SciPy's solver computes."""
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)
