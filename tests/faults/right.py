"""Programs without a fault, some of which look like one: `why` must not raise an alarm."""

import numpy as np

import adjoint as ad
from adjoint import nn, optim

from .corpus import right
from .left import X, weights

LABELS = np.array([0, 1, 1, 0])


@right
def a_polynomial():
    return ad.why(lambda x: x**3 - 2 * x, 2.0)


@right
def a_linear_model():
    w = weights(3)
    np.mean((X @ w - 1) ** 2).backward()
    return ad.why(w)


@right
def a_watched_linear_model():
    w = weights(3)
    with ad.diagnose():
        np.mean((X @ w - 1) ** 2).backward()
    return ad.why(w.grad)


@right
def a_classifier():
    model = nn.MLP(3, 8, 2, activation="relu", rng=0)
    return ad.why(lambda x: nn.functional.cross_entropy(model(x), LABELS), X, wrt=model)


@right
def a_training():
    model = nn.MLP(3, 8, 2, activation="tanh", rng=0)
    step = optim.Adam(model.parameters(), lr=0.01)
    with ad.diagnose():
        for _ in range(5):
            step.zero_grad()
            loss = nn.functional.cross_entropy(model(X), LABELS)
            loss.backward()
            step.step()
    return ad.why(loss)


@right
def a_training_with_a_log_of_numbers():
    w, history = weights(3), []
    with ad.diagnose():
        for _ in range(3):
            loss = np.mean((X @ w - 1) ** 2)
            history.append(loss.item())
            loss.backward()
    return ad.why(w)


@right
def a_detached_target():
    w = weights(3)
    with ad.diagnose():
        target = np.tanh(X @ w).detach() + 0.5
        np.mean((X @ w - target) ** 2).backward()
    return ad.why(w)


@right
def metrics_under_no_grad():
    model = nn.Linear(3, 2, rng=0)
    with ad.diagnose():
        scores = model(X)
        with ad.no_grad():
            np.mean(scores.argmax(axis=1) == LABELS).item()
        nn.functional.cross_entropy(scores, LABELS).backward()
    return ad.why(model.weight)


@right
def a_root_behind_where():
    return ad.why(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)), np.array([0.0, 1.0, 4.0]))


@right
def a_partly_dead_layer():
    return ad.why(lambda w: np.sum(ad.relu(X @ w - 0.2)), np.ones((3, 2)))


@right
def a_partly_clipped_value():
    return ad.why(lambda w: np.sum(np.clip(X @ w, -1, 1)), np.ones(3))


@right
def a_masked_loss():
    mask = np.array([1.0, 0.0, 1.0, 0.0])
    return ad.why(lambda w: np.sum(mask * (X @ w - 1) ** 2), np.ones(3))


@right
def a_recurrence():
    def loss(w):
        h = np.zeros(3)
        for row in X:
            h = np.tanh(row + h @ w)
        return np.sum(h)

    return ad.why(loss, 0.5 * np.eye(3))


@right
def attention():
    def loss(q):
        weights = ad.softmax(q @ X.T)
        return np.sum((weights @ X) ** 2)

    return ad.why(loss, np.ones((2, 3)))


@right
def a_normalised_layer():
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 1, rng=1)
    )
    return ad.why(lambda x: np.mean((model(x) - 1) ** 2), X, wrt=model)


@right
def a_deep_network():
    model = nn.MLP(3, *([16] * 6), 1, activation="relu", rng=0)
    return ad.why(lambda x: np.mean((model(x) - 1) ** 2), X, wrt=model)


@right
def a_step_function():
    model = nn.Linear(3, 1, rng=0)

    def step():
        model.zero_grad()
        loss = np.mean((model(X) - 1) ** 2)
        loss.backward()

    return ad.why(step, wrt=model)


@right
def single_precision():
    return ad.why(lambda w: np.mean((X.astype(np.float32) @ w) ** 2), np.ones(3, np.float32))


@right
def an_inverse():
    return ad.why(lambda a: np.sum(np.linalg.inv(a)), np.eye(3) + 0.1)


@right
def a_small_penalty():
    w = weights(3)
    with ad.diagnose():
        loss = np.mean((X @ w - 1) ** 2) + 1e-6 * np.sum(w * w)
        loss.backward()
    return ad.why(loss)


@right
def a_branch_on_numbers():
    def loss(w):
        total = np.sum(w)
        return total**2 if total > 0 else -total

    return ad.why(loss, np.ones(3))


@right
def assigned_entries():
    def loss(w):
        out = w * 1.0
        out[0] = 5.0
        return np.sum(out**2)

    return ad.why(loss, np.ones(3))


@right
def distances_of_points_to_themselves():
    points = weights(3, 2)
    with ad.diagnose():
        gaps = points[:, None] - points[None]
        np.sum(np.sqrt(np.abs(np.sum(gaps, axis=2)))).backward()
    return ad.why(points)


@right
def a_ratio_of_small_differences():
    return ad.why(lambda x: (np.sin(x + 1e-9) - np.sin(x)) / ((x + 1e-9) - x), 1.0)
