"""Numbers that left the graph: detach, item, float, NumPy, no_grad, copies."""

import copy
import functools

import numpy as np

import adjoint as ad
from adjoint import nn

from .corpus import fault

X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


def weights(*shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape)
    return ad.tensor(values, requires_grad=True)


@fault("detach")
def detach_in_a_function():
    def loss(w):
        hidden = np.tanh(X @ w)
        frozen = hidden.detach()  # <- detach_in_a_function
        return np.sum(frozen**2)

    return ad.why(loss, np.ones(3))


@fault("detach")
def detach_in_a_loop():
    state, w = weights(3), weights(3, 3, seed=1)
    with ad.diagnose():
        h = state
        for _ in range(3):
            h = np.tanh(h @ w).detach()  # <- detach_in_a_loop
        np.sum(h @ w).backward()
    return ad.why(state)


@fault("detach")
def detach_within_a_long_statement():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        loss = np.sum(X @ v) + np.mean(
            w.detach()  # <- detach_within_a_long_statement
        )
        loss.backward()
    return ad.why(w)


@fault("detach")
def detach_before_numpy():
    w, v = weights(3), weights(4, seed=1)
    with ad.diagnose():
        h = X @ w
        features = np.sin(
            h.detach().numpy()  # <- detach_before_numpy
        )
        np.sum(v * features).backward()
    return ad.why(w)


@fault("detach")
def detach_and_a_new_leaf():
    w = weights(3)
    with ad.diagnose():
        h = np.exp(X @ w)
        h = ad.tensor(h.detach().numpy(), requires_grad=True)  # <- detach_and_a_new_leaf
        np.sum(h * h).backward()
    return ad.why(w.grad)


@fault("item")
def item_in_a_comprehension():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        total = sum(np.sum(w * row).item() for row in X)  # <- item_in_a_comprehension
        (total * np.sum(v)).backward()
    return ad.why(w)


def _mean_of(values):
    total = 0.0
    for value in values:
        total += value.item()  # <- item_in_a_helper
    return total / len(values)


@fault("item")
def item_in_a_helper():
    def loss(w, v):
        return np.sum(v**2) * _mean_of([np.sum(w * row) for row in X])

    return ad.why(loss, np.ones(3), np.ones(2), wrt=(0, 1))


@fault("item")
def item_makes_a_weight():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        scale = np.max(np.abs(w)).item()  # <- item_makes_a_weight
        np.sum(v / scale).backward()
    return ad.why(w)


@fault("item")
def numbers_of_a_list():
    w = weights(3)
    with ad.diagnose():
        parts = [np.sum(w * row) for row in X]
        stacked = ad.tensor([p.item() for p in parts], requires_grad=True)  # <- numbers_of_a_list
        np.sum(stacked**2).backward()
    return ad.why(w)


@fault("item")
def tolist_for_arithmetic():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        scores = (w * 2).tolist()  # <- tolist_for_arithmetic
        best = max(scores)
        np.sum(v * best).backward()
    return ad.why(w)


@fault("float")
def float_in_a_function():
    def loss(w):
        total = np.sum(w * w)
        return float(total) * 2  # <- float_in_a_function

    return ad.why(loss, np.ones(3))


@fault("float")
def float_of_what_is_recorded_under_no_grad():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        norm = np.sqrt(np.sum(w * w))
        with ad.no_grad():
            length = float(norm)  # <- float_of_what_is_recorded_under_no_grad
        np.sum(v * length).backward()
    return ad.why(w)


@fault("float")
def entries_put_into_an_array():
    def loss(w):
        out = np.zeros(4)
        for i, row in enumerate(X):
            out[i] = np.sum(w * row)  # <- entries_put_into_an_array
        return np.sum(out)

    return ad.why(loss, np.ones(3))


@fault("int")
def int_of_a_score():
    def loss(w):
        level = int(np.sum(w * 3))  # <- int_of_a_score
        return np.sum(w) * 0 + level

    return ad.why(loss, np.ones(3))


@fault("numpy")
def numpy_in_a_function():
    def loss(w):
        h = np.tanh(X @ w)
        values = h.numpy()  # <- numpy_in_a_function
        return np.sum(values)

    return ad.why(loss, np.ones(3))


