"""A recurrent layer reads a sequence step by step, and carries a state from each to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError, choose
from ..graphs.loops.scan import scan
from ..graphs.tracing.tracer import current
from ..ops.axes import moveaxis
from ..ops.exponential import sigmoid
from ..ops.hyperbolic import tanh
from ..ops.piecewise import relu
from ..ops.structural import as_array, concatenate, stack
from .initialise import Initialiser, as_generator, glorot_uniform, orthogonal
from .linear import Linear
from .module import Module, Parameter

State = tuple[Any, ...]

# A traced layer is one loop from so many steps on, or where all steps together have so many gates.
# Shorter sequences of small states are unrolled: that takes longer to compile, but a step of a
# loop begins with a few calls, which are up to a tenth of a step of eight units.
_LONG, _MANY = 100, 4096

RNN_ACTIVATIONS = {"relu": relu, "tanh": tanh}


class Cell(Module):
    """The weights of one layer in one direction, those of its gates side by side.

    Both biases are kept, although mostly only their sum matters, because PyTorch keeps them, too:
    so its weights fit, once they are transposed.

    Parameters
    ----------
    in_features, hidden_size, gates : int
    bias : bool
    rng : numpy.random.Generator
    dtype : dtype

    Attributes
    ----------
    input : Linear
        From the input to all gates, Glorot's weights for each.
    hidden : Linear
        From the state before to all gates, orthogonal weights for each: they neither shrink nor
        stretch what is carried along.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.recurrent import Cell
    >>> Cell(2, 3, 4, bias=True, rng=np.random.default_rng(0), dtype=float)
    Cell(  # 84 parameters
      input: Linear(2, 12)
      hidden: Linear(3, 12)
    )
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        gates: int,
        *,
        bias: bool,
        rng: np.random.Generator,
        dtype: DTypeLike,
    ) -> None:
        width = gates * hidden_size
        for_input, for_hidden = _by_gate(glorot_uniform, gates), _by_gate(orthogonal, gates)
        self.input = Linear(in_features, width, bias, rng=rng, initialise=for_input, dtype=dtype)
        self.hidden = Linear(hidden_size, width, bias, rng=rng, initialise=for_hidden, dtype=dtype)


