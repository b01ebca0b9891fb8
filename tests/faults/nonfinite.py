"""Gradients that are NaN or infinite: by the forward pass, by the backward pass, by the data."""

import numpy as np

import adjoint as ad
from adjoint import nn, optim

from .corpus import fault
from .left import X, weights


@fault("inf_forward")
def a_log_of_zero():
    def loss(w):
        p = np.maximum(X @ w, 0)
        return -np.mean(np.log(p))  # <- a_log_of_zero

    return ad.why(loss, np.ones(3))


@fault("nan_forward")
def a_division_of_zero_by_zero():
    def loss(w):
        counts = np.maximum(w, 0)
        shares = counts / np.sum(counts)  # <- a_division_of_zero_by_zero
        return np.sum(shares**2)

    return ad.why(loss, -np.ones(3))


def _deviation(x):
    mean_of_squares = np.mean(x) ** 2
    return np.sqrt(mean_of_squares - np.mean(x**2))  # <- a_root_of_a_negative_number


@fault("nan_forward")
def a_root_of_a_negative_number():
    w = weights(3)
    with ad.diagnose(), np.errstate(all="ignore"):
        loss = np.sum(X @ w) / _deviation(w)
        loss.backward()
    return ad.why(w)


@fault("inf_forward")
def an_overflow_of_float32():
    def loss(w):
        e = np.exp(w * 100)  # <- an_overflow_of_float32
        return np.log(np.sum(e))

    return ad.why(loss, np.ones(3, np.float32))


@fault("inf_forward")
def a_softmax_by_hand():
    model = nn.Linear(3, 2, rng=0)

    def loss(x):
        scores = model(x * 1e4)
        e = np.exp(scores)  # <- a_softmax_by_hand
        p = e / np.sum(e, axis=1, keepdims=True)
        return -np.mean(np.log(p[:, 0]))

    return ad.why(loss, X, wrt=model)


@fault("nan_input")
def a_hole_in_the_data():
    data = X.copy()
    data[1, 2] = np.nan
    w = weights(3)
    with ad.diagnose():
        h = data @ w  # <- a_hole_in_the_data
        np.mean(np.tanh(h)).backward()
    return ad.why(w)


@fault("inf_input")
def an_infinite_parameter():
    model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Tanh(), nn.Linear(2, 1, rng=1))
    with ad.no_grad():
        model.layers[0].weight[0, 0] = np.inf

    def loss(x):
        return np.mean(model(x) ** 2)  # <- an_infinite_parameter

    return ad.why(loss, np.zeros((2, 3)))


@fault("inf_backward")
def a_root_at_zero():
    def loss(w):
        lengths = np.sqrt(w)  # <- a_root_at_zero
        return np.sum(lengths)

    return ad.why(loss, np.array([0.0, 1.0]))


@fault("inf_backward")
def a_power_at_zero():
    w = ad.tensor(np.array([0.0, 1.0]), requires_grad=True)
    with ad.diagnose():
        terms = [w**exponent for exponent in (2, 0.5)]  # <- a_power_at_zero
        np.sum(np.stack(terms)).backward()
    return ad.why(w)


@fault("inf_backward")
def an_angle_of_parallel_vectors():
    def loss(u):
        cosine = np.sum(u * u) / np.sum(u.detach() ** 2)
        return np.arccos(cosine)  # <- an_angle_of_parallel_vectors

    return ad.why(loss, np.array([3.0, 4.0]))


@fault("inf_forward")
def a_training_that_diverges():
    w = ad.tensor(np.array([1.0, 2.0]), requires_grad=True)
    step = optim.SGD([w], lr=5.0)
    with ad.diagnose(), np.errstate(all="ignore"):
        for _ in range(30):
            step.zero_grad()
            loss = np.sum(w**4)  # <- a_training_that_diverges
            loss.backward()
            step.step()
    return ad.why(w)


@fault("inf_forward")
def a_masked_log():
    mask = np.array([1.0, 0.0, 1.0])

    def loss(w):
        entropy = w * np.log(w)  # <- a_masked_log
        return -np.sum(mask * entropy)

    return ad.why(loss, np.array([0.5, 0.0, 0.5]))
