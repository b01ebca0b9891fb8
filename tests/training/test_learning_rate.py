"""The search for a learning rate: its losses by hand, its suggestion, and what it leaves."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import adjoint as ad
from adjoint.plots import LearningRateDisplay
from adjoint.training.learning_rate import LearningRateSearch

matplotlib.use("Agg")


def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(48, 2))
    return X, X @ [[2.0], [-1.0]] + 0.1 * rng.normal(size=(48, 1))


def search(model, optimizer=lambda p: ad.optim.SGD(p, lr=0.1), **settings):
    settings = {"loss": "mse_loss", "seed": 3, "batch_size": 20, **settings}
    return ad.find_learning_rate(model, problem(), optimizer=optimizer, **settings)


def test_rates_and_losses_are_those_of_descent_by_hand():
    X, y = problem()
    model = ad.nn.Linear(2, 1, rng=0)
    w, b = np.array(model.weight.data), np.array(model.bias.data)
    found = search(model, low=1e-3, high=1e-1, steps=7, smoothing=0.5)
    rates = 1e-3 * 100 ** (np.arange(7) / 6)
    np.testing.assert_allclose(found.rates, rates, rtol=1e-13)
    orders = [ad.data.permutation(48, seed=3, epoch=epoch) for epoch in range(3)]
    batches = [order[i : i + 20] for order in orders for i in (0, 20, 40)]
    losses, smoothed = [], []
    for rate, rows in zip(rates, batches, strict=False):
        error = X[rows] @ w + b - y[rows]
        losses.append(np.mean(error**2))
        weights = 0.5 ** np.arange(len(losses))[::-1]
        smoothed.append(weights @ losses / weights.sum())
        w = w - rate * 2 * X[rows].T @ error / len(rows)
        b = b - rate * 2 * error.mean(axis=0)
    np.testing.assert_allclose(found.loss, losses, rtol=1e-12)
    np.testing.assert_allclose(found.smoothed, smoothed, rtol=1e-12)


def test_it_stops_where_the_loss_diverges():
    found = search(ad.nn.Linear(2, 1, rng=0))
    assert len(found.rates) < 100
    assert found.smoothed[-1] > 4 * found.smoothed.min()
    assert np.all(found.smoothed[:-1] <= 4 * np.minimum.accumulate(found.smoothed[:-1]))


def test_the_suggestion_learns():
    X, y = problem()
    model = ad.nn.Linear(2, 1, rng=0)
    rate = search(model).suggestion
    before = float(np.mean((model(X).data - y) ** 2))
    history = ad.fit(
        model, (X, y), loss="mse_loss", epochs=30, seed=0, progress=False,
        optimizer=lambda p: ad.optim.SGD(p, lr=rate),
    )  # fmt: skip
    assert history.loss[-1] < before / 10


def test_the_suggestion_is_the_steepest_point_before_the_least_loss():
    rates = 10.0 ** np.arange(-5, 1)
    losses = np.array([1.0, 0.9, 0.5, 0.45, 2.0, 0.5])
    assert LearningRateSearch(rates, losses, losses).suggestion == rates[1]


def test_without_a_fall_there_is_no_suggestion():
    losses = np.array([1.0, 2.0, 3.0])
    assert LearningRateSearch(np.array([0.1, 0.2, 0.3]), losses, losses).suggestion is None


def under_way():
    """Return a model and an optimiser that have learnt something, with a schedule and gradients."""
    X, y = problem()
    model = ad.nn.MLP(2, 3, 1, rng=0).eval()
    model.layers_seen = 0
    optimizer = ad.optim.Adam(model.parameters(), lr=ad.optim.Exponential(0.1, 0.9))
    for _ in range(3):
        optimizer.zero_grad()
        ad.nn.functional.mse_loss(model(X), y).backward()
        optimizer.step()
    return model, optimizer


def everything(model, optimizer):
    params = list(model.parameters())
    return [
        *(p.data for p in params),
        *(p.grad for p in params),
        *(array for entry in optimizer.memory for array in entry.values()),
        *(value for group in optimizer.groups for value in group.values()),
        optimizer.steps,
        model.training,
    ]


@pytest.mark.parametrize("error", [None, OSError, KeyboardInterrupt])
def test_model_and_optimiser_are_put_back_object_for_object(error):
    model, optimizer = under_way()
    before = everything(model, optimizer)
    calls = []

    def loss(prediction, target):
        calls.append(1)
        if error is not None and len(calls) == 5:
            raise error
        return ad.nn.functional.mse_loss(prediction, target)

    if error is None:
        search(model, optimizer, loss=loss, steps=20)
    else:
        with pytest.raises(error):
            search(model, optimizer, loss=loss, steps=20)
    after = everything(model, optimizer)
    assert len(calls) >= 5
    assert all(a is b or a == b for a, b in zip(after, before, strict=True))


def test_what_a_module_assigns_to_itself_is_put_back():
    class Counting(ad.nn.Module):
        def __init__(self):
            self.line, self.calls, self.largest = ad.nn.Linear(2, 1, rng=0), 0, ad.tensor(0.0)

        def forward(self, x):
            self.calls += 1
            self.largest = ad.tensor(float(np.abs(x).max()))
            self.rows = len(x)
            return self.line(x)

    model = Counting()
    largest = model.largest
    search(model, steps=5)
    assert model.calls == 0
    assert model.largest is largest
    assert not hasattr(model, "rows")


def test_a_loss_with_weights_and_buffers_of_its_own_is_put_back():
    class Centred(ad.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.scale = ad.nn.BatchNorm(1), ad.nn.Linear(1, 1, rng=0)

        def forward(self, prediction, target):
            return ad.nn.functional.mse_loss(self.scale(self.norm(prediction)), target)

    loss = Centred()
    before = loss.state_dict()
    search(ad.nn.Linear(2, 1, rng=0), loss=loss, steps=5)
    after = loss.state_dict()
    assert all(np.array_equal(after[name], array) for name, array in before.items())
    assert all(parameter.grad is None for parameter in loss.parameters())


def test_arguments_out_of_range_are_refused():
    model = ad.nn.Linear(2, 1, rng=0)
    equal, falling = {"low": 0.1, "high": 0.1}, {"low": 1.0, "high": 0.1}
    for settings in (falling, equal, {"low": 0.0}, {"steps": 1}, {"smoothing": 1.0}):
        with pytest.raises(ValueError, match="|".join(settings)):
            search(model, **settings)


def test_the_display_marks_the_suggestion():
    found = search(ad.nn.Linear(2, 1, rng=0))
    display = LearningRateDisplay.from_search(found, ax=Figure().subplots())
    np.testing.assert_array_equal(display.line_.get_ydata(), found.smoothed)
    assert display.suggestion_line_.get_xdata()[0] == found.suggestion
    assert display.ax_.get_xscale() == "log"


def test_the_display_of_a_search_without_suggestion_marks_none():
    losses = np.array([1.0, 2.0])
    found = LearningRateSearch(np.array([0.1, 0.2]), losses, losses)
    assert LearningRateDisplay.from_search(found, ax=Figure().subplots()).suggestion_line_ is None


def test_a_search_shows_its_range_and_what_it_suggests():
    rates, falling = np.geomspace(1e-3, 1.0, 40), np.linspace(1.0, 0.0, 40)
    found = LearningRateSearch(rates, falling, falling)
    assert repr(found) == (
        f"<learning rates 0.001 to 1 in 40 steps: suggestion {found.suggestion:.2g}>"
    )
    rising = LearningRateSearch(rates, falling[::-1], falling[::-1])
    assert repr(rising) == "<learning rates 0.001 to 1 in 40 steps: no suggestion>"
