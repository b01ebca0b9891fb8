"""An estimator's parameters are checked when it is fitted, by one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..core.checks import positive_size
from ..errors import choose
from .solvers import SOLVERS

# Raises ValueError if a parameter of that name must not have that value.
Check = Callable[[str, Any], object]
# What gives an estimator its random numbers; None for those of NumPy's own state.
RandomState = int | np.random.RandomState | None


def number(low: float, high: float = math.inf, *, closed: str = "left") -> Check:
    """Return a check for real numbers from ``low`` to ``high``; ``closed`` names the ends in it."""
    opening = "[" if closed in ("left", "both") else "("
    closing = "]" if closed in ("right", "both") else ")"

    def check(name: str, value: object) -> None:
        fits = False
        if isinstance(value, Real) and not isinstance(value, bool):
            given = float(value)
            above = given >= low if opening == "[" else given > low
            fits = above and (given <= high if closing == "]" else given < high)
        if not fits:
            raise ValueError(
                f"{name}: expected a number in {opening}{low:g}, {high:g}{closing}, got {value!r}"
            )

    return check


def flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise ValueError(f"{name}: expected True or False, got {value!r}")


def one_of(names: Iterable[str], *, callable_too: bool = False) -> Check:
    """Return a check for some names."""
    known = tuple(names)

    def check(name: str, value: object) -> None:
        if not (callable_too and callable(value)):
            choose(name, value, known)

    return check


def or_value(check: Check, *others: object) -> Check:
    """Return a check that lets some other values pass."""

    def either(name: str, value: object) -> None:
        if not any(
            value is other or (type(value) is type(other) and value == other) for other in others
        ):
            check(name, value)

    return either


CHECKS: dict[str, Check] = {
    "solver": one_of(SOLVERS, callable_too=True),
    "alpha": number(0),
    "batch_size": or_value(positive_size, "auto"),
    "learning_rate": one_of(("constant", "invscaling", "adaptive"), callable_too=True),
    "learning_rate_init": number(0, closed="neither"),
    "power_t": number(0),
    "max_iter": positive_size,
    "shuffle": flag,
    "tol": number(0),
    "warm_start": flag,
    "momentum": number(0, 1, closed="both"),
    "nesterovs_momentum": flag,
    "early_stopping": flag,
    "validation_fraction": number(0, 1, closed="left"),
    "beta_1": number(0, 1),
    "beta_2": number(0, 1),
    "epsilon": number(0, closed="neither"),
    "n_iter_no_change": or_value(positive_size, math.inf),
    "max_fun": positive_size,
    "dropout": number(0, 1),
    "batch_norm": flag,
    "layer_norm": flag,
    "residual": flag,
    "label_smoothing": number(0, 1),
    "reproducible": flag,
    "missing": one_of(("error", "mean")),
}


def check_parameters(estimator: BaseEstimator) -> None:
    """Refuse parameters out of their ranges; the message says what was expected.

    Raises
    ------
    ValueError
    """
    given = vars(estimator)
    for name, check in CHECKS.items():
        if name in given:
            check(name, given[name])
    if estimator.batch_norm and estimator.layer_norm:
        raise ValueError("batch_norm, layer_norm: choose one of them")


def hidden_sizes(given: int | Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the hidden layers, given one or several."""
    sizes = tuple(given) if hasattr(given, "__iter__") and not isinstance(given, str) else (given,)
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool) or size <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {list(sizes)}.")
    return tuple(map(int, sizes))
