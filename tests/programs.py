"""The programs whose written source is kept in tests/golden, by name."""

import numpy as np
from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.simplify.simplify import simplify
from adjoint.compiler.source.source import write
from adjoint.nn import functional
from adjoint.training.step import TrainingStep

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(50, 2)), RNG.integers(0, 2, 50)


def traced(function, *examples):
    return write(simplify(trace(function, *examples)))


def step_of(model, loss, X, y, optimizer=ad.optim.SGD, **settings):
    optimizer = optimizer(model.parameters(), lr=0.05, **settings)
    step = TrainingStep(model, loss, optimizer)
    step(X, y)
    return step.program(X, y).source


def article_step():
    return step_of(ad.nn.MLP(2, 4, 4, 2, rng=0), functional.cross_entropy, X, LABELS)


def momentum_step():
    model = ad.nn.MLP(2, 3, 1, activation="tanh", rng=0)
    settings = {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}
    return step_of(model, functional.mse_loss, X, X[:, :1], **settings)


def adam_step():
    model = ad.nn.Linear(2, 1, rng=0)
    return step_of(model, functional.mse_loss, X, X[:, :1], ad.optim.Adam)


def relu_step():
    model = ad.nn.MLP(2, 3, 2, activation="relu", rng=0, dtype=np.float32)
    return step_of(model, functional.cross_entropy, X.astype(np.float32), LABELS)


def rosenbrock():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return traced(ad.value_and_grad(rosenbrock), np.zeros(100))


def logistic_regression():
    def loss(parameters, X, y):
        margin = y * (X @ parameters["weight"] + parameters["offset"])
        return np.mean(np.logaddexp(0, -margin)) + 0.01 * np.sum(parameters["weight"] ** 2)

    parameters = {"weight": np.zeros(20), "offset": np.zeros(())}
    return traced(ad.value_and_grad(loss), parameters, np.zeros((1000, 20)), np.zeros(1000))


def predict():
    model = ad.nn.MLP(2, 3, 2, rng=0)

    def predict(X):
        return ad.softmax(model(X))

    compiled = ad.compile(predict)
    compiled(X)
    return compiled.source


def constants():
    weights = np.arange(12.0).reshape(3, 4) / 8

    def scores(x):
        return (x @ weights)[:, [0, 2]] * np.array([1.0, -0.5]) + np.full((2, 2), 3.0)

    return traced(scores, np.zeros((2, 3)))


def hessian():
    def energy(x):
        return np.sin(x[0]) * x[1] ** 3

    return traced(ad.hessian(energy), np.zeros(2))


def directional():
    def curve(x):
        return np.exp(-x * x) / (1 + x)

    return traced(lambda x, t: ad.jvp(curve, (x,), (t,)), np.zeros(3), np.zeros(3))


def masked_root():
    def masked_root(x):
        root = np.where(x > 0, np.sqrt(x), 0.0)
        return root.sum()

    return traced(ad.grad(masked_root), np.zeros(4))


def unrolled():
    def newton(a):
        root = a
        for _ in range(3):
            root = 0.5 * (root + a / root)
        return root

    return traced(newton, np.ones(()))


def attention():
    def attention(q, k, v):
        scores = q @ k.T / np.sqrt(4.0)
        weights = ad.softmax(scores, axis=-1)
        return weights @ v

    def loss(q, k, v):
        return (attention(q, k, v) ** 2).sum()

    return traced(ad.grad(loss, argnums=(0, 1, 2)), *np.zeros((3, 6, 4)))


PROGRAMS = {
    program.__name__: program
    for program in (
        adam_step,
        article_step,
        attention,
        constants,
        directional,
        hessian,
        logistic_regression,
        masked_root,
        momentum_step,
        predict,
        relu_step,
        rosenbrock,
        unrolled,
    )
}

if __name__ == "__main__":
    from pathlib import Path

    for name, program in PROGRAMS.items():
        path = Path(__file__).parent / "golden" / f"{name}.py"
        path.write_text(program(), encoding="utf-8")
