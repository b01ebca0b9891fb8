"""Logistic regression by gradient descent on all rows, 1,000 of 20 features, float64.

An iteration is the loss's value, its gradient and the update. In C and in JAX's loop the iterations
are inside; elsewhere each is a call from Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from .c_code import address, library
from .race import Race
from .reports import tier
from .rival import Contestant, Rival, contestant

RATE, CHECKED = 0.1, 100
Array = np.ndarray[Any, Any]
# iterate(count) goes on from zeros and returns the loss of every iteration.
Iterate = Callable[[int], Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 20))
    noisy = X @ rng.normal(size=20) + rng.normal(size=1000)
    return X, (noisy > 0).astype(float)


def start() -> tuple[Array, Array]:
    """Return the first weights and bias."""
    return np.zeros(20), np.zeros(())


def as_contestant(iterate: Iterate, *, about: Callable[[], str] = lambda: "") -> Contestant:
    return contestant(iterate, lambda: iterate(CHECKED), about)


def adjoint() -> Contestant:
    import adjoint as ad

    X, y = data()

    def loss_of(w: Any, b: Any) -> Any:
        a = X @ w + b
        return np.mean(np.logaddexp(0, a) - y * a)

    gradient = ad.value_and_grad(loss_of, argnums=(0, 1))

    @ad.compile
    def step(w: Any, b: Any) -> Any:
        loss, (d_w, d_b) = gradient(w, b)
        return loss, w - RATE * d_w, b - RATE * d_b

    def iterate(count: int) -> list[float]:
        (w, b), losses = start(), []
        for _ in range(count):
            loss, w, b = step(w, b)
            losses.append(float(loss))
        return losses

    return as_contestant(iterate, about=lambda: tier(step))


def by_hand() -> Contestant:
    X, y = data()

    def iterate(count: int) -> list[float]:
        (w, b), losses = start(), []
        for _ in range(count):
            a = X @ w + b
            losses.append(float(np.mean(np.logaddexp(0, a) - y * a)))
            d_a = (1 / (1 + np.exp(-a)) - y) / len(y)
            w = w - RATE * (d_a @ X)
            b = b - RATE * d_a.sum()
        return losses

    return as_contestant(iterate)


def plain_c(*flags: str) -> Contestant:
    X, y = data()
    function = library("logistic", *flags).descend

    def iterate(count: int) -> Array:
        parameters, losses = np.zeros(21), np.zeros(count)
        places = map(address, (parameters, X, y, losses))
        function(*places, ctypes.c_int64(count), ctypes.c_double(RATE))
        return losses

    return as_contestant(iterate)


def jax_step() -> Any:
    """Return JAX's step from weights and bias to the loss and new ones, not compiled."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, y = map(jnp.asarray, data())

    def loss_of(w: Any, b: Any) -> Any:
        a = X @ w + b
        return jnp.mean(jnp.logaddexp(0, a) - y * a)

    def step(state: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of, argnums=(0, 1))(*state)
        return tuple(p - RATE * g for p, g in zip(state, gradients, strict=True)), loss

    return step


def jax_jit() -> Contestant:
    import jax

    step = jax.jit(jax_step())

    def iterate(count: int) -> list[float]:
        state, losses = start(), []
        for _ in range(count):
            state, loss = step(state)
            losses.append(loss)
        return [float(loss) for loss in losses]

    return as_contestant(iterate)


def jax_loop() -> Contestant:
    import jax
    import jax.numpy as jnp

    step, most = jax_step(), 1000

    @jax.jit
    def block(state: Any, count: Any) -> Any:
        def body(i: Any, carried: Any) -> Any:
            state, losses = carried
            state, loss = step(state)
            return state, losses.at[i].set(loss)

        return jax.lax.fori_loop(0, count, body, (state, jnp.zeros(most)))

    def iterate(count: int) -> Array:
        state, found = start(), []
        for first in range(0, count, most):
            state, losses = block(state, min(most, count - first))
            found.append(np.asarray(losses)[: count - first])
        return np.concatenate(found)

    return as_contestant(iterate)


def pytorch() -> Contestant:
    import torch

    X, y = map(torch.from_numpy, data())

    def iterate(count: int) -> list[float]:
        parameters = [torch.from_numpy(p).requires_grad_() for p in start()]
        optimizer = torch.optim.SGD(parameters, lr=RATE, fused=True)
        w, b = parameters
        losses = []
        for _ in range(count):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(X @ w + b, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return as_contestant(iterate)


def autograd() -> Contestant:
    import autograd.numpy as anp
    from autograd import value_and_grad

    X, y = data()

    def loss_of(parameters: Any) -> Any:
        w, b = parameters
        a = anp.dot(X, w) + b
        return anp.mean(anp.logaddexp(0, a) - y * a)

    gradient = value_and_grad(loss_of)

    def iterate(count: int) -> list[float]:
        (w, b), losses = start(), []
        for _ in range(count):
            loss, (d_w, d_b) = gradient((w, b))
            w, b = w - RATE * d_w, b - RATE * d_b
            losses.append(float(loss))
        return losses

    return as_contestant(iterate)


def numba() -> Contestant:
    from .numba_loops import descend

    X, y = data()
    return as_contestant(lambda count: descend(np.zeros(20), 0.0, X, y, count, RATE))


def scikit_learn() -> Contestant:
    """Return the regression as a network without hidden layer, an iteration a `partial_fit`."""
    from sklearn.neural_network import MLPClassifier

    X, y = data()

    def iterate(count: int) -> list[float]:
        model = MLPClassifier(
            (),
            solver="sgd",
            momentum=0.0,
            alpha=0.0,
            batch_size=len(X),
            learning_rate_init=RATE,
            shuffle=False,
        )
        # The only way to arrays that can be set: train once, then begin anew.
        model.partial_fit(X, y, classes=[0, 1])
        for array in model.coefs_ + model.intercepts_:
            array[...] = 0
        del model._optimizer
        for _ in range(count):
            model.partial_fit(X, y)
        return model.loss_curve_[-count:]

    return as_contestant(iterate)


def race() -> Race:
    return Race(
        "Logistic regression, 1000 × 20, float64, gradient descent on all rows",
        "an iteration",
        [
            Rival("adjoint, compiled", adjoint, quick=True),
            Rival("hand-written NumPy", by_hand, quick=True),
            Rival("C, -O3", plain_c, ("cc",)),
            Rival("C, -O3 -ffast-math", lambda: plain_c("-ffast-math"), ("cc",)),
            Rival("JAX, loop", jax_loop, ("jax",)),
            Rival("JAX, jit an iteration", jax_jit, ("jax",)),
            Rival("Numba, loops", numba, ("numba",)),
            Rival("PyTorch, eager", pytorch, ("torch",)),
            Rival("autograd", autograd, ("autograd",)),
            Rival("scikit-learn, MLP", scikit_learn, ("sklearn",)),
        ],
        reference="hand-written NumPy",
        tolerance=1e-10,
    )
