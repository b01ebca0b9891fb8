"""Weights of rows and classes, and gradients that are accumulated over parts of a batch."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.data.row_weights import row_weights
from adjoint.errors import ShapeError
from adjoint.nn import functional

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = (X[:, 0] > 0.5).astype(int)
WEIGHTS = RNG.uniform(0.1, 3, 50)
needs_llvmlite = pytest.mark.skipif(find_spec("llvmlite") is None, reason="llvmlite is missing")


def network():
    return nn.MLP(3, 5, 2, activation="tanh", rng=0)


def train(model=None, data=(X, Y), *, loss="cross_entropy", **settings):
    model = model or network()
    settings = {"epochs": 3, "batch_size": 8, "seed": 0, "progress": False, **settings}
    history = ad.fit(
        model, data, loss=loss, optimizer=lambda p: ad.optim.SGD(p, lr=0.1), **settings
    )
    return [parameter.data for parameter in model.parameters()], history


def assert_same(found, expected, **tolerance):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, **({"rtol": 1e-10, "atol": 1e-12} | tolerance))


# --- the weights ----------------------------------------------------------------------------------


def test_weights_have_the_mean_1():
    np.testing.assert_allclose(row_weights(Y, WEIGHTS, None), WEIGHTS / WEIGHTS.mean())


def test_balanced_classes_weigh_the_same():
    weights = row_weights(Y, None, "balanced")
    assert weights[Y == 0].sum() == pytest.approx(weights[Y == 1].sum())
    assert weights.sum() == pytest.approx(50)


def test_a_class_that_is_not_named_weighs_1():
    weights = row_weights(np.array([0, 1, 2]), None, {1: 4.0})
    np.testing.assert_allclose(weights, [0.5, 2, 0.5])


@pytest.mark.parametrize("compile", [False, True], ids=["eager", "compiled"])
def test_a_batch_is_at_most_the_rows_that_have_a_weight(compile, tmp_path):
    pytest.importorskip("safetensors")
    weights = np.where(np.arange(50) < 20, 0.0, WEIGHTS)
    settings = {"sample_weight": weights, "compile": compile}
    expected, _ = train(batch_size=30, **settings)
    path = tmp_path / "run"
    found, _ = train(batch_size=1000, checkpoint=path, **settings)
    assert_same(found, expected, rtol=0, atol=0)
    # It is the same training, so that either may go on where the other one ended.
    train(batch_size=30, checkpoint=path, resume=True, **settings)


def test_weights_of_rows_and_classes_multiply():
    weights = row_weights(np.array([0, 0, 1]), [1.0, 2.0, 3.0], {0: 2.0, 1: 4.0})
    np.testing.assert_allclose(weights, np.array([2, 4, 12]) / 6)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"sample_weight": [1.0]}, ShapeError, r"expected shape \(50,\), got \(1,\)"),
        ({"sample_weight": np.full(50, -1.0)}, ValueError, "finite numbers from 0, got -1"),
        ({"sample_weight": np.full(50, np.nan)}, ValueError, "finite numbers from 0, got nan"),
        ({"sample_weight": np.zeros(50)}, ValueError, "all rows are 0"),
        ({"class_weight": "even"}, ValueError, 'expected "balanced", a mapping or None'),
        ({"class_weight": [1, 2]}, TypeError, 'expected "balanced", a mapping or None, got list'),
        ({"class_weight": {2: 1.0}}, ValueError, r"y has no class 2; it has \[0, 1\]"),
        ({"class_weight": {1: -1.0}}, ValueError, "class_weight: expected finite numbers from 0"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_trained(settings, error, message):
    model = network()
    before = model.state_dict()
    with pytest.raises(error, match=message):
        train(model, **settings)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_classes_of_numbers_have_no_weights():
    with pytest.raises(TypeError, match="needs classes, integers"):
        train(nn.MLP(3, 4, 1, rng=0), (X, X[:, :1]), loss="mse_loss", class_weight="balanced")


# --- training with them ---------------------------------------------------------------------------


def test_a_whole_batch_takes_the_gradient_of_the_weighted_mean():
    weights = WEIGHTS / WEIGHTS.sum()
    model = network()

    def loss(prediction, target):
        rows = -np.log(ad.softmax(prediction, axis=-1))[np.arange(50), target]
        return (rows * weights).sum()

    expected, history = train(model, loss=loss, batch_size=50, shuffle=False)
    found, weighted = train(sample_weight=WEIGHTS, batch_size=50, shuffle=False)
    assert_same(found, expected)
    np.testing.assert_allclose(weighted.loss, history.loss, rtol=1e-12)


def test_a_weight_of_2_is_a_row_twice_and_of_0_none():
    counts = RNG.integers(0, 3, 50)
    twice = np.repeat(np.arange(50), counts)
    expected, history = train(data=(X[twice], Y[twice]), batch_size=len(twice), shuffle=False)
    rows = int((counts > 0).sum())
    found, weighted = train(sample_weight=counts, batch_size=rows, shuffle=False)
    assert_same(found, expected)
    np.testing.assert_allclose(weighted.loss, history.loss, rtol=1e-12)


def test_the_epochs_loss_is_the_weighted_mean_of_all_rows():
    model = network().requires_grad_(False)
    model.layers[0].bias.requires_grad_(True)
    start = functional.cross_entropy(model(X), Y, sample_weight=WEIGHTS).data
    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.SGD(p, lr=1e-300),
        sample_weight=WEIGHTS,
        batch_size=8,
        epochs=1,
        progress=False,
    )
    assert history.loss[0] == pytest.approx(float(start), rel=1e-12)


# A metric that only Python can compute.
OWN = {"mean": lambda prediction, target: prediction.mean()}


@pytest.mark.parametrize("loss", ["cross_entropy", nn.CrossEntropyLoss(label_smoothing=0.1)])
@pytest.mark.parametrize(
    ("metrics", "tier"),
    [((), "native"), ("accuracy", "native"), (OWN, "native"), (OWN, "portable")],
)
@needs_llvmlite
def test_every_tier_agrees(loss, metrics, tier, monkeypatch):
    if tier == "portable":
        monkeypatch.setattr("adjoint.compiler.program.TIERS", {})
    settings = {"sample_weight": WEIGHTS, "class_weight": "balanced", "metrics": metrics}
    expected, history = train(loss=loss, **settings)
    found, compiled = train(loss=loss, compile=True, **settings)
    assert compiled.tier == tier
    assert_same(found, expected, rtol=1e-9)
    np.testing.assert_allclose(compiled.loss, history.loss, rtol=1e-9)


def test_validation_has_no_weights():
    model = network()
    _, history = train(model, sample_weight=WEIGHTS, validation=(X, Y))
    expected = functional.cross_entropy(model(X), Y).data
    assert history["val_loss"][-1] == pytest.approx(float(expected), rel=1e-12)


def test_a_loss_that_takes_no_weights_is_refused():
    def own(prediction, target):
        return functional.mse_loss(prediction, target)

    with pytest.raises(TypeError, match="the loss own takes no sample_weight"):
        train(nn.MLP(3, 4, 1, rng=0), (X, X[:, :1]), loss=own, sample_weight=WEIGHTS)


def test_a_loss_of_the_users_takes_weights():
    def own(prediction, target, sample_weight=None):
        return functional.mse_loss(prediction, target, sample_weight=sample_weight)

    data = X, X[:, :1]
    found, _ = train(nn.MLP(3, 4, 1, rng=0), data, loss=own, sample_weight=WEIGHTS)
    expected, _ = train(nn.MLP(3, 4, 1, rng=0), data, loss="mse_loss", sample_weight=WEIGHTS)
    assert_same(found, expected, rtol=0, atol=0)


# --- accumulated gradients ------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [2, 3, 8, 20])
def test_accumulated_gradients_are_those_of_the_batch(parts):
    expected, history = train(metrics="accuracy", sample_weight=WEIGHTS)
    found, accumulated = train(metrics="accuracy", sample_weight=WEIGHTS, accumulate=parts)
    assert accumulated.reasons == ["gradients are accumulated"]
    assert_same(found, expected)
    np.testing.assert_allclose(accumulated.loss, history.loss, rtol=1e-12)
    assert accumulated["accuracy"] == history["accuracy"]


def test_parts_are_no_larger_than_asked():
    sizes = []

    class Recording(nn.Module):
        def forward(self, x):
            sizes.append(len(x))
            return x

    train(nn.Sequential(Recording(), nn.Linear(3, 2, rng=0)), accumulate=4, epochs=1)
    assert max(sizes) == 2
    assert sum(sizes) == 50
