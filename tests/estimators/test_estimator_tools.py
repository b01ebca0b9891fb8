"""Estimators among scikit-learn's tools: any module, callbacks, frames, pipelines."""

from __future__ import annotations

import importlib
import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_digits, make_moons
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

import adjoint as ad
from adjoint.estimators import MLPClassifier, MLPRegressor, as_estimator

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_moons(200, noise=0.2, random_state=0)

# --- any module -----------------------------------------------------------------------------------


class Factory:
    """Makes networks, and prints the same in every process, as names of tests must."""

    def __call__(self, n_features, n_outputs, rng):
        return ad.nn.MLP(n_features, 16, n_outputs, activation="tanh", rng=rng)

    def __repr__(self):
        return "network"


network = Factory()


def convolutional(n_outputs, rng):
    nn, seeds = ad.nn, np.random.default_rng(rng)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=seeds),
        nn.ReLU(),
        nn.MaxPool(2),
        nn.Flatten(),
        nn.Linear(36, n_outputs, rng=seeds),
    )


@parametrize_with_checks(
    [as_estimator(network, loss=loss, epochs=50, random_state=0)
     for loss in ("cross_entropy", "mse_loss")]
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "focal_loss"])
def test_a_module_classifies(loss):
    labels = np.array(["far", "near"])[Y]
    estimator = as_estimator(network, loss=loss, optimizer=lambda p: ad.optim.Adam(p, lr=0.03))
    found = clone(estimator).set_params(random_state=0).fit(X, labels)
    assert found.score(X, labels) > 0.9
    chances = found.predict_proba(X)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_array_equal(found.predict(X), found.classes_[chances.argmax(axis=1)])
    assert len(found.loss_curve_) == found.n_iter_ == 100


def test_a_convolution_takes_images():
    images, digits = load_digits(return_X_y=True)
    images = images[:300].reshape(-1, 1, 8, 8) / 16
    estimator = as_estimator(
        convolutional, loss="cross_entropy", epochs=30, random_state=0,
        optimizer=lambda p: ad.optim.Adam(p, lr=0.01),
    )  # fmt: skip
    assert cross_val_score(estimator, images, digits[:300], cv=3).mean() > 0.85


def test_a_module_predicts_several_numbers():
    features, y = load_diabetes(return_X_y=True)
    y = np.column_stack([y, -y]) / 100
    estimator = as_estimator(network, loss="huber_loss", epochs=60, random_state=0)
    found = make_pipeline(StandardScaler(), estimator).fit(features, y)
    assert found.predict(features).shape == y.shape
    assert found.score(features, y) > 0.4


def test_early_stopping_ends_with_the_best_weights():
    estimator = as_estimator(
        network, loss="cross_entropy", epochs=500, early_stopping=True, n_iter_no_change=3,
        random_state=0, optimizer=lambda p: ad.optim.Adam(p, lr=0.1),
    )  # fmt: skip
    found = estimator.fit(X, Y)
    assert found.n_iter_ < 500
    best = int(np.argmin(found.history_["val_loss"])) + 1
    assert found.n_iter_ - best == 3


def test_a_fitted_module_can_be_pickled_and_repeats_itself():
    estimator = as_estimator(network, loss="cross_entropy", epochs=5, random_state=0)
    one, two = clone(estimator).fit(X, Y), clone(estimator).fit(X, Y)
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    np.testing.assert_array_equal(one.predict_proba(X), again.predict_proba(X))


def test_rows_of_no_weight_do_not_count():
    weights = (X[:, 0] > 0).astype(float)
    settings = {"loss": "cross_entropy", "epochs": 5, "random_state": 0}
    one = as_estimator(network, **settings).fit(X, Y, weights)
    two = as_estimator(network, **settings).fit(X[weights > 0], Y[weights > 0])
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), rtol=1e-9)


def test_what_makes_no_module_is_refused():
    with pytest.raises(TypeError, match="expected a callable that makes a Module, got one that"):
        as_estimator(lambda rng: 3, loss="mse_loss").fit(X, Y)
    with pytest.raises(ValueError, match="of two classes, y has 3"):
        as_estimator(network, loss="focal_loss").fit(X[:3], [0, 1, 2])
    with pytest.raises(ValueError, match="unknown task"):
        as_estimator(network, loss="mse_loss", task="cluster")


# --- callbacks ------------------------------------------------------------------------------------

