"""A second sample of faults, written after the first had been learned from."""

import math
import statistics

import numpy as np

import adjoint as ad
from adjoint import nn, optim

from .corpus import fault
from .left import X, weights

LABELS = np.array([0, 1, 1, 0])


class Attention(nn.Module):
    def __init__(self):
        self.query = nn.Linear(3, 3, rng=0)
        self.key = nn.Linear(3, 3, rng=1)

    def scores(self, x):
        q, k = self.query(x), self.key(x)
        return q @ k.detach().T  # <- keys_detached

    def forward(self, x):
        return ad.softmax(self.scores(x)) @ x


@fault("detach")
def keys_detached():
    model = Attention()
    return ad.why(lambda x: np.mean(model(x) ** 2), X, wrt=model.key.weight)


@fault("item")
def a_learned_temperature():
    temperature = ad.tensor(2.0, requires_grad=True)
    w = weights(3, 2)
    with ad.diagnose():
        scores = X @ w / temperature.item()  # <- a_learned_temperature
        nn.functional.cross_entropy(scores, LABELS).backward()
    return ad.why(temperature)


@fault("float")
def a_mean_by_the_standard_library():
    def loss(w):
        parts = [np.sum(w * row) for row in X]
        return statistics.fmean(parts)  # <- a_mean_by_the_standard_library

    return ad.why(loss, np.ones(3))


@fault("float")
def an_exponential_by_math():
    def loss(w):
        return math.exp(np.sum(w))  # <- an_exponential_by_math

    return ad.why(loss, np.ones(3))


@fault("detach")
def scores_sorted_by_a_key():
    scores = [weights(1, seed=n) for n in range(3)]
    with ad.diagnose():
        order = sorted(scores, key=lambda s: s.item())
        best = order[-1].detach()  # <- scores_sorted_by_a_key
        np.sum(best * order[0]).backward()
    return ad.why(order[-1])


@fault("no_grad")
def a_running_mean_by_hand():
    momentum = ad.tensor(0.9, requires_grad=True)
    mean, w = 0.0, weights(3)
    with ad.diagnose():
        for row in X:
            with ad.no_grad():
                mean = momentum * mean + (1 - momentum) * np.mean(row)  # <- a_running_mean_by_hand
        np.sum((X - mean) @ w).backward()
    return ad.why(momentum)


@fault("integer_cast")
def an_index_from_a_value():
    table, position = weights(8), ad.tensor(3.0, requires_grad=True)
    with ad.diagnose():
        place = position.astype(np.int32)  # <- an_index_from_a_value
        (table[place] ** 2).backward()
    return ad.why(position)


@fault("comparison")
def a_zero_one_loss():
    def zero_one(scores, labels):
        return 1.0 - np.mean(np.equal(scores, labels))

    def loss(w):
        hits = np.greater(X @ w, 0) * 1.0  # <- a_zero_one_loss
        return zero_one(hits, LABELS)

    return ad.why(loss, np.ones(3))


@fault("argmax")
def a_hard_choice_of_experts():
    gate, experts = weights(3, 2), [weights(3, seed=n) for n in (1, 2)]
    with ad.diagnose():
        total = 0.0
        for row in X:
            best = (row @ gate).argmax()  # <- a_hard_choice_of_experts
            total = total + np.sum(row * experts[int(best)])
        total.backward()
    return ad.why(gate)


@fault("tensor")
def wrapped_again():
    def loss(w):
        hidden = np.tanh(X @ w)
        hidden = ad.tensor(hidden)  # <- wrapped_again
        return np.sum(hidden)

    return ad.why(loss, np.ones(3))


@fault("unused")
def a_constant_loss():
    def loss(w):  # <- a_constant_loss
        return np.mean(X**2)

    return ad.why(loss, np.ones(3))


@fault("unconnected")
def a_second_head_not_trained():
    body, head, other = nn.Linear(3, 4, rng=0), nn.Linear(4, 1, rng=1), nn.Linear(4, 2, rng=2)
    with ad.diagnose():
        h = np.tanh(body(X))
        out, extra = head(h), other(h)  # <- a_second_head_not_trained
        np.mean(out**2).backward()
    del extra
    return ad.why(other.weight)


@fault("dead_relu")
def a_dead_convolution():
    layer = nn.Conv2d(1, 2, 3, rng=0)
    with ad.no_grad():
        layer.bias[...] = -100.0

    def loss(images):
        maps = np.maximum(0, layer(images))  # <- a_dead_convolution
        return np.mean((maps - 1) ** 2)

    return ad.why(loss, np.ones((2, 1, 5, 5)), wrt=layer)


@fault("dead_relu")
def dead_by_where():
    def loss(w):
        a = X @ w - 50
        h = np.where(a > 0, a, 0)  # <- dead_by_where
        return np.sum(h)

    return ad.why(loss, np.ones(3))


@fault("saturation")
def a_sigmoid_by_hand():
    def loss(w):
        a = 500 * (X + 2) @ w
        p = 1 / (1 + np.exp(-a))  # <- a_sigmoid_by_hand
        return np.mean(p)

    return ad.why(loss, np.ones(3))


@fault("saturation")
def gates_of_a_recurrence():
    gate = ad.tensor(np.full(3, 60.0), requires_grad=True)
    with ad.diagnose():
        h = np.zeros(3)
        for row in X:
            z = ad.sigmoid(gate)  # <- gates_of_a_recurrence
            h = z * h + (1 - z) * row
        np.sum(h).backward()
    return ad.why(gate)


