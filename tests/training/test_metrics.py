"""Metrics: adjoint's own against scikit-learn's, and its scorers against their functions."""

import sys

import numpy as np
import pytest

import adjoint as ad
from adjoint.training import metrics
from adjoint.training.metrics import as_metrics, direction

RNG = np.random.default_rng(0)
TWO = RNG.normal(size=(40, 2)), RNG.integers(0, 2, 40)
THREE = RNG.normal(size=(60, 3)), RNG.integers(0, 3, 60)
ONE = RNG.normal(size=(40, 1)), RNG.integers(0, 2, (40, 1))
NUMBERS = RNG.normal(size=(30, 1)), RNG.normal(size=30)
SEVERAL = RNG.normal(size=(30, 2)), RNG.normal(size=(30, 2))


def measure(metric, pair):
    (function,) = as_metrics([metric]).values()
    return function(*pair)


def softmax(scores):
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


# --- adjoint's own --------------------------------------------------------------------------------


def test_the_errors_of_numbers_are_measured():
    prediction, target = np.array([[1.0], [2.0], [6.0]]), np.array([1.0, 2.0, 3.0])
    assert metrics.mae(prediction, target) == 1.0
    assert metrics.rmse(prediction, target) == np.sqrt(3.0)
    assert metrics.r2(prediction, target) == 1 - 9 / 2


@pytest.mark.parametrize("pair", [NUMBERS, SEVERAL], ids=["one output", "two outputs"])
def test_own_metrics_are_scikit_learns(pair):
    sklearn = pytest.importorskip("sklearn.metrics")
    prediction, target = pair
    for name, function in [
        ("r2", sklearn.r2_score),
        ("mae", sklearn.mean_absolute_error),
        ("rmse", lambda y, p: np.sqrt(sklearn.mean_squared_error(y, p))),
    ]:
        # Sums in another order.
        assert measure(name, pair) == pytest.approx(function(target, prediction), rel=1e-12)


def test_r2_of_targets_that_do_not_vary_is_one_if_they_are_met_and_else_zero():
    target = np.array([[2.0, 2.0], [2.0, 2.0]])
    assert metrics.r2(target, target) == 1.0
    assert metrics.r2(target + np.array([0.0, 1.0]), target) == 0.5


@pytest.mark.parametrize("name", ["mae", "rmse", "r2"])
def test_shapes_that_would_be_broadcast_are_refused(name):
    with pytest.raises(ad.ShapeError, match=rf"{name}: prediction of shape \(3, 2\) and target"):
        measure(name, (np.ones((3, 2)), np.ones(3)))


# --- scikit-learn's -------------------------------------------------------------------------------


@pytest.fixture(name="sklearn")
def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics")


def test_scorers_of_labels_see_the_class_of_the_highest_score(sklearn):
    for scores, target in (TWO, THREE):
        expected = sklearn.balanced_accuracy_score(target, scores.argmax(axis=1))
        assert measure("balanced_accuracy", (scores, target)) == expected


def test_scorers_of_probabilities_see_the_softmax(sklearn):
    for scores, target in (TWO, THREE):
        expected = -sklearn.log_loss(target, softmax(scores))
        assert measure("neg_log_loss", (scores, target)) == pytest.approx(expected, rel=1e-12)


def test_scorers_of_rankings_see_how_much_the_second_class_is_ahead(sklearn):
    scores, target = TWO
    expected = sklearn.roc_auc_score(target, scores[:, 1] - scores[:, 0])
    assert measure("roc_auc", TWO) == expected


def test_scorers_of_rankings_of_several_classes_see_the_softmax(sklearn):
    scores, target = THREE
    expected = sklearn.roc_auc_score(target, softmax(scores), multi_class="ovr")
    assert measure("roc_auc_ovr", THREE) == pytest.approx(expected, rel=1e-12)


def test_a_single_score_is_one_before_the_logistic_function(sklearn):
    scores, target = ONE
    probability = 1 / (1 + np.exp(-scores[:, 0]))
    assert measure("f1", ONE) == sklearn.f1_score(target[:, 0], scores[:, 0] > 0)
    assert measure("roc_auc", ONE) == sklearn.roc_auc_score(target[:, 0], scores[:, 0])
    expected = -sklearn.brier_score_loss(target[:, 0], probability)
    assert measure("neg_brier_score", ONE) == pytest.approx(expected, rel=1e-12)


