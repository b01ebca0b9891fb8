"""Mistakes that show in whole gradients, for which the forward pass need not be traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ....core.annotations import Array
from ..attributes import is_bias_name
from ..compared_call import ComparedCall
from .factors import factors
from .hypothesis import Hypothesis, Predict

Change = Callable[[ComparedCall, Array], Array | None]


def of_results(call: ComparedCall) -> Iterator[Hypothesis]:
    """Yield zeros, transposes and factors of each gradient, and what is left of the call before."""
    for index, name in enumerate(call.arrays):
        if name in call.expected:
            for mistake, detail, predict in _of_one(call, name):
                yield Hypothesis(mistake, index, detail, predict)


def _of_one(call: ComparedCall, name: str) -> Iterator[tuple[str, str, Predict]]:
    forgotten = "bias" if is_bias_name(name) else "missing_gradient"
    yield forgotten, "it is zero", _changed(name, lambda s, x: np.zeros_like(x))
    yield "transpose", "it is transposed", _changed(name, lambda s, x: x.T)
    for mistake, detail, factor in factors(call, None):
        yield mistake, detail, _changed(name, _scaled(factor))
    left_over = "the gradient of the call before is still in it"
    yield "accumulated", left_over, _changed(name, lambda s, x: _sum(x, s.previous[name]))
    yield (
        "stale",
        "it is the gradient of the call before",
        _changed(name, lambda s, x: s.previous[name]),
    )


def _scaled(factor: Callable[[ComparedCall], float]) -> Change:
    return lambda call, x: factor(call) * x


def _changed(name: str, change: Change) -> Predict:
    def predict(call: ComparedCall) -> dict[str, Array] | None:
        found = change(call, call.expected[name])
        return None if found is None else {**call.expected, name: found}

    return predict


def _sum(now: Array, before: Array) -> Array | None:
    return now + before if now.shape == before.shape else None
