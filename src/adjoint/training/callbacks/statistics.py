"""Statistics of the layers say whether signals and gradients get through a network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from ...core.annotations import Array, ArrayLike, Function
from ...core.facts import REALS, Interval, Range
from ...errors import choose
from ...graphs.recording import enable_grad
from ...graphs.sweep import pull_back
from ...graphs.tensor import Tensor
from ...nn.activations.bounded import Hardtanh, Sigmoid, Softsign, Tanh
from ...nn.module import Module
from ...ops.exponential import sigmoid
from ...ops.hyperbolic import tanh
from ...ops.piecewise import softsign
from ...optim import Optimizer
from ...optim.snapshot import modes_kept
from ..history import History
from .callback import Callback, Training

QUANTITIES = ("gradient_norm", "update_ratio", "mean", "std", "zeros", "saturated")
# An entry is saturated if it is as near to a bound as this share of the range: |tanh x| > 0.97.
_NEAR = 0.015
# The modules of bounded functions of every entry; a card knows the bounds of its own.
_BOUNDED: dict[type[Module], Interval] = {
    Hardtanh: (-1.0, 1.0),
    **{
        module: card.facts.bounds_of([Range(*REALS)], {})
        for module, card in ((Sigmoid, sigmoid), (Softsign, softsign), (Tanh, tanh))
    },
}


class LayerStatistics(Callback):
    """Measure every layer on one batch after each epoch: its activations, gradient and update.

    It is measured with the epoch's weights and in evaluation mode, beside the training, which goes
    on in whatever tier and to the same numbers. Inside `AtEpochs` it costs less. The flow of
    activations and gradients: Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", AISTATS 2010.

    ========================  ====================================================================
    ``"gradient_norm"``       ‖∂L/∂w‖, of all parameters of the layer together
    ``"update_ratio"``        ‖Δw‖ / ‖w‖, with the step Δw that the optimiser would take on this
                              batch; about 10⁻³ is usual
    ``"mean"``, ``"std"``     of the layer's output
    ``"zeros"``               the share of its entries that are 0
    ``"saturated"``           the share within 1.5 % of the range of one of its bounds (tanh,
                              sigmoid, softsign, hardtanh)
    ========================  ====================================================================

    What a layer does not have, as an activation a gradient, is NaN. A layer is a module that has
    parameters of its own or nothing inside. One that is applied several times has all its outputs
    measured together.

    Parameters
    ----------
    X : (n, ...) array
        A batch, the same every time, in the shape that the model takes.
    y : array
        Its targets.

    Attributes
    ----------
    layers : list of str
        Where each is in the model, and its type.
    epochs : list of int
        After which it was measured.

    Examples
    --------
    >>> import adjoint as ad
    >>> X, y = ad.datasets.make_moons(40, seed=0)
    >>> statistics = LayerStatistics(X, y)
    >>> history = ad.fit(ad.nn.MLP(2, 4, 2, activation="tanh", rng=0), (X, y), epochs=3, seed=0,
    ...                  loss="cross_entropy", optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
    ...                  callbacks=[statistics])
    >>> statistics.layers
    ['layers[0]: Linear', 'layers[1]: Tanh', 'layers[2]: Linear']
    >>> statistics["gradient_norm"].shape  # epochs, layers
    (3, 3)
    """

    def __init__(self, X: ArrayLike, y: ArrayLike) -> None:
        self.X, self.y = np.asarray(X), np.asarray(y)
        self._forget()

    def _forget(self) -> None:
        self.layers: list[str] = []
        self.epochs: list[int] = []
        self._rows: list[Array] = []

    def __getitem__(self, name: str) -> Array:
        """Return a quantity, in one row for every epoch and one column for every layer."""
        column = QUANTITIES.index(choose("quantity", name, QUANTITIES))
        shape = len(self.epochs), len(self.layers), len(QUANTITIES)
        return np.reshape(self._rows, shape)[:, :, column]

    def start(self, training: Training) -> None:
        """Forget the training before."""
        self._forget()
        self._training = training
        named = _layers(training.model).items()
        self.layers = [f"{n}: {type(x).__name__}" if n else type(x).__name__ for n, x in named]

    def __call__(self, history: History, model: Module) -> None:
        """Measure the layers."""
        # Measured before anything is noted: an error must leave as many rows as epochs.
        row = measure_layers(self._training, self.X, self.y)
        self.epochs.append(len(history))
        self._rows.append(row)


def measure_layers(training: Training, X: Array, y: Array) -> Array:
    """Return the quantities of every layer on a batch, and leave the training as it is.

    Parameters
    ----------
    training : Training
    X, y : arrays
        Floats are converted to the dtype of the model.

    Returns
    -------
    (layers, 6) float array
        In the order of the layers, and of ``QUANTITIES``.
    """
    model = training.model
    layers = _layers(model)
    dtype = next(model.parameters()).dtype
    X, y = (a.astype(dtype, copy=False) if a.dtype.kind == "f" else a for a in (X, y))
    with enable_grad(), np.errstate(all="ignore"):
        with modes_kept(model), _outputs_kept(list(layers.values())) as outputs:
            loss = training.loss(model.eval()(X), y)
        moves = _moves(training.optimizer, loss)
        rows = [
            [*_motion(layer, moves), *_activation(layer, outputs[id(layer)])]
            for layer in layers.values()
        ]
    return np.array(rows, np.float64)


def _layers(model: Module) -> dict[str, Module]:
    """Return the modules that have parameters of their own or nothing inside, by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if _own_parameters(module) or not any(module.named_children())
    }


