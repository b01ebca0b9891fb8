"""A third sample: faults inside larger programs, asked about in other ways."""

import functools
from dataclasses import dataclass, field

import numpy as np

import adjoint as ad
from adjoint import nn, optim

from .corpus import fault
from .left import X, weights

LABELS = np.array([0, 1, 1, 0])


class Autoencoder(nn.Module):
    def __init__(self, tied):
        self.encoder, self.decoder = nn.Linear(3, 2, rng=0), nn.Linear(2, 3, rng=1)
        self.tied = tied

    def encode(self, x):
        return np.tanh(self.encoder(x))

    def decode(self, z):
        weight = self.encoder.weight.T.detach() if self.tied else self.decoder.weight
        return z @ weight

    @property
    def sparsity(self):
        return np.mean(np.abs(self.encoder.weight.data) > 0.1)  # plain numbers, for a report


@fault("unused")
def a_decoder_not_used_when_tied():
    model = Autoencoder(tied=True)

    def loss(x):  # <- a_decoder_not_used_when_tied
        return np.mean((model.decode(model.encode(x)) - x) ** 2) + 0 * model.sparsity

    return ad.why(loss, X, wrt=model.decoder.weight)


class Critic(nn.Module):
    def __init__(self):
        self.layers = [nn.Linear(3, 8, rng=0), nn.Linear(8, 1, rng=1)]

    def forward(self, x):
        for n, layer in enumerate(self.layers):
            x = layer(x) if n == 0 else layer(np.maximum(x, 0))
        return x[:, 0]


@fault("no_grad")
def an_actor_trained_by_a_critic():
    actor, critic = nn.Linear(3, 3, rng=2), Critic()
    with ad.diagnose():
        actions = np.tanh(actor(X))
        with ad.no_grad():
            value = critic(actions)  # <- an_actor_trained_by_a_critic
        loss = -np.mean(value) + 0 * np.sum(critic.layers[1].bias)
        loss.backward()
    return ad.why(actor.weight)


@dataclass
class Meter:
    values: list = field(default_factory=list)

    def add(self, value):
        self.values.append(value.item())  # <- a_meter_that_returns_numbers
        return self.values[-1]  # what comes back is a number


@fault("item")
def a_meter_that_returns_numbers():
    w, v, meter = weights(3), weights(3, seed=1), Meter()
    with ad.diagnose():
        total = np.sum(v**2)
        for row in X:
            total = total + meter.add(np.sum(row * w))
        total.backward()
    return ad.why(w)


@fault("detach")
def a_teacher_among_students():
    students = {name: weights(3, seed=n) for n, name in enumerate("abc")}
    with ad.diagnose():
        outputs = {name: np.tanh(X @ w) for name, w in students.items()}
        mean = sum(
            outputs[name] if name != "b" else outputs[name].detach()  # <- a_teacher_among_students
            for name in outputs
        )
        np.mean((mean - 1) ** 2).backward()
    return ad.why(students["b"])


@fault("rounding")
def a_straight_through_estimate_the_wrong_way_round():
    def quantise(x):
        error = ad.stop_gradient(x - np.round(x))
        return np.round(x) + error  # <- a_straight_through_estimate_the_wrong_way_round

    def loss(w):
        return np.sum(quantise(X @ w) ** 2)

    return ad.why(loss, np.ones(3))


@fault("argmax")
def a_nearest_codeword():
    codes, w = weights(5, 2), weights(3, 2, seed=3)
    with ad.diagnose():
        z = X @ w
        distances = np.sum((z[:, None, :] - codes.detach()[None]) ** 2, axis=2)
        nearest = np.argmin(distances, axis=1)  # <- a_nearest_codeword
        quantised = codes[nearest.numpy()]
        np.mean(quantised**2).backward()
    return ad.why(w)


@fault("comparison")
def a_pruned_layer():
    w, threshold = weights(3, 4), ad.tensor(0.5, requires_grad=True)
    with ad.diagnose():
        mask = np.abs(w) > threshold  # <- a_pruned_layer
        h = X @ (w * mask)
        np.mean(h**2).backward()
    return ad.why(threshold)


@fault("unconnected")
def a_regulariser_computed_and_forgotten():
    layers = [nn.Linear(3, 3, rng=n) for n in range(2)]
    extra = nn.Parameter(np.ones(3))
    terms = []
    with ad.diagnose():
        h = X
        for layer in layers:
            h = np.tanh(layer(h))
            terms.append(np.sum((h * extra) ** 2))  # <- a_regulariser_computed_and_forgotten
        np.mean(h).backward()
    return ad.why(extra)


