"""Many networks are fitted side by side: threads that share compiled code and the cores."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import numpy as np
from joblib import effective_n_jobs, parallel_config
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing

from ..core.annotations import ArrayLike
from ..training.side_by_side import side_by_side
from .tables import Table, Targets


def fit_many(
    estimators: Sequence[BaseEstimator],
    X: Table,
    y: Targets,
    *,
    rows: Sequence[ArrayLike] | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
) -> list[BaseEstimator]:
    """Fit estimators to the same data, each to its own rows; they come out as if fitted alone.

    Networks whose graphs are equal, which folds, seeds, rates and penalties do not change, run the
    same native code. It is compiled once, and holds no lock of Python's while it runs.

    Parameters
    ----------
    estimators : sequence of estimator
    X : (n, features) array, sparse matrix or frame
    y : (n,) or (n, outputs) array
    rows : sequence of array of int or bool, optional
        The rows of X that each is fitted to; by default all.
    sample_weight : (n,) array, optional
    n_jobs : int, optional
        How many threads; -1 for one a core. BLAS gets its share of the cores.

    Returns
    -------
    list of estimator
        The estimators that were given.

    Raises
    ------
    ValueError
        If an estimator is given twice, two draw from the same RandomState, or ``rows`` are not as
        many. What `fit` raises, of the first estimator that fails; later ones may not be fitted.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from adjoint.estimators import MLPClassifier, fit_many
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> seeds = [MLPClassifier(8, solver="lbfgs", random_state=seed) for seed in range(3)]
    >>> [network.n_iter_ > 0 for network in fit_many(seeds, X, y, n_jobs=2)]
    [True, True, True]
    """
    estimators = list(estimators)
    _check_apart(estimators)
    if rows is not None and len(rows) != len(estimators):
        raise ValueError(f"rows: {len(rows)} given for {len(estimators)} estimators; give one each")
    arrays = [X, y] if sample_weight is None else [X, y, sample_weight]

    def fit(place: int) -> BaseEstimator:
        if rows is None:
            return estimators[place].fit(*arrays)
        return estimators[place].fit(*(_safe_indexing(array, rows[place]) for array in arrays))

    threads = effective_n_jobs(n_jobs)
    if threads == 1:
        return [fit(place) for place in range(len(estimators))]
    with side_by_side(threads), ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(fit, place) for place in range(len(estimators))]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_apart(estimators: Sequence[BaseEstimator]) -> None:
    """Refuse estimators whose results would depend on which of them comes first."""
    for what, objects in (
        ("the same object", estimators),
        ("one RandomState", [getattr(one, "random_state", None) for one in estimators]),
    ):
        places: dict[int, int] = {}
        for place, one in enumerate(objects):
            if what == "one RandomState" and not isinstance(one, np.random.RandomState):
                continue
            if (before := places.setdefault(id(one), place)) != place:
                raise ValueError(
                    f"estimators {before} and {place} share {what}, so that they cannot be fitted "
                    "side by side; sklearn.base.clone makes another, a number is a seed of its own"
                )


class _InThreads:
    """A search of scikit-learn's whose ``n_jobs`` are threads."""

    n_jobs: int | None

    def fit(self, X: Table, y: Targets | None = None, **params: object) -> Self:
        """Search as scikit-learn does, with the networks side by side in threads."""
        threads = effective_n_jobs(self.n_jobs)
        with parallel_config("threading"), side_by_side(threads):
            return super().fit(X, y, **params)  # type: ignore[misc, no-any-return]


class GridSearchCV(_InThreads, model_selection.GridSearchCV):  # type: ignore[misc]
    """scikit-learn's `GridSearchCV` with threads in the place of processes.

    Parameters, results and fitted attributes are the same. It serves networks of adjoint's, alone
    or in a pipeline, as `fit_many` does: no process is started, and no network compiled twice.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from adjoint.estimators import GridSearchCV, MLPClassifier
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> network = MLPClassifier(8, solver="lbfgs", random_state=0)
    >>> search = GridSearchCV(network, {"alpha": [1e-4, 1e-1]}, n_jobs=2).fit(X, y)
    >>> round(float(search.best_score_), 1)
    0.9
    """


class RandomizedSearchCV(_InThreads, model_selection.RandomizedSearchCV):  # type: ignore[misc]
    """scikit-learn's `RandomizedSearchCV` with threads in the place of processes.

    Parameters, results and fitted attributes are the same; for the threads see `GridSearchCV`.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from adjoint.estimators import MLPClassifier, RandomizedSearchCV
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> network = MLPClassifier(8, solver="lbfgs", random_state=0)
    >>> rates = {"alpha": [1e-4, 1e-3, 1e-2, 1e-1]}
    >>> search = RandomizedSearchCV(network, rates, n_iter=2, n_jobs=2, random_state=0).fit(X, y)
    >>> search.best_params_["alpha"] in rates["alpha"]
    True
    """