def _own_parameters(module: Module) -> list[Tensor]:
    inner = {id(p) for _, child in module.named_children() for p in child.parameters()}
    return [parameter for parameter in module.parameters() if id(parameter) not in inner]


@contextmanager
def _outputs_kept(layers: list[Module]) -> Iterator[dict[int, list[Array]]]:
    """Collect what each layer returns while the ``with`` block runs."""
    outputs: dict[int, list[Array]] = {id(layer): [] for layer in layers}
    # A forward that the user gave to the object itself is left alone: to remove ours again would
    # remove theirs.
    shadowed = [layer for layer in layers if "forward" not in vars(layer)]
    try:
        for layer in shadowed:
            # An attribute of the object hides the method of its class.
            vars(layer)["forward"] = _recording(layer.forward, outputs[id(layer)])
        yield outputs
    finally:
        for layer in shadowed:
            vars(layer).pop("forward", None)


def _recording(forward: Function, outputs: list[Array]) -> Function:
    def recorded(*args: object, **kwargs: object) -> object:
        output = forward(*args, **kwargs)
        if isinstance(output, (Tensor, np.ndarray)):
            outputs.append(output.data if isinstance(output, Tensor) else output)
        return output

    return recorded


def _moves(optimizer: Optimizer, loss: Tensor) -> dict[int, tuple[Array, Array]]:
    """Return the gradient of each parameter that has one, and what a step would add to it."""
    if loss.node is None:
        return {}
    # Not by `backward`: the gradients that parameters hold are the training's.
    found = pull_back({loss.node: np.ones(loss.shape, loss.dtype)})
    nodes = {i: parameter.node for i, parameter in enumerate(optimizer.params)}
    gradients = {i: found[node] for i, node in nodes.items() if node is not None and node in found}
    # All together, as in a step: the factor of a clipped norm depends on every gradient.
    clipped = optimizer.clipping(list(gradients.values()))
    return {
        id(optimizer.params[i]): (gradient, _step(optimizer, i, used))
        for (i, gradient), used in zip(gradients.items(), clipped, strict=True)
    }


def _step(optimizer: Optimizer, i: int, gradient: Array) -> Array:
    """Return what the optimiser would add to a parameter; NaN if it cannot say so beforehand."""
    parameter = optimizer.params[i].data
    if type(optimizer).update is Optimizer.update:
        return np.full(parameter.shape, np.nan)
    settings = optimizer.settings_now(optimizer.membership[i])
    new, _ = optimizer.update(parameter, gradient, optimizer.recall(i), settings)
    return np.asarray(new - parameter)


def _motion(layer: Module, moves: Mapping[int, tuple[Array, Array]]) -> tuple[float, float]:
    """Return the norm of a layer's gradient and the ratio of its update."""
    moving = [parameter for parameter in _own_parameters(layer) if id(parameter) in moves]
    if not moving:
        return math.nan, math.nan
    gradient = _norm([moves[id(parameter)][0] for parameter in moving])
    step = _norm([moves[id(parameter)][1] for parameter in moving])
    size = _norm([parameter.data for parameter in moving])
    return gradient, step / size if size else math.nan


def _norm(arrays: list[Array]) -> float:
    return math.hypot(*(float(np.linalg.norm(array.ravel())) for array in arrays))


def _activation(layer: Module, outputs: list[Array]) -> tuple[float, float, float, float]:
    """Return mean, deviation, and the shares of zeros and of saturated entries."""
    entries = np.concatenate([np.ravel(output) for output in outputs] or [np.empty(0)])
    if not entries.size:
        return (math.nan,) * 4
    zeros = float(np.mean(entries == 0))
    return float(entries.mean()), float(entries.std()), zeros, _saturated(layer, entries)


def _saturated(layer: Module, entries: Array) -> float:
    for kind, (low, high) in _BOUNDED.items():
        if isinstance(layer, kind):
            margin = _NEAR * (high - low)
            return float(np.mean((entries < low + margin) | (entries > high - margin)))
    return math.nan
