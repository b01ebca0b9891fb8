"""Readings are what is measured of a training at one moment; they change nothing of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..calculus.derivatives import jvp
from ..core.annotations import Array
from ..graphs.recording import enable_grad, no_grad
from ..nn.activations.activation import Activation
from ..nn.linear import Linear
from ..nn.module import Module
from ..optim.snapshot import kept, modes_kept
from ..training.epochs import as_plain_array
from .fields import chain, in_rows, probabilities
from .mistakes import printed_loss
from .problem import Problem
from .settings import BY_CLASSES, BY_SCORE
from .steps import Steps

# Units are judged by so many rows.
_ROWS = 400
# A unit is saturated on a row where its slope is below this share of the greatest slope, and in
# all where it is so on this share of the rows.
_FLAT, _MOSTLY = 0.05, 0.9
# What a network gives for these losses is no estimate of a target, so that there is no R².
_NOT_NUMBERS = (*BY_CLASSES, *BY_SCORE)


class Score(NamedTuple):
    """The loss on some rows, the share that is right, or R², the mistakes by class.

    ``printed`` is what the article would print as the loss; NaN where it would print nothing.
    """

    loss: float
    quality: float
    confusion: list[list[int]]
    printed: float = float("nan")


def score(steps: Steps, data: tuple[Array, Array] | None) -> Score | None:
    """Return how good the network is on rows, in evaluation mode."""
    if data is None:
        return None
    model, problem, (X, y) = steps.model, steps.setup.problem, data
    with modes_kept(model), kept(model, steps.setup.loss), no_grad(), np.errstate(all="ignore"):
        outputs = model.eval()(X)
        loss = float(as_plain_array(steps.setup.loss(outputs, y)))
        outputs, y = in_rows(as_plain_array(outputs)), in_rows(y)
        if problem.classes:
            known = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
            return _of_classes(loss, outputs, known, problem)
        outputs = np.exp(outputs) if problem.is_log else outputs
        are_numbers = outputs.shape == y.shape and steps.setup.settings.loss not in _NOT_NUMBERS
        return Score(loss, _r2(outputs, y) if are_numbers else float("nan"), [])


def _r2(outputs: Array, y: Array) -> float:
    residual, spread = ((outputs - y) ** 2).mean(), ((y - y.mean(axis=0)) ** 2).mean()
    return float(1 - residual / spread) if spread > 0 else float("nan")


def _of_classes(loss: float, outputs: Array, y: Array, problem: Problem) -> Score:
    is_score = outputs.shape[1] == 1
    true = (y > 0 if is_score else y).astype(int)
    guess = probabilities(outputs, problem.classes).argmax(axis=-1)
    confusion = np.zeros((problem.classes, problem.classes), int)
    np.add.at(confusion, (true, guess), 1)
    printed = float("nan") if is_score else printed_loss(outputs, y)
    return Score(loss, float(np.mean(true == guess)), confusion.tolist(), printed)


def gradients(steps: Steps) -> dict[str, Array]:
    """Return the gradient of the batch to come by every parameter that is trained."""
    model, loss = steps.model, steps.setup.loss
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    X, *targets = steps.batch()
    with kept(model, loss), enable_grad(), np.errstate(all="ignore"):
        model.zero_grad()
        loss(model(X), *targets).backward()
        found = {n: np.zeros(p.shape) if p.grad is None else p.grad.data for n, p in named}
    return {n: np.asarray(g) for n, g in found.items()}


class Flow(NamedTuple):
    """The root mean square of a parameter, of its gradient, and of its latest change."""

    name: str
    value: float
    gradient: float
    change: float


def flow(steps: Steps, found: dict[str, Array], before: dict[str, Array]) -> list[Flow]:
    """Return how large each parameter, its gradient and its latest change are.

    ``before`` has the parameters one step ago; without it the changes are 0.
    """
    rows, values = [], named(steps.model)
    for name, gradient in found.items():
        now = values[name]
        change = now - before[name] if name in before else np.zeros(1)
        rows.append(Flow(name, _rms(now), _rms(gradient), _rms(change)))
    return rows


def named(model: Module) -> dict[str, Array]:
    """Return the parameters that are trained, by name."""
    return {name: p.data for name, p in model.named_parameters() if p.requires_grad}


def _rms(x: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(np.mean(np.square(x, dtype=float)))) if x.size else 0.0


def idle_units(steps: Steps) -> dict[int, list[str]]:
    """Return for each hidden layer what is wrong with each unit: "dead", "saturated" or nothing.

    A dead unit has the slope 0 on all rows, so that no gradient passes it; a saturated one is on
    the flat part of its activation on nearly all. The layer is named by its linear layer's place.
    """
    layers = chain(steps.model)
    if layers is None:
        return {}
    found: dict[int, list[str]] = {}
    X = steps.setup.problem.train[0][:_ROWS]
    with modes_kept(steps.model), no_grad(), np.errstate(all="ignore"):
        steps.model.eval()
        x: Any = X
        latest = -1
        for place, layer in enumerate(layers):
            latest = place if isinstance(layer, Linear) else latest
            if isinstance(layer, Activation) and latest >= 0:
                found[latest] = _judged(_slopes(layer, as_plain_array(x)))
            x = layer(x)
    return found


def _slopes(activation: Activation, z: Array) -> Array:
    """Return the activation's slope at each entry, as a share of its greatest one."""
    usual = np.linspace(-4, 4, 33, dtype=z.dtype)
    _, most = jvp(activation, (usual,), (np.ones_like(usual),))
    _, slope = jvp(activation, (z,), (np.ones_like(z),))
    return np.asarray(np.abs(as_plain_array(slope)) / np.abs(as_plain_array(most)).max())


def _judged(slopes: Array) -> list[str]:
    flat = (slopes < _FLAT).mean(axis=0) >= _MOSTLY
    return [
        "dead" if dead else "saturated" if mostly else ""
        for dead, mostly in zip((slopes == 0).all(axis=0), flat, strict=True)
    ]