class Recurrent(Module):
    """Layers of cells that read a sequence; abstract: a subclass has a formula of the next state.

    Parameters
    ----------
    in_features : int
        Size of the last axis of the input.
    hidden_size : int
        Entries of a state.
    layers : int
        Each but the first reads the outputs of the one before.
    bias : bool
    bidirectional : bool
        Each layer also reads the sequence from its end; what both make of a step is joined.
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    cells : list of Cell
        From the first layer to the last; of both directions, forward comes first.
    """

    gates: int
    # How many arrays a state has: an LSTM carries its memory beside the output.
    parts = 1

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        *,
        layers: int = 1,
        bias: bool = True,
        bidirectional: bool = False,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        self.in_features = positive_size("in_features", in_features)
        self.hidden_size = positive_size("hidden_size", hidden_size)
        self.layers = positive_size("layers", layers)
        self.directions = 2 if bidirectional else 1
        between = self.directions * self.hidden_size
        generator = as_generator(rng)
        self.cells = [
            Cell(features, hidden_size, self.gates, bias=bias, rng=generator, dtype=dtype)
            for features in [self.in_features] + [between] * (self.layers - 1)
            for _ in range(self.directions)
        ]

    def forward(self, x: ArrayLike, state: Value | Array | State | None = None) -> tuple[Any, Any]:
        """Return the outputs at all steps, and the state after the last.

        Parameters
        ----------
        x : (n, time, in_features) array
        state : (layers · directions, n, hidden_size) array, or a pair of them for LSTM
            From which to start, as from a call before; without it, from zeros.

        Returns
        -------
        outputs : (n, time, directions · hidden_size) Tensor
            The last layer's.
        state : as the argument

        Raises
        ------
        ShapeError
            If the input has not these axes, or no step, or the state another shape.
        """
        z = self._checked(x)
        starts = self._starts(state, z.shape[0])
        ends: list[State] = []
        while len(ends) < len(self.cells):
            outputs = []
            for direction in range(self.directions):
                place = len(ends)
                output, end = self._run(self.cells[place], z, starts[place], direction == 1)
                outputs.append(output)
                ends.append(end)
            z = outputs[0] if self.directions == 1 else concatenate(outputs, axis=-1)
        parts = tuple(stack(part) for part in zip(*ends, strict=True))
        return z, parts if self.parts > 1 else parts[0]

    def _run(
        self, cell: Cell, x: Value | Array, state: State, backwards: bool
    ) -> tuple[Any, State]:
        """Return a cell's outputs, and its state after the last step that it reads."""
        if current() is not None and _is_long(x.shape[1], self.gates * self.hidden_size):
            return self._scanned(cell, x, state, backwards)
        order = -1 if backwards else 1
        outputs = []
        # One product of matrices serves the inputs of all steps; only the states go step by step.
        for inputs in _steps(cell.input(x))[::order]:
            state = self._next(inputs, cell.hidden(state[0]), state)
            outputs.append(state[0])
        return stack(outputs[::order], axis=1), state

    def _scanned(
        self, cell: Cell, x: Value | Array, state: State, backwards: bool
    ) -> tuple[Any, State]:
        """Do the same by one operation, which is compiled once for all steps."""

        def step(state: State, inputs: Any) -> tuple[State, Any]:
            state = self._next(inputs, cell.hidden(state[0]), state)
            return state, state[0]

        rows = cell.input(moveaxis(x, 1, 0))
        state, outputs = scan(step, state, rows, reverse=backwards)
        return moveaxis(outputs, 0, 1), state

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        """Return the next state, of which the first array is the output."""
        raise NotImplementedError(f"{type(self).__name__} defines no _next(inputs, hidden, state)")

    def _checked(self, x: ArrayLike) -> Any:
        z = as_array(x)
        if len(z.shape) != 3 or z.shape[-1] != self.in_features or not z.shape[1]:
            raise ShapeError(
                f"{type(self).__name__}: input of shape {z.shape} does not fit; expected "
                f"(n, time, {self.in_features}) with one step at least"
            )
        return z

    def _starts(self, state: Value | Array | State | None, n: int) -> list[State]:
        """Return the state from which each cell starts."""
        shape = (len(self.cells), n, self.hidden_size)
        if state is None:
            zeros = np.zeros(shape[1:], self.cells[0].hidden.weight.dtype)
            return [(zeros,) * self.parts] * len(self.cells)
        arrays = [as_array(part) for part in (state if self.parts > 1 else [state])]
        shapes = [array.shape for array in arrays]
        if shapes != [shape] * self.parts:
            raise ShapeError(
                f"{type(self).__name__}: initial state of shape {', '.join(map(str, shapes))} does "
                f"not fit; expected {' and '.join([str(shape)] * self.parts)}"
            )
        return [tuple(array[place] for array in arrays) for place in range(len(self.cells))]

    def extra_repr(self) -> str:
        """Return the sizes."""
        both = ", bidirectional=True" * (self.directions == 2)
        return f"{self.in_features}, {self.hidden_size}, layers={self.layers}{both}"


class RNN(Recurrent):
    """The plain recurrent layer, h' = tanh(x W + b + h U + c), or with relu.

    Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Parameters
    ----------
    in_features, hidden_size : int
        Sizes of an input's and a state's last axis.
    activation : str
        "tanh" or "relu".
    layers, bias, bidirectional, rng, dtype
        As for `Recurrent`.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or the activation is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> outputs, state = nn.RNN(2, 3, rng=0)(np.ones((5, 7, 2)))
    >>> outputs.shape, state.shape
    ((5, 7, 3), (1, 5, 3))
    """

    gates = 1

    def __init__(
        self, in_features: int, hidden_size: int, *, activation: str = "tanh", **settings: Any
    ) -> None:
        self.activation = choose("activation", activation, RNN_ACTIVATIONS)
        super().__init__(in_features, hidden_size, **settings)

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        return (RNN_ACTIVATIONS[self.activation](inputs + hidden),)


class GRU(Recurrent):
    """The gated recurrent unit, whose gates say how far the state moves.

    With gates r, z and n side by side: r and z = σ(x W + b + h U + c) each, the candidate
    n = tanh(x W + b + r (h U + c)), and h' = (1 - z) n + z h. Cho et al., "Learning phrase
    representations using RNN encoder-decoder for statistical machine translation", EMNLP 2014.
    There r multiplies h before the product; here, as in PyTorch, it multiplies the product, so that
    one product serves all gates.

    Parameters
    ----------
    in_features, hidden_size : int
        Sizes of an input's and a state's last axis.
    layers, bias, bidirectional, rng, dtype
        As for `Recurrent`.

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> outputs, state = nn.GRU(2, 3, layers=2, rng=0)(np.ones((5, 7, 2)))
    >>> outputs.shape, state.shape
    ((5, 7, 3), (2, 5, 3))
    """

    gates = 3

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        return next_of_gru(inputs, hidden, state)


