"""A verdict says in sentences which model to prefer, by how much, and what to look at next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..core.annotations import Array
from ..core.magnitude import magnitude
from .baseline import CONSTANT
from .exchange import Rows
from .held import NETWORK, Held
from .model import TableModel
from .parts import Parts
from .score_text import score_text
from .scored import coverage, nominal
from .scores import LOSSES, Outputs, headline, measure, noise
from .settings import TableSettings
from .targets import AnyTarget, Targets
from .training import Trained

# A difference of less than so many standard errors may be chance: one in twenty is larger by it.
_ERRORS = 2.0
# A network that is the linear model differs from it by the rounding of 32 bits.
_SAME = 1e-5
_FEWEST_OF_A_CLASS = 10
# The standard error of fewer groups is itself uncertain by a quarter and more.
_FEWEST_BLOCKS = 10
_MOST_OF_ROWS = 0.9
# A column that alone predicts this well may have been written down after the target was known.
_SUSPECT = 0.99
_ROWS_OF_A_TREE = 1000
# The loss still falls at the end if it fell by such a part in the last tenth of the epochs.
_STILL_FALLS = 0.01


def verdict(trained: Trained, held: Held, parts: Parts, settings: TableSettings) -> list[str]:
    """Return which model to prefer on the rows held out, and what else is to be said of them.

    Parameters
    ----------
    trained : Trained
    held : Held
        What each model predicts of the rows to score by.
    parts : Parts
    settings : TableSettings
        They tell the score to compare by; if they do not, it is r2 of numbers, pinball loss of
        quantiles, and log loss of classes, which tells more than accuracy does.

    Returns
    -------
    list of str
        Sentences.
    """
    target = trained.model.target
    by = settings.compared_by or ("log_loss" if target.labels else headline(target.kind))
    which = "Of all targets together: " if isinstance(target, Targets) else ""
    found = [which + preference(held.outputs, held.y, by, held.blocks, target.quantiles)]
    found += [*_of_each(target, held), *_of_blocks(held, settings)]
    if target.labels:
        found += _of_classes(parts, target.labels)
    found += _of_quantiles(held, target.quantiles)
    return [*found, *_leaks(trained, parts), *_duplicates(held), *_training(trained)]


def preference(
    outputs: Outputs,
    y: Array,
    metric: str,
    blocks: Array | None = None,
    levels: Sequence[float] = (),
) -> str:
    """Return which of the network and the best simpler model to prefer, with the noise.

    The noise is the standard error of the difference of the two models' scores.
    """
    sign = -1.0 if metric in LOSSES else 1.0
    scores = {name: sign * measure(metric, found, y, levels) for name, found in outputs.items()}
    simple = max((name for name in scores if name != NETWORK), key=lambda name: scores[name])
    gain = scores[NETWORK] - scores[simple]
    error = noise(metric, {name: outputs[name] for name in (NETWORK, simple)}, y, blocks, levels)
    better, worse = ("below", "above") if metric in LOSSES else ("above", "below")
    side, told = better if gain > 0 else worse, score_text(metric, abs(gain))
    if not np.isfinite(error):
        return (
            f"The {metric.replace('_', ' ')} of the network is {told} {side} that of "
            f"the {simple}; these rows do not tell how much of it is chance."
        )
    by = (
        f"{metric.replace('_', ' ')} of the network is {told} ± {score_text(metric, error)} "
        "(one standard error)"
    )
    # A gain that is not seen in the digits told is none.
    is_same = _are_same(outputs[NETWORK], outputs[simple]) or float(told or 0) == 0
    if gain > _ERRORS * error and not is_same:
        return f"Prefer the network: the {by} {better} that of the {simple}."
    if gain < -_ERRORS * error and not is_same:
        return f"Prefer the {simple}: the {by} {worse} that model's."
    if simple in CONSTANT:
        return (
            f"Nothing was learnt that is more than noise: the {by} {side} that of the {simple}, "
            "which reads no column. More rows or other columns are needed."
        )
    return (
        f"The {simple} does as well within the noise: the {by} {side} that model's. Prefer the "
        f"{simple}, which is simpler, or score by more rows to tell them apart."
    )


def _of_each(target: AnyTarget, held: Held) -> list[str]:
    """Say for each of several targets which model to prefer."""
    if not isinstance(target, Targets):
        return []
    found = []
    for k, name in enumerate(target.names):
        outputs = {model: one[:, k] for model, one in held.outputs.items()}
        found.append(f"Of {name}: {preference(outputs, held.y[:, k], 'r2', held.blocks)}")
    return found


def _of_quantiles(held: Held, levels: Sequence[float]) -> list[str]:
    """Say where more or fewer rows lie below quantiles, or between two, than should by chance."""
    shares = coverage(held.outputs[NETWORK], held.y, levels, held.blocks) if levels else {}
    wrong = []
    for name, (part, low, high) in shares.items():
        if np.isfinite([low, high]).all() and not low <= nominal(name) <= high:
            first, _, last = name.partition(" to ")
            where = f"between quantiles {first} and {last}" if last else f"up to quantile {first}"
            wrong.append(f"{part:.1%} lie {where} instead of {100 * nominal(name):.4g}%")
    return [f"Of the rows, {', '.join(wrong)}: by more than chance."] if wrong else []


def _of_blocks(held: Held, settings: TableSettings) -> list[str]:
    """Say of how many groups, or moments, the scores are, if they are few."""
    count = 0 if held.blocks is None else len(np.unique(held.blocks))
    if not 0 < count < _FEWEST_BLOCKS:
        return []
    column = settings.split_by or settings.time
    values = "1 value" if count == 1 else f"{count} different values"
    return [
        f"The rows to score by have only {values} of {column!r}, so the bounds and the errors here "
        "are rough."
    ]


def _are_same(a: Array, b: Array) -> bool:
    return bool(np.abs(a - b).max() <= _SAME * np.abs(b).max())


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
    train, test = parts.train, parts.test
    if not len(test[1]):  # it is scored by folds
        test = parts.validation
    target = model.target
    if not isinstance(target, Targets):
        return _suspects(model, train, test, "the target")
    return [
        sentence
        for k, name in enumerate(target.names)
        for sentence in _suspects(
            model, (train[0], train[1][:, k]), (test[0], test[1][:, k]), f"target {name!r}"
        )
    ]


def _suspects(model: TableModel, train: Rows, test: Rows, what: str) -> list[str]:
    X, y, asked, known = (each[:_ROWS_OF_A_TREE] for each in (*train, *test))
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
        f"{name} {', '.join(suspects[:5])}{more}: {does} alone predicts nearly all of {what}. "
        "If it is not known before the target is, leave it out: --drop."
    ]


def _duplicates(held: Held) -> list[str]:
    """Say how many rows to score by equal rows that were trained on."""
    count = held.duplicates
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
