"""The estimators beside scikit-learn's own, and what they have beyond it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as ScikitClassifier
from sklearn.neural_network import MLPRegressor as ScikitRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import adjoint as ad
from adjoint.compiler.native.epoch_loop import EpochLoop
from adjoint.estimators import MLPClassifier, MLPRegressor
from sampled import sampled

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks([MLPClassifier(max_iter=100)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.full
@parametrize_with_checks([MLPRegressor(max_iter=100)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_contract_of_numbers(estimator, check):
    check(estimator)


# --- step by step as scikit-learn -----------------------------------------------------------------


def iris():
    return load_iris(return_X_y=True)


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X, (y - y.mean()) / y.std()


def outputs():
    return make_regression(90, 5, n_targets=3, random_state=0)


def labels():
    return make_multilabel_classification(90, 6, n_classes=4, random_state=0)


def counts():
    X, y = diabetes()
    return X, np.floor(abs(y) * 3)


CASES = {
    "iris": (iris, {}),
    "iris, one batch in order": (iris, {"shuffle": False, "batch_size": 150}),
    "iris, short batches": (iris, {"batch_size": 40}),
    "iris, logistic": (iris, {"activation": "logistic", "hidden_layer_sizes": (7, 5)}),
    "iris, tanh, no penalty": (iris, {"activation": "tanh", "alpha": 0.0}),
    "iris, a line": (iris, {"activation": "identity", "hidden_layer_sizes": []}),
    "cancer": (cancer, {}),
    "cancer, held out": (cancer, {"early_stopping": True}),
    "cancer, sgd": (cancer, {"solver": "sgd", "learning_rate_init": 0.05}),
    "cancer, adaptive": (
        cancer,
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.01, "n_iter_no_change": 2},
    ),
    "cancer, invscaling": (cancer, {"solver": "sgd", "learning_rate": "invscaling"}),
    "cancer, plain steps": (cancer, {"solver": "sgd", "momentum": 0.0}),
    "cancer, no nesterov": (cancer, {"solver": "sgd", "nesterovs_momentum": False}),
    "labels": (labels, {}),
    "diabetes": (diabetes, {}),
    "diabetes, held out": (diabetes, {"early_stopping": True}),
    "outputs": (outputs, {"learning_rate_init": 0.01}),
    "counts": (counts, {"loss": "poisson"}),
}
REGRESSIONS = (diabetes, outputs, counts)


def pair_of(name, **changes):
    """Return the data, and scikit-learn's estimator and ours, fitted to them."""
    make, settings = CASES[name]
    kinds = [ScikitRegressor, MLPRegressor] if make in REGRESSIONS else None
    kinds = kinds or [ScikitClassifier, MLPClassifier]
    settings = {"random_state": 0, "max_iter": 20, **settings, **changes}
    X, y = make()
    return X, [kind(**settings).fit(X, y) for kind in kinds]


@pytest.mark.parametrize("name", sampled(CASES, 5))
def test_twenty_epochs_are_scikit_learns(name):
    if name == "counts" and "loss" not in ScikitRegressor().get_params():
        pytest.skip("this scikit-learn has no Poisson loss")
    X, (theirs, ours) = pair_of(name)
    # Sums are taken in another order: some rounding errors of the weights' size, 20 epochs long.
    tolerance = {"rtol": 1e-9, "atol": 1e-11}
    for found, expected in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(found, expected, **tolerance)
    for found, expected in zip(ours.intercepts_, theirs.intercepts_, strict=True):
        np.testing.assert_allclose(found, expected, **tolerance)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, **tolerance)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), **tolerance)
    for attribute in ("n_iter_", "t_", "out_activation_", "n_layers_", "n_outputs_"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    for attribute in ("loss_", "best_loss_", "validation_scores_", "best_validation_score_"):
        expected = getattr(theirs, attribute)
        found = getattr(ours, attribute)
        assert found == expected if expected is None else np.allclose(found, expected, **tolerance)


@pytest.mark.parametrize("name", ["iris", "cancer", "labels"])
def test_probabilities_are_scikit_learns(name):
    X, (theirs, ours) = pair_of(name)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("name", sampled(["diabetes", "cancer"], 2))
def test_lbfgs_finds_what_scikit_learns_does(name):
    X, (theirs, ours) = pair_of(name, solver="lbfgs", alpha=1.0, max_iter=100)
    # The line search multiplies rounding errors; the minimum is the same.
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-3)
    assert ours.score(X, CASES[name][0]()[1]) == pytest.approx(
        theirs.score(X, CASES[name][0]()[1]), abs=0.01
    )


