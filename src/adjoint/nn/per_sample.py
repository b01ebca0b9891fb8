"""Per-sample gradients say what each single row would change in the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike
from ..errors import ShapeError
from ..graphs.lift import lift
from ..graphs.recording import enable_grad, sweep_back
from ..graphs.vmap import vmap
from .module import Module


def per_sample_gradients(
    model: Module,
    loss: Callable[..., Any],
    X: ArrayLike,
    *targets: ArrayLike,
) -> dict[str, AnyArray]:
    """Return the gradient of each row's loss by every parameter that requires one.

    The mean of the gradients of all rows is the gradient of the mean loss. Clipped and added up
    with noise they make training private (Abadi et al., "Deep learning with differential privacy",
    2016); their norms tell which rows a network finds hard, their variance how noisy a step is.

    Parameters
    ----------
    model : Module
        Its rows must not meet each other: a `BatchNorm` in training mode is refused. `Dropout`
        draws a mask for each row.
    loss : callable
        ``loss(outputs, *targets)`` returns one number, as the losses of `nn` do. It is called with
        the outputs and targets of a single row, which keep their first axis, of size 1.
    X : (n, …) array
        The rows.
    *targets : (n, …) arrays
        The targets of each row, if the loss has any.

    Returns
    -------
    dict of str to (n, …) array
        For each of `Module.named_parameters`, by name, an array of the gradients of all rows.

    Raises
    ------
    ShapeError
        If a loss has more than one number, or `BatchNorm` has no variance of a single row: call
        ``model.eval()``.
    ValueError
        If the numbers of rows differ, or no parameter requires a gradient.
    TypeError
        If the model changes its own state by what it computes of a row.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> model = nn.Linear(2, 1, rng=0)
    >>> X, y = np.ones((3, 2)), np.zeros((3, 1))
    >>> gradients = nn.per_sample_gradients(model, nn.MSELoss(), X, y)
    >>> {name: g.shape for name, g in gradients.items()}
    {'weight': (3, 2, 1), 'bias': (3, 1)}
    """
    parameters = {name: p for name, p in model.named_parameters() if p.node is not None}
    if not parameters:
        raise ValueError("per_sample_gradients: no parameter requires a gradient")

    def of_a_row(x: Any, *ys: Any) -> list[Any]:
        with enable_grad():
            value = loss(model(x[None]), *(y[None] for y in ys))
        return _gradients(value, list(parameters.values()))

    found = vmap(of_a_row)(X, *targets)
    return {
        name: np.asarray(gradient.data if hasattr(gradient, "data") else gradient)
        for name, gradient in zip(parameters, found, strict=True)
    }


def _gradients(value: Any, parameters: Sequence[Any]) -> list[Any]:
    shape = tuple(value.shape)
    if any(size != 1 for size in shape):
        raise ShapeError(
            f"per_sample_gradients: the loss of a row has shape {shape}, not a single number; "
            "add it up, or take its mean"
        )
    nodes = [parameter.node for parameter in parameters]
    seeds = {value.node: np.ones(shape, value.dtype)}
    found = sweep_back(seeds, wanted=nodes, lift=lift)
    return [
        found.get(node, np.zeros(parameter.shape, parameter.dtype))
        for node, parameter in zip(nodes, parameters, strict=True)
    ]
