"""A loss or model that is wrong on shards is refused before the first step, others are not."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn

F = nn.functional
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(48, 6)), RNG.normal(size=(48, 3))


class Summed(nn.Module):
    """A sum over rows, and a penalty that belongs to none of them."""

    reduction = "sum"

    def __init__(self, weight):
        self.weight = [weight]

    def forward(self, prediction, y):
        return ((prediction - y) ** 2).sum() + (self.weight[0] ** 2).sum()


class Centred(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(6, 3, rng=0)

    def forward(self, x):
        values = self.linear(x)
        return values - values.mean(axis=0)


class DroppedWeights(nn.Module):
    """Six rows of weights, which eight shards of six rows each might be taken for."""

    def __init__(self):
        self.linear, self.dropout = nn.Linear(6, 3, rng=0), nn.Dropout(0.5, rng=1)

    def forward(self, x):
        return x @ self.dropout(self.linear.weight.reshape(6, 3)) + self.linear.bias


def trained(model, loss, distributed=True, dtype=np.float64, **settings):
    data = X.astype(dtype), Y.astype(dtype)
    given = {"epochs": 2, "batch_size": 48, "seed": 0, "optimizer": "sgd"} | settings
    ad.fit(model, data, loss=loss, distributed=distributed, **given)
    return [parameter.data for parameter in model.parameters()]


def linear(dtype=np.float64):
    return nn.Linear(6, 3, rng=0, dtype=dtype)


def root_mean(prediction, y):
    return np.sqrt(((prediction - y) ** 2).mean())


COUPLED = {
    "sum": lambda p, y: ((p - y) ** 2).sum(),
    "sum by a fixed number": lambda p, y: ((p - y) ** 2).sum() / 48,
    "root": root_mean,
    "greatest": lambda p, y: ((p - y) ** 2).max(),
    "spread": lambda p, y: ((p - y) ** 2).mean() + p.std(),
    "difference of rows": lambda p, y: ((p[1:] - p[:-1]) ** 2).mean(),
}


@pytest.mark.parametrize("name", COUPLED)
def test_a_loss_that_is_no_mean_over_rows_is_refused(name):
    model = linear()
    before = [parameter.data.copy() for parameter in model.parameters()]
    with pytest.raises(ValueError, match="do not add up to what the whole batch gives"):
        trained(model, COUPLED[name])
    for parameter, value in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, value)


def test_float32_does_not_hide_a_small_difference():
    model = linear(np.float32)
    with pytest.raises(ValueError, match="the losses are"):
        trained(model, root_mean, dtype=np.float32)
    assert {parameter.dtype for parameter in model.parameters()} == {np.dtype(np.float32)}


def test_a_penalty_beside_a_sum_of_rows_is_refused():
    model = linear()
    with pytest.raises(ValueError, match="a penalty that is no sum over rows"):
        trained(model, Summed(model.weight))


class Gated(nn.Module):
    """Centred rows that a gate lets through later in the training."""

    def __init__(self):
        self.linear, self.gate = nn.Linear(6, 3, rng=0), nn.Parameter(np.zeros(3))

    def forward(self, x):
        values = self.linear(x)
        apart = values - values.mean(axis=0)
        return values + self.gate * (self.gate * apart)


@pytest.mark.parametrize("model", [Centred, DroppedWeights, Gated])
def test_a_model_whose_rows_depend_on_each_other_is_refused(model):
    with pytest.raises(ValueError, match="do not add up to what the whole batch gives"):
        trained(model(), "mse_loss")


def test_one_shard_couples_all_rows_and_is_taken():
    model, plain = Centred(), Centred()
    trained(plain, "mse_loss", distributed=False)
    trained(model, "mse_loss", distributed=ad.Distributed(shards=None))
    np.testing.assert_allclose(model.linear.weight.data, plain.linear.weight.data, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "loss",
    [
        lambda p, y: ((p - y) ** 2).mean(),
        lambda p, y: ((p - y) ** 2).sum() / len(y),
        nn.MSELoss(reduction="sum"),
    ],
)
def test_what_each_row_contributes_is_taken(loss, dtype):
    settings = {"dtype": dtype, "optimizer": lambda p: ad.optim.SGD(p, lr=1e-3)}
    # A few hundred roundings of numbers of about 1.
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    found = trained(linear(dtype), loss, **settings)
    plain = trained(linear(dtype), loss, distributed=False, **settings)
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


def test_a_penalty_beside_a_mean_is_taken():
    def fitted(distributed):
        model = linear()
        weight = model.weight
        return trained(model, lambda p, y: ((p - y) ** 2).mean() + (weight**2).sum(), distributed)

    for a, b in zip(fitted(True), fitted(False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_gradients_that_cancel_in_the_whole_are_not_taken_for_different():
    model = nn.Linear(1, 1, rng=0)
    model.weight.data[:], model.bias.data[:] = 0.0, 0.0
    x, y = np.arange(48.0)[:, None] - 23.5, np.tile([[1.0], [-1.0], [-1.0], [1.0]], (12, 1))
    ad.fit(model, (x, y), epochs=1, batch_size=48, seed=0, distributed=True, loss="mse_loss")


def test_a_training_that_is_done_goes_on():
    model = linear()
    y = X @ model.weight.data.reshape(6, 3) + model.bias.data
    history = ad.fit(
        model, (X, y), loss="mse_loss", epochs=1, batch_size=20, seed=0, distributed=True
    )
    assert history.loss[0] < 1e-30


def test_rows_of_which_none_counts_are_no_reason_to_refuse():
    labels = np.zeros(48, int)
    labels[1::7] = -100
    labels[np.linspace(0, 47, 6).astype(int)] = -100  # those that are tried first
    loss = nn.CrossEntropyLoss(ignore_index=-100)
    history = ad.fit(
        linear(), (X, labels), loss=loss, epochs=1, batch_size=16, seed=0, distributed=True
    )
    assert np.isfinite(history.loss[0])


def test_a_sum_that_a_callback_asks_for_is_a_sum():
    def fitted(distributed):
        model, loss = linear(), nn.MSELoss()

        def change(history, model):
            loss.reduction = "sum"

        settings = {"callbacks": [change], "optimizer": lambda p: ad.optim.SGD(p, lr=1e-3)}
        return trained(model, loss, distributed, **settings)

    for a, b in zip(fitted(True), fitted(False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
