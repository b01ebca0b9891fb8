"""Fit a logistic regression to real data with SciPy's trust-region Newton method.

`value_and_grad` is what ``minimize(jac=True)`` asks for, `hvp` what it asks for as ``hessp``: the
Hessian of 31 × 31 entries is never formed.

    python examples/fit_with_scipy.py
"""

from __future__ import annotations

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
    """Return SciPy's result."""
    return minimize(
        ad.value_and_grad(loss),
        np.zeros(X.shape[1]),
        args=(X, y),
        jac=True,
        hessp=ad.hvp(loss),
        method="trust-ncg",
        options={"gtol": 1e-8},
    )


def main() -> None:
    X, y = load()
    found = fit(X, y)
    reference = LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=10_000).fit(X[:, :-1], y)
    difference = np.abs(found.x[:-1] - reference.coef_[0]).max()
    accuracy = np.mean(np.sign(X @ found.x) == y)
    print(f"loss {found.fun:.6f} after {found.nit} steps, gradient {np.abs(found.jac).max():.1e}")
    print(f"accuracy on the training rows {accuracy:.4f}")
    print(f"largest difference to scikit-learn's weights {difference:.1e}")


if __name__ == "__main__":
    main()
