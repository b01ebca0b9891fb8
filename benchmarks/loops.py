"""Long loops as one operation: an ODE fit, a Kalman filter, an LSTM and a sampler.

Each is written once, in what NumPy and JAX have in common.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .race import Race
from .reports import tier
from .rival import Contestant, Rival, contestant, of_gradients, repeated

Array = np.ndarray[Any, Any]


# --- the four programs; ``np_`` is NumPy or jax.numpy, ``ad`` has scan, grad and the rest


def ode(np_: Any, ad: Any) -> Callable[..., Any]:
    """Return the misfit of Lotka and Volterra's equations: 1,000 steps of Runge and Kutta."""

    def misfit(p: Any, seen: Any) -> Any:
        def slope(y: Any) -> Any:
            return np_.stack([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])

        def step(y: Any, _: Any) -> Any:
            h = 0.01
            k1 = slope(y)
            k2 = slope(y + h / 2 * k1)
            k3 = slope(y + h / 2 * k2)
            k4 = slope(y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            return y, y

        _, ys = ad.scan(step, p[4:], None, length=len(seen))
        return np_.mean((ys - seen) ** 2)

    return misfit


def kalman(np_: Any, ad: Any) -> Callable[..., Any]:
    """Return the negative log-likelihood of a filter of place and speed."""

    def loss(q: Any, seen: Any) -> Any:
        F, H = np_.array([[1.0, 1.0], [0.0, 1.0]]), np_.array([[1.0, 0.0]])
        Q, R = np_.exp(q[0]) * np_.array([[0.25, 0.5], [0.5, 1.0]]), np_.exp(q[1])

        def step(state: Any, z: Any) -> Any:
            x, P = state
            x, P = F @ x, F @ P @ F.T + Q
            S = (H @ P @ H.T)[0, 0] + R
            K = (P @ H.T)[:, 0] / S
            r = z - x[0]
            return (x + K * r, P - np_.outer(K, K) * S), (np_.log(S) + r * r / S) / 2

        _, terms = ad.scan(step, (np_.zeros(2), np_.eye(2)), seen)
        return np_.sum(terms)

    return loss


def lstm(np_: Any, ad: Any) -> Callable[..., Any]:
    """Return the loss of an LSTM at the last of 1,000 steps."""

    def loss(weights: Any, xs: Any) -> Any:
        W, U, b = weights
        size = U.shape[0]
        rows = xs @ W + b

        def step(state: Any, row: Any) -> Any:
            h, c = state
            a = row + h @ U
            i, f, g, o = (a[:, n * size : (n + 1) * size] for n in range(4))
            c = ad.sigmoid(f) * c + ad.sigmoid(i) * np_.tanh(g)
            return (ad.sigmoid(o) * np_.tanh(c), c), None

        zeros = np_.zeros((xs.shape[1], size), xs.dtype)
        (h, _), _ = ad.scan(step, (zeros, zeros), rows)
        return np_.mean(h**2)

    return loss


def sampler(np_: Any, ad: Any) -> Callable[..., Any]:
    """Return the path of a Hamiltonian sampler: 1,000 proposals of 10 leapfrog steps each.

    The target is a logistic regression's posterior. Normal and uniform numbers are given.
    """

    def path(start: Any, normals: Any, uniforms: Any, X: Any, y: Any) -> Any:
        def energy(w: Any) -> Any:
            return np_.sum(np_.logaddexp(0.0, X @ w) - y * (X @ w)) + np_.sum(w**2) / 2

        slope, h = ad.grad(energy), 0.05

        def leap(n: Any, state: Any) -> Any:
            w, p = state
            p = p - h / 2 * slope(w)
            w = w + h * p
            return w, p - h / 2 * slope(w)

        def propose(w: Any, given: Any) -> Any:
            p, u = given
            before = energy(w) + np_.sum(p**2) / 2
            new, q = ad.fori_loop(0, 10, leap, (w, p))
            after = energy(new) + np_.sum(q**2) / 2
            w = np_.where(np_.log(u) < before - after, new, w)
            return w, w

        return ad.scan(propose, start, (normals, uniforms))[1]

    return path


# --- what they are given


def ode_data() -> tuple[Any, ...]:
    seen = np.random.default_rng(0).uniform(1, 10, size=(1000, 2))
    return np.array([1.1, 0.4, 0.4, 0.1, 10.0, 5.0]), seen


def kalman_data() -> tuple[Any, ...]:
    return np.array([-1.0, 0.0]), np.cumsum(np.random.default_rng(0).normal(size=10_000))


def lstm_data() -> tuple[Any, ...]:
    rng, features, size, rows = np.random.default_rng(0), 16, 64, 32
    shapes = [(features, 4 * size), (size, 4 * size), (4 * size,)]
    weights = [(rng.normal(size=shape) / 8).astype(np.float32) for shape in shapes]
    return weights, rng.normal(size=(1000, rows, features)).astype(np.float32)


def sampler_data() -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    y = (X @ [1.0, -1.0, 0.5, 0.0] + rng.normal(size=100) > 0).astype(float)
    return np.zeros(4), rng.normal(size=(1000, 4)), rng.uniform(size=1000), X, y


# --- the rivals


class _Jax:
    """What the programs use of adjoint, in JAX."""

    def __init__(self) -> None:
        import jax

        self.scan, self.fori_loop = jax.lax.scan, jax.lax.fori_loop
        self.sigmoid, self.grad = jax.nn.sigmoid, jax.grad


def _contestant(
    call: Callable[[], Any], derived: bool, about: Callable[[], str] = lambda: ""
) -> Contestant:
    if derived:
        return of_gradients(lambda: _flat(call()), about=about)
    return contestant(repeated(call), lambda: np.asarray(call()), about)


def _flat(found: Any) -> Any:
    value, gradients = found
    return value, gradients if isinstance(gradients, (list, tuple)) else [gradients]


def race_of(
    title: str,
    program: Callable[[Any, Any], Callable[..., Any]],
    data: Callable[[], tuple[Any, ...]],
    *,
    derived: bool = True,
    tolerance: float = 1e-8,
) -> Race:
    """Return the race of one program: compiled by adjoint, as Python's own loop, and by JAX."""

    def of_adjoint(compiled: bool) -> Contestant:
        import adjoint as ad

        function = program(np, ad)
        function = ad.value_and_grad(function) if derived else function
        made, args = ad.compile(function) if compiled else function, data()
        about = (lambda: tier(made)) if compiled else (lambda: "")
        return _contestant(lambda: made(*args), derived, about)

    def of_jax() -> Contestant:
        import jax
        import jax.numpy as jnp

        if data is not lstm_data:
            jax.config.update("jax_enable_x64", True)
        function = program(jnp, _Jax())
        made = jax.jit(jax.value_and_grad(function) if derived else function)
        args = jax.tree.map(jnp.asarray, data())
        return _contestant(lambda: jax.block_until_ready(made(*args)), derived)

    return Race(
        title,
        "a call",
        [
            Rival("adjoint, compiled scan", lambda: of_adjoint(True), quick=True),
            Rival("JAX, jit of scan", of_jax, ("jax",)),
            Rival("adjoint, Python's own loop", lambda: of_adjoint(False)),
        ],
        reference="adjoint, Python's own loop",
        tolerance=tolerance,
    )


RACES: dict[str, Callable[[], Race]] = {
    "scan-ode": lambda: race_of(
        "An ODE fit's loss and gradient: 1,000 steps of Runge and Kutta", ode, ode_data
    ),
    "scan-kalman": lambda: race_of(
        "A Kalman filter's likelihood and gradient: 10,000 steps", kalman, kalman_data
    ),
    "scan-lstm": lambda: race_of(
        "An LSTM's loss and gradients over 1,000 steps: 16 to 64, batch 32, float32",
        lstm,
        lstm_data,
        tolerance=1e-3,
    ),
    "scan-sampler": lambda: race_of(
        "A Hamiltonian sampler: 1,000 proposals of 10 leapfrog steps, 100 rows, 4 weights",
        sampler,
        sampler_data,
        derived=False,
        tolerance=1e-6,
    ),
}
