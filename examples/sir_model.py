"""Fit the SIR model of an epidemic to data: influenza at an English boarding school in 1978.

The numbers of boys in bed are those of the British Medical Journal, 1978, 1, p. 587. The equations
s' = -β s i, i' = β s i - γ i are integrated by Runge and Kutta's method in a plain loop, which is
compiled with its gradient; the Hessian at the best fit gives the errors of β and γ.

    python examples/sir_model.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import adjoint as ad

IN_BED = np.array([3, 8, 26, 76, 225, 298, 258, 233, 189, 128, 68, 29, 14, 4.0])
BOYS, STEPS_A_DAY = 763, 8


def slopes(s, i, beta, gamma):
    """Return how fast the shares of the susceptible and of the infected change, by day."""
    new = beta * s * i
    return -new, new - gamma * i


def step(s, i, beta, gamma, h):
    """Return the shares after a time h, by Runge and Kutta's method of order 4."""
    a, b = slopes(s, i, beta, gamma)
    c, d = slopes(s + h / 2 * a, i + h / 2 * b, beta, gamma)
    e, f = slopes(s + h / 2 * c, i + h / 2 * d, beta, gamma)
    u, v = slopes(s + h * e, i + h * f, beta, gamma)
    return s + h / 6 * (a + 2 * c + 2 * e + u), i + h / 6 * (b + 2 * d + 2 * f + v)


def infected(p):
    """Return how many are infected on each day; p holds the logarithms of β, γ and the first."""
    beta, gamma, i = np.exp(p[0]), np.exp(p[1]), np.exp(p[2]) / BOYS
    s, curve = 1 - i, []
    for _ in IN_BED:
        curve.append(BOYS * i)
        for _ in range(STEPS_A_DAY):
            s, i = step(s, i, beta, gamma, 1 / STEPS_A_DAY)
    return np.stack(curve)


def loss(p):
    """Return the negative logarithm of Poisson's likelihood, up to a constant."""
    expected = infected(p)
    return np.sum(expected - IN_BED * np.log(expected))


def problem():
    """Return the function that is minimised, and where it starts."""
    return loss, np.log([2.0, 0.5, 2.0])


def fit():
    """Return the logarithms of β, γ and the number infected first, and their standard errors."""
    function, start = problem()
    found = minimize(ad.compile(ad.value_and_grad(function)), start, jac=True, method="BFGS")
    errors = np.sqrt(np.diag(np.linalg.inv(ad.hessian(function)(found.x))))
    return found.x, errors


def plot(p, path):
    """Draw the boys in bed and the curve."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    days = np.arange(1, len(IN_BED) + 1)
    axes.plot(days, infected(p), label="SIR model")
    axes.plot(days, IN_BED, "o", label="boys in bed")
    axes.set(xlabel="day", ylabel=f"of {BOYS}")
    axes.set_title(f"Influenza at a boarding school: R₀ = {np.exp(p[0] - p[1]):.2f}")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "sir_model.png"
    begin = time.perf_counter()
    print("Fitting three numbers to 14 days; about three seconds.", flush=True)
    p, errors = fit()
    for name, logarithm, error in zip(("beta", "gamma"), p[:2], errors[:2], strict=True):
        value = np.exp(logarithm)
        print(f"  {name} {value:.3f} a day, give or take {value * error:.3f}")
    print(f"  R0 {np.exp(p[0] - p[1]):.2f}; at first {np.exp(p[2]):.1f} were infected")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(p, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
