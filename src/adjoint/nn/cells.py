"""A recurrent cell takes one step: from an input and a state to the next state."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError, choose
from ..ops.structural import as_array
from .initialise import as_generator
from .recurrent import RNN_ACTIVATIONS, Cell, State, next_of_gru, next_of_lstm, remember_at_first


class StepCell(Cell):
    """A cell that is called step by step; abstract: a subclass has a formula of the next state.

    Its weights, and their first values, are those of a recurrent layer with one layer in one
    direction.

    Parameters
    ----------
    in_features, hidden_size : int
        Sizes of an input's and a state's last axis.
    bias : bool
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    dtype : dtype
        The dtype of the parameters.
    """

    gates: int
    # How many arrays a state has.
    parts = 1

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        *,
        bias: bool = True,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        self.in_features = positive_size("in_features", in_features)
        self.hidden_size = positive_size("hidden_size", hidden_size)
        sizes = self.in_features, self.hidden_size, self.gates
        super().__init__(*sizes, bias=bias, rng=as_generator(rng), dtype=dtype)

    def forward(self, x: ArrayLike, state: Value | Array | State | None = None) -> Any:
        """Return the next state.

        Parameters
        ----------
        x : (n, in_features) array
        state : (n, hidden_size) array, or a pair of them for LSTMCell
            The one before; without it, zeros.

        Returns
        -------
        as the state
            Its first array is also the cell's output.

        Raises
        ------
        ShapeError
            If the input or the state has another shape.
        """
        z = as_array(x)
        if len(z.shape) != 2 or z.shape[1] != self.in_features:
            raise ShapeError(
                f"{type(self).__name__}: input of shape {z.shape} does not fit; expected "
                f"(n, {self.in_features})"
            )
        before = self._start(state, z.shape[0])
        after = self._next(self.input(z), self.hidden(before[0]), before)
        return after if self.parts > 1 else after[0]

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        """Return the next state, of which the first array is the output."""
        raise NotImplementedError(f"{type(self).__name__} defines no _next(inputs, hidden, state)")

    def _start(self, state: Value | Array | State | None, n: int) -> State:
        """Return the arrays of the state before."""
        shape = (n, self.hidden_size)
        if state is None:
            return (np.zeros(shape, self.hidden.weight.dtype),) * self.parts
        arrays = tuple(as_array(part) for part in (state if self.parts > 1 else [state]))
        if [array.shape for array in arrays] != [shape] * self.parts:
            raise ShapeError(
                f"{type(self).__name__}: state of shape "
                f"{', '.join(str(array.shape) for array in arrays)} does not fit; expected "
                f"{' and '.join([str(shape)] * self.parts)}"
            )
        return arrays

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.in_features}, {self.hidden_size}"


class RNNCell(StepCell):
    """One step of the plain recurrent layer, h' = tanh(x W + b + h U + c), or with relu: see `RNN`.

    Parameters
    ----------
    in_features, hidden_size : int
        Sizes of an input's and a state's last axis.
    activation : str
        "tanh" or "relu".
    bias, rng, dtype
        As of `StepCell`.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or the activation is unknown.
    ShapeError
        On a call, if the input or the state has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> cell, h = nn.RNNCell(2, 3, rng=0), np.zeros((5, 3))
    >>> for step in np.ones((7, 5, 2)):
    ...     h = cell(step, h)
    >>> h.shape
    (5, 3)
    """

    gates = 1

    def __init__(
        self, in_features: int, hidden_size: int, *, activation: str = "tanh", **settings: Any
    ) -> None:
        self.activation = choose("activation", activation, RNN_ACTIVATIONS)
        super().__init__(in_features, hidden_size, **settings)

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        return (RNN_ACTIVATIONS[self.activation](inputs + hidden),)


class GRUCell(StepCell):
    """One step of the gated recurrent unit: see `GRU` for its formula.

    Parameters
    ----------
    in_features, hidden_size : int
        Sizes of an input's and a state's last axis.
    bias, rng, dtype
        As of `StepCell`.

    Raises
    ------
    ValueError
        If a size is not a positive integer.
    ShapeError
        On a call, if the input or the state has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.GRUCell(2, 3, rng=0)(np.ones((5, 2))).shape
    (5, 3)
    """

    gates = 3

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        return next_of_gru(inputs, hidden, state)


class LSTMCell(StepCell):
    """One step of long short-term memory: see `LSTM` for its formula.

    Parameters
    ----------
    in_features, hidden_size : int
        Sizes of an input's and a state's last axis.
    bias, rng, dtype
        As of `StepCell`.

    Raises
    ------
    ValueError
        If a size is not a positive integer.
    ShapeError
        On a call, if the input or the state has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> h, c = nn.LSTMCell(2, 3, rng=0)(np.ones((5, 2)))
    >>> h.shape, c.shape
    ((5, 3), (5, 3))
    """

    gates = 4
    parts = 2

    def __init__(self, in_features: int, hidden_size: int, **settings: Any) -> None:
        super().__init__(in_features, hidden_size, **settings)
        remember_at_first(self)

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        return next_of_lstm(inputs, hidden, state)
