"""The training in JAX: a call a step, or a scan over the steps of an epoch and over epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..rival import Contestant
from .task import BETA1, BETA2, EPSILON, Array, Task

# One compiled call runs this many epochs.
_EPOCHS = 20


def make_scan(task: Task, *, own_shuffle: bool = False) -> Contestant:
    """Return the training as scans; the orders of the rows are NumPy's, drawn sooner than JAX's."""
    import jax
    import jax.numpy as jnp

    start, step = _start_and_step(task)
    X, y = map(jnp.asarray, task.data)
    whole, short = divmod(len(X), task.batch)

    def take(state: Any, rows: Any) -> Any:
        state, loss = step(state, X[rows], y[rows])
        return state, loss * len(rows)

    def epoch(state: Any, order: Any) -> Any:
        if order.dtype == np.uint32:  # a key
            order = jax.random.permutation(order, len(X))
        state, losses = jax.lax.scan(take, state, order[: len(X) - short].reshape(whole, -1))
        total = losses.sum()
        if short:
            state, last = take(state, order[len(X) - short :])
            total += last
        return state, total / len(X)

    train_block = jax.jit(lambda state, orders: jax.lax.scan(epoch, state, orders))

    def train(epochs: int, shuffled: bool) -> Array:
        state, losses = start(), []
        for first in range(0, epochs, _EPOCHS):
            count = min(_EPOCHS, epochs - first)
            if own_shuffle and shuffled:
                orders = jax.random.split(jax.random.PRNGKey(first), count)
            else:
                orders = task.orders(count, shuffled).astype(np.int32)
            state, found = train_block(state, orders)
            losses.append(np.asarray(found))
        return np.concatenate(losses)

    return task.contestant(train)


def make_jit(task: Task) -> Contestant:
    """Return the training with a compiled call a step."""
    import jax
    import jax.numpy as jnp

    start, step = _start_and_step(task)
    X, y = map(jnp.asarray, task.data)

    @jax.jit
    def take(state: Any, total: Any, rows: Any) -> Any:
        state, loss = step(state, X[rows], y[rows])
        return state, total + loss * len(rows)

    def train(epochs: int, shuffled: bool) -> list[float]:
        state, losses = start(), []
        rng = np.random.default_rng(0)
        for _ in range(epochs):
            order = rng.permutation(len(X)) if shuffled else np.arange(len(X))
            total = jnp.zeros((), X.dtype)
            for first in range(0, len(X), task.batch):
                state, total = take(state, total, order[first : first + task.batch])
            losses.append(float(total) / len(X))
        return losses

    return task.contestant(train)


def _start_and_step(task: Task) -> tuple[Callable[[], Any], Callable[..., Any]]:
    """Return what makes the first state, and the step from a state to the next."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", task.dtype == "float64")
    activate = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}[task.activation]

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            x = activate(x @ W + b)
        logits = jax.nn.log_softmax(x @ weights[-2] + weights[-1])
        return -jnp.take_along_axis(logits, y[:, None], 1).mean()

    def start() -> Any:
        weights = [jnp.asarray(w) for w in task.weights()]
        if task.optimizer == "sgd":
            return (weights,)
        zeros = [jnp.zeros_like(w) for w in weights]
        return weights, zeros, zeros, jnp.zeros((), task.dtype)

    def sgd(state: Any, gradients: Any) -> Any:
        return ([w - task.rate * g for w, g in zip(*state, gradients, strict=True)],)

    def adam(state: Any, gradients: Any) -> Any:
        weights, means, squares, n = state
        n += 1
        means = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, means, gradients)
        squares = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, squares, gradients)
        scaled, root = task.rate / (1 - BETA1**n), jnp.sqrt(1 - BETA2**n)
        weights = jax.tree.map(
            lambda w, m, v: w - scaled * m / (jnp.sqrt(v) / root + EPSILON), weights, means, squares
        )
        return weights, means, squares, n

    update = {"sgd": sgd, "adam": adam}[task.optimizer]

    def step(state: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(state[0], x, y)
        return update(state, gradients), loss

    return start, step
