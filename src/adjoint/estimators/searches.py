"""Searches are scikit-learn's, with threads where no other workers were asked for."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn import model_selection

from . import workers
from .tables import Table, Targets


class _InThreads:
    """A search of scikit-learn's whose ``n_jobs`` are threads by default."""

    n_jobs: int | None

    def fit(self, X: Table, y: Targets | None = None, **params: object) -> Self:
        """Search as scikit-learn does, with the networks side by side."""
        search, drawn = super().fit, _states(self)  # type: ignore[misc]

        def begin() -> None:
            for rng, state in drawn:
                rng.set_state(state)
            search(X, y, **params)

        with workers.side_by_side(self.n_jobs):
            workers.done_again(begin)
        return self


def _states(search: Any) -> list[tuple[np.random.RandomState, Any]]:
    """Return the generators that a search draws from, and where they stand."""
    owners = (search, search.cv, search.estimator)
    drawn = [getattr(owner, "random_state", None) for owner in owners]
    return [(rng, rng.get_state()) for rng in drawn if isinstance(rng, np.random.RandomState)]


class GridSearchCV(_InThreads, model_selection.GridSearchCV):  # type: ignore[misc]
    """scikit-learn's `GridSearchCV` with threads in the place of processes.

    Parameters, results and fitted attributes are the same. It serves networks of adjoint's, alone
    or in a pipeline, as `fit_many` does: no process is started, and no network compiled twice. With
    a backend that ``joblib.parallel_config`` names, its processes do the work. If one of them is
    gone, the engine does its work again, or else the search is begun again, three times at most.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from adjoint.estimators import GridSearchCV, MLPClassifier
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> network = MLPClassifier(8, solver="lbfgs", max_iter=1000, random_state=0)
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
    >>> network = MLPClassifier(8, solver="lbfgs", max_iter=1000, random_state=0)
    >>> rates = {"alpha": [1e-4, 1e-3, 1e-2, 1e-1]}
    >>> search = RandomizedSearchCV(network, rates, n_iter=2, n_jobs=2, random_state=0).fit(X, y)
    >>> search.best_params_["alpha"] in rates["alpha"]
    True
    """
