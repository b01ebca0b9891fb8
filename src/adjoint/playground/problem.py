"""A problem is the rows of a training and of its test, and what their columns are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..data import rows
from . import features, formula
from .designs import own_parts
from .losses import OF_LOGARITHMS, ONE_HOT, coded
from .settings import BY_CLASSES, BY_NUMBER, BY_SCORE, DRAWN, FORMULA, OWN, Settings
from .toys import TOYS
from .values import SettingsError


@dataclass(frozen=True)
class Rows:
    """Rows of numbers, before they are divided.

    Attributes
    ----------
    X : (n, d) float array
    y : (n,) array
        Numbers of classes, or floats.
    names : list of str
        The names of the columns, then of the target.
    labels : list of str
        The names of the classes; none where a number is predicted.
    sight : four floats, or none
        What of the plane is in sight at least: the lowest coordinates, and the highest.
    """

    X: Array
    y: Array
    names: Sequence[str]
    labels: Sequence[str]
    sight: Sequence[float] = ()


@dataclass(frozen=True)
class Problem:
    """Rows, divided and as a network reads them.

    Attributes
    ----------
    rows : Rows
        As they are plotted.
    order : (n,) int array
        Which row of ``rows`` each is; the first ``split`` are trained on.
    split : int
    X, y : array
        What network and loss read, in that order.
    mean, deviation : (d,) array
        By which columns of one's own were scaled; 0 and 1 for toy sets.
    target_mean, target_deviation : float
        The same for a number that is predicted.
    features : tuple of str
    is_log : bool
        Whether the network gives the logarithm of a number.
    """

    rows: Rows
    order: Array
    split: int
    X: Array
    y: Array
    mean: Array
    deviation: Array
    target_mean: float
    target_deviation: float
    features: Sequence[str]
    is_log: bool = False

    @property
    def classes(self) -> int:
        """How many classes there are; 0 where a number is predicted."""
        return len(self.rows.labels)

    @property
    def train(self) -> tuple[Array, Array]:
        """The rows that are trained on."""
        return self.X[: self.split], self.y[: self.split]

    @property
    def test(self) -> tuple[Array, Array] | None:
        """The others; None where there are none."""
        held = self.X[self.split :], self.y[self.split :]
        return held if len(held[0]) else None

    def read(self, points: Array) -> Array:
        """Return points of the plot's columns as the network reads them."""
        if self.features:
            return features.columns(points, self.features)
        return (points - self.mean) / self.deviation


def toy_rows(settings: Settings) -> Rows:
    """Return the rows of a toy set."""
    if settings.data == FORMULA:
        X, y = formula.rows_of(settings.formula, settings.rows, settings.noise, settings.seed)
        labels = ["0", "1"] if formula.parse(settings.formula).has_classes else []
        return Rows(X, y, ["x₁", "x₂", "y"], labels)
    toy = TOYS[settings.data]
    X, y = toy.arrays(settings.rows, settings.classes, settings.noise, settings.seed)
    count = int(y.max()) + 1 if toy.has_classes else 0
    return Rows(X, y, ["x₁", "x₂", "y"], [str(label) for label in range(count)])


def problem_of(settings: Settings, own: Rows | None) -> Problem:
    """Return the problem of settings, on the rows that the user brought if these are meant.

    Raises
    ------
    SettingsError
        If there are none, or the loss is for another kind of target.
    """
    found = _rows(settings, own)
    _check_loss(settings.loss, found)
    if settings.mistake != "none" and settings.loss != "cross_entropy":
        raise SettingsError(f"mistake: it is one in cross_entropy, not in {settings.loss}")
    n = len(found.X)
    split = max(1, n - round(settings.test * n))
    _check_batches(settings, split)
    is_own = settings.data == OWN
    is_made = settings.data not in (OWN, DRAWN)  # in an order of chance
    order = np.arange(n) if is_made else rows.permutation(n, seed=settings.seed, epoch=0)
    X, y = found.X[order], found.y[order]
    mean, deviation = _scale(X[:split]) if is_own else (np.zeros(2), np.ones(2))
    is_log = settings.loss in OF_LOGARITHMS
    scaled = _scale(y[:split]) if is_own and not found.labels and not is_log else (0.0, 1.0)
    problem = Problem(
        rows=found,
        order=order,
        split=split,
        X=X,
        y=_as_column(y, *scaled)
        if not found.labels
        else _coded(y, settings.loss, len(found.labels)),
        mean=mean,
        deviation=deviation,
        target_mean=float(scaled[0]),
        target_deviation=float(scaled[1]),
        features=() if is_own else settings.features,
        is_log=is_log,
    )
    return replace(problem, X=problem.read(X))


def _rows(settings: Settings, own: Rows | None) -> Rows:
    if settings.data not in (OWN, DRAWN):
        return toy_rows(settings)
    if own is None:
        raise SettingsError(
            "data: there is no table; paste one, or load a file"
            if settings.data == OWN
            else "data: there are no drawn points; draw some"
        )
    return own


def _as_column(y: Array, mean: Any, deviation: Any) -> Array:
    """Return numbers as the loss reads them: a column, scaled."""
    return np.asarray((y - mean) / deviation)[:, None]


def _coded(y: Array, loss: str, count: int) -> Array:
    """Return classes as the loss reads them: their numbers, 0 and 1, -1 and 1, or a column each."""
    if loss in ONE_HOT:
        return coded(y, count, loss)
    if loss == "hinge_loss":
        return 2.0 * y[:, None] - 1.0
    return 1.0 * y[:, None] if loss in BY_SCORE else y


def _scale(x: Array) -> tuple[Array, Array]:
    """Return mean and deviation of columns; a constant one is left as wide as it is."""
    deviation = x.std(axis=0)
    return x.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def _check_batches(settings: Settings, count: int) -> None:
    """Refuse a batch of one row where it is normalised by its own variance."""
    size = min(settings.batch_size, count)
    norms = [own_parts(settings, layer)[0] for layer in settings.layers]
    if "batch" in norms and (size == 1 or count % size == 1):
        raise SettingsError(
            f"norm: batch normalisation needs two rows in every batch; {count} rows in batches of "
            f"{size} leave one alone"
        )


def _check_loss(loss: str, found: Rows) -> None:
    if not found.labels:
        if loss not in BY_NUMBER:
            raise SettingsError(f"loss: {loss} is for classes, and {found.names[-1]} is a number")
        if loss in OF_LOGARITHMS and found.y.min() < 0:
            raise SettingsError(f"loss: {loss} is for counts, and {found.names[-1]} is below 0")
    elif loss in BY_SCORE:
        if len(found.labels) != 2:
            raise SettingsError(f"loss: {loss} needs two classes, not {len(found.labels)}")
    elif loss not in BY_CLASSES:
        raise SettingsError(f"loss: {loss} is for numbers, and {found.names[-1]} is a class")