def test_classes_of_a_single_score_may_be_plus_and_minus_one(sklearn):
    scores, target = ONE
    signs = 2 * target - 1
    expected = sklearn.balanced_accuracy_score(signs[:, 0], np.sign(scores[:, 0]))
    assert measure("balanced_accuracy", (scores, signs)) == expected


def test_single_precision_scores_have_probabilities_that_sum_to_one(sklearn):
    scores, target = THREE
    expected = -sklearn.log_loss(target, softmax(np.float64(np.float32(scores))))
    found = measure("neg_log_loss", (scores.astype(np.float32), target))
    assert found == pytest.approx(expected, rel=1e-12)


def test_scores_of_a_sequence_are_those_of_its_places(sklearn):
    scores, target = THREE
    pair = scores.reshape(12, 5, 3), target.reshape(12, 5)
    assert measure("balanced_accuracy", pair) == measure("balanced_accuracy", THREE)


def test_scorers_of_numbers_see_one_column_as_a_vector(sklearn):
    prediction, target = NUMBERS
    found = measure("neg_mean_squared_error", NUMBERS)
    assert found == -sklearn.mean_squared_error(target, prediction[:, 0])
    assert measure("neg_mean_squared_error", (prediction, target[:, None])) == found
    assert measure("neg_mean_absolute_error", SEVERAL) == pytest.approx(-metrics.mae(*SEVERAL))


def test_a_scorer_may_be_an_object_and_is_named_by_its_function(sklearn):
    scorer = sklearn.make_scorer(sklearn.fbeta_score, beta=2, average="macro")
    found = as_metrics([scorer, "accuracy"])
    assert list(found) == ["fbeta_score", "accuracy"]
    scores, target = THREE
    expected = sklearn.fbeta_score(target, scores.argmax(axis=1), beta=2, average="macro")
    assert found["fbeta_score"](scores, target) == expected
    assert list(as_metrics({"f2": scorer})) == ["f2"]


def test_own_names_come_first():
    assert as_metrics("accuracy") == {"accuracy": metrics.accuracy}
    assert as_metrics("r2") == {"r2": metrics.r2}


def test_classes_that_do_not_fit_the_scores_are_refused(sklearn):
    with pytest.raises(ad.ShapeError, match=r"shape \(4, 3\), integer target of shape \(5,\)"):
        measure("balanced_accuracy", (np.ones((4, 3)), np.ones(5, int)))
    with pytest.raises(ad.ShapeError, match=r"shape \(4, 3\), integer target of shape \(4, 3\)"):
        measure("balanced_accuracy", (np.ones((4, 3)), np.ones((4, 3), int)))  # of one-hot rows


def test_fit_records_scorers_of_training_and_validation_data(sklearn):
    X, y = ad.datasets.make_moons(40, seed=0)
    model = ad.nn.MLP(2, 4, 2, rng=0)
    history = ad.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=0.1),
        epochs=2,
        batch_size=10,
        seed=0,
        validation=(X, y),
        metrics=["balanced_accuracy", "roc_auc", "accuracy"],
    )
    scores = model(X).data
    assert history["val_accuracy"][-1] == np.mean(scores.argmax(axis=1) == y)
    assert history["val_roc_auc"][-1] == sklearn.roc_auc_score(y, scores[:, 1] - scores[:, 0])
    assert 0 < history["balanced_accuracy"][-1] < 1


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ValueError, match=r"unknown metric 'roc_auc'.* pip install scikit-learn"):
        as_metrics("roc_auc")


def test_what_is_no_metric_is_refused():
    with pytest.raises(ValueError, match="unknown metric 3"):
        as_metrics({"three": 3})


# --- which way is better --------------------------------------------------------------------------


def test_it_is_known_which_way_is_better():
    less = ["loss", "val_loss", "val_rmse", "mae"]
    assert [direction(name) for name in less] == ["min"] * 4
    assert [direction(name) for name in ("accuracy", "val_r2")] == ["max"] * 2


def test_more_is_better_for_every_scorer(sklearn):
    assert direction("val_neg_log_loss") == direction("roc_auc") == "max"


def test_of_other_records_it_is_asked():
    with pytest.raises(ValueError, match="monitor 'val_cost': pass mode="):
        direction("val_cost")
