"""Fit a Weibull model to survival times, some of which are only known to be longer.

The data are the remissions of 42 patients with leukaemia, half of them treated with 6-MP (Freireich
and others, Blood 21, 1963, p. 699). A censored time counts by the probability of surviving it, so
that the likelihood has two kinds of terms; errors come from the exact Hessian.

    python examples/survival_model.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import adjoint as ad

WEEKS_AS_TEXT = (
    "6 6 6 6 7 9 10 10 11 13 16 17 19 20 22 23 25 32 32 34 35 "
    "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"
)
WEEKS = np.array(WEEKS_AS_TEXT.split(), float)
# 1 where the remission ended, 0 where the patient was still in it.
ENDED = np.array([*map(float, "111010100110001100000"), *[1.0] * 21])
TREATED = np.repeat([1.0, 0.0], 21)


def loss(p):
    """Return the negative log-likelihood of intercept, effect and the logarithm of the scale."""
    z = (np.log(WEEKS) - p[0] - p[1] * TREATED) * np.exp(-p[2])
    return -np.sum(ENDED * (z - p[2] - np.log(WEEKS)) - np.exp(z))


def problem():
    """Return the function that is minimised, and where it starts."""
    return loss, np.array([2.0, 0.0, 0.0])


def fit():
    """Return the parameters and their standard errors."""
    function, start = problem()
    found = minimize(
        ad.value_and_grad(function),
        start,
        jac=True,
        hess=ad.hessian(function),
        method="trust-exact",
    )
    return found.x, np.sqrt(np.diag(np.linalg.inv(ad.hessian(function)(found.x))))


def surviving(p, t, treated):
    """Return the model's share still in remission after each of some weeks."""
    return np.exp(-np.exp((np.log(t) - p[0] - p[1] * treated) * np.exp(-p[2])))


def kaplan_meier(weeks, ended):
    """Return the times of ends and the share still in remission after each."""
    times = np.unique(weeks[ended == 1])
    at_risk = np.array([np.sum(weeks >= t) for t in times])
    ends = np.array([np.sum((weeks == t) & (ended == 1)) for t in times])
    return times, np.cumprod(1 - ends / at_risk)


def plot(p, path):
    """Draw the curves of both groups, counted and fitted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    t = np.linspace(0.1, 36, 200)
    for treated, name in ((1.0, "6-MP"), (0.0, "placebo")):
        group = treated == TREATED
        times, shares = kaplan_meier(WEEKS[group], ENDED[group])
        (line,) = axes.plot(t, surviving(p, t, treated), label=f"{name}, Weibull")
        axes.step(
            [0, *times],
            [1, *shares],
            where="post",
            color=line.get_color(),
            linestyle="--",
            label=f"{name}, Kaplan and Meier",
        )
    axes.set(xlabel="weeks", ylabel="share still in remission", ylim=(0, 1.02))
    axes.set_title("Remissions of leukaemia")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "survival_model.png"
    begin = time.perf_counter()
    print("Fitting three numbers to 42 patients; about a second.", flush=True)
    p, errors = fit()
    for name, value, error in zip(("intercept", "effect of 6-MP"), p[:2], errors[:2], strict=True):
        print(f"  {name} {value:.3f}, give or take {error:.3f}")
    print(f"  scale {np.exp(p[2]):.3f}; treated, remissions last {np.exp(p[1]):.1f} times as long")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(p, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
