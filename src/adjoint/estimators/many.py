"""Many networks are fitted side by side: each as if it were alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_consistent_length, check_memory

from ..core.annotations import ArrayLike
from ..training.callbacks import Callback
from ..version import __version__
from . import workers
from .bridge import ModuleClassifier, ModuleRegressor
from .searches import GridSearchCV, RandomizedSearchCV
from .tables import Table, Targets

# Searches that an earlier version pickled are looked up in this module.
__all__ = ["GridSearchCV", "RandomizedSearchCV", "fit_many"]

# How much of an estimator's text an error shows.
_LONGEST = 200

Placed = tuple[int, BaseEstimator]


def fit_many(
    estimators: Sequence[BaseEstimator],
    X: Table,
    y: Targets,
    *,
    rows: Sequence[ArrayLike] | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    memory: str | os.PathLike[str] | joblib.Memory | None = None,
) -> list[BaseEstimator]:
    """Fit estimators to the same data, each to its own rows; they come out as if fitted alone.

    Networks whose graphs are equal, which folds, seeds, rates and penalties do not change, run the
    same native code. It is compiled once, and holds no lock of Python's while it runs. So they are
    fitted in threads, unless ``joblib.parallel_config`` names a backend, as ``"loky"``, ``"dask"``
    or ``"ray"``: then in its processes, each of which keeps what it compiled.

    Parameters
    ----------
    estimators : sequence of estimator
    X : (n, features) array, sparse matrix or frame
    y : (n,) or (n, outputs) array
    rows : sequence of array of int or bool, optional
        The rows of X that each is fitted to; by default all.
    sample_weight : (n,) array, optional
    n_jobs : int, optional
        How many threads, or processes; -1 for one a core. BLAS gets its share of the cores.
    memory : str, path or joblib.Memory, optional
        A folder in which each fitted estimator is kept, as by `sklearn.pipeline.Pipeline`. Called
        again with the same estimators, data and version of adjoint, as after it was killed, what
        is there is not fitted again; without a seed, only at the same place in the list. What is
        read from it is executed: it must be the user's own.

    Returns
    -------
    list of estimator
        The estimators that were given. Those that were fitted in another process, or are from
        ``memory``, have their copy's attributes; what they consist of, as the steps of a pipeline,
        is the copy's.

    Raises
    ------
    ValueError
        If an estimator is given twice; if two share a step of a pipeline, a callback or a
        RandomState; if ``rows`` are not as many, or X, y and ``sample_weight`` differ in length.
        What `fit` raises, of an estimator that fails, or its rows raise, with a note that says
        which one it was; others may not be fitted.

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
    # Rows would find a value for each row of X in a longer y, and be wrong without a word.
    check_consistent_length(X, y, sample_weight)
    own_rows = [None] * len(estimators) if rows is None else list(rows)
    if len(own_rows) != len(estimators):
        raise ValueError(
            f"rows: {len(own_rows)} given for {len(estimators)} estimators; give one each"
        )
    names = [f"estimator {place} of {len(estimators)}" for place in range(len(estimators))]
    folder = os.fspath(memory) if isinstance(memory, os.PathLike) else memory
    arrays, kept = (X, y, sample_weight), check_memory(folder)
    fit = kept.cache(_fit, ignore=["estimator", "name", "rows", "X", "y", "sample_weight"])
    is_kept = getattr(kept, "location", "") is not None
    keys = _keys(estimators, names, own_rows, arrays) if is_kept else [None] * len(estimators)
    missing = dict(enumerate(zip(estimators, names, keys, own_rows, strict=True)))

    def fit_missing() -> None:
        tasks = [(place, fit, *task, *arrays) for place, task in missing.items()]
        for place, fitted in workers.results(_fit_in_place, tasks, n_jobs):
            _become(estimators[place], fitted)
            del missing[place]

    with workers.side_by_side(n_jobs):
        workers.done_again(fit_missing)
    return estimators


def _check_apart(estimators: Sequence[BaseEstimator]) -> None:
    """Refuse estimators whose results would depend on which of them comes first."""
    places: dict[int, int] = {}
    for place, estimator in enumerate(estimators):
        for part in _changed_by_fit(estimator):
            if (before := places.setdefault(id(part), place)) != place:
                raise ValueError(
                    f"estimators {before} and {place} share the same {type(part).__name__}, so "
                    "that they cannot be fitted side by side; sklearn.base.clone of an estimator "
                    "has its own, and a number is a seed of its own"
                )


def _changed_by_fit(estimator: BaseEstimator) -> Iterator[object]:
    """Yield the objects that a fit changes.

    Pipelines and unions fit their steps as they are; what others hold they clone.
    """
    yield estimator
    rng = getattr(estimator, "random_state", None)
    if isinstance(rng, np.random.RandomState):
        yield rng
    if isinstance(estimator, ModuleClassifier | ModuleRegressor):
        yield from (one for one in estimator.callbacks if isinstance(one, Callback))
    if isinstance(estimator, Pipeline | FeatureUnion):
        steps = estimator.steps if isinstance(estimator, Pipeline) else estimator.transformer_list
        for _, step in steps:
            if hasattr(step, "fit"):  # not "passthrough"
                yield from _changed_by_fit(step)


def _keys(
    estimators: Sequence[BaseEstimator],
    names: Sequence[str],
    rows: Sequence[ArrayLike | None],
    arrays: Sequence[Any],
) -> list[Hashable]:
    """Return what memory finds fitted estimators by.

    They are made here, not by the workers, which may be given large rows as a memory map, or a copy
    that has another hash. The data are looked through once, not for each. Estimators without a seed
    draw other numbers each, so that none is taken for another one.
    """
    of_all, keys = (__version__, joblib.hash(arrays)), list[Hashable]()
    for place, (estimator, name, own) in enumerate(zip(estimators, names, rows, strict=True)):
        with _named(estimator, name):
            own_key = joblib.hash((estimator, own))
        keys.append((*of_all, own_key, place if _has_no_seed(estimator) else None))
    return keys


def _has_no_seed(estimator: BaseEstimator) -> bool:
    settings = estimator.get_params(deep=True).items()
    return any(x is None for name, x in settings if name.split("__")[-1] == "random_state")


def _fit_in_place(place: int, fit: Callable[..., BaseEstimator], *task: Any) -> Placed:
    return place, fit(*task)


def _fit(
    estimator: BaseEstimator,
    name: str,
    key: Hashable,
    rows: ArrayLike | None,
    X: Table,
    y: Targets,
    sample_weight: ArrayLike | None,
) -> BaseEstimator:
    """Return an estimator fitted to its rows."""
    arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
    with _named(estimator, name):
        if rows is not None:
            arrays = [_safe_indexing(array, rows) for array in arrays]
        with workers.ended_by_ctrl_c():
            return estimator.fit(*arrays)


@contextmanager
def _named(estimator: BaseEstimator, name: str) -> Iterator[None]:
    """Let an error in the ``with`` block say by a note which estimator it is of."""
    try:
        yield
    except Exception as error:
        text = repr(estimator)
        shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
        error.add_note(f"fit_many: this is of {name}, {shown}")
        raise


def _become(given: BaseEstimator, fitted: BaseEstimator) -> None:
    """Let an estimator be what its copy became in another process, or in an earlier one."""
    if fitted is given:
        return
    own, attributes = vars(given), dict(vars(fitted))
    rng = own.get("random_state")
    if isinstance(rng, np.random.RandomState):
        rng.set_state(attributes["random_state"].get_state())
        attributes["random_state"] = rng
    own.clear()
    own.update(attributes)
