"""A verdict says in sentences which model to prefer, by how much, and what to look at next."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..core.annotations import Array
from ..core.magnitude import magnitude
from .parts import Parts
from .scores import LOSSES, Outputs, measure, noise
from .training import Trained

NETWORK = "network"
# A difference of less than so many standard errors may be chance: one in twenty is larger by it.
_ERRORS = 2.0
_FEWEST_OF_A_CLASS = 10
_MOST_OF_ROWS = 0.9
# A column that alone predicts this well may have been written down after the target was known.
_SUSPECT = 0.99
_ROWS_OF_A_TREE = 1000
# The loss still falls at the end if it fell by such a part in the last tenth of the epochs.
_STILL_FALLS = 0.01


def verdict(
    trained: Trained, outputs: Outputs, parts: Parts, metric: str | None = None
) -> list[str]:
    """Return which model to prefer on the rows held out, and what else is to be said of them.

    Parameters
    ----------
    trained : Trained
    outputs : dict of str to array
        What each model predicts of the rows to score by: "network" and simpler ones.
    parts : Parts
    metric : str, optional
        The score to compare by; by default r2, or log loss, which tells more than accuracy does.

    Returns
    -------
    list of str
        Sentences.
    """
    y, task = parts.test[1], trained.model.target.task
    by = metric or ("r2" if task == "regression" else "log_loss")
    found = [preference(outputs, y, by)]
    if task == "classification":
        found += _of_classes(parts, trained.model.target.labels)
    return [*found, *_leaks(trained, parts), *_duplicates(trained, parts), *_training(trained)]


def preference(outputs: Outputs, y: Array, metric: str) -> str:
    """Return which of the network and the best simpler model to prefer, with the noise.

    The noise is the standard error of the difference of the two models' scores.
    """
    sign = -1.0 if metric in LOSSES else 1.0
    scores = {name: sign * measure(metric, found, y) for name, found in outputs.items()}
    simple = max((name for name in scores if name != NETWORK), key=lambda name: scores[name])
    gain = scores[NETWORK] - scores[simple]
    error = noise(metric, {name: outputs[name] for name in (NETWORK, simple)}, y)
    better, worse = ("below", "above") if metric in LOSSES else ("above", "below")
    by = (
        f"{metric.replace('_', ' ')} of the network is {_digits(abs(gain))} ± {_digits(error)} "
        "(one standard error)"
    )
    if gain > _ERRORS * error:
        return f"Prefer the network: the {by} {better} that of the {simple}."
    if gain < -_ERRORS * error:
        return f"Prefer the {simple}: the {by} {worse} that model's."
    side = better if gain > 0 else worse
    if simple in ("mean", "majority class"):
        return (
            f"Nothing was learnt that is more than noise: the {by} {side} that of the {simple}, "
            "which reads no column. More rows or other columns are needed."
        )
    return (
        f"The {simple} does as well within the noise: the {by} {side} that model's. Prefer the "
        f"{simple}, which is simpler, or hold out more rows to tell them apart."
    )


def _digits(value: float) -> str:
    """Return a number of any size with enough digits: errors in a target's unit may be large."""
    return f"{value:.4f}" if value < 100 else f"{value:.5g}"


def _of_classes(parts: Parts, labels: list[str]) -> list[str]:
    """Name classes of few rows, and one that most rows have."""
    y = np.concatenate([part[1] for part in (parts.train, parts.validation, parts.test)])
    counts = np.bincount(y, minlength=len(labels))
    # A sample of a stream does not tell how many rows a class has.
    few = [k for k in np.argsort(counts) if counts[k] < _FEWEST_OF_A_CLASS and not parts.stream]
    found = []
    if few:
        told = ", ".join(f"{labels[k]!r} has {counts[k]}" for k in few[:5])
        more = f", and {len(few) - 5} more" if len(few) > 5 else ""
        found.append(f"Too few rows to learn a class from: {told}{more}.")
    largest = int(counts.argmax())
    if counts[largest] > _MOST_OF_ROWS * len(y):
        found.append(
            f"{counts[largest] / len(y):.1%} of the rows are of class {labels[largest]!r}: always "
            "to say so is as accurate, so compare log loss and roc auc instead of accuracy."
        )
    return found


def _leaks(trained: Trained, parts: Parts) -> list[str]:
    """Name columns each of which alone predicts nearly everything, by a small tree."""
    model = trained.model
    (X, y), (asked, known) = parts.train, parts.test
    X, y, asked, known = (each[:_ROWS_OF_A_TREE] for each in (X, y, asked, known))
    is_number = model.target.task == "regression"
    if is_number:
        exponent = magnitude(y)
        y, known = np.ldexp(y, -exponent), np.ldexp(known, -exponent)
    tree: Any = DecisionTreeRegressor if is_number else DecisionTreeClassifier
    if not is_number and np.bincount(known).max() > _MOST_OF_ROWS * len(known):
        return []  # no column is needed to be right nearly always
    suspects, start = [], 0
    for column in model.encoder.columns:
        own = slice(start, start + column.width)
        start += column.width
        fitted = tree(max_leaf_nodes=100, random_state=0).fit(X[:, own], y)
        outputs = fitted.predict(asked[:, own])
        value = measure("r2", outputs, known) if is_number else float(np.mean(outputs == known))
        if value >= _SUSPECT:
            suspects.append(repr(column.name))
    if not suspects:
        return []
    name, does = ("Columns", "each") if len(suspects) > 1 else ("Column", "it")
    more = f" and {len(suspects) - 5} more" if len(suspects) > 5 else ""
    return [
        f"{name} {', '.join(suspects[:5])}{more}: {does} alone predicts nearly all of the target. "
        "If it is not known before the target is, leave it out: --drop."
    ]


def _duplicates(trained: Trained, parts: Parts) -> list[str]:
    """Say how many rows to score by equal rows that were trained on."""
    known = trained.model.fingerprints
    count = known.count(*parts.test) if known is not None else 0
    if not count:
        return []
    are = "1 row held out equals one" if count == 1 else f"{count:,} rows held out equal rows"
    return [f"{are} that the network was trained on: on new rows its scores may be worse."]


def _training(trained: Trained) -> list[str]:
    losses = trained.history["val_loss"] if len(trained.history) else []
    before = losses[-max(len(losses) // 10, 1) - 1 :][:1]
    is_last = len(losses) > 1 and trained.best_epoch == len(losses) and not trained.interrupted
    if is_last and before[0] - losses[-1] > _STILL_FALLS * abs(before[0]):
        return ["It was still improving at the last epoch: try more --epochs."]
    if trained.best_epoch == 0 and losses:
        return [
            "No epoch was better than the linear model that the training started from, by the rows "
            "to stop by."
        ]
    return []
