"""The usual training of a Keras user: validation data, a metric, early stopping; or none of them.

A quarter as many rows as are trained on are held out, and both kinds of rows are measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

from ..race import Race
from ..rival import Contestant, Rival
from .task import ARTICLE, DIGITS, Task

# What is added to a training, by name.
BARE, VALIDATED, STOPPING = "without", "validation and accuracy", "the same, early stopping"
EAGER = "validation and accuracy, eager"


def make(task: Task, what: str) -> Contestant:
    """Return a training by `fit`; its work done once is an epoch."""
    from adjoint.callbacks import AtEpochs, EarlyStopping

    import adjoint as ad

    (X, y), rule = task.data, {"sgd": ad.optim.SGD, "adam": ad.optim.Adam}[task.optimizer]
    trained = len(X) - len(X) // 5

    def fit(epochs: int, callbacks: Sequence[Any] = ()) -> list[float]:
        model = ad.nn.MLP(*task.sizes, activation=task.activation, dtype=task.dtype, rng=0)
        more: dict[str, Any] = {}
        if what != BARE:
            more = {"validation": (X[trained:], y[trained:]), "metrics": ["accuracy"]}
        if what == STOPPING:
            callbacks = [*callbacks, EarlyStopping(patience=epochs + 1)]
        return ad.fit(
            model,
            (X[:trained], y[:trained]),
            loss="cross_entropy",
            optimizer=lambda p: rule(p, lr=task.rate),
            epochs=epochs,
            batch_size=task.batch,
            seed=0,
            progress=False,
            compile=what != EAGER,
            callbacks=callbacks,
            **more,
        ).loss

    def run(count: int) -> float:
        marks: list[float] = []
        mark = AtEpochs([1, 1 + count], lambda history, model: marks.append(perf_counter()))
        fit(1 + count, [mark])
        return marks[1] - marks[0]

    return Contestant(run, result=lambda: fit(task.checked), start=lambda: fit(1))


def race(about: str, task: Task, dtype: str) -> Race:
    """Return a training beside the same one with validation."""
    task = replace(task, dtype=dtype)
    return Race(
        f"Validation and a metric after each epoch: {about}, {dtype}",
        "an epoch",
        [Rival(what, partial(make, task, what), quick=True) for what in (VALIDATED, STOPPING, BARE)]
        + [Rival(EAGER, partial(make, task, EAGER))],
        reference=BARE,
        tolerance=1e-10 if dtype == "float64" else 1e-3,
    )


RACES = {
    f"validation-{name}-{dtype}": partial(race, about, task, dtype)
    for name, about, task in (
        ("article", "the article's network, 2-4-4-2, batch 50", ARTICLE),
        ("digits", "digits, 64-128-10, batch 64", DIGITS),
    )
    for dtype in ("float64", "float32")
}
