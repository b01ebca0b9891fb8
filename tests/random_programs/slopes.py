"""Functions whose derivative is known in closed form, evaluated by mpmath without overflow.

A program writes ``d(f)(t)``. Run on plain arrays, that is the closed form; in the tiers it is
`ad.grad`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

# Stands for infinity: mpmath's exponents have no bound, so a limit at infinity is nearly reached.
_FAR = mpmath.mpf(10) ** 4000


@dataclass(frozen=True)
class Slope:
    """A function of entries, and its derivative by its first argument.

    Attributes
    ----------
    text : str
        The function, in NumPy.
    derivative : callable
        The derivative, as a function of mpmath's numbers, all finite.
    fits : callable
        Says of float arrays whether floats can give the derivative there. Those left out are listed
        in docs/explanation/edges.md, or lie where the function cancels.
    at_nan : callable
        Gives what is documented where any of some floats is NaN.
    """

    text: str
    derivative: Callable[..., Any]
    fits: Callable[..., Any] = lambda *ts: True
    at_nan: Callable[..., float] = lambda *ts: np.nan

    def __call__(self, *arguments: Any) -> Any:
        """Return the derivative, as NumPy would: of the arguments' shape and dtype."""
        dtype = np.result_type(arguments[0])
        if len(set(map(np.shape, arguments))) > 1:
            raise ValueError("the gradient by an argument that is broadcast is a sum")
        with np.errstate(all="ignore"):
            entries = np.vectorize(self._entry, otypes=[np.float64])
            found = np.asarray(arguments[0], np.float64)
            if found.size:
                found = entries(*arguments)
            return np.asarray(found).astype(dtype)[()]

    def _entry(self, *ts: Any) -> float:
        ts = tuple(map(float, ts))
        if any(map(np.isnan, ts)):
            return self.at_nan(*ts)
        exact = [mpmath.mpf(t) if np.isfinite(t) else np.sign(t) * _FAR for t in ts]
        with mpmath.workdps(40):
            return float(self.derivative(*exact))


def _sigmoid(t):
    return 1 / (1 + mpmath.exp(-t))


def _magnitude(low, high):
    """Return whether entries are 0 or of a magnitude in a range."""
    return lambda *ts: np.all([(t == 0) | ((np.abs(t) > low) & (np.abs(t) < high)) for t in ts])


def _not_between(low, high):
    return lambda t: np.all((np.abs(t) < low) | (np.abs(t) > high) | np.isnan(t))


def _not_infinite(*ts):
    return not any(np.any(np.isinf(t)) for t in ts)


SLOPES = {
    slope.text: slope
    for slope in [
        Slope("lambda t: np.exp(-t * t) * t**2", lambda t: (2 * t - 2 * t**3) * mpmath.exp(-t * t)),
        Slope("lambda t: np.exp(-np.abs(t)) * t", lambda t: (1 - abs(t)) * mpmath.exp(-abs(t))),
        Slope("lambda t: t * np.exp(-t)", lambda t: (1 - t) * mpmath.exp(-t)),
        Slope(
            "lambda t: np.exp(-1.0 / (t * t))",
            lambda t: 2 / t**3 * mpmath.exp(-1 / (t * t)) if t else mpmath.mpf(0),
            _magnitude(0, 1e8),
        ),
        Slope(
            "lambda t: 1.0 / (1.0 + np.exp(-t))",
            lambda t: _sigmoid(t) * _sigmoid(-t),
            _not_between(30, 1e3),
        ),
        Slope("lambda t: np.exp(t)", mpmath.exp),
        Slope("lambda t: np.logaddexp(0.0, t)", _sigmoid),
        Slope("lambda t: np.logaddexp(t, t)", lambda t: mpmath.mpf(1)),
        Slope("lambda t: np.tanh(t)", lambda t: mpmath.sech(t) ** 2, _not_between(4, 1e3)),
        Slope("lambda t: np.arctan(t)", lambda t: 1 / (1 + t * t)),
        Slope("lambda t: t * t", lambda t: 2 * t),
        Slope("lambda t: t**3 - t", lambda t: 3 * t * t - 1),
        Slope("lambda t: np.sin(t)", mpmath.cos, _not_infinite),
        Slope("lambda t: np.abs(t)", mpmath.sign),
        Slope(
            "lambda t: np.maximum(t, 0.0)",
            lambda t: (1 + mpmath.sign(t)) / 2,
            at_nan=lambda t: 0.0,
        ),
        Slope(
            "lambda t: np.clip(t, -1.0, 1.0)",
            lambda t: mpmath.mpf(abs(t) <= 1),
            at_nan=lambda t: 0.0,
        ),
        Slope(
            "lambda t: np.where(t > 0, np.sqrt(t), 0.0)",
            lambda t: 1 / (2 * mpmath.sqrt(t)) if t > 0 else mpmath.mpf(0),
            at_nan=lambda t: 0.0,
        ),
        Slope(
            "lambda t: np.where(t < 1, np.exp(t), 0.0)",
            lambda t: mpmath.exp(t) if t < 1 else mpmath.mpf(0),
            at_nan=lambda t: 0.0,
        ),
        Slope(
            "lambda t: np.where(t > 0, np.log(t), t)",
            lambda t: 1 / t if t > 0 else mpmath.mpf(1),
            at_nan=lambda t: 1.0,
        ),
        Slope(
            "lambda t: np.where(np.isfinite(t), t * t, 0.0)",
            lambda t: 2 * t if abs(t) < _FAR else mpmath.mpf(0),
            at_nan=lambda t: 0.0,
        ),
        Slope(
            "lambda t: np.nan_to_num(t) * 3.0", lambda t: 3 * (abs(t) < _FAR), at_nan=lambda t: 0.0
        ),
    ]
}

PAIRS = {
    slope.text: slope
    for slope in [
        Slope("lambda t, u: np.logaddexp(t, u)", lambda t, u: _sigmoid(t - u)),
        Slope("lambda t, u: t * u", lambda t, u: u, at_nan=lambda t, u: u),
        Slope(
            "lambda t, u: np.where(u > 0, t * u, t)",
            lambda t, u: u if u > 0 else mpmath.mpf(1),
            at_nan=lambda t, u: u if u > 0 else 1.0,
        ),
        Slope(
            "lambda t, u: np.maximum(t, u)",
            lambda t, u: (1 + mpmath.sign(t - u)) / 2,
            at_nan=lambda t, u: 0.0,
        ),
        Slope(
            "lambda t, u: np.fmin(t, u)",
            lambda t, u: (1 - mpmath.sign(t - u)) / 2,
            at_nan=lambda t, u: (1.0 - np.isnan(t) + np.isnan(u)) / 2,
        ),
    ]
}
