"""Scores are those of scikit-learn, and their intervals hold as often as they say."""

import numpy as np
import pytest
from sklearn import metrics

from adjoint.tables.scores import interval, measure, noise, score

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_of_classes_are_those_of_scikit_learn(classes):
    chances = RNG.dirichlet(np.ones(classes), 200)
    y = np.array([RNG.choice(classes, p=row) for row in chances])
    found = chances.argmax(axis=1)
    average = "binary" if classes == 2 else "macro"
    expected = {
        "accuracy": metrics.accuracy_score(y, found),
        "log_loss": metrics.log_loss(y, chances),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, found),
        "f1": metrics.f1_score(y, found, average=average),
        "roc_auc": metrics.roc_auc_score(y, chances[:, 1] if classes == 2 else chances, **OVR),
    }
    for name, value in expected.items():
        assert measure(name, chances, y) == pytest.approx(value, rel=1e-12), name


OVR = {"multi_class": "ovr"}


def test_scores_of_numbers_are_those_of_scikit_learn():
    y = RNG.normal(size=50)
    found = y + RNG.normal(size=50)
    assert measure("r2", found, y) == pytest.approx(metrics.r2_score(y, found), rel=1e-12)
    assert measure("mae", found, y) == pytest.approx(metrics.mean_absolute_error(y, found))
    assert measure("rmse", found, y) == pytest.approx(metrics.root_mean_squared_error(y, found))


@pytest.mark.parametrize("name", ["roc_auc", "balanced_accuracy", "f1"])
def test_a_class_that_is_lacking_is_no_error(name):
    chances = np.full((4, 3), 1 / 3)
    value = measure(name, chances, np.array([0, 0, 2, 2]))
    assert np.isnan(value) == (name == "roc_auc")


def test_a_chosen_score_stands_beside_the_usual_ones():
    chances, y = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])
    usual = ["accuracy", "log_loss", "roc_auc"]
    assert list(score(chances, y, "classification")) == usual
    assert list(score(chances, y, "classification", "f1")) == [*usual, "f1"]
    assert list(score(chances, y, "classification", "roc_auc")) == usual


@pytest.mark.parametrize("name", ["r2", "mae", "accuracy", "log_loss"])
def test_an_interval_holds_the_score_of_many_rows_nineteen_times_in_twenty(name):
    rng, held, tries = np.random.default_rng(1), 0, 100

    def rows(count):
        z = rng.normal(size=count)
        if name in ("r2", "mae"):
            return z, z + rng.normal(size=count)
        chance = 1 / (1 + np.exp(-z))
        return np.column_stack([1 - chance, chance]), (rng.random(count) < chance).astype(int)

    truth = measure(name, *rows(100_000))
    for _ in range(tries):
        low, high = interval(name, *rows(150))
        held += low <= truth <= high
    # Fewer than 88 of 100 tries at 95 % are a chance of one in 300; a bootstrap is a bit narrow.
    assert held >= 88


def test_an_accuracy_of_all_rows_right_has_an_interval():
    low, high = interval("accuracy", np.eye(2)[[0, 1] * 10], np.array([0, 1] * 10))
    assert low == pytest.approx(0.839, abs=1e-3)
    assert high == pytest.approx(1)


@pytest.mark.parametrize("name", ["balanced_accuracy", "roc_auc", "f1", "r2", "mae", "log_loss"])
def test_no_interval_goes_beyond_what_the_score_can_be(name):
    if name in ("r2", "mae"):
        y, outputs = np.arange(10.0), np.arange(10.0) + 0.9 * (np.arange(10) == 3)
    else:
        y = np.arange(10) % 2
        sure = np.where(np.arange(10) == 3, 1e-4, 0.999)[:, np.newaxis]
        outputs = np.where(np.arange(2) == y[:, np.newaxis], sure, 1 - sure)
    low, high = interval(name, outputs, y)
    assert low < high
    if name in ("mae", "log_loss"):
        assert low == 0
    else:
        assert high == 1


def test_the_noise_of_a_difference_is_that_of_paired_rows():
    y = RNG.normal(size=400)
    one = y + RNG.normal(size=400)
    assert noise("r2", {"a": one, "b": one + 1e-3}, y) < 0.01 * noise("r2", {"a": one}, y)
    # Of a mean, the standard error is known.
    off = np.abs(one - y)
    expected = off.std() / np.sqrt(400)
    assert noise("mae", {"a": one}, y) == pytest.approx(expected, rel=0.2)