def test_float32_stays_float32_and_is_scikit_learns_to_its_rounding():
    X, y = cancer()
    X = X.astype(np.float32)
    settings = {"random_state": 0, "max_iter": 5}
    theirs, ours = ScikitClassifier(**settings).fit(X, y), MLPClassifier(**settings).fit(X, y)
    assert {coef.dtype for coef in ours.coefs_} == {np.dtype(np.float32)}
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)


def test_sparse_rows_are_the_same_rows():
    sparse = pytest.importorskip("scipy.sparse")
    X, y = cancer()
    dense = MLPClassifier(random_state=0, max_iter=3).fit(X, y)
    ours = MLPClassifier(random_state=0, max_iter=3).fit(sparse.csr_array(X), y)
    np.testing.assert_array_equal(ours.predict(sparse.csr_array(X)), dense.predict(X))


@pytest.mark.parametrize("weighted", ["fit", "class"])
def test_weights_are_scikit_learns(weighted):
    X, y = cancer()
    weights = np.where(y == 0, 3.0, 1.0)
    settings = {"random_state": 0, "max_iter": 10}
    try:
        theirs = ScikitClassifier(**settings).fit(X, y, sample_weight=weights)
    except TypeError:
        pytest.skip("this scikit-learn's network takes no weights")
    if weighted == "fit":
        ours = MLPClassifier(**settings).fit(X, y, sample_weight=weights)
    else:
        ours = MLPClassifier(**settings, class_weight={0: 3.0, 1: 1.0}).fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


# --- what users asked scikit-learn for ------------------------------------------------------------


def noisy(n=400):
    return make_classification(n, 10, n_informative=4, flip_y=0.1, random_state=0)


def test_6175_dropout():
    X, y = noisy()
    model = MLPClassifier(random_state=0, max_iter=30, dropout=0.3).fit(X, y)
    assert [layer.p for layer in model._network.dropouts] == [0.3]
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    assert model.score(X, y) > 0.7


def test_9113_class_weight():
    X, y = make_classification(600, 6, weights=[0.9], class_sep=0.5, random_state=0)
    plain = MLPClassifier(random_state=0, max_iter=40).fit(X, y)
    balanced = MLPClassifier(random_state=0, max_iter=40, class_weight="balanced").fit(X, y)
    assert balanced.predict(X)[y == 1].mean() > plain.predict(X)[y == 1].mean() + 0.1


def test_18507_validation_loss_curve():
    X, y = noisy()
    model = MLPClassifier(random_state=0, max_iter=15, early_stopping=True).fit(X, y)
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == model.n_iter_
    assert np.isfinite(model.validation_loss_curve_).all()


def test_18748_early_stopping_on_the_users_own_rows():
    X, y = noisy()
    model = MLPClassifier(random_state=0, max_iter=300)
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert model.n_iter_ < 300
    assert model.score(X[300:], y[300:]) == pytest.approx(model.best_validation_score_)
    assert max(model.validation_scores_) == model.best_validation_score_


def test_27124_own_rows_through_a_pipeline():
    sklearn = pytest.importorskip("sklearn", minversion="1.6")
    X, y = noisy()
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier(random_state=0, max_iter=20).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
        pipeline.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert pipeline[-1].best_validation_score_ == pipeline.score(X[300:], y[300:])


def test_10097_an_activation_for_each_layer():
    X, y = noisy()
    model = MLPClassifier((8, 6), ["tanh", "mish"], random_state=0, max_iter=5).fit(X, y)
    assert [type(a).__name__ for a in model._network.activations] == ["Tanh", "Mish"]
    with pytest.raises(ValueError, match="3 given for 2 hidden layers"):
        MLPClassifier((8, 6), ["tanh"] * 3).fit(X, y)


