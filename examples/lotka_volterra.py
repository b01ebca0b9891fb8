"""Fit predators and prey to the pelts of lynx and hare, 1900 to 1920.

The numbers are those of the Hudson's Bay Company, in thousands, as Howard (Modeling Basics, 2009)
gives them. Six parameters of Lotka and Volterra's equations and the spread of the errors are
estimated at once; the step is Runge and Kutta's, and the gradient goes back through all of them.

    python examples/lotka_volterra.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import adjoint as ad

HARE = [30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5]
HARE += [11.2, 7.6, 14.6, 16.2, 24.7]
LYNX = [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8]
LYNX += [9.7, 10.1, 8.6]
SEEN = np.log(np.stack([np.array(HARE), np.array(LYNX)], axis=1))
STEPS_A_YEAR = 4


def slopes(x, y, rates):
    """Return how fast the logarithms of hares, x, and lynxes, y, change."""
    birth, eaten, death, fed = rates
    return birth - eaten * np.exp(y), fed * np.exp(x) - death


def simulate(p):
    """Return the logarithms of both, year by year, (years, 2); p holds logarithms."""
    rates = [np.exp(p[n]) for n in range(4)]
    x, y, h = p[4], p[5], 1 / STEPS_A_YEAR
    path = [np.stack([x, y])]
    for _ in range(len(HARE) - 1):
        for _ in range(STEPS_A_YEAR):
            a, b = slopes(x, y, rates)
            c, d = slopes(x + h / 2 * a, y + h / 2 * b, rates)
            e, f = slopes(x + h / 2 * c, y + h / 2 * d, rates)
            u, v = slopes(x + h * e, y + h * f, rates)
            x = x + h / 6 * (a + 2 * c + 2 * e + u)
            y = y + h / 6 * (b + 2 * d + 2 * f + v)
        path.append(np.stack([x, y]))
    return np.stack(path)


def loss(p):
    """Return the negative log-likelihood of errors that are normal in the logarithms."""
    squares = np.sum((simulate(p) - SEEN) ** 2)
    return SEEN.size * p[6] + 0.5 * squares * np.exp(-2 * p[6])


def problem():
    """Return the function that is minimised, and where it starts."""
    return loss, np.array([*np.log([0.5, 0.025, 0.8, 0.025]), *SEEN[0], np.log(0.3)])


def fit():
    """Return the parameters, and their standard errors."""
    function, start = problem()
    found = minimize(ad.compile(ad.value_and_grad(function)), start, jac=True, method="L-BFGS-B")
    return found.x, np.sqrt(np.diag(np.linalg.inv(ad.hessian(function)(found.x))))


def plot(p, path):
    """Draw both populations, counted and fitted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    years = np.arange(1900, 1921)
    for counted, fitted, name in ((HARE, 0, "hare"), (LYNX, 1, "lynx")):
        (line,) = axes.plot(years, np.exp(simulate(p)[:, fitted]), label=f"{name}, fitted")
        axes.plot(years, counted, "o", color=line.get_color(), label=f"{name}, counted")
    axes.set(xlabel="year", ylabel="thousands of pelts", title="Lynx and hare in Canada")
    axes.set_xticks(years[::4])
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "lotka_volterra.png"
    begin = time.perf_counter()
    print("Fitting seven numbers to 21 years; about three seconds.", flush=True)
    p, errors = fit()
    names = ("hares' births", "hares eaten", "lynxes' deaths", "lynxes fed")
    for name, logarithm, error in zip(names, p[:4], errors[:4], strict=True):
        value = np.exp(logarithm)
        print(f"  {name}: {value:.4f}, give or take {value * error:.4f}")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(p, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
