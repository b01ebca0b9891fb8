"""Scores say how good predictions are, each under the name that a table of results gives it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from sklearn import metrics

from ..core.annotations import Array
from ..core.magnitude import magnitude
from .settings import METRICS

Outputs = Mapping[str, Array]

# The scores of which less is better.
LOSSES = ("log_loss", "mae", "rmse", "pinball_loss")
# The score that sums up the others, by the kind of target.
_HEADLINES = {"classification": "accuracy", "quantiles": "pinball_loss"}
# Samples drawn of the rows to find out how much a score is chance, and the rows they are drawn of.
_SAMPLES = 200
_MOST_ROWS = 10_000


def score(
    outputs: Array, y: Array, kind: str, metric: str | None = None, levels: Sequence[float] = ()
) -> dict[str, float]:
    """Return the scores of a network's predictions.

    Parameters
    ----------
    outputs : (n, classes), (n,), (n, quantiles) or (n, targets) array
        Probabilities, or numbers.
    y : (n,) or (n, targets) array
        The classes' numbers, or the numbers.
    kind : str
        See `Target.kind`.
    metric : str, optional
        One that is wanted besides the usual ones.
    levels : sequence of float
        Which quantiles the outputs are.
    """
    names = METRICS[kind]
    if len(levels) > 1:
        names += ("coverage",)
    if kind == "classification":
        is_binary = outputs.shape[1] == 2 and len(np.unique(y)) == 2
        names = names[: 3 if is_binary else 2]
    if metric is not None and metric not in names:
        names += (metric,)
    return {name: measure(name, outputs, y, levels) for name in names}


def measure(name: str, outputs: Array, y: Array, levels: Sequence[float] = ()) -> float:
    """Return one score, NaN where the rows do not tell it."""
    if name == "pinball_loss":
        return _pinball_loss(outputs, y, levels)
    return float(_MEASURES[name](outputs, y))


def headline(kind: str, metric: str | None = None) -> str:
    """Return the name of the score that sums up the others: the one that was chosen, if any."""
    return metric or _HEADLINES.get(kind, "r2")


def interval(
    name: str,
    outputs: Array,
    y: Array,
    blocks: Array | None = None,
    levels: Sequence[float] = (),
) -> tuple[float, float]:
    """Return between which bounds a score on other rows of the same kind lies 19 times in 20.

    That of an accuracy is Wilson's interval ("Probable inference", Journal of the American
    Statistical Association 22, 1927), that of others 1.96 standard errors of samples of the rows,
    up to what the score can be. Where there are blocks, as `noise` has them, an accuracy is that of
    as many rows that are alone as have the same standard error. NaN if there is one block.
    """
    found = measure(name, outputs, y, levels)
    if name == "accuracy":
        return _wilson(found, len(y) if blocks is None else _rows_alone(found, outputs, y, blocks))
    half = 1.96 * noise(name, {name: outputs}, y, blocks, levels)
    least, most = -np.inf if name == "r2" else 0.0, np.inf if name in LOSSES else 1.0
    return float(np.clip(found - half, least, most)), float(np.clip(found + half, least, most))


def _wilson(share: float, n: float, z: float = 1.96) -> tuple[float, float]:
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + (z / n) ** 2 / 4)
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    # Rounding leaves a trifle below 0, which would be told as -0.0%.
    return max(low, 0.0), min(high, 1.0)


def _rows_alone(share: float, outputs: Array, y: Array, blocks: Array) -> float:
    """Return how many rows that are alone tell an accuracy as well as these do."""
    error = noise("accuracy", {"": outputs}, y, blocks)
    if math.isnan(error):
        return math.nan
    # Without any error, or where all blocks are alike, a block is worth one row.
    found = share * (1 - share) / error**2 if error else len(np.unique(blocks))
    return min(max(found, 1.0), len(y))


def share(is_so: Array, blocks: Array | None = None) -> list[float]:
    """Return the share of rows of which something is so, and between which bounds it lies.

    The bounds are those of an accuracy, see `interval`.
    """
    outputs, y = np.column_stack([is_so, ~is_so]), np.zeros(len(is_so), int)
    return [measure("accuracy", outputs, y), *interval("accuracy", outputs, y, blocks)]


def noise(
    name: str,
    outputs: Outputs,
    y: Array,
    blocks: Array | None = None,
    levels: Sequence[float] = (),
) -> float:
    """Return the standard error of one model's score, or of the difference of two models' scores.

    It is that of samples of the rows, drawn with replacement and the same for both: Efron,
    "Bootstrap methods", Annals of Statistics 7, 1979.

    Parameters
    ----------
    blocks : (n,) array of int, optional
        The block of each row, as a patient's rows are one. Rows of a block are alike, so that whole
        blocks are drawn. NaN if there is only one.
    """
    rng = np.random.default_rng(0)
    count = min(len(y), _MOST_ROWS)
    found = []
    for rows in _samples(count, rng) if blocks is None else _samples_of(blocks[:count], rng):
        values = [measure(name, each[rows], y[rows], levels) for each in outputs.values()]
        found.append(values[0] - sum(values[1:]))
    known = np.array([value for value in found if math.isfinite(value)])
    if len(known) < 2:
        return math.nan
    exponent = magnitude(known)
    deviation = np.ldexp(np.std(np.ldexp(known, -exponent), ddof=1), exponent)
    return float(deviation * math.sqrt(count / len(y)))


def _samples(count: int, rng: np.random.Generator) -> Iterator[Array]:
    for _ in range(_SAMPLES):
        yield rng.integers(0, count, count)


def _samples_of(blocks: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Yield rows of blocks that are drawn with replacement; nothing where there is one block."""
    order = np.argsort(blocks, kind="stable")
    _, starts, sizes = np.unique(blocks[order], return_index=True, return_counts=True)
    for _ in range(_SAMPLES if len(starts) > 1 else 0):
        drawn = rng.integers(0, len(starts), len(starts))
        lengths = sizes[drawn]
        # Each row's place in its block, counted on from where the block starts.
        shift = np.repeat(starts[drawn] - (lengths.cumsum() - lengths), lengths)
        yield order[np.arange(lengths.sum()) + shift]