@pytest.mark.parametrize("activation", ["leaky_relu", "mish", lambda z: z / (1 + abs(z))])
def test_10665_other_activations(activation):
    X, y = noisy()
    model = MLPClassifier((8,), activation, random_state=0, max_iter=30).fit(X, y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_14571_other_losses(loss):
    X, y = diabetes()
    model = MLPRegressor(loss, random_state=0, max_iter=60, learning_rate_init=0.01).fit(X, y)
    residual = y - model.predict(X)
    expected = {
        "absolute_error": abs(residual).mean(),
        "huber": np.where(abs(residual) < 1, residual**2 / 2, abs(residual) - 0.5).mean(),
    }[loss]
    loss_now = model._objective.loss(model._network.outputs(X), y[:, np.newaxis])
    assert float(loss_now) == pytest.approx(expected)
    assert expected < abs(y).mean()


def test_20_a_quantile_for_each_column():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1500, 1))
    y = X[:, 0] + rng.normal(0, 0.5, 1500)
    model = MLPRegressor(
        "quantile", (16,), quantile=(0.1, 0.9), random_state=0, max_iter=80, learning_rate_init=0.01
    ).fit(X, y)
    found = model.predict(X)
    assert found.shape == (1500, 2)
    assert 0.75 < ((y > found[:, 0]) & (y < found[:, 1])).mean() < 0.85
    assert MLPRegressor("quantile", max_iter=2).fit(X, y).predict(X).shape == (1500,)


def test_25693_partial_fit_with_early_stopping():
    X, y = noisy()
    model = MLPClassifier(random_state=0, early_stopping=True)
    for _ in range(12):
        model.partial_fit(X, y, classes=[0, 1])
    assert len(model.validation_scores_) == 12
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_12605_warm_start_goes_on_where_it_stood():
    X, y = noisy()
    whole = MLPClassifier(random_state=0, max_iter=10, tol=0.0).fit(X, y)
    parts = MLPClassifier(random_state=0, max_iter=5, tol=0.0, warm_start=True).fit(X, y).fit(X, y)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(parts.coefs_[0], whole.coefs_[0], rtol=1e-9, atol=1e-12)


@pytest.mark.full
def test_20516_one_seed_gives_the_same_bits_in_every_process():
    program = (
        "import hashlib, numpy as np\n"
        "from sklearn.datasets import load_iris\n"
        "from adjoint.estimators import MLPClassifier\n"
        "X, y = load_iris(return_X_y=True)\n"
        "model = MLPClassifier((8,), max_iter=20, dropout=0.1, random_state=3)\n"
        "weights = model.fit(X, y).coefs_\n"
        "print(hashlib.sha256(b''.join(w.tobytes() for w in weights)).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
        ).stdout
        for threads in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64


def test_432_categories_without_one_hot():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    city = rng.choice(["Rome", "Oslo", "Kyiv"], 300)
    frame = pandas.DataFrame({"age": rng.normal(size=300), "city": city})
    y = city == "Oslo"
    model = MLPClassifier((8,), random_state=0, max_iter=80, learning_rate_init=0.02).fit(frame, y)
    assert model.score(frame, y) == 1
    assert model._table.levels == {1: ["Kyiv", "Oslo", "Rome"]}
    assert list(model.feature_names_in_) == ["age", "city"]
    unseen = frame.assign(city="Lima")
    assert model.predict(unseen).shape == (300,)


# --- what may go wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1}, r"alpha: expected a number in \[0, inf\), got -1"),
        ({"max_iter": 0}, "max_iter: expected a positive integer, got 0"),
        ({"solver": "sgdd"}, "unknown solver 'sgdd'; choose one of"),
        ({"activation": "rely"}, "unknown activation 'rely'; choose one of"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0"),
        ({"dropout": 1}, r"dropout: expected a number in \[0, 1\), got 1"),
        ({"batch_norm": True, "layer_norm": True}, "batch_norm, layer_norm: choose one"),
        ({"solver": "lbfgs", "dropout": 0.5}, "the same function at every evaluation"),
        ({"loss": "log"}, "unknown loss 'log'; choose one of focal, log_loss"),
        ({"missing": "drop"}, "unknown missing 'drop'; choose one of error, mean"),
    ],
)
def test_parameters_out_of_range_are_named(settings, message):
    X, y = iris()
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(X, y)


def test_huge_numbers_end_in_a_clear_error():
    X, y = iris()
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        MLPRegressor(solver="sgd", learning_rate_init=1e6, max_iter=50).fit(X * 1e100, y * 1e100)


