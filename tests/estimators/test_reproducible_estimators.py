"""Estimators with reproducible=True: the same bits for registers of every width."""

import pickle

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import accuracy_score, r2_score

from adjoint import nn
from adjoint.core.reproducibility import reproducibly
from adjoint.errors import ReproducibleError
from adjoint.estimators import (
    MLPClassifier,
    MLPRegressor,
    TabularClassifier,
    TabularRegressor,
    as_estimator,
    fit_many,
)
from adjoint.estimators.held import accuracy, determination
from sampled import for_full
from x86_levels import LEVELS, compiling_for, machine_of

X, Y = make_classification(150, 6, n_informative=4, n_classes=3, random_state=0)
Z, T = make_regression(150, 5, random_state=0)


def classifier(**settings):
    given = {"max_iter": 6, "n_iter_no_change": 20, "random_state": 0, "reproducible": True}
    return MLPClassifier((9,), **given | settings)


def early_stopping():
    return classifier(early_stopping=True, batch_size=32).fit(X, Y)


def float32_and_tanh():
    return classifier(activation="tanh", solver="sgd", nesterovs_momentum=True).fit(
        X.astype(np.float32), Y
    )


def inverse_scaling():
    return classifier(solver="sgd", learning_rate="invscaling", batch_size=64).fit(X, Y)


def a_regression():
    held = {"early_stopping": True, "max_iter": 6, "random_state": 0, "reproducible": True}
    return MLPRegressor("poisson", (9,), **held).fit(Z, np.abs(T))


def gaps_filled_with_means():
    rows = np.where(np.arange(X.size).reshape(X.shape) % 7, X, np.nan)
    return classifier(missing="mean", dropout=0.2).fit(rows, Y)


def a_table():
    frame = pytest.importorskip("pandas").DataFrame(X[:, :3], columns=list("abc"))
    frame["kind"] = np.array(["oak", "elm", "ash", None], object)[np.arange(len(frame)) % 4]
    settings = {"hidden": (8,), "ensemble": 2, "epochs": 3, "random_state": 0}
    return TabularClassifier(**settings, reproducible=True).fit(frame, Y)


def a_table_of_numbers():
    frame = pytest.importorskip("pandas").DataFrame(Z, columns=list("abcde"))
    settings = {"hidden": (8,), "ensemble": 1, "epochs": 3, "random_state": 0}
    return TabularRegressor(**settings, reproducible=True).fit(frame, T)


def network(n_features, n_outputs, rng):
    return nn.MLP(n_features, 5, n_outputs, rng=rng)


def a_module():
    settings = {"early_stopping": True, "epochs": 3, "random_state": 0, "reproducible": True}
    return as_estimator(network, loss="cross_entropy", **settings).fit(X, Y)


def a_module_for_numbers():
    settings = {"epochs": 3, "random_state": 0, "reproducible": True}
    return as_estimator(network, loss="mse_loss", **settings).fit(Z, T)


CASES = [
    a_module,
    early_stopping,
    a_table,
    float32_and_tanh,
    inverse_scaling,
    a_regression,
    gaps_filled_with_means,
    a_table_of_numbers,
    a_module_for_numbers,
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_of_classes_have_the_dtype_of_the_rows():
    model = classifier(class_weight="balanced", max_iter=1).fit(X.astype(np.float32), Y)
    assert model.coefs_[0].dtype == np.float32


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.full
@pytest.mark.parametrize("fitted", CASES)
def test_the_digest_is_the_same_for_registers_of_every_width(fitted):
    found = set()
    for level in LEVELS:
        with compiling_for(machine_of(level)):
            found.add(fitted().sha256())
    assert len(found) == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("fitted", [CASES[0], *for_full(CASES[1:])])
def test_a_pickle_keeps_the_digest_and_a_clone_the_wish_for_it(fitted):
    one = fitted()
    assert pickle.loads(pickle.dumps(one)).sha256() == one.sha256()
    assert clone(one).get_params()["reproducible"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_networks_side_by_side_have_the_digests_of_each_alone():
    alone = [classifier(random_state=seed).fit(X, Y).sha256() for seed in range(2)]
    many = fit_many([classifier(random_state=seed) for seed in range(2)], X, Y, n_jobs=2)
    assert [one.sha256() for one in many] == alone
    assert alone[0] != alone[1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("shape", [(20,), (20, 1), (20, 3), (2,), (1,)], ids=str)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_scores_in_order_are_those_of_scikit_learn(shape, is_weighted):
    rng = np.random.default_rng(0)
    weights = rng.random(shape[0]) if is_weighted else None
    noise = rng.normal(size=shape)
    for y in (rng.normal(size=shape), np.ones(shape)):
        for found in (y + noise, y):
            expected = r2_score(y, found, sample_weight=weights)
            right = accuracy_score(y > 0.5, found > 0.5, sample_weight=weights)
            with reproducibly():
                assert determination(y, found, weights) == pytest.approx(expected, nan_ok=True)
                assert accuracy(y > 0.5, found > 0.5, weights) == pytest.approx(right)


def test_lbfgs_is_refused_by_name():
    with pytest.raises(ReproducibleError, match="lbfgs"):
        classifier(solver="lbfgs").fit(X, Y)


def test_numpy_code_is_refused():
    with pytest.raises(ReproducibleError, match="compile=False"):
        classifier(compile=False).fit(X, Y)
