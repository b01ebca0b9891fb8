"""Outcomes are what became of the rows held out: what is left over, confused, or within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike
from ..plots import CalibrationDisplay, ResidualsDisplay, style
from .page import figure, paragraph, table, text
from .scored import nominal
from .targets import Targets
from .trial import Trial

# More classes, curves or targets than this make no table or drawing that could be read.
_MOST_CLASSES = 12
_MOST_CURVES = 5
MOST_TARGETS = 6
_MOST_POINTS = 2000
_MOST_IN_A_ROW = 200
# Matplotlib adds margins to the ends of an axis, which must stay far below the largest float.
_MOST_DRAWN = 1e300


def outcomes(trial: Trial) -> list[tuple[str, str]]:
    """Return titles of sections and their HTML, which is empty where there is nothing to show."""
    target = trial.model.target
    if target.labels:
        return [
            ("What is confused", _confused(trial)),
            ("Whether its probabilities can be believed", _calibration(trial)),
        ]
    if target.quantiles:
        return [("Whether its quantiles can be believed", _quantiles(trial))]
    y, found = trial.held_y, trial.held_outputs
    if not isinstance(target, Targets):
        return [("What is left over", _left_over(y, found))]
    return [
        (f"What is left over of {name}", _left_over(y[:, k], found[:, k], name=f"residuals{k}"))
        for k, name in enumerate(target.names[:MOST_TARGETS])
    ]


def can_be_drawn(*numbers: ArrayLike) -> bool:
    """Return whether numbers are far enough from the largest floats for axes to have margins."""
    return all(bool((np.abs(one) < _MOST_DRAWN).all()) for one in numbers)


def _left_over(y: Array, found: Array, *, name: str = "residuals") -> str:
    if not can_be_drawn(found, y):
        return ""
    y, found = y[:_MOST_POINTS], found[:_MOST_POINTS]

    def draw(drawing: Any) -> None:
        ResidualsDisplay.from_predictions(y, found, ax=drawing.subplots()).ax_.set_title("")

    return figure(name, draw)


def _quantiles(trial: Trial) -> str:
    """Return how many rows lie where the quantiles say, and a drawing of some rows."""
    lines = []
    for name, (share, low, high) in trial.record.coverage.items():
        first, _, last = name.partition(" to ")
        bounds = f"{low:.1%} to {high:.1%}" if np.isfinite([low, high]).all() else ""
        told = f"between {first} and {last}" if last else f"up to {first}"
        lines.append([told, f"{share:.1%}", bounds, f"{100 * nominal(name):.4g}%"])
    head = ["quantiles", "rows there", "19 times in 20", "should be"]
    return table(head, lines) + _band(trial)


def _band(trial: Trial) -> str:
    """Draw the range between the outermost quantiles, and the rows that are in it or not."""
    levels = trial.model.target.quantiles
    found, y = trial.held_outputs[:_MOST_IN_A_ROW], trial.held_y[:_MOST_IN_A_ROW]
    if not can_be_drawn(found, y):
        return ""
    middle = len(levels) // 2
    order = np.argsort(found[:, middle], kind="stable")
    found, y = found[order], y[order]
    shown = [f"{level:.4g}" for level in levels]

    def draw(drawing: Any) -> None:
        ax, places = drawing.subplots(), np.arange(len(y))
        colour = style.colour(1, ax)
        if len(levels) > 1:
            label = f"{shown[0]} to {shown[-1]}"
            ax.fill_between(places, *found[:, [0, -1]].T, color=colour, alpha=0.25, label=label)
        ax.plot(places, found[:, middle], color=colour, label=f"quantile {shown[middle]}")
        points = {"linestyle": "", "marker": ".", "alpha": style.POINT_ALPHA}
        ax.plot(places, y, color=style.colour(0, ax), label="true value", **points)
        style.dress(ax, title="", xlabel="Rows in the order of what is predicted", ylabel="Value")
        legend = drawing.legend(loc="outside upper center", ncols=3, fontsize=10)
        style.set_letters(*legend.get_texts())

    rows = f"{len(y)} of the rows held out" if len(y) < len(trial.held_y) else "The rows held out"
    return figure("quantiles", draw) + paragraph(f"{rows}, and what is predicted of them.")


def _confused(trial: Trial) -> str:
    labels = trial.model.target.labels
    count = len(labels)
    if count > _MOST_CLASSES:
        return paragraph(f"{count} classes are too many for a table.")
    confused = np.zeros((count, count), int)
    np.add.at(confused, (trial.held_y, trial.held_outputs.argmax(axis=1)), 1)
    share = confused / np.maximum(confused.sum(axis=1, keepdims=True), 1)
    lines = [
        [text(label), *(_cell(n, part) for n, part in zip(row, parts, strict=True))]
        for label, row, parts in zip(labels, confused.tolist(), share, strict=True)
    ]
    return table(["true \\ predicted", *map(text, labels)], lines, kind="markup")


def _cell(count: int, share: float) -> str:
    colour = f"background: color-mix(in srgb, var(--bar) {60 * share:.0f}%, transparent)"
    return f'<span class="cell" style="{colour}">{count:,}</span>'


def _calibration(trial: Trial) -> str:
    """Return a drawing of how often a class comes true, by the probability it was given."""
    outputs, target = trial.held_outputs, trial.model.target
    if len(target.labels) > _MOST_CURVES or not can_be_drawn(outputs):
        return ""
    names = np.array([style.as_words(label, 24) for label in target.labels])
    if len(set(names.tolist())) < len(names):  # cut, two may be the same
        return ""

    def draw(drawing: Any) -> None:
        chances = np.clip(outputs, 0, 1)
        CalibrationDisplay.from_predictions(
            names[trial.held_y], chances, classes=names, ax=drawing.subplots(), title=""
        )

    about = "On the dotted line, of rows given a chance of 30 % three in ten are of the class."
    if trial.record.settings.class_weight:
        about += " All classes were made to weigh alike, so that rare ones get too large a chance."
    return figure("calibration", draw) + paragraph(about)