def _standardised(x):
    array = np.asarray(x)  # <- asarray_in_a_helper
    return (array - array.mean()) / array.std()


@fault("numpy")
def asarray_in_a_helper():
    def loss(w):
        return np.sum(_standardised(X @ w) ** 3)

    return ad.why(loss, np.ones(3))


@fault("numpy")
def numpy_under_no_grad():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        h = w * 3
        with ad.no_grad():
            plain = h.numpy()  # <- numpy_under_no_grad
        np.sum(plain * v).backward()
    return ad.why(w)


@fault("unsupported")
def a_function_without_a_card():
    def loss(w):
        spectrum = np.fft.rfft(w)  # <- a_function_without_a_card
        return np.sum(np.abs(spectrum))

    return ad.why(loss, np.ones(4))


@fault("no_grad")
def no_grad_around_a_layer():
    w, v = weights(3, 2), weights(2, seed=1)
    with ad.diagnose():
        with ad.no_grad():
            features = np.maximum(X, 0) @ w  # <- no_grad_around_a_layer
        np.sum(features @ v).backward()
    return ad.why(w)


@ad.no_grad()
def _encoded(x, w):
    return x @ w  # <- no_grad_as_a_decorator


@fault("no_grad")
def no_grad_as_a_decorator():
    def loss(w):
        return np.sum(np.tanh(_encoded(X, w)))

    return ad.why(loss, np.ones(3))


class HalfRecorded(nn.Module):
    def __init__(self):
        self.body = nn.Linear(3, 4, rng=0)
        self.head = nn.Linear(4, 1, rng=1)

    def forward(self, x):
        with ad.no_grad():
            z = self.body(x)  # <- no_grad_in_a_model
        return self.head(np.tanh(z))


@fault("no_grad")
def no_grad_in_a_model():
    model = HalfRecorded()
    with ad.diagnose():
        np.mean(model(X) ** 2).backward()
    return ad.why(model.body.weight)


@fault("data")
def the_array_of_a_tensor():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        h = w * 2
        np.sum(v * h.data).backward()  # <- the_array_of_a_tensor
    return ad.why(w)


@fault("data")
def the_array_of_a_parameter():
    layer = nn.Linear(3, 2, rng=0)
    with ad.diagnose():
        penalty = np.sum(
            layer.bias * layer.weight.data  # <- the_array_of_a_parameter
        )
        penalty.backward()
    return ad.why(layer.weight)


@fault("copy")
def a_deep_copy_is_trained():
    model = nn.Linear(3, 1, rng=0)
    with ad.diagnose():
        twin = copy.deepcopy(model)  # <- a_deep_copy_is_trained
        np.mean(twin(X) ** 2).backward()
    return ad.why(model.weight)


@fault("stop_gradient")
def stop_gradient_in_a_target():
    def loss(w):
        target = ad.stop_gradient(np.tanh(w))  # <- stop_gradient_in_a_target
        return np.sum(target**2)

    return ad.why(loss, np.ones(3))


@fault("frozen")
def a_frozen_layer():
    layer = nn.Linear(3, 2, rng=0)
    head = nn.Linear(2, 1, rng=1)
    with ad.diagnose():
        layer.requires_grad_(False)  # <- a_frozen_layer
        np.mean(head(layer(X)) ** 2).backward()
    return ad.why(layer.weight)


class Averaging(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter([1.0, 2.0, 3.0])
        self.scale = nn.Parameter(1.0)
        self.mean = nn.Buffer(0.0)

    def forward(self, x):
        self.mean = np.mean(x @ self.weight)  # <- a_buffer_in_the_loss
        return self.scale * self.mean


@fault("buffer")
def a_buffer_in_the_loss():
    model = Averaging()
    with ad.diagnose():
        (model(X) ** 2).backward()
    return ad.why(model.weight)


@fault("detach")
def detach_in_a_reduction():
    w, v = weights(3), weights(4, seed=1)

    def step(total, row):
        return total + np.sum(w * row).detach()  # <- detach_in_a_reduction

    with ad.diagnose():
        total = functools.reduce(step, X, 0.0)
        (np.sum(v) * total).backward()
    return ad.why(w)
