"""Gradients that are tiny or huge: by many layers, or by one operation."""

import numpy as np

import adjoint as ad
from adjoint import nn

from .corpus import fault
from .left import X, weights


@fault("vanishing")
def many_sigmoids():
    layers = [weights(3, 3, seed=n) for n in range(14)]
    with ad.diagnose():
        h = X
        for w in layers:
            h = ad.sigmoid(h @ w * 0.5)  # <- many_sigmoids
        np.mean(h).backward()
    return ad.why(layers[0])


@fault("vanishing")
def many_small_weights():
    sizes = [3, *([8] * 8), 1]
    model = nn.MLP(*sizes, activation="tanh", rng=0)
    with ad.no_grad():
        for parameter in model.parameters():
            parameter[...] = parameter * 0.05

    def loss(x):
        out = model(x)  # <- many_small_weights
        return np.mean((out - 1) ** 2)

    return ad.why(loss, X, wrt=model.layers[0].weight)


@fault("vanishing")
def a_long_recurrence():
    def loss(h):
        for _ in range(60):
            h = np.tanh(h @ (0.5 * np.eye(3)))  # <- a_long_recurrence
        return np.sum(h)

    return ad.why(loss, np.ones(3))


@fault("exploding")
def many_large_weights():
    layers = [weights(6, 6, seed=n) for n in range(24)]
    with ad.diagnose():
        h = np.ones((2, 6))
        for w in layers:
            h = ad.relu(h @ (w * 2))  # <- many_large_weights
        np.mean(h).backward()
    return ad.why(layers[0])


@fault("exploding")
def a_growing_recurrence():
    w = ad.tensor(1.8, requires_grad=True)
    with ad.diagnose():
        x = 1.0
        for _ in range(40):
            x = w * x + 1  # <- a_growing_recurrence
        x.backward()
    return ad.why(w)


@fault("steep")
def a_division_by_almost_nothing():
    def loss(w):
        spread = w - np.mean(w)
        return np.sum(1.0 / spread)  # <- a_division_by_almost_nothing

    return ad.why(loss, np.array([1.0, 1.0 + 1e-7]))


@fault("steep")
def a_log_next_to_zero():
    w = ad.tensor([1e-14, 0.5], requires_grad=True)
    with ad.diagnose():
        loss = -np.sum(
            np.log(w)  # <- a_log_next_to_zero
        )
        loss.backward()
    return ad.why(w)


@fault("scale")
def a_loss_of_large_units():
    def loss(w):
        errors = X @ w - 1
        return np.mean(errors**2) * 1e10  # <- a_loss_of_large_units

    return ad.why(loss, np.ones(3))


@fault("scale")
def a_loss_of_small_units():
    model = nn.Linear(3, 1, rng=0)
    with ad.diagnose():
        loss = np.mean((model(X) - 1) ** 2)
        (1e-12 * loss).backward()  # <- a_loss_of_small_units
    return ad.why(model.weight)


@fault("scale")
def data_of_large_units():
    w = weights(3)
    with ad.diagnose():
        scores = (X * 1e9) @ w  # <- data_of_large_units
        np.mean(np.abs(scores)).backward()
    return ad.why(w)


@fault("saturation")
def almost_saturated():
    def loss(w):
        p = ad.sigmoid((2 + X) @ w)  # <- almost_saturated
        return np.mean(p)

    return ad.why(loss, 12 * np.ones(3))


@fault("saturation")
def several_saturated_layers():
    layers = [weights(3, 3, seed=n) for n in range(3)]
    with ad.diagnose():
        h = X + 3
        for w in layers:
            h = np.tanh(h @ np.abs(w) * 8)  # <- several_saturated_layers
        np.mean(h).backward()
    return ad.why(layers[0])
