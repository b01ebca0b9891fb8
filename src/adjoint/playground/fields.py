"""A field is what a network says over a plane of two columns, the others held where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..errors import ShapeError
from ..graphs.recording import no_grad
from ..nn.container import Sequential
from ..nn.linear import Linear
from ..nn.mlp import MLP
from ..nn.module import Module
from ..ops.softmax import softmax
from ..optim.snapshot import modes_kept
from ..training.epochs import as_plain_array
from .problem import Problem

SIZE, UNIT_SIZE = 64, 24
# No pictures of wider layers are sent.
MOST_PICTURES = 200


@dataclass(frozen=True)
class Plane:
    """Which two columns are the axes, what the others are held at, and what is in sight.

    Attributes
    ----------
    axes : (int, int)
    held : (d,) array
    low, high : (2,) array
        The corners.
    """

    axes: tuple[int, int]
    held: Array
    low: Array
    high: Array

    def points(self, size: int) -> Array:
        """Return size² points, row by row from the top, where the second axis is greatest."""
        steps = (np.arange(size) + 0.5) / size
        first = self.low[0] + steps * (self.high[0] - self.low[0])
        second = self.high[1] - steps * (self.high[1] - self.low[1])
        points = np.tile(self.held, (size * size, 1))
        points[:, self.axes[1]] = np.repeat(second, size)
        points[:, self.axes[0]] = np.tile(first, size)
        return points

    def point(self, first: float, second: float) -> Array:
        """Return one point as a row."""
        found = self.held.copy()
        found[self.axes[1]], found[self.axes[0]] = second, first
        return found[None]


def plane_of(problem: Problem, axes: tuple[int, int], held: Sequence[float] | None) -> Plane:
    """Return the plane that shows all rows; what is not given is held at the mean."""
    X = problem.rows.X
    places = list(axes)
    low, high = X[:, places].min(axis=0), X[:, places].max(axis=0)
    margin = 0.12 * np.where(high > low, high - low, 1.0)
    values = X.mean(axis=0) if held is None else np.array(held, float)
    if len(problem.rows.sight):  # it stays while points are drawn in it
        lowest, highest = np.reshape(problem.rows.sight, (2, 2))[:, places]
        return Plane(axes, values, np.minimum(low, lowest), np.maximum(high, highest))
    return Plane(axes, values, low - margin, high + margin)


def predict(model: Module, problem: Problem, points: Array) -> Array:
    """Return the network's outputs at points of the plot, in evaluation mode."""
    with modes_kept(model), no_grad(), np.errstate(all="ignore"):
        read = problem.read(points).astype(next(model.parameters()).dtype, copy=False)
        return in_rows(as_plain_array(model.eval()(read)))


def in_rows(outputs: Array) -> Array:
    """Return outputs with one row for each point, also where each point has a number alone."""
    return outputs.reshape(len(outputs), -1)


def probabilities(outputs: Array, classes: int) -> Array:
    """Return the probability of each class, (n, classes), of outputs before the last function."""
    with np.errstate(all="ignore"):
        if outputs.shape[-1] == 1:
            yes = 1 / (1 + np.exp(-outputs[:, 0]))
            return np.column_stack([1 - yes, yes])
        return np.asarray(softmax(outputs, axis=-1))


def planes(model: Module, problem: Problem, plane: Plane) -> Array:
    """Return the picture of the output: (planes, 64, 64) bytes.

    Two classes have one plane, 0 for the first and 255 for the second; more have one for the
    probability of each. A number has one, from its least to its greatest in the rows.
    """
    outputs = predict(model, problem, plane.points(SIZE))
    if problem.classes:
        found = probabilities(outputs, problem.classes)
        found = found[:, 1:] if problem.classes == 2 else found
    else:
        low, high = target_range(problem)
        found = (numbers(outputs, problem) - low) / (high - low)
    return as_bytes(found).T.reshape(-1, SIZE, SIZE)


def target_range(problem: Problem) -> tuple[float, float]:
    """Return the least and the greatest number that is to be predicted."""
    y = problem.rows.y
    low, high = float(y.min()), float(y.max())
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def numbers(outputs: Array, problem: Problem) -> Array:
    """Return predicted numbers in the unit of the rows."""
    with np.errstate(all="ignore"):
        found = np.exp(outputs[:, :1]) if problem.is_log else outputs[:, :1]
        return np.asarray(found * problem.target_deviation + problem.target_mean)


def as_bytes(shares: Array) -> Array:
    """Return shares from 0 to 1 as bytes; what is no number is in the middle."""
    with np.errstate(all="ignore"):
        bounded = np.clip(np.nan_to_num(shares, nan=0.5), 0, 1)
    return np.asarray(np.rint(bounded * 255), np.uint8)


def chain(model: Module) -> list[Any] | None:
    """Return the layers of a model that does nothing but apply them in a row."""
    if type(model) not in (Sequential, MLP):
        return None
    return list(model.layers)


def hidden(model: Module, problem: Problem, points: Array) -> Iterator[tuple[int, Array]]:
    """Yield the outputs of each hidden layer of units, with the place of its linear layer.

    What stands between two linear layers belongs to the first: the last of it is what is shown.
    """
    layers = chain(model)
    if layers is None:
        return
    linear = [place for place, layer in enumerate(layers) if isinstance(layer, Linear)]
    with modes_kept(model), no_grad(), np.errstate(all="ignore"):
        model.eval()
        x: Any = problem.read(points).astype(next(model.parameters()).dtype, copy=False)
        for place, layer in enumerate(layers):
            x = layer(x)
            if place + 1 in linear[1:]:
                array = as_plain_array(x)
                if array.ndim != 2:
                    raise ShapeError(f"layer {place} gives shape {array.shape}")
                yield max(p for p in linear if p <= place), array


def unit_pictures(model: Module, problem: Problem, plane: Plane) -> list[tuple[int, Array, float]]:
    """Return of each hidden layer its place, (units, 24, 24) bytes, and what 0 and 255 stand for.

    The middle stands for 0, and the ends for the greatest output of the layer, with either sign.
    """
    found = []
    for place, outputs in hidden(model, problem, plane.points(UNIT_SIZE)):
        if outputs.shape[1] > MOST_PICTURES:
            continue
        with np.errstate(all="ignore"):
            most = float(np.max(np.abs(outputs), initial=1e-30, where=np.isfinite(outputs)))
            picture = as_bytes(0.5 + 0.5 * outputs / most)
        found.append((place, picture.T.reshape(-1, UNIT_SIZE, UNIT_SIZE), most))
    return found
