"""Estimators beside scikit-learn's: a search over 20 settings, a dozen data sets, two at once.

    python -m benchmarks.estimators

A search is 5-fold over 20 settings on two moons, 100 networks, always with ``n_jobs=2``. Of the
data sets each is cross-validated with default settings, and compilation counts. Two at once are
larger networks, whose products two threads would share if they had the machine for themselves:
they must not take longer side by side than one after the other.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn import datasets
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier as ScikitClassifier
from sklearn.neural_network import MLPRegressor as ScikitRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from adjoint import estimators
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


MOONS = datasets.make_moons(500, noise=0.25, random_state=0)


def search(kind: Any, searcher: Any = GridSearchCV) -> float:
    """Return the seconds that a search takes."""
    start = time.perf_counter()
    searcher(kind(random_state=0), GRID, cv=5, n_jobs=2).fit(*MOONS)
    return time.perf_counter() - start


def many() -> float:
    """Return the seconds that the networks of the search take without scores."""
    start = time.perf_counter()
    folds = [train for train, _ in StratifiedKFold(5).split(*MOONS)]
    networks = [MLPClassifier(random_state=0, **one) for one in ParameterGrid(GRID) for _ in folds]
    estimators.fit_many(networks, *MOONS, rows=folds * (len(networks) // 5), n_jobs=2)
    return time.perf_counter() - start


def show_searches() -> None:
    theirs = search(ScikitClassifier)
    ours = {
        "adjoint's GridSearchCV": search(MLPClassifier, estimators.GridSearchCV),
        "fit_many, without scores": many(),
        "scikit-learn's GridSearchCV, in processes": search(MLPClassifier),
    }
    print(f"100 networks: scikit-learn {theirs:.2f} s; adjoint")
    for name, seconds in ours.items():
        print(f"  {name:42} {seconds:6.2f} s  {theirs / seconds:5.1f} times as fast")


def two_at_once(backend: str, threads: int) -> float:
    """Return the seconds that two larger networks take."""
    X, y = datasets.make_classification(4000, 200, n_informative=50, random_state=0)
    made = [MLPClassifier((512, 256), max_iter=8, random_state=seed) for seed in (0, 1)]
    with parallel_config(backend), Parallel(n_jobs=threads) as parallel:
        parallel(delayed(MLPClassifier(4, max_iter=1).fit)(X, y) for _ in range(threads))
        start = time.perf_counter()
        if backend == "threading":
            estimators.fit_many(made, X, y, n_jobs=threads)
        else:
            parallel(delayed(one.fit)(X, y) for one in made)
        return time.perf_counter() - start


def show_two_at_once() -> None:
    alone = two_at_once("threading", 1)
    print(f"two larger networks, one after the other {alone:.2f} s")
    for name, backend in (("threads", "threading"), ("processes", "loky")):
        print(f"  side by side in {name:10} {two_at_once(backend, 2):.2f} s")


def validated(kind: Any, X: Any, y: Any) -> tuple[float, float, float]:
    """Return the mean score, its standard error, and the seconds."""
    start = time.perf_counter()
    model = make_pipeline(StandardScaler(), kind(random_state=0))
    scores = cross_val_score(model, X, y, cv=5)
    return scores.mean(), scores.std() / np.sqrt(5), time.perf_counter() - start


def main() -> None:
    warnings.simplefilter("ignore")
    show_searches()
    show_two_at_once()
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