class LSTM(Recurrent):
    """Long short-term memory: gates say what a cell keeps, takes in and shows.

    With gates i, f, g and o side by side, all of x W + b + h U + c: the memory is
    c' = σ(f) c + σ(i) tanh(g), and h' = σ(o) tanh(c'). Hochreiter & Schmidhuber, "Long short-term
    memory", Neural Computation 9, 1997; the forget gate f is of Gers, Schmidhuber & Cummins,
    "Learning to forget", Neural Computation 12, 2000. Its bias starts at 1, which keeps memory at
    first: Jozefowicz, Zaremba & Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015.

    Parameters
    ----------
    in_features, hidden_size : int
        Sizes of an input's and a state's last axis.
    layers, bias, bidirectional, rng, dtype
        As for `Recurrent`.

    Raises
    ------
    ValueError
        If a size is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> outputs, (h, c) = nn.LSTM(2, 3, bidirectional=True, rng=0)(np.ones((5, 7, 2)))
    >>> outputs.shape, h.shape, c.shape
    ((5, 7, 6), (2, 5, 3), (2, 5, 3))
    """

    gates = 4
    parts = 2

    def __init__(self, in_features: int, hidden_size: int, **settings: Any) -> None:
        super().__init__(in_features, hidden_size, **settings)
        for cell in self.cells:
            remember_at_first(cell)

    def _next(self, inputs: Value | Array, hidden: Value | Array, state: State) -> State:
        return next_of_lstm(inputs, hidden, state)


def next_of_gru(inputs: Value | Array, hidden: Value | Array, state: State) -> State:
    """Return the next state of a gated recurrent unit, by the formula of `GRU`.

    Parameters
    ----------
    inputs, hidden : (n, 3 · hidden_size) arrays
        x W + b and h U + c, of the gates r, z and n side by side.
    state : tuple of the (n, hidden_size) array h
    """
    (h,) = state
    size = h.shape[1]
    (r, z, n), (r_hidden, z_hidden, n_hidden) = _gates(inputs, size), _gates(hidden, size)
    reset, update = sigmoid(r + r_hidden), sigmoid(z + z_hidden)
    candidate = tanh(n + reset * n_hidden)
    return ((1 - update) * candidate + update * h,)


def next_of_lstm(inputs: Value | Array, hidden: Value | Array, state: State) -> State:
    """Return the next state of long short-term memory, by the formula of `LSTM`.

    Parameters
    ----------
    inputs, hidden : (n, 4 · hidden_size) arrays
        x W + b and h U + c, of the gates i, f, g and o side by side.
    state : tuple of the (n, hidden_size) arrays h and c
    """
    _, c = state
    i, f, g, o = _gates(inputs + hidden, c.shape[1])
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def remember_at_first(cell: Cell) -> None:
    """Set the bias of an LSTM's forget gate to 1, if it has one."""
    if cell.input.bias is None:
        return
    size = cell.hidden.in_features
    bias = np.array(cell.input.bias.data)
    # The gate's other bias stays 0, and both are added.
    bias[size : 2 * size] = 1
    cell.input.bias = Parameter(bias)


def _gates(x: Any, size: int) -> list[Any]:
    """Return the gates that lie side by side."""
    return [x[:, start : start + size] for start in range(0, x.shape[1], size)]


def _steps(x: Any) -> Sequence[Any]:
    """Return x[:, 0], x[:, 1], …

    The sequence is halved again and again, because the gradient of each part is an array as large
    as what it was taken from. Taken one by one, the steps would need time² entries; by halves they
    need time · log time.
    """
    time = x.shape[1]
    if time == 1:
        return [x[:, 0]]
    return [*_steps(x[:, : time // 2]), *_steps(x[:, time // 2 :])]


def _is_long(time: int, width: int) -> bool:
    return time >= _LONG or time * width >= _MANY


def _by_gate(initialise: Initialiser, gates: int) -> Initialiser:
    """Return an initialiser of so many weights side by side."""

    def weights(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        one = shape[0], shape[1] // gates
        return np.concatenate([initialise(one, rng) for _ in range(gates)], axis=1)

    return weights
