"""Networks side by side in threads: each as if it were alone, and none with more threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn import model_selection
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_moons
from sklearn.decomposition import PCA
from sklearn.model_selection import ParameterGrid, StratifiedKFold
from sklearn.neural_network import MLPClassifier as ScikitClassifier
from sklearn.neural_network import MLPRegressor as ScikitRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from adjoint.compiler.native import training_code
from adjoint.data.reshuffle import Reshuffle
from adjoint.estimators import (
    GridSearchCV,
    MLPClassifier,
    MLPRegressor,
    RandomizedSearchCV,
    as_estimator,
    fit_many,
)
from adjoint.estimators.fitting import Fitting
from adjoint.estimators.solvers import BiasCorrected
from adjoint.nn.functional import mse_loss
from adjoint.optim import EMA, SGD
from adjoint.training import native_run
from adjoint.training.callbacks import EarlyStopping

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_moons(200, noise=0.25, random_state=0)
GRID = {"alpha": [1e-4, 1e-2], "learning_rate_init": [1e-3, 1e-2]}
SETTINGS = {"hidden_layer_sizes": 8, "max_iter": 40, "random_state": 0}


def networks(**changes):
    return [MLPClassifier(**(SETTINGS | changes | one)) for one in ParameterGrid(GRID)]


def assert_equal(one, other):
    assert one.loss_ == other.loss_
    for ours, theirs in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# Native or not, and with what is shared or drawn while they train.
KINDS = [{}, {"compile": False}, {"dropout": 0.2}, {"early_stopping": True}, {"solver": "lbfgs"}]


@pytest.mark.parametrize("changes", KINDS, ids=lambda changes: str(*changes.values()) or "native")
def test_each_network_equals_its_twin_that_was_fitted_alone(changes):
    folds = [train for train, _ in StratifiedKFold(3).split(X, Y)]
    # The first and the last differ in both settings.
    first = networks(**changes)[::3]
    rows = [fold for _ in first for fold in folds]
    many = [network for one in first for network in [one, *more(one, 2)]]
    found = fit_many(many, X, Y, rows=rows, n_jobs=2)
    assert found == many
    for network, own in zip(found, rows, strict=True):
        assert_equal(network, more(network, 1)[0].fit(X[own], Y[own]))


def more(network, count):
    return [MLPClassifier(**network.get_params()) for _ in range(count)]


def test_networks_of_other_penalties_rates_and_seeds_are_traced_once(monkeypatch):
    traced = []
    real = native_run.arranged_step
    monkeypatch.setattr(
        native_run, "arranged_step", lambda *a, **k: traced.append(a) or real(*a, **k)
    )
    fit_many([*networks(max_iter=2), *networks(max_iter=2, random_state=1)], X, Y)
    assert len(traced) <= 1  # none where another test had such networks


class Scaled(SGD):
    """Steps of some times the gradient."""

    def __init__(self, params, factor):
        super().__init__(params, lr=0.05)
        self.factor = factor

    def update(self, parameter, gradient, memory, settings):
        return super().update(parameter, self.factor * gradient, memory, settings)


def loss_times(factor):
    return lambda prediction, target: factor * mse_loss(prediction, target)


OWN = {
    "loss": lambda factor: {"loss": loss_times(factor), "solver": "sgd"},
    "solver": lambda factor: {"solver": lambda params: Scaled(params, factor)},
    "average": lambda factor: {"solver": lambda params: EMA(Scaled(params, factor))},
}


@pytest.mark.parametrize("own", OWN)
def test_what_is_the_users_own_stays_so_where_a_later_setting_names_ours(own):
    later = {"loss": "squared_error", "solver": "sgd"}

    def weights(factor):
        network = MLPRegressor(
            hidden_layer_sizes=4, max_iter=2, random_state=0, warm_start=True, **OWN[own](factor)
        )
        # A warm start goes on with the loss and the solver of the first fit.
        return network.fit(X, Y).set_params(**later).fit(X, Y).coefs_[0]

    weights(1.0)
    found = weights(3.0)
    training_code._known.clear()
    np.testing.assert_array_equal(found, weights(3.0))


def test_rows_may_be_masks_and_weights_follow_them():
    weights = np.linspace(0.5, 2, len(X))
    mask = X[:, 0] > 0
    network, alone = (
        MLPRegressor(hidden_layer_sizes=8, max_iter=5, random_state=0) for _ in range(2)
    )
    (found,) = fit_many([network], X, X[:, 1], rows=[mask], sample_weight=weights)
    assert_equal(found, alone.fit(X[mask], X[mask, 1], weights[mask]))


def test_what_one_fit_raises_is_raised():
    many = [*networks(), MLPClassifier(alpha=-1.0), *networks()]
    with pytest.raises(ValueError, match="alpha"):
        fit_many(many, X, Y, n_jobs=2)
    assert threading.active_count() < 10


def test_estimators_that_share_state_are_refused():
    one = MLPClassifier()
    with pytest.raises(ValueError, match="0 and 1 share the same MLPClassifier"):
        fit_many([one, one], X, Y)
    rng = np.random.RandomState(0)
    with pytest.raises(ValueError, match="0 and 2 share the same RandomState"):
        fit_many([MLPClassifier(random_state=x) for x in (rng, 0, rng)], X, Y)


STOP, RNG, SCALER = EarlyStopping("loss", patience=2), np.random.RandomState(0), StandardScaler()
SHARING = {
    "StandardScaler": lambda: make_pipeline(SCALER, MLPClassifier()),
    "RandomState": lambda: make_pipeline("passthrough", MLPClassifier(random_state=RNG)),
    "EarlyStopping": lambda: as_estimator(int, loss="cross_entropy", callbacks=[print, STOP]),
    "StandardScaler of a union": lambda: make_pipeline(make_union(SCALER, PCA()), MLPClassifier()),
}


@pytest.mark.parametrize("what", SHARING)
def test_estimators_that_share_what_a_fit_changes_are_refused(what):
    with pytest.raises(ValueError, match=f"0 and 1 share the same {what.split()[0]}"):
        fit_many([SHARING[what](), SHARING[what]()], X, Y)


THREADS = threading.Barrier(2)


class Waits(ClassifierMixin, BaseEstimator):
    """It is fitted once as many threads as are expected are at it."""

    def __init__(self, place=0):
        self.place = place

    def fit(self, X, y):
        THREADS.wait(20)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


@pytest.mark.parametrize("config", [{}, {"prefer": "threads"}, {"backend": "threading"}], ids=str)
def test_as_many_threads_are_used_as_joblib_is_told_for_all(config):
    with joblib.parallel_config(n_jobs=2, **config):
        fit_many([Waits(), Waits()], X, Y)
        GridSearchCV(Waits(), {"place": [0, 1]}, cv=2, refit=False).fit(X, Y)


def test_a_backend_without_threads_is_kept_to():
    places = []
    with joblib.parallel_config("sequential"):
        search = GridSearchCV(MLPClassifier(2, max_iter=1), {"alpha": [1.0]}, cv=2, n_jobs=2)
        search.scoring = lambda *_: places.append(threading.get_ident()) or 1.0
        search.fit(X, Y)
    assert {*places} == {threading.get_ident()}


def test_estimators_may_share_what_they_clone():
    one = MLPClassifier(4, max_iter=2, random_state=np.random.RandomState(0))
    search = [GridSearchCV(one, {"alpha": [x]}, cv=2) for x in (1e-4, 1.0)]
    assert [one.best_params_["alpha"] for one in fit_many(search, X, Y)] == [1e-4, 1.0]


@pytest.mark.parametrize("wrong", [{"y": Y[:100]}, {"y": [*Y, 0]}, {"sample_weight": np.ones(150)}])
def test_data_of_different_lengths_are_refused_even_where_the_rows_are_in_all(wrong):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fit_many(networks()[:1], **{"X": X, "y": Y, "rows": [np.arange(50)]} | wrong)


def test_rows_that_are_not_there_are_named_by_their_estimator():
    with pytest.raises(ValueError, match="rows: 1 given for 2 estimators"):
        fit_many(networks()[:2], X, Y, rows=iter([[0, 1]]))
    with pytest.raises(IndexError) as caught:
        fit_many(networks()[:2], X, Y, rows=[[0, 199], [0, 200]])
    assert "estimator 1 of 2" in caught.value.__notes__[0]


# --- searches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_a_search_finds_what_scikit_learns_finds(threads):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SETTINGS))
    grid = {f"mlpclassifier__{name}": values for name, values in GRID.items()}
    found = GridSearchCV(pipeline, grid, cv=3, n_jobs=threads).fit(X, Y)
    expected = model_selection.GridSearchCV(pipeline, grid, cv=3).fit(X, Y)
    assert found.best_params_ == expected.best_params_
    for name in ("mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_array_equal(found.cv_results_[name], expected.cv_results_[name])
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


def test_a_random_search_is_scikit_learns_too():
    grids = [
        kind(MLPClassifier(**SETTINGS), GRID, n_iter=2, cv=2, random_state=1).fit(X, Y)
        for kind in (RandomizedSearchCV, model_selection.RandomizedSearchCV)
    ]
    assert grids[0].best_params_ == grids[1].best_params_
    assert grids[0].best_score_ == grids[1].best_score_


def test_7280_networks_side_by_side_have_their_share_of_blas():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    seen = []

    class Watching(MLPClassifier):
        def fit(self, X, y):
            pools = threadpoolctl.threadpool_info()
            seen.extend(pool["num_threads"] for pool in pools if pool["user_api"] == "blas")
            return super().fit(X, y)

    fit_many([Watching(8, max_iter=1, random_state=seed) for seed in range(4)], X, Y, n_jobs=8)
    assert set(seen) <= {1}


def test_networks_side_by_side_have_no_partners(monkeypatch):
    pytest.importorskip("llvmlite")
    from adjoint.compiler.native import epoch_loop, team

    if not team.can_share():
        pytest.skip("there is no second core for a partner")
    made = []

    class Noted(team.Partner):
        def __init__(self, *args):
            made.append(threading.current_thread().name)
            super().__init__(*args)

    monkeypatch.setattr(epoch_loop, "Partner", Noted)
    data = np.random.default_rng(0).normal(size=(400, 200))
    labels = data[:, 0] > 0
    networks = [MLPClassifier((512, 256), max_iter=1, random_state=seed) for seed in range(3)]
    networks[0].fit(data, labels)
    assert len(made) == 1  # alone, it has one
    fit_many(networks[1:], data, labels, n_jobs=2)
    assert len(made) == 1


# --- the order of the rows ------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("n", [2, 3, 63, 64, 65, 200])
def test_the_native_order_is_numpys(solver, n):
    settings = SETTINGS | {"solver": solver, "max_iter": 9, "n_iter_no_change": 20, "batch_size": 2}
    ours, theirs = (
        kind(**settings).fit(X[:n], X[:n, 0]) for kind in (MLPRegressor, ScikitRegressor)
    )
    for one, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        # To rounding, which 900 steps may add up.
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_training_natively_leaves_the_random_state_as_training_in_python_does():
    states = [np.random.RandomState(5) for _ in range(3)]
    settings = SETTINGS | {"max_iter": 200, "tol": 1e-2, "n_iter_no_change": 3}
    kinds = [(MLPClassifier, {}), (MLPClassifier, {"compile": False}), (ScikitClassifier, {})]
    fitted = [
        kind(**settings | more | {"random_state": state}).fit(X, Y)
        for (kind, more), state in zip(kinds, states, strict=True)
    ]
    assert len({one.n_iter_ for one in fitted}) == 1
    assert fitted[0].n_iter_ < 200
    assert len({state.randint(2**31) for state in states}) == 1


def test_a_reshuffle_is_a_shuffle_of_the_order_before():
    shuffled, rng = Reshuffle(np.random.RandomState(3), np.arange(50)), np.random.RandomState(3)
    rows = np.arange(50)
    for epoch in range(4):
        turn = np.arange(50)
        rng.shuffle(turn)
        rows = rows[turn]
        np.testing.assert_array_equal(shuffled(epoch), rows)


def test_other_generators_shuffle_in_python():
    settings = SETTINGS | {"max_iter": 5}
    fitted = [
        MLPClassifier(**settings | {"random_state": np.random.RandomState(np.random.PCG64(1))},
                      compile=compiled).fit(X, Y)
        for compiled in ("auto", False)
    ]  # fmt: skip
    assert "MT19937" in fitted[0]._fit_state.report
    for ours, theirs in zip(fitted[0].coefs_, fitted[1].coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_rates_of_many_steps_at_once_are_those_of_one_by_one():
    for lr in (0.003, lambda taken: 0.1 / (1 + taken)):
        rule = BiasCorrected(lr, 0.9, 0.999)
        table = rule.table(7, 300)
        assert table.tolist() == [rule(taken) for taken in range(7, 307)]


def test_epochs_recorded_at_once_are_those_recorded_one_by_one(monkeypatch):
    fits = []
    for looks in (False, True):
        if looks:  # then native code comes back after every epoch
            monkeypatch.setattr(Fitting, "_until", lambda self, epoch: epoch + 1)
        network = MLPClassifier(6, random_state=0, max_iter=90, tol=1e-3, n_iter_no_change=4)
        fits.append(network.fit(X, Y))
    found, expected = fits
    assert found.loss_curve_ == expected.loss_curve_
    for name in ("n_iter_", "t_", "loss_", "best_loss_"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.n_iter_ < 90
