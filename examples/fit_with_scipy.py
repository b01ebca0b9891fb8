"""Fit a logistic regression to real data with SciPy's trust-region Newton method.

`value_and_grad` is what ``minimize(jac=True)`` asks for, `hvp` what it asks for as ``hessp``: the
Hessian of 31 × 31 entries is never formed. The picture compares it with L-BFGS, which has the
gradient alone.

    python examples/fit_with_scipy.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import adjoint as ad

PENALTY = 1.0


def load():
    """Return standardised features with a column of ones, (569, 31), and labels -1 and 1."""
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.column_stack([X, np.ones(len(X))]), 2.0 * y - 1


def loss(w, X, y):
    """Return the penalised negative log-likelihood; the bias, the last weight, is not penalised."""
    margins = y * (X @ w)
    return np.sum(np.logaddexp(0, -margins)) + PENALTY / 2 * np.sum(w[:-1] ** 2)


def fit(X, y):
    """Return SciPy's result, and the largest entry of the gradient after each step."""
    return _minimize(X, y, method="trust-ncg", hessp=ad.hvp(loss), options={"gtol": 1e-8})


def fit_by_gradient(X, y):
    """Return the same of a method that is given no second derivatives."""
    return _minimize(X, y, method="L-BFGS-B", options={"gtol": 1e-8, "ftol": 0.0})


def _minimize(X, y, **settings):
    slopes, gradient = [], ad.grad(loss)
    found = minimize(
        ad.value_and_grad(loss),
        np.zeros(X.shape[1]),
        args=(X, y),
        jac=True,
        callback=lambda w: slopes.append(np.abs(gradient(w, X, y)).max()),
        **settings,
    )
    return found, slopes


def plot(runs, path):
    """Draw how the gradient falls, step by step."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, slopes in runs.items():
        axes.semilogy(range(1, len(slopes) + 1), slopes, label=name)
    axes.set(xlabel="step", ylabel="largest entry of the gradient")
    axes.set_title("Logistic regression by SciPy, with adjoint's derivatives")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "fit_with_scipy.png"
    begin = time.perf_counter()
    print("Fitting 31 weights to 569 patients, twice; about a second.", flush=True)
    X, y = load()
    found, slopes = fit(X, y)
    _, slower = fit_by_gradient(X, y)
    print(f"Newton's method: loss {found.fun:.6f} after {found.nit} steps")
    print(f"  largest entry of the gradient {slopes[-1]:.1e}; L-BFGS took {len(slower)} steps")
    reference = LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=10_000).fit(X[:, :-1], y)
    difference = np.abs(found.x[:-1] - reference.coef_[0]).max()
    print(f"  accuracy on the training rows {np.mean(np.sign(X @ found.x) == y):.4f}")
    print(f"  largest difference to scikit-learn's weights {difference:.1e}")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot({"trust-ncg, with hvp": slopes, "L-BFGS, the gradient alone": slower}, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
