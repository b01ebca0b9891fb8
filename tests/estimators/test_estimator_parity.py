"""What scikit-learn's networks do at the edges, ours do."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as ScikitClassifier
from sklearn.neural_network import MLPRegressor as ScikitRegressor

from adjoint.estimators import MLPClassifier, MLPRegressor

X, Y = load_iris(return_X_y=True)
STOPPING = {
    "hidden_layer_sizes": (5,),
    "early_stopping": True,
    "validation_fraction": 0.2,
    "random_state": 3,
    "n_iter_no_change": 4,
}
LABELS = {
    "two classes": (Y > 0).astype(int),
    "three classes": Y,
    "one row of a third class": np.where(np.arange(150) == 5, 2, (Y > 0).astype(int)),
    "names": np.array(["c", "a", "b"])[Y],
    "several labels": np.stack([Y == 0, Y == 2], 1).astype(int),
}


def quietly(model, *data, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*data, **settings)


def assert_same(ours, theirs):
    # Both compute the same steps; their sums differ in order.
    for one, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("epochs", [1, 40])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("labels", LABELS)
def test_rows_held_out_are_scikit_learns(labels, solver, epochs, weighted):
    settings = {**STOPPING, "solver": solver, "max_iter": epochs}
    weights = np.linspace(0.5, 2, 150) if weighted else None
    data = X, LABELS[labels], weights
    ours = quietly(MLPClassifier(**settings), *data)
    theirs = quietly(ScikitClassifier(**settings), *data)
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-12)


def test_rows_held_out_of_a_regression_are_scikit_learns():
    data = load_diabetes(return_X_y=True)
    settings = {**STOPPING, "max_iter": 30, "learning_rate_init": 0.01}
    ours, theirs = quietly(MLPRegressor(**settings), *data), None
    theirs = quietly(ScikitRegressor(**settings), *data)
    assert_same(ours, theirs)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("rate", [0.01, 1e6])
def test_a_regression_that_diverges_while_rows_are_held_out_says_so(loss, rate):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)) * 1e3, np.abs(rng.normal(size=60)) * 1e5
    model = MLPRegressor(
        hidden_layer_sizes=(8,),
        loss=loss,
        solver="sgd",
        learning_rate_init=rate,
        early_stopping=True,
        random_state=0,
    )
    with pytest.raises(ValueError, match=r"non-finite parameter weights\..*learning rate below"):
        model.fit(X, y)


@pytest.mark.parametrize("output", [np.nan, np.inf])
def test_the_score_of_outputs_that_are_no_numbers_is_none_as_in_scikit_learn(output):
    regressor = quietly(MLPRegressor(hidden_layer_sizes=(2,), max_iter=1), X, X[:, 0])
    classifier = quietly(MLPClassifier((2,), max_iter=1), X, Y)
    assert np.isnan(regressor._score_of(np.full((150, 1), output), X[:, :1], None))
    assert np.isnan(classifier._score_of(np.full((150, 3), output), Y, None))


@pytest.mark.parametrize("labels", ["two classes", "three classes", "names"])
def test_a_warm_start_refuses_fewer_classes_as_scikit_learn_does(labels):
    y = LABELS[labels]
    kept = y != np.unique(y)[-1]
    messages = []
    for kind in (MLPClassifier, ScikitClassifier):
        model = quietly(kind((3,), warm_start=True, max_iter=2, random_state=0), X, y)
        with pytest.raises(ValueError, match="the same classes as in the previous") as error:
            model.fit(X[kept], y[kept])
        messages.append(str(error.value).partition(";")[0])
    assert messages[0] == messages[1]


def test_partial_fit_takes_rows_of_some_classes():
    model = MLPClassifier((3,), random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    model.partial_fit(X[Y < 2], Y[Y < 2])
    assert len(model.loss_curve_) == 2
