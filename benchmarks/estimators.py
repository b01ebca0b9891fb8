"""Estimators beside scikit-learn's: a search over 20 settings, and a dozen data sets.

    python -m benchmarks.estimators

A search is 5-fold over 20 settings on two moons, 100 networks, every estimator with
``n_jobs=2``. Of the data sets each is cross-validated with default settings, and compilation
counts.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as ScikitClassifier
from sklearn.neural_network import MLPRegressor as ScikitRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from adjoint.estimators import MLPClassifier, MLPRegressor

GRID = {
    "alpha": [1e-4, 1e-3, 1e-2, 1e-1],
    "learning_rate_init": [1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
}


def classifications() -> dict[str, Any]:
    make = datasets.make_classification
    return {
        "iris": datasets.load_iris(return_X_y=True),
        "wine": datasets.load_wine(return_X_y=True),
        "breast cancer": datasets.load_breast_cancer(return_X_y=True),
        "digits": datasets.load_digits(return_X_y=True),
        "moons": datasets.make_moons(500, noise=0.25, random_state=0),
        "circles": datasets.make_circles(500, noise=0.1, factor=0.5, random_state=0),
        "clusters": make(1000, 20, n_informative=8, n_classes=4, random_state=0),
        "imbalanced": make(1000, 10, weights=[0.9], random_state=0),
    }


def regressions() -> dict[str, Any]:
    made = {
        "diabetes": datasets.load_diabetes(return_X_y=True),
        "friedman 1": datasets.make_friedman1(500, noise=1.0, random_state=0),
        "friedman 2": datasets.make_friedman2(500, noise=1.0, random_state=0),
        "linear": datasets.make_regression(500, 20, noise=10.0, random_state=0),
    }
    return {name: (X, (y - y.mean()) / y.std()) for name, (X, y) in made.items()}


def search(kind: Any) -> float:
    """Return the seconds that a search takes."""
    X, y = datasets.make_moons(500, noise=0.25, random_state=0)
    start = time.perf_counter()
    GridSearchCV(kind(random_state=0), GRID, cv=5, n_jobs=2).fit(X, y)
    return time.perf_counter() - start


def validated(kind: Any, X: Any, y: Any) -> tuple[float, float, float]:
    """Return the mean score, its standard error, and the seconds."""
    start = time.perf_counter()
    model = make_pipeline(StandardScaler(), kind(random_state=0))
    scores = cross_val_score(model, X, y, cv=5)
    return scores.mean(), scores.std() / np.sqrt(5), time.perf_counter() - start


def main() -> None:
    warnings.simplefilter("ignore")
    theirs, ours = search(ScikitClassifier), search(MLPClassifier)
    print(
        f"100 networks by GridSearchCV: scikit-learn {theirs:.2f} s, adjoint {ours:.2f} s, "
        f"{theirs / ours:.1f} times as fast"
    )
    total = np.zeros(2)
    print(f"{'':14} {'scikit-learn':>20} {'adjoint':>20} {'times as fast':>14}")
    for sets, kinds in (
        (classifications(), (ScikitClassifier, MLPClassifier)),
        (regressions(), (ScikitRegressor, MLPRegressor)),
    ):
        for name, (X, y) in sets.items():
            found = [validated(kind, X, y) for kind in kinds]
            seconds = np.array([second for *_, second in found])
            total += seconds
            cells = [f"{mean:8.4f} ± {error:.4f}" for mean, error, _ in found]
            print(f"{name:14} {cells[0]:>20} {cells[1]:>20} {seconds[0] / seconds[1]:14.1f}")
    print(f"{'all, seconds':14} {total[0]:20.2f} {total[1]:20.2f} {total[0] / total[1]:14.1f}")


if __name__ == "__main__":
    main()