@fault("dead_relu")
def a_residual_network_with_a_dead_block():
    blocks = [
        nn.Sequential(nn.Linear(3, 3, rng=n), nn.ReLU(), nn.Linear(3, 3, rng=n + 9))
        for n in range(3)
    ]
    with ad.no_grad():
        blocks[1].layers[0].bias[...] = -40.0

    def forward(x):
        def add(h, block):
            return h + block(h)  # <- a_residual_network_with_a_dead_block

        return functools.reduce(add, blocks, x)

    with ad.diagnose():
        np.mean((forward(X) - 1) ** 2).backward()
    return ad.why(blocks[1].layers[0].weight)


@fault("saturation")
def logits_divided_by_a_cold_temperature():
    def policy(theta, temperature=1e-3):
        p = ad.softmax(theta / temperature)  # <- logits_divided_by_a_cold_temperature
        return np.sum(p * np.array([1.0, 0.5, 0.2]))

    return ad.why(policy, np.array([2.0, 1.0, 0.0]))


@fault("masked")
def a_padded_sequence_of_length_zero():
    lengths, w = np.array([0, 0]), weights(3)
    series = np.ones((2, 4, 3))
    with ad.diagnose():
        steps = np.arange(4)[None] < lengths[:, None]
        scores = np.where(steps, series @ w, 0.0)  # <- a_padded_sequence_of_length_zero
        np.sum(scores).backward()
    return ad.why(w)


@fault("masked")
def a_ratio_clipped_by_both_sides():
    def objective(w):
        ratio = np.exp(X @ w)
        clipped = np.clip(ratio, 0.0, 0.01)  # <- a_ratio_clipped_by_both_sides
        return np.mean(np.minimum(ratio, clipped))

    return ad.why(objective, np.ones(3))


@fault("zero_factor")
def an_attention_with_values_of_zero():
    q, v = weights(3, 3), nn.Parameter(np.zeros((3, 3)))
    with ad.diagnose():
        attention = ad.softmax((X @ q) @ X.T)
        out = attention @ (X @ v)  # <- an_attention_with_values_of_zero
        np.mean((out - X) ** 2).backward()
    return ad.why(q)


@fault("cancellation")
def a_mean_of_centred_values():
    def loss(w):
        h = X @ w
        z = (h - np.mean(h)) / np.std(h)  # <- a_mean_of_centred_values
        return np.mean(z)

    return ad.why(loss, np.array([1.0, 2.0, 4.0]))


@fault("inf_forward")
def a_geometric_mean_with_a_zero():
    def loss(w):
        logs = [np.log(np.maximum(x, 0)) for x in w]  # <- a_geometric_mean_with_a_zero
        return np.exp(np.mean(np.stack(logs)))

    return ad.why(loss, np.array([1.0, -0.5, 2.0]))


@fault("nan_forward")
def an_angle_outside_its_domain():
    u, v = ad.tensor([1.0, 0.0], requires_grad=True), np.array([2.0, 0.0])
    with ad.diagnose(), np.errstate(all="ignore"):
        cosine = np.sum(u * v)
        angle = np.arccos(cosine)  # <- an_angle_outside_its_domain
        (angle**2).backward()
    return ad.why(u)


@fault("saturation")
def steps_that_are_too_long():
    model = nn.MLP(3, 6, 1, activation="relu", rng=0)
    step = optim.SGD(model.parameters(), lr=1e3)
    losses = []
    with ad.diagnose(), np.errstate(all="ignore"):
        for _ in range(12):
            step.zero_grad()
            errors = model(X * 10) - 1
            losses.append(np.mean(np.exp(errors)))  # <- steps_that_are_too_long
            losses[-1].backward()
            step.step()
    return ad.why(losses[-1])


@fault("exploding")
def an_iteration_without_convergence():
    def fixed_point(a):
        x = np.ones(3)
        for _ in range(30):
            x = a @ x + 1  # <- an_iteration_without_convergence
        return np.sum(x)

    return ad.why(fixed_point, 2 * np.eye(3) + 0.5)


@fault("vanishing")
def the_first_word_of_a_long_sentence():
    cell = nn.RNN(3, 4, rng=0)
    first = ad.tensor(np.ones((1, 1, 3)), requires_grad=True)
    rest = np.random.default_rng(1).normal(size=(1, 120, 3)) * 3
    with ad.diagnose():
        sentence = np.concatenate([first, rest], axis=1)
        out = cell(sentence)  # <- the_first_word_of_a_long_sentence
        last = out[0] if isinstance(out, tuple) else out
        np.sum(last[:, -1]).backward()
    return ad.why(first)


@fault("scale")
def a_sum_over_many_pixels():
    w = weights(3)
    with ad.diagnose():
        images = 255.0 * np.ones((500, 3))
        loss = np.sum((images @ w) ** 2)  # <- a_sum_over_many_pixels
        loss.backward()
    return ad.why(w)
