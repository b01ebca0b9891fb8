"""No gradient, or none that could be: integers, choices, parameters that are not used."""

import numpy as np

import adjoint as ad
from adjoint import nn

from .corpus import fault
from .left import X, weights

LABELS = np.array([0, 1, 1, 0])


@fault("integer_cast")
def a_cast_to_integers():
    def loss(w):
        level = (X @ w * 10).astype(int)  # <- a_cast_to_integers
        return np.sum(level / 10)

    return ad.why(loss, np.ones(3))


@fault("integer_cast")
def quantised_weights():
    layers = [weights(3, 4), weights(4, 2, seed=1)]
    with ad.diagnose():
        h = X
        for w in layers:
            q = (w * 127).astype(np.int64)  # <- quantised_weights
            h = np.tanh(h @ (q / 127.0)) + 0 * np.sum(layers[1])
        np.mean(h).backward()
    return ad.why(layers[0])


@fault("argmax")
def accuracy_as_a_loss():
    def loss(w):
        scores = X @ w
        predicted = np.argmax(scores, axis=1)  # <- accuracy_as_a_loss
        return np.mean(np.abs(predicted - LABELS))

    return ad.why(loss, np.ones((3, 2)))


@fault("argmax")
def ranks_as_a_loss():
    w, v = weights(4), weights(4, seed=1)
    with ad.diagnose():
        ranks = np.argsort(np.argsort(w))  # <- ranks_as_a_loss
        np.sum(ranks * v).backward()
    return ad.why(w)


@fault("argmax")
def best_index_of_a_model():
    model = nn.Linear(3, 2, rng=0)
    table = weights(2)
    with ad.diagnose():
        chosen = model(X).argmax(axis=1)  # <- best_index_of_a_model
        np.sum(table[chosen]).backward()
    return ad.why(model.weight)


@fault("comparison")
def share_of_positives():
    def loss(w):
        return np.mean(ad.sigmoid(X @ w) > 0.5)  # <- share_of_positives

    return ad.why(loss, np.ones(3))


@fault("comparison")
def counted_violations():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        margins = X @ w
        violations = np.sum(
            1.0 * (margins < 1)  # <- counted_violations
        )
        (violations * np.sum(v)).backward()
    return ad.why(w)


@fault("comparison")
def a_branch():
    def loss(w, threshold):
        if np.sum(w) > threshold:  # <- a_branch
            return np.sum(w * w)
        return np.sum(w)

    return ad.why(loss, np.ones(3), 2.0, wrt=1)


@fault("unused")
def an_argument_left_out():
    def loss(w, b):  # <- an_argument_left_out
        return np.sum((X @ w) ** 2)

    return ad.why(loss, np.ones(3), 0.5, wrt=1)


class ForgottenLayer(nn.Module):
    def __init__(self):
        self.first = nn.Linear(3, 4, rng=0)
        self.second = nn.Linear(4, 4, rng=1)
        self.third = nn.Linear(4, 1, rng=2)

    def forward(self, x):  # <- a_layer_left_out
        return self.third(np.tanh(self.first(x)))


@fault("unused")
def a_layer_left_out():
    model = ForgottenLayer()
    return ad.why(model, X)


@fault("unused")
def a_parameter_made_in_vain():
    with ad.diagnose():
        w = ad.tensor(np.ones(3), requires_grad=True)
        b = ad.tensor(1.0, requires_grad=True)  # <- a_parameter_made_in_vain
        np.sum(X @ w).backward()
    return ad.why(b)


@fault("unconnected")
def a_penalty_left_out():
    w, v = weights(3), weights(3, seed=1)
    with ad.diagnose():
        penalty = 0.1 * np.sum(v * v)  # <- a_penalty_left_out
        np.sum(X @ w).backward()
    del penalty
    return ad.why(v)


@fault("unconnected")
def a_result_overwritten():
    w, v = weights(3), weights(3, 3, seed=1)
    with ad.diagnose():
        h = X @ v
        h = np.tanh(h)  # <- a_result_overwritten
        h = X
        np.sum(h @ w).backward()
    return ad.why(v)


@fault("not_a_leaf")
def the_gradient_of_an_activation():
    w = weights(3)
    with ad.diagnose():
        h = np.tanh(X @ w)  # <- the_gradient_of_an_activation
        np.sum(h * h).backward()
    return ad.why(h)


@fault("not_a_leaf")
def a_step_that_makes_a_new_tensor():
    w = weights(3)
    with ad.diagnose():
        np.sum((X @ w) ** 2).backward()
        w = w - 0.1 * w.grad  # <- a_step_that_makes_a_new_tensor
        np.sum((X @ w) ** 2).backward()
    return ad.why(w)


@fault("no_backward")
def backward_forgotten():
    w = weights(3)
    with ad.diagnose():
        loss = np.sum((X @ w) ** 2)  # <- backward_forgotten
    del loss
    return ad.why(w)


@fault("cleared")
def gradients_forgotten_too_early():
    model = nn.Linear(3, 1, rng=0)
    with ad.diagnose():
        np.mean(model(X) ** 2).backward()
        model.zero_grad()  # <- gradients_forgotten_too_early
    return ad.why(model.weight)