@fault("masked")
def dropout_of_everything():
    w, keep = weights(3), np.zeros((4, 3))
    with ad.diagnose():
        dropped = X * w * keep  # <- dropout_of_everything
        np.mean((dropped - 1) ** 2).backward()
    return ad.why(w)


@fault("dead_relu")
def a_loss_with_a_margin():
    def loss(w):
        margins = (X + 2) @ w
        return np.sum(np.maximum(np.zeros(4), 1 - margins))  # <- a_loss_with_a_margin

    return ad.why(loss, 10 * np.ones(3))


@fault("rounding")
def prices_in_whole_cents():
    prices = weights(3)
    with ad.diagnose():
        cents = [np.floor(p * 100) / 100 for p in prices]  # <- prices_in_whole_cents
        np.sum(np.stack(cents) ** 2).backward()
    return ad.why(prices)


@fault("zero_factor")
def a_residual_branch_scaled_by_zero():
    layer, scale = nn.Linear(3, 3, rng=0), ad.tensor(0.0, requires_grad=True)
    with ad.diagnose():
        h = X + scale * np.tanh(layer(X))  # <- a_residual_branch_scaled_by_zero
        np.mean(h**2).backward()
    return ad.why(layer.weight)


@fault("cancellation")
def a_bias_before_batch_normalisation():
    layer = nn.Linear(3, 4, rng=0)
    norm = nn.BatchNorm(4)

    def loss(x):
        a = norm(layer(x))  # <- a_bias_before_batch_normalisation
        return np.mean(np.tanh(a - 1) ** 2)

    return ad.why(loss, X**3, wrt=layer.bias)


@fault("inf_forward")
def a_log_likelihood_of_a_certain_error():
    model = nn.Linear(3, 1, rng=0)
    step = optim.SGD(model.parameters(), lr=1e4)
    targets = np.array([[1.0], [0.0], [1.0], [0.0]])
    with ad.diagnose(), np.errstate(all="ignore"):
        for _ in range(4):
            step.zero_grad()
            p = ad.sigmoid(model(X))
            loss = -np.mean(
                targets * np.log(p)
                + (1 - targets) * np.log(1 - p)  # <- a_log_likelihood_of_a_certain_error
            )
            loss.backward()
            step.step()
    return ad.why(loss)


@fault("nan_forward")
def a_cosine_of_zero_vectors():
    def cosine(u, v):
        lengths = np.sqrt(np.sum(u * u)) * np.sqrt(np.sum(v * v))
        return np.sum(u * v) / lengths  # <- a_cosine_of_zero_vectors

    return ad.why(cosine, np.zeros(3), np.ones(3))


@fault("inf_backward")
def the_length_of_nothing():
    def loss(u):
        length = np.sum(u * u) ** 0.5  # <- the_length_of_nothing
        return 2 * length

    return ad.why(loss, np.zeros(3))


@fault("nan_input")
def missing_targets():
    targets = np.array([0.0, np.nan, 1.0, 0.0])
    model = nn.Linear(3, 1, rng=0)
    with ad.diagnose():
        errors = model(X)[:, 0] - targets  # <- missing_targets
        np.mean(errors**2).backward()
    return ad.why(model.bias)


@fault("vanishing")
def products_of_probabilities():
    w = weights(3)
    with ad.diagnose():
        likelihood = 1.0
        for row in np.concatenate([X] * 8):
            likelihood = likelihood * ad.sigmoid(row @ w)  # <- products_of_probabilities
        likelihood.backward()
    return ad.why(w)


@fault("exploding")
def compound_interest():
    def wealth(rate):
        total = 1.0
        for _ in range(200):
            total = total * (1 + rate)  # <- compound_interest
        return total

    return ad.why(wealth, 0.5)


@fault("steep")
def a_tiny_standard_deviation():
    def loss(w):
        spread = np.std(w)
        z = (w - np.mean(w)) / spread**4  # <- a_tiny_standard_deviation
        return np.sum(z**3)

    return ad.why(loss, np.array([1.0, 1.001, 1.003]))


@fault("scale")
def a_penalty_of_a_billion():
    model = nn.MLP(3, 4, 1, activation="tanh", rng=0)
    with ad.diagnose():
        loss = np.mean(model(X) ** 2)
        for parameter in model.parameters():
            loss = loss + 1e9 * np.sum(parameter**2)  # <- a_penalty_of_a_billion
        loss.backward()
    return ad.why(model.layers[0].weight)


@fault("vanishing")
def eight_layers_of_sigmoids():
    model = nn.MLP(3, *([16] * 8), 1, activation="sigmoid", rng=0)

    def loss(x):
        out = model(x)  # <- eight_layers_of_sigmoids
        return np.mean((out - 1) ** 2)

    return ad.why(loss, X)


@fault("stationary")
def a_classifier_that_is_certain():
    model = nn.Linear(3, 2, rng=0)
    with ad.no_grad():
        model.bias[...] = [30.0, -30.0]
    labels = np.zeros(4, int)
    with ad.diagnose():
        scores = model(X)
        loss = nn.functional.cross_entropy(scores, labels)  # <- a_classifier_that_is_certain
        loss.backward()
    return ad.why(model.weight)


@fault("cancellation")
def the_bias_of_the_keys():
    model = nn.MultiheadAttention(6, 2, rng=0)
    series = np.random.default_rng(0).normal(size=(2, 5, 6))

    def loss(x):
        attended = model(x)  # <- the_bias_of_the_keys
        return np.mean(attended**2)

    return ad.why(loss, series)