def test_missing_numbers_become_the_mean_with_a_mark():
    X, y = iris()
    X = X.copy()
    X[::7, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        MLPClassifier(max_iter=2).fit(X, y)
    model = MLPClassifier(max_iter=200, missing="mean", random_state=0).fit(X, y)
    assert model.n_features_in_ == 4
    assert model.coefs_[0].shape[0] == 5
    assert model.score(X, y) > 0.9
    assert model.predict(np.full((1, 4), np.nan)).shape == (1,)


def test_interrupting_keeps_what_was_learned(monkeypatch):
    X, y = iris()
    calls = []

    def interrupt(estimator):
        calls.append(estimator)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("adjoint.estimators.fitting.Fitting._print", lambda s: interrupt(s))
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = MLPClassifier(random_state=0, verbose=True).fit(X, y)
    assert model.n_iter_ == 3
    assert model.predict(X).shape == (150,)


@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_interrupted_native_code_has_recorded_its_epochs(model, monkeypatch):
    pytest.importorskip("llvmlite")
    X, y = iris()
    once = EpochLoop.run

    def run_once(loop, *args, **settings):
        once(loop, *args, **settings)
        assert loop.epoch > 1
        raise KeyboardInterrupt

    monkeypatch.setattr(EpochLoop, "run", run_once)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        interrupted = model(random_state=0, batch_size=50, max_iter=10**5, tol=0.0).fit(X, y)
    monkeypatch.undo()
    assert interrupted.n_iter_ == len(interrupted.loss_curve_) > 1
    assert interrupted.t_ == 150 * interrupted.n_iter_
    whole = model(random_state=0, batch_size=50, max_iter=interrupted.n_iter_, tol=0.0).fit(X, y)
    assert interrupted.loss_curve_ == whole.loss_curve_
    assert interrupted.best_loss_ == whole.best_loss_


def test_iterations_that_are_used_up_are_named():
    X, y = iris()
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(5\) reached"):
        MLPClassifier(max_iter=5).fit(X, y)


# --- in scikit-learn's company --------------------------------------------------------------------


def test_an_estimator_survives_pickling_and_cloning():
    X, y = iris()
    model = MLPClassifier(random_state=0, max_iter=10, batch_norm=True, dropout=0.1).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert clone(model).get_params() == model.get_params()
    again.partial_fit(X, y)
    model.partial_fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("backend", sampled(["threading", "loky"], 2))
def test_a_search_in_processes_and_threads(backend):
    joblib = pytest.importorskip("joblib")
    X, y = iris()
    with joblib.parallel_backend(backend, n_jobs=2), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = {"alpha": [1e-4, 1e-1]}
        search = GridSearchCV(MLPClassifier((5,), random_state=0, max_iter=30), grid, cv=3)
        search.fit(X, y)
    single = cross_val_score(search.best_estimator_, X, y, cv=3)
    assert search.best_score_ == pytest.approx(single.mean())


@pytest.mark.parametrize("settings", [{"batch_norm": True}, {"layer_norm": True, "residual": True}])
@pytest.mark.parametrize(
    "solver", sampled(["adam", "adamw", "rmsprop", "lion", lambda p: ad.optim.SGD(p, lr=0.1)], 2)
)
def test_every_solver_and_norm_learns(solver, settings):
    X, y = cancer()
    model = MLPClassifier(
        (8, 8), solver=solver, random_state=0, max_iter=40, learning_rate_init=0.005, **settings
    )
    assert model.fit(X, y).score(X, y) > 0.9


def test_a_schedule_serves_every_solver():
    X, y = iris()
    rates = ad.optim.schedules.Exponential(0.01, factor=0.99)
    for solver in ("sgd", "adam", "adamw"):
        model = MLPClassifier(solver=solver, learning_rate=rates, random_state=0, max_iter=5)
        model.fit(X, y)
        assert model._optimizer.steps == 5


def test_an_estimator_that_was_pickled_before_it_had_a_fit_state_goes_on():
    settings = {"max_iter": 5, "warm_start": True, "random_state": 0, "n_iter_no_change": 100}
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier(8, **settings).fit(X, y)
        state = dict(model.__getstate__())
        own = state.pop("_fit_state")
        state |= {"_order": own.order, "_no_improvement_count": own.worse}
        state |= {"_best_state": own.best_weights, "_report": own.report}
        again = MLPClassifier.__new__(MLPClassifier)
        again.__setstate__(pickle.loads(pickle.dumps(state)))
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert again._fit_state.report == own.report
        for ours, theirs in zip(again.fit(X, y).coefs_, model.fit(X, y).coefs_, strict=True):
            np.testing.assert_array_equal(ours, theirs)