def _r2(outputs: Array, y: Array) -> float:
    """Return that of a number, or the mean of those of several."""
    if y.ndim > 1:
        return float(np.mean([_r2(*each) for each in zip(outputs.T, y.T, strict=True)]))
    exponent = magnitude(y, outputs)
    y, outputs = np.ldexp(y, -exponent), np.ldexp(outputs, -exponent)
    total = float(((y - y.mean()) ** 2).sum()) if len(y) > 1 else math.nan
    left = float(((y - outputs) ** 2).sum())
    return 1 - left / total if total else float(not left)


def _mae(outputs: Array, y: Array) -> float:
    exponent = magnitude(y, outputs)
    off = np.abs(np.ldexp(y, -exponent) - np.ldexp(outputs, -exponent))
    return float(np.ldexp(off.mean(), exponent))


def _rmse(outputs: Array, y: Array) -> float:
    exponent = magnitude(y, outputs)
    off = np.ldexp(y, -exponent) - np.ldexp(outputs, -exponent)
    return float(np.ldexp(np.sqrt((off**2).mean()), exponent))


def _pinball_loss(outputs: Array, y: Array, levels: Sequence[float]) -> float:
    """Return the mean of what each quantile makes least: Koenker and Bassett, Econometrica 46."""
    exponent = magnitude(y, outputs)
    off = np.ldexp(y[:, np.newaxis], -exponent) - np.ldexp(outputs, -exponent)
    q = np.asarray(levels)
    return float(np.ldexp(np.maximum(q * off, (q - 1) * off).mean(), exponent))


def _coverage(outputs: Array, y: Array) -> float:
    """Return the share of the rows that lie between the first quantile and the last."""
    return float(np.mean((outputs[:, 0] <= y) & (y <= outputs[:, -1])))


def _accuracy(outputs: Array, y: Array) -> float:
    return float(np.mean(outputs.argmax(axis=1) == y))


def _log_loss(outputs: Array, y: Array) -> float:
    chances = np.clip(outputs[np.arange(len(y)), y], 1e-15, 1.0)
    return float(-np.mean(np.log(chances)))


def _roc_auc(outputs: Array, y: Array) -> float:
    """Return the area of two classes, or the mean of those of each class against the others."""
    counts = np.bincount(y, minlength=outputs.shape[1])
    if (counts > 0).sum() < 2 or (outputs.shape[1] > 2 and not counts.all()):
        return math.nan
    if outputs.shape[1] == 2:
        return float(metrics.roc_auc_score(y, outputs[:, 1]))
    return float(metrics.roc_auc_score(y, outputs, multi_class="ovr"))


def _balanced_accuracy(outputs: Array, y: Array) -> float:
    """Return the mean of the classes' shares that are found, of the classes that there are."""
    is_right = outputs.argmax(axis=1) == y
    counts = np.bincount(y)
    return float(np.mean((np.bincount(y, weights=is_right) / np.maximum(counts, 1))[counts > 0]))


def _f1(outputs: Array, y: Array) -> float:
    """Return that of the second class of two, or the mean of those of all classes."""
    average = "binary" if outputs.shape[1] == 2 else "macro"
    found = outputs.argmax(axis=1)
    return float(metrics.f1_score(y, found, average=average, zero_division=0.0))


_MEASURES: dict[str, Callable[[Array, Array], float]] = {
    "r2": _r2,
    "mae": _mae,
    "rmse": _rmse,
    "coverage": _coverage,
    "accuracy": _accuracy,
    "log_loss": _log_loss,
    "roc_auc": _roc_auc,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
}
