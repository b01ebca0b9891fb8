"""The training through `adjoint.fit`, with progress, callbacks and history as users have them."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from ..rival import Contestant, SkippedError
from .task import Task


def make(task: Task, *, compiled: bool, reproducible: bool = False) -> Contestant:
    """Return our contestant: compiled if it can be, or else eager.

    What is timed is `fit` from the end of one epoch to that of another: shuffle, gather, steps and
    the record of the losses, without the set-up.
    """
    from adjoint.callbacks import AtEpochs

    import adjoint as ad

    if task.optimizer == "adam" and not hasattr(ad.optim, "Adam"):
        raise SkippedError("adjoint has no Adam yet")
    rules = {"sgd": "SGD", "adam": "Adam"}
    rule = getattr(ad.optim, rules[task.optimizer])
    found = {"tier": ""}
    data = task.data  # read here, where the rivals read them too

    def fit(epochs: int, shuffled: bool, callbacks: Sequence[Any] = ()) -> list[float]:
        model = ad.nn.MLP(*task.sizes, activation=task.activation, dtype=task.dtype, rng=0)
        model.load_state_dict(dict(zip(model.state_dict(), task.weights(), strict=True)))
        settings: dict[str, Any] = {
            "loss": "cross_entropy",
            "optimizer": rule(model.parameters(), lr=task.rate),
            "epochs": epochs,
            "batch_size": task.batch,
            "shuffle": shuffled,
            "seed": 0,
            "progress": False,
            "reproducible": reproducible,
            "callbacks": callbacks,
        }
        if compiled and found["tier"] in ("", "native"):
            try:
                losses = ad.fit(model, data, compile=True, **settings).loss
            except ValueError as error:
                found["tier"] = f"eager: {error}"
            else:
                found["tier"] = "native"
                return losses
        return ad.fit(model, data, compile=False, **settings).loss

    def run(count: int) -> float:
        marks: list[float] = []
        mark = AtEpochs([1, 1 + count], lambda history, model: marks.append(perf_counter()))
        fit(1 + count, True, [mark])
        return marks[1] - marks[0]

    return Contestant(
        run,
        result=lambda: fit(task.checked, False),
        start=lambda: fit(1, True),
        about=lambda: f"tier: {found['tier']}" if compiled else "",
    )
