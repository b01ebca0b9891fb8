"""Gradients that are zero: dead and saturated units, masks, rounding, zeros, sums that cancel."""

import numpy as np

import adjoint as ad
from adjoint import nn

from .corpus import fault
from .left import X, weights


@fault("dead_relu")
def a_bias_far_below_zero():
    def loss(w):
        h = ad.relu(X @ w - 100)  # <- a_bias_far_below_zero
        return np.sum(h)

    return ad.why(loss, np.ones((3, 4)))


@fault("dead_relu")
def a_dead_layer_of_a_model():
    model = nn.MLP(3, 4, 1, activation="relu", rng=0)
    with ad.no_grad():
        model.layers[0].bias[...] = -50.0
    with ad.diagnose():
        out = model(X)  # <- a_dead_layer_of_a_model
        np.mean((out - 1) ** 2).backward()
    return ad.why(model.layers[0].weight)


@fault("dead_relu")
def a_dead_layer_in_a_loop():
    signs = [1, -1, 1]
    layers = [weights(3, 4), weights(4, 4, seed=1), weights(4, 1, seed=2)]
    with ad.diagnose():
        h = np.abs(X)
        for w, sign in zip(layers, signs, strict=True):
            h = np.maximum(sign * (h @ np.abs(w)), 0)  # <- a_dead_layer_in_a_loop
        np.sum(h).backward()
    return ad.why(layers[0])


@fault("dead_relu")
def a_dead_layer_behind_a_product():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.ReLU(), nn.Linear(4, 2, rng=1))
    with ad.no_grad():
        model.layers[0].bias[...] = -50.0

    def loss(x):
        scores = model(x)  # <- a_dead_layer_behind_a_product
        return np.sum((scores - 1) ** 2)

    return ad.why(loss, X, wrt=model.layers[2].weight)


@fault("saturation")
def a_sigmoid_of_raw_data():
    def loss(w):
        p = ad.sigmoid((2 + X) @ w * 1000)  # <- a_sigmoid_of_raw_data
        return np.mean((p - 1) ** 2 + p)

    return ad.why(loss, np.ones(3))


@fault("saturation")
def a_tanh_of_large_weights():
    model = nn.MLP(3, 4, 1, activation="tanh", rng=0)
    with ad.no_grad():
        model.layers[0].weight[...] = 1.0
        model.layers[0].bias[...] = 500.0
    with ad.diagnose():
        loss = np.mean(
            model(X)  # <- a_tanh_of_large_weights
            ** 2
        )
        loss.backward()
    return ad.why(model.layers[0].weight)


@fault("saturation")
def a_softmax_of_large_scores():
    def loss(w):
        scores = (X + 2) @ w
        p = ad.softmax(scores * 1e4)  # <- a_softmax_of_large_scores
        return np.mean((p - np.array([0.0, 1.0])) ** 2)

    return ad.why(loss, np.array([[2.0, 1.0]] * 3))


@fault("masked")
def a_branch_never_taken():
    w, v = weights(3), weights(4, seed=1)
    with ad.diagnose():
        out = np.where(X[:, 0] > 5, X @ w, v)  # <- a_branch_never_taken
        np.sum(out).backward()
    return ad.why(w)


@fault("masked")
def clipped_out():
    def loss(w):
        p = np.clip(X @ w + 7, 0, 1)  # <- clipped_out
        return np.sum(p)

    return ad.why(loss, np.ones(3))


@fault("masked")
def beaten_by_a_bound():
    def loss(w, floor):
        return np.sum(
            np.maximum(X @ w, floor)  # <- beaten_by_a_bound
        )

    return ad.why(loss, np.ones(3), 100 * np.ones(4))


@fault("masked")
def a_mask_of_zeros():
    mask = np.array([False, False, False, False])
    w = weights(3)
    with ad.diagnose():
        errors = (X @ w - 1) ** 2
        kept = [e * m for e, m in zip(errors, mask, strict=True)]  # <- a_mask_of_zeros
        np.sum(np.stack(kept)).backward()
    return ad.why(w)


@fault("masked")
def masks_that_exclude_each_other():
    first, second = np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])

    def loss(w):
        h = w * first  # <- masks_that_exclude_each_other
        return np.sum(h * second)

    return ad.why(loss, np.ones(3))


@fault("zero_factor")
def weights_that_start_at_zero():
    w, v = weights(3, 4), ad.tensor(np.zeros((4, 1)), requires_grad=True)
    with ad.diagnose():
        h = np.tanh(X @ w)
        out = h @ v  # <- weights_that_start_at_zero
        np.mean((out - 1) ** 2).backward()
    return ad.why(w)


@fault("zero_factor")
def a_gate_at_zero():
    def loss(w, gate):
        return np.sum(
            gate * np.exp(w)  # <- a_gate_at_zero
        )

    return ad.why(loss, np.ones(3), 0.0)


@fault("rounding")
def rounded_predictions():
    def loss(w):
        p = np.round(X @ w)  # <- rounded_predictions
        return np.mean((p - 1) ** 2)

    return ad.why(loss, np.ones(3))


@fault("rounding")
def bins():
    w = weights(3)
    with ad.diagnose():
        bin = w // 0.1  # <- bins
        np.sum(bin * 0.1).backward()
    return ad.why(w)


def _vote(scores):
    return np.sign(scores)  # <- signs_in_a_helper


@fault("rounding")
def signs_in_a_helper():
    model = nn.Linear(3, 1, rng=0)
    with ad.diagnose():
        np.mean((_vote(model(X)) - 1) ** 2).backward()
    return ad.why(model.weight)


@fault("cancellation")
def a_sum_of_softmax():
    def loss(w):
        p = ad.softmax(X @ w)  # <- a_sum_of_softmax
        return np.sum(p)

    return ad.why(loss, np.array([[1.0, 2.0], [0.5, 0.0], [0.0, 1.0]]))


@fault("cancellation")
def a_bias_before_centring():
    def loss(b):
        h = X[:, 0] + b
        centred = h - np.mean(h)  # <- a_bias_before_centring
        return np.sum(centred * X[:, 0] ** 3)

    return ad.why(loss, 0.5)


@fault("cancellation")
def a_difference_with_itself():
    w = weights(3)
    with ad.diagnose():
        h = w - w  # <- a_difference_with_itself
        np.sum(h).backward()
    return ad.why(w)


@fault("stationary")
def a_square_at_its_minimum():
    def loss(w):
        return np.sum(w**2)  # <- a_square_at_its_minimum

    return ad.why(loss, np.zeros(3))


@fault("stationary")
def a_cosine_at_its_top():
    w = ad.tensor(np.zeros(2), requires_grad=True)
    with ad.diagnose():
        waves = [np.cos(w * k) for k in (1, 2)]  # <- a_cosine_at_its_top
        np.sum(np.stack(waves)).backward()
    return ad.why(w)


@fault("overwritten")
def entries_assigned_over():
    def loss(w):
        h = w * 2
        h[...] = X[0]  # <- entries_assigned_over
        return np.sum(h)

    return ad.why(loss, np.ones(3))