has_callbacks = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"), reason="scikit-learn before 1.9"
)


class Watching:
    """Notes what it is told, and ends a fit after some epochs."""

    def __init__(self, end=None):
        self.end, self.told = end, []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.told.append(f"end {context.task_name}")
        if context.task_name == "epoch":
            self.score = np.mean(fitted_estimator.predict(X) == y[:, 0])
            return self.end is not None and self.told.count("end epoch") >= self.end
        return False


@has_callbacks
def test_33322_callbacks_are_told_of_the_fit_and_of_every_epoch():
    seen = Watching()
    network = MLPClassifier(8, max_iter=3, random_state=0).set_callbacks(seen).fit(X, Y)
    epoch = ["begin epoch", "end epoch"]
    assert seen.told == ["setup", "begin fit", *epoch * 3, "end fit", "teardown"]
    assert seen.score == network.score(X, Y)


@has_callbacks
def test_a_callback_may_end_the_fit():
    seen = Watching(end=4)
    found = MLPClassifier(8, max_iter=50, random_state=0).set_callbacks(seen).fit(X, Y)
    alone = MLPClassifier(8, max_iter=4, random_state=0).fit(X, Y)
    assert found.n_iter_ == 4
    np.testing.assert_array_equal(found.coefs_[0], alone.coefs_[0])


@has_callbacks
def test_callbacks_hear_of_a_fit_without_epochs_and_of_one_that_fails():
    seen = Watching()
    MLPClassifier(4, solver="lbfgs", random_state=0).set_callbacks(seen).fit(X, Y)
    assert seen.told == ["setup", "begin fit", "end fit", "teardown"]
    seen = Watching()
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor(hidden_layer_sizes=4, solver="sgd", learning_rate_init=1e30, max_iter=20,
                     random_state=0).set_callbacks(seen).fit(X * 1e30, Y)  # fmt: skip
    assert (seen.told[0], seen.told[-1]) == ("setup", "teardown")


@has_callbacks
def test_6021_a_search_shows_its_networks_to_the_callbacks():
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    grid = {"alpha": [1e-4, 1e-1]}
    network = MLPClassifier(4, max_iter=3, random_state=0).set_callbacks(monitor)
    GridSearchCV(network, grid, cv=2).fit(X, Y)
    assert monitor.get_logs()


# --- frames ---------------------------------------------------------------------------------------

ROWS = {
    "size": [1.0, 2.5, None, 4.0, 0.5, 3.0] * 20,
    "town": ["Oslo", "Rome", "Rome", None, "Kyiv", "Oslo"] * 20,
    "big": [False, True, True, True, False, True] * 20,
}
LABELS = np.array(["no", "yes", "yes", "yes", "no", "yes"] * 20)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_both_libraries_give_the_same_network(library):
    frame = pytest.importorskip(library).DataFrame(ROWS)
    settings = {"missing": "mean", "random_state": 0, "max_iter": 200, "learning_rate_init": 0.01}
    found = MLPClassifier(8, **settings).fit(frame, LABELS)
    assert list(found.feature_names_in_) == ["size", "town", "big"]
    assert found.score(frame, LABELS) == 1.0
    other = pytest.importorskip("pandas").DataFrame(ROWS)
    expected = MLPClassifier(8, **settings).fit(other, LABELS)
    np.testing.assert_array_equal(found.predict_proba(frame), expected.predict_proba(other))
    turned = frame[["town", "size", "big"]]
    with pytest.raises(ValueError, match="same order"):
        found.predict(turned)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_pipeline_may_hand_on_frames(library):
    module = pytest.importorskip(library)
    frame = module.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    scaled = make_column_transformer((StandardScaler(), ["a", "b"]))
    pipeline = make_pipeline(scaled, MLPClassifier(8, max_iter=300, random_state=0))
    pipeline.set_output(transform=library).fit(frame, Y)
    assert list(pipeline[-1].feature_names_in_) == pipeline[0].get_feature_names_out().tolist()
    assert pipeline.score(frame, Y) > 0.8


@pytest.mark.parametrize("name", ["adjoint.estimators", "adjoint.estimators.many"])
def test_estimators_name_the_extra_where_scikit_learn_is_missing(monkeypatch, name):
    for loaded in [m for m in sys.modules if m.startswith("adjoint.estimators")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="python -m pip install scikit-learn"):
        importlib.import_module(name)
